"""The world as Telegram's servers know it, and the rules by which it changes.

Who may do what, and in which words it is refused, stands in the methods. Everything that changes
here reaches the bot through `World.emit`. Time is Unix time in seconds, UTC.
"""

import itertools
from collections.abc import Iterable
from typing import Any, Protocol

from tests.telegram_server.api import Json
from tests.telegram_server.clock import Clock
from tests.telegram_server.nouns import (
    Account,
    Callback,
    Chat,
    ChatKind,
    File,
    InviteLink,
    Member,
    Message,
    Status,
)

BOT_ID = 7_000_000_001
JOIN_REQUEST_CONTACT_SECONDS = 5 * 60  # https://core.telegram.org/bots/api#chatjoinrequest


class Outbox(Protocol):
    """What the world asks of whatever carries updates to the bot."""

    def offer(self, kind: str, payload: Json, *, lane: int) -> None: ...


class World:
    """Everything there is."""

    def __init__(self, outbox: Outbox, clock: Clock) -> None:
        self._outbox = outbox
        self.clock = clock
        self.now = clock.now
        self._ids = itertools.count(1)
        self.bot = Account(BOT_ID, "関係ボット", "kankei_test_bot", is_bot=True)
        self.privacy_mode = True
        self.accounts: dict[int, Account] = {BOT_ID: self.bot}
        self.chats: dict[int, Chat] = {}
        self.files: dict[str, File] = {}
        self.callbacks: dict[str, Callback] = {}
        self.commands: dict[tuple[str, str], list[Json]] = {}  # by scope as JSON, and language
        self.profile: dict[tuple[str, str], str] = {}  # name and descriptions, by language

    def number(self) -> int:
        """Return the next of the numbers from which every identifier is made."""
        return next(self._ids)

    def standing(self, chat: Chat, account: Account) -> Member:
        """Return how an account stands in a chat now: a ban that is over has ended by itself."""
        member = chat.members.get(account.id, Member(account, Status.LEFT))
        if not member.until or member.until > self.now():
            return member
        back_in = member.status is Status.RESTRICTED and member.is_member
        return Member(account, Status.MEMBER if back_in else Status.LEFT)

    def private_chat(self, account: Account) -> Chat:
        if account.id not in self.chats:
            self.chats[account.id] = Chat(account.id, ChatKind.PRIVATE, person=account)
        return self.chats[account.id]

    def may_contact(self, account: Account) -> bool:
        """Return whether the bot may write: it was written to, or asked to let them in just now."""
        if account.started:
            return True
        since = self.now() - JOIN_REQUEST_CONTACT_SECONDS
        return any(
            request.date >= since
            for chat in self.chats.values()
            for request in chat.join_requests.values()
            if request.account is account
        )

    def post(self, chat: Chat, sender: Account, **content: Any) -> Message:
        """Write a message into a chat, without telling the bot."""
        # private chats and basic groups share one count an account; the others have their own
        own_count = chat.kind in {ChatKind.SUPERGROUP, ChatKind.CHANNEL}
        number = max(chat.messages, default=0) + 1 if own_count else self.number()
        message = Message(chat, number, int(self.now()), sender, **content)
        chat.messages[number] = message
        return message

    def store(self, kind: str, name: str, content: bytes, media_type: str, **more: Any) -> File:
        number = self.number()
        suffix = name.rpartition(".")[2] if "." in name else "bin"
        path = f"{kind}s/file_{number}.{suffix}"
        stored = File(f"BQACAgUAAx{number:08d}", kind, name, content, media_type, path, more)
        self.files[stored.id] = stored
        return stored

    def emit(self, kind: str, payload: Json, *, chat: Chat) -> None:
        self._outbox.offer(kind, payload, lane=chat.id)

    def change_member(
        self,
        chat: Chat,
        new: Member,
        *,
        by: Account,
        link: InviteLink | None = None,
        via_join_request: bool = False,
    ) -> None:
        """Change how someone stands, and tell the bot what it is entitled to hear."""
        account, old = new.account, self.standing(chat, new.account)
        chat.members[account.id] = new
        if new.inside:
            chat.join_requests.pop(account.id, None)
        update: Json = {
            "chat": chat.json(),
            "from": by.json(),
            "date": int(self.now()),
            "old_chat_member": old.json(chat.kind),
            "new_chat_member": new.json(chat.kind),
        }
        if link is not None:
            update["invite_link"] = link.json()
        if via_join_request:
            update["via_join_request"] = True
        if account is self.bot:
            self.emit("my_chat_member", update, chat=chat)
        elif self.standing(chat, self.bot).manages:
            self.emit("chat_member", update, chat=chat)
        if old.inside != new.inside and chat.kind in {ChatKind.GROUP, ChatKind.SUPERGROUP}:
            self._tell_group(chat, account, by=by, joined=new.inside)

    def _tell_group(self, chat: Chat, account: Account, *, by: Account, joined: bool) -> None:
        seen = account.json()
        service: Json = {"new_chat_members": [seen]} if joined else {"left_chat_member": seen}
        message = self.post(chat, by, service=service)
        if self.standing(chat, self.bot).inside and by is not self.bot:
            self.emit("message", message.json(), chat=chat)

    def change_private(self, account: Account, *, blocked: bool) -> None:
        """Let a person block the bot, or take it back."""
        was, is_now = (
            Member(self.bot, Status.KICKED if state else Status.MEMBER)
            for state in (account.blocks_bot, blocked)
        )
        account.blocks_bot = blocked
        chat = self.private_chat(account)
        update: Json = {
            "chat": chat.json(),
            "from": account.json(),
            "date": int(self.now()),
            "old_chat_member": was.json(chat.kind),
            "new_chat_member": is_now.json(chat.kind),
        }
        self.emit("my_chat_member", update, chat=chat)

    def refused_link(self, link: InviteLink, account: Account) -> str | None:
        """Return why a link does not let this account in, None when it does."""
        if link.is_revoked or (link.expires and link.expires <= self.now()):
            return "INVITE_HASH_EXPIRED"
        if link.member_limit and len(link.joined) >= link.member_limit:
            return "INVITE_HASH_EXPIRED"
        if self.standing(link.chat, account).status is Status.KICKED:
            return "USER_KICKED"
        if self.standing(link.chat, account).inside:
            return "USER_ALREADY_PARTICIPANT"
        return None

    def find_link(self, url: str) -> InviteLink | None:
        found = (chat.links.get(url) for chat in self.chats.values())
        return next((link for link in found if link is not None), None)

    def managers(self, chat: Chat) -> Iterable[Member]:
        standings = (self.standing(chat, each.account) for each in chat.members.values())
        return (each for each in standings if each.manages)

    def inside(self, chat: Chat) -> list[Account]:
        """Return who is in a chat now, in the order of joining."""
        standings = (self.standing(chat, each.account) for each in chat.members.values())
        return [each.account for each in standings if each.inside]
