"""People who use Telegram: what they do reaches the bot as updates, what it says they read here."""

import asyncio
from dataclasses import dataclass, replace
from typing import Any

from tests.telegram_server.api import Json
from tests.telegram_server.markup import Button, cut_utf16, with_detected
from tests.telegram_server.memberships import admit, new_link
from tests.telegram_server.methods import scope_key
from tests.telegram_server.nouns import (
    Account,
    Callback,
    CallbackAnswer,
    Chat,
    ChatKind,
    InviteLink,
    JoinRequest,
    Member,
    Message,
    Status,
    rights_in,
)
from tests.telegram_server.world import World


class RefusedError(Exception):
    """What Telegram's own app does not let a person do, such as following an expired link."""


@dataclass(frozen=True, slots=True)
class Press:
    """A button that was pressed."""

    world: World
    callback: Callback

    async def answer(self, timeout: float = 5.0) -> CallbackAnswer:  # noqa: ASYNC109
        """Wait for the bot's answer. Raises TimeoutError: the button would still be turning."""
        async with asyncio.timeout(timeout), self.world.clock.changed:
            await self.world.clock.changed.wait_for(lambda: self.callback.answer is not None)
        return self.callback.answer or CallbackAnswer()


class User:
    """One person. Without a chat given, everything happens in the private chat with the bot."""

    def __init__(self, world: World, account: Account) -> None:
        self.world = world
        self.account = account
        self._read: dict[int, int] = {}  # by chat: the number of the last message read

    def __repr__(self) -> str:
        return f"User({self.account.first_name!r}, id={self.id})"

    @property
    def id(self) -> int:
        return self.account.id

    @property
    def chat(self) -> Chat:
        """The private chat with the bot."""
        return self.world.private_chat(self.account)

    # -- reading -----------------------------------------------------------------------------

    async def next_message(self, timeout: float = 5.0, chat: Chat | None = None) -> Message:  # noqa: ASYNC109
        """Return the bot's next message in a chat, once each. AssertionError if none comes."""
        place = chat or self.chat
        try:
            async with asyncio.timeout(timeout), self.world.clock.changed:
                await self.world.clock.changed.wait_for(lambda: bool(self.unread(place)))
        except TimeoutError:
            said = [each.text[:60] for each in place.messages.values() if self._is_bots(each)]
            raise AssertionError(
                f"no new message for {self!r} within {timeout} s; so far: {said[-5:]}"
            ) from None
        message = self.unread(place)[0]
        self._read[place.id] = message.id
        return message

    def unread(self, chat: Chat | None = None) -> list[Message]:
        """Return the bot's messages that `next_message` has not returned yet."""
        place = chat or self.chat
        last = self._read.get(place.id, 0)
        return [
            each
            for each in place.messages.values()
            if each.id > last and self._is_bots(each) and not each.deleted
        ]

    def _is_bots(self, message: Message) -> bool:
        return message.sender is self.world.bot and not message.service

    def menu(self, chat: Chat | None = None) -> dict[str, str]:
        """Return the commands this person is offered: the narrowest scope that has any.

        https://core.telegram.org/bots/api#determining-list-of-commands
        """
        place = chat or self.chat
        scopes: list[Json] = []
        if place.kind is not ChatKind.PRIVATE:
            scopes.append({"type": "chat_member", "chat_id": place.id, "user_id": self.id})
            if self.world.standing(place, self.account).manages:
                scopes.append({"type": "chat_administrators", "chat_id": place.id})
        scopes.append({"type": "chat", "chat_id": place.id})
        if place.kind is ChatKind.PRIVATE:
            scopes.append({"type": "all_private_chats"})
        else:
            if self.world.standing(place, self.account).manages:
                scopes.append({"type": "all_chat_administrators"})
            scopes.append({"type": "all_group_chats"})
        scopes.append({"type": "default"})
        for scope in scopes:
            for language in (self.account.language or "", ""):
                found = self.world.commands.get((scope_key(**scope), language))
                if found:
                    return {each["command"]: each["description"] for each in found}
        return {}

    # -- writing -----------------------------------------------------------------------------

    async def sends(
        self,
        text: str,
        chat: Chat | None = None,
        *,
        reply_to: Message | None = None,
        thread: int | None = None,
        entities: list[Json] | None = None,
    ) -> Message:
        """Write a message; commands, mentions and links in it become entities by themselves."""
        found = with_detected(text, entities or [])
        return await self._posts(chat, text=text, entities=found, reply_to=reply_to, thread=thread)

    async def replies(self, message: Message, text: str) -> Message:
        return await self.sends(text, message.chat, reply_to=message, thread=message.thread)

    async def mentions(self, text: str, chat: Chat) -> Message:
        """Write a message that begins with the bot's @name."""
        return await self.sends(f"@{self.world.bot.username} {text}", chat)

    async def sends_document(
        self,
        name: str,
        content: bytes,
        chat: Chat | None = None,
        *,
        caption: str = "",
        media_type: str = "application/octet-stream",
    ) -> Message:
        return await self._sends_file("document", name, content, media_type, chat, caption)

    async def sends_photo(
        self, content: bytes, chat: Chat | None = None, *, caption: str = ""
    ) -> Message:
        return await self._sends_file("photo", "photo.jpg", content, "image/jpeg", chat, caption)

    async def sends_voice(
        self,
        content: bytes,
        chat: Chat | None = None,
        *,
        reply_to: Message | None = None,
        **more: Any,
    ) -> Message:
        """Send a voice message; `more` is what Telegram says of it, such as ``duration=5``."""
        file = self.world.store("voice", "voice.oga", content, "audio/ogg", **more)
        place = reply_to.chat if reply_to is not None else chat
        return await self._posts(place, file=file, reply_to=reply_to)

    async def sends_audio(
        self, content: bytes, chat: Chat | None = None, *, caption: str = "", **more: Any
    ) -> Message:
        """Send a file that Telegram plays as music; ``title`` and ``performer`` are its tags."""
        file = self.world.store("audio", "track.mp3", content, "audio/mpeg", **more)
        return await self._posts(chat, file=file, text=caption, entities=with_detected(caption, []))

    async def sends_video(
        self, content: bytes, chat: Chat | None = None, *, caption: str = ""
    ) -> Message:
        """Send a video."""
        size = {"width": 640, "height": 360}
        file = self.world.store("video", "film.mp4", content, "video/mp4", **size)
        return await self._posts(chat, file=file, text=caption, entities=with_detected(caption, []))

    async def sends_video_note(self, content: bytes, chat: Chat | None = None) -> Message:
        """Send one of the round videos."""
        file = self.world.store("video_note", "note.mp4", content, "video/mp4", length=240)
        return await self._posts(chat, file=file)

    async def _sends_file(
        self, kind: str, name: str, content: bytes, media_type: str, chat: Chat | None, caption: str
    ) -> Message:
        file = self.world.store(kind, name, content, media_type)
        entities = with_detected(caption, [])
        return await self._posts(chat, file=file, text=caption, entities=entities)

    async def edits(self, message: Message, text: str) -> None:
        message.text, message.entities = text, with_detected(text, [])
        message.edited = int(self.world.now())
        kind = "edited_channel_post" if message.chat.kind is ChatKind.CHANNEL else "edited_message"
        if _bot_hears(self.world, message):
            self.world.emit(kind, message.json(), chat=message.chat)
        await self.world.clock.announce()

    async def _posts(self, chat: Chat | None, **content: Any) -> Message:
        place = chat or self.chat
        self._require_voice(place)
        if place.person is not None:
            if self.account.blocks_bot:
                self.world.change_private(self.account, blocked=False)
            self.account.started = True
        in_channel = place.kind is ChatKind.CHANNEL
        message = self.world.post(place, self.account, **content)
        if _bot_hears(self.world, message):
            kind = "channel_post" if in_channel else "message"
            self.world.emit(kind, message.json(), chat=place)
        await self.world.clock.announce()
        return message

    def _require_voice(self, chat: Chat) -> None:
        if self.account.deactivated:
            raise RefusedError("the account was deleted")
        if chat.person is not None:
            return
        standing = self.world.standing(chat, self.account)
        if not standing.inside:
            raise RefusedError(f"{self!r} is not in {chat.title!r}")
        if chat.kind is ChatKind.CHANNEL and not standing.manages:
            raise RefusedError("only administrators post in a channel")
        if standing.status is Status.RESTRICTED and "can_send_messages" not in standing.permissions:
            raise RefusedError(f"{self!r} may not write in {chat.title!r}")

    async def presses(self, button: Button | str, message: Message) -> Press:
        """Press a button, by its label or itself. RefusedError when it opens a page."""
        pressed = message.button(button) if isinstance(button, str) else button
        if pressed.data is None:
            raise RefusedError(f"{pressed.label!r} tells the bot nothing: it opens {pressed.url}")
        callback = Callback(f"{self.world.number():018d}", self.account, self.world.now())
        self.world.callbacks[callback.id] = callback
        shown = message.json()
        if message.deleted:
            shown = {"chat": message.chat.json(), "message_id": message.id, "date": 0}
        update = {
            "id": callback.id,
            "from": self.account.json(),
            "message": shown,
            "chat_instance": str(abs(message.chat.id)),
            "data": pressed.data,
        }
        self.world.emit("callback_query", update, chat=message.chat)
        await self.world.clock.announce()
        return Press(self.world, callback)

    async def blocks_bot(self) -> None:
        self.world.change_private(self.account, blocked=True)
        await self.world.clock.announce()

    async def unblocks_bot(self) -> None:
        self.world.change_private(self.account, blocked=False)
        await self.world.clock.announce()

    async def deletes_account(self) -> None:
        self.account.deactivated = True
        await self.world.clock.announce()

    # -- coming and going --------------------------------------------------------------------

    async def follows(self, link: str) -> None:
        """Follow an invite link: in at once, or with a request. Raises RefusedError."""
        found = self.world.find_link(link)
        if found is None:
            raise RefusedError("INVITE_HASH_INVALID")
        reason = self.world.refused_link(found, self.account)
        if reason is not None:
            raise RefusedError(reason)
        if found.creates_join_request:
            self._asks(found.chat, found)
        else:
            found.joined.add(self.id)
            self._joins(found.chat, found)
        await self.world.clock.announce()

    async def joins(self, chat: Chat) -> None:
        """Join a public group or channel."""
        if chat.username is None or chat.joins_by_request:
            raise RefusedError("CHANNEL_PRIVATE")
        if self.world.standing(chat, self.account).status is Status.KICKED:
            raise RefusedError("USER_KICKED")
        self._joins(chat, None)
        await self.world.clock.announce()

    async def requests_to_join(self, chat: Chat) -> None:
        """Ask to be let in, where the chat wants to be asked."""
        if self.world.standing(chat, self.account).status is Status.KICKED:
            raise RefusedError("USER_KICKED")
        self._asks(chat, None)
        await self.world.clock.announce()

    def _joins(self, chat: Chat, link: InviteLink | None) -> None:
        self.world.change_member(chat, Member(self.account), by=self.account, link=link)

    def _asks(self, chat: Chat, link: InviteLink | None) -> None:
        chat.join_requests[self.id] = JoinRequest(self.account, self.world.now(), link)
        update: Json = {
            "chat": chat.json(),
            "from": self.account.json(),
            "user_chat_id": self.id,
            "date": int(self.world.now()),
        }
        if link is not None:
            update["invite_link"] = link.json()
        if self.world.standing(chat, self.world.bot).can("can_invite_users"):
            self.world.emit("chat_join_request", update, chat=chat)

    async def leaves(self, chat: Chat) -> None:
        self.world.change_member(chat, Member(self.account, Status.LEFT), by=self.account)
        await self.world.clock.announce()

    # -- looking after a chat ----------------------------------------------------------------

    async def adds(self, who: "User | Account", chat: Chat) -> None:
        """Add a person, or the bot as an ordinary member."""
        await self._changes(chat, Member(_account(who)))

    async def removes(self, who: "User | Account", chat: Chat) -> None:
        """Remove someone for good: in supergroups and channels they are banned."""
        self._require_manager(chat)
        status = Status.LEFT if chat.kind is ChatKind.GROUP else Status.KICKED
        await self._changes(chat, Member(_account(who), status))

    async def unbans(self, who: "User | Account", chat: Chat) -> None:
        self._require_manager(chat)
        await self._changes(chat, Member(_account(who), Status.LEFT))

    async def promotes(
        self, who: "User | Account", chat: Chat, rights: frozenset[str] | None = None
    ) -> None:
        """Make someone an administrator, with all rights unless told which."""
        self._require_manager(chat)
        given = rights_in(chat.kind) if rights is None else rights
        await self._changes(chat, Member(_account(who), Status.ADMINISTRATOR, given))

    async def demotes(self, who: "User | Account", chat: Chat) -> None:
        self._require_manager(chat)
        await self._changes(chat, Member(_account(who)))

    async def _changes(self, chat: Chat, member: Member) -> None:
        self.world.change_member(chat, member, by=self.account)
        await self.world.clock.announce()

    async def approves(self, who: "User", chat: Chat) -> None:
        """Let someone in who asked, before the bot did."""
        self._require_manager(chat)
        admit(self.world, chat, chat.join_requests[who.id], by=self.account)
        await self.world.clock.announce()

    async def declines(self, who: "User", chat: Chat) -> None:
        self._require_manager(chat)
        del chat.join_requests[who.id]
        await self.world.clock.announce()

    async def makes_link(self, chat: Chat, *, creates_join_request: bool = False) -> str:
        """Make an invite link of one's own, of which the bot knows nothing."""
        self._require_manager(chat)
        asks = creates_join_request
        return new_link(self.world, chat, self.account, creates_join_request=asks).url

    async def upgrades(self, chat: Chat) -> Chat:
        """Turn a basic group into a supergroup: another chat, with another number."""
        self._require_manager(chat)
        new = Chat(-1_000_000_000_000 - self.world.number(), ChatKind.SUPERGROUP, chat.title)
        new.members = {number: replace(each) for number, each in chat.members.items()}
        self.world.chats[new.id] = new
        chat.migrated_to = new.id
        for place, service in (
            (chat, {"migrate_to_chat_id": new.id}),
            (new, {"migrate_from_chat_id": chat.id}),
        ):
            told = self.world.post(place, self.account, service=service)
            self.world.emit("message", told.json(), chat=place)
        await self.world.clock.announce()
        return new

    def _require_manager(self, chat: Chat) -> None:
        if not self.world.standing(chat, self.account).manages:
            raise RefusedError(f"{self!r} does not look after {chat.title!r}")


def _account(who: "User | Account") -> Account:
    return who.account if isinstance(who, User) else who


def _bot_hears(world: World, message: Message) -> bool:
    """Return whether the bot gets this message: https://core.telegram.org/bots/features#privacy-mode."""
    chat = message.chat
    if chat.kind is ChatKind.PRIVATE:
        return True
    standing = world.standing(chat, world.bot)
    if not standing.inside:
        return False
    if chat.kind is ChatKind.CHANNEL or standing.manages or not world.privacy_mode:
        return True
    if message.reply_to is not None and message.reply_to.sender is world.bot:
        return True
    return any(_speaks_to(world.bot, message.text, entity) for entity in message.entities)


def _speaks_to(bot: Account, text: str, entity: Json) -> bool:
    covered = cut_utf16(text, entity["offset"], entity["length"]).lower()
    name = f"@{bot.username}".lower()
    match entity["type"]:
        case "mention":
            return covered == name
        case "text_mention":
            return bool(entity["user"]["id"] == bot.id)
        case "bot_command":
            return "@" not in covered or covered.endswith(name)
    return False
