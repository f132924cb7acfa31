"""Handlers: Telegram's updates, translated for the conversation and the doorkeeper."""

import asyncio
import logging
import re
import traceback
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from telegram import (
    CallbackQuery,
    Chat,
    Document,
    Message,
    MessageEntity,
    PhotoSize,
    Update,
    User,
)
from telegram.constants import ChatMemberStatus, ChatType
from telegram.error import Forbidden, TelegramError
from telegram.ext import (
    BaseHandler,
    CallbackQueryHandler,
    ChatJoinRequestHandler,
    ChatMemberHandler,
    CommandHandler,
    ContextTypes,
    MessageHandler,
    filters,
)

from bots import texts
from bots.conversation import Button, ChatKind, Incoming, Reply, Upload
from bots.telegram.guests import Arrivals
from bots.telegram.knocks import Knock, Knocks
from bots.telegram.messenger import Place, TelegramMessenger
from bots.telegram.outcome import reason
from bots.telegram.voices import Voices
from core.database import transaction
from core.errors import KankeiError
from core.identity import find_account, set_reachable
from knowledge.voice.port import Heard

if TYPE_CHECKING:
    from bots.app import App  # the composition root, which imports the adapters

logger = logging.getLogger(__name__)

COMMANDS: Final = (
    *("start", "join", "code", "rooms", "card", "perks", "events", "ask", "language", "mydata"),
    "settings",
    *("announce", "answer", "help"),
)
SOUND: Final = filters.AUDIO | filters.VIDEO_NOTE | filters.VIDEO | filters.Document.AUDIO
SAID: Final = filters.VOICE | (SOUND & ~filters.CAPTION)
"""What is listened to: words under a film or music are the point."""
_CALLED: Final = re.compile(r"/(\w+)(?:@\w+)?(.*)", re.DOTALL)
_PAYLOAD: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_OUTSIDE: Final = {ChatMemberStatus.LEFT, ChatMemberStatus.BANNED}

Context = ContextTypes.DEFAULT_TYPE


class Handlers:
    """The updates of one town's bot, bound to one running app."""

    def __init__(
        self,
        app: "App",
        messenger: TelegramMessenger,
        *,
        check: Callable[[], Awaitable[None]],
        tell_staff: Callable[[str, str], Awaitable[None]],
    ) -> None:
        self._app = app
        self._messenger = messenger
        self._check = check
        self._tell_staff = tell_staff
        self._arrivals = Arrivals(app, messenger)
        self._voices = Voices(app, messenger)
        self._knocks = Knocks(app, messenger, check=check)

    def entries(self) -> list[BaseHandler[Update, Context, None]]:
        new = filters.UpdateType.MESSAGE
        private, groups = new & filters.ChatType.PRIVATE, new & filters.ChatType.GROUPS
        words = filters.TEXT | filters.CAPTION
        return [
            CommandHandler(COMMANDS, self.command, new),
            MessageHandler(private & filters.COMMAND, self.unknown_command),
            MessageHandler(private & SAID, self.spoken),
            MessageHandler(private & words, self.question),
            MessageHandler(private & ~filters.StatusUpdate.ALL, self.wordless),
            MessageHandler(groups & SAID, self.spoken_in_group),
            MessageHandler(groups & words, self.group_message),
            MessageHandler(groups & filters.StatusUpdate.MIGRATE, self.migrated),
            CallbackQueryHandler(self.button),
            ChatMemberHandler(self.own_membership, ChatMemberHandler.MY_CHAT_MEMBER),
            ChatMemberHandler(self._arrivals.moved, ChatMemberHandler.CHAT_MEMBER),
            ChatJoinRequestHandler(self.join_request),
        ]

    # Messages and buttons

    async def command(self, update: Update, context: Context) -> None:
        """/start and the others; ``/start join`` is what a link with a payload sends."""
        if (message := update.message) is None:
            return
        called = _CALLED.match(message.text or "")
        name, text = (called[1].lower(), called[2].strip()) if called else ("help", "")
        if name == "start" and text in COMMANDS:
            name, text = text, ""
        await self._converse(update, context, message, text=text, command=name)

    async def unknown_command(self, update: Update, context: Context) -> None:
        await self._converse(update, context, update.message, command="help")

    async def question(self, update: Update, context: Context) -> None:
        if (message := update.message) is not None:
            text = message.text or message.caption or ""
            upload = self._upload(message)
            await self._converse(update, context, message, text=text, upload=upload)

    async def group_message(self, update: Update, context: Context) -> None:
        """In a group only what mentions the bot, or replies to it, is meant for it."""
        if (message := update.message) is not None:
            text = _addressed(message, context.bot.username, context.bot.id)
            if text is not None:
                await self._converse(update, context, message, text=text)

    async def spoken(self, update: Update, context: Context) -> None:
        """A voice message or a recording: a question, never a command."""
        message, user = update.message, update.effective_user
        if message is None or user is None:
            return
        if not self._voices.hears:
            written = self.question if message.caption else self.wordless
            await written(update, context)
            return
        number = str(update.update_id)
        async with self._voices.once(number) as new:
            if not new:
                return
            heard = await self._voices.hear(message, user, _place(message))
            if heard is None:
                await self._voices.refused(number)
            else:
                await self._converse(update, context, message, heard=heard)

    async def spoken_in_group(self, update: Update, context: Context) -> None:
        """In a group, a voice message that answers the bot is meant for it."""
        message = update.message
        meant = message and _addressed(message, context.bot.username, context.bot.id) is not None
        if message is None or not meant:
            return
        if self._voices.hears:
            await self.spoken(update, context)
        elif message.caption:
            await self.group_message(update, context)

    async def wordless(self, update: Update, context: Context) -> None:
        """A picture, a sticker, a video. Pictures of staff may be meant for something."""
        if (message := update.message) is not None:
            if (upload := self._upload(message)) is not None:
                await self._converse(update, context, message, upload=upload)
                return
            key = "words-or-voice" if self._voices.hears else "words-please"
            words = texts.say(f"telegram.message.{key}", _language(message.from_user))
            await self._messenger.reply(_place(message), Reply(words))

    def _upload(self, message: Message) -> Upload | None:
        """A file that a member of staff sent; fetched only if the conversation wants it."""
        user = message.from_user
        if user is None or not self._app.staff("telegram", str(user.id)):
            return None
        document = message.document
        file: PhotoSize | Document | None = message.photo[-1] if message.photo else None
        if document is not None:  # also one that is no picture: the conversation says so
            file = document
        if file is None:
            return None
        size, number, bot = file.file_size or 0, file.file_id, self._messenger.bot

        async def read() -> bytes:
            return bytes(await (await bot.get_file(number)).download_as_bytearray())

        return Upload(size, read)

    async def button(self, update: Update, context: Context) -> None:
        """A pressed button turns on the person's screen until it is answered: that comes first."""
        if (query := update.callback_query) is None:
            return
        await asyncio.gather(
            _release(query),
            self._converse(update, context, query.message, action=query.data or ""),
        )

    async def _converse(
        self,
        update: Update,
        context: Context,
        message: Any,
        *,
        text: str = "",
        command: str | None = None,
        action: str | None = None,
        upload: Upload | None = None,
        heard: Heard | None = None,
    ) -> None:
        """Ask the conversation once, write its answer, and say it to who wants that."""
        user = update.effective_user
        if user is None or user.is_bot:  # an anonymous administrator comes as a bot
            return
        place = _place(message) if message is not None else Place(user.id, private=True)
        incoming = Incoming(
            platform="telegram",
            account=str(user.id),
            name=user.full_name,
            text=text,
            command=command,
            action=action,
            language=user.language_code,
            chat=ChatKind.PRIVATE if place.private else ChatKind.GROUP,
            thread=f"{place.chat_id}/{place.topic}" if place.topic else str(place.chat_id),
            update=str(update.update_id),
            presses_unseen=place.private,
            upload=upload,
            heard=heard,
        )
        if action is not None:
            place = replace(place, message=None)  # under the buttons it stands by itself
        async with self._messenger.typing(place):
            reply = await self._app.conversation.handle(incoming)
        if reply is None:
            return
        if not place.private and (reply.private or reply.document is not None):
            reply = _elsewhere(reply, command or action or "", context.bot.username)
        await self._messenger.reply(place, reply)
        await self._voices.answer(place, reply)

    # Coming and going

    async def join_request(self, update: Update, _: Context) -> None:
        if (request := update.chat_join_request) is not None:
            user = request.from_user
            await self._knocks.answer(
                Knock(request.chat.id, user.id, request.user_chat_id, _language(user))
            )

    async def retry_pending(self) -> None:
        """Look again at everyone about whom nobody could tell."""
        await self._knocks.look_again()
        await self._arrivals.look_again()

    async def own_membership(self, update: Update, _: Context) -> None:
        """Somebody blocked the bot or took it back; or its standing in a group has changed."""
        if (change := update.my_chat_member) is None:
            return
        now = change.new_chat_member.status
        if change.chat.type == ChatType.PRIVATE:
            await self._note_reachable(change.from_user.id, reachable=now not in _OUTSIDE)
        elif self._is_ours(change.chat):
            await self._check()
        elif change.old_chat_member.status in _OUTSIDE and now not in _OUTSIDE:
            await self._note_new_group(change.chat, change.from_user)

    async def migrated(self, update: Update, _: Context) -> None:
        """A group became a supergroup, with another number."""
        if (message := update.message) is not None and self._is_ours(message.chat):
            await self._check()

    def _is_ours(self, chat: Chat) -> bool:
        town = self._app.town
        ours = {*(gate.telegram_chat for gate in town.gates), town.telegram.announcement_chat}
        return chat.id in ours

    async def _note_new_group(self, chat: Chat, by: User) -> None:
        """Say the number that town.toml needs: to staff who added the bot, and on the terminal."""
        self._app.happenings.tell("telegram.happening.added", id=chat.id)
        account = str(by.id)
        if self._app.staff("telegram", account):
            words = texts.say(
                "telegram.problem.added", _language(by), chat=chat.title or "", id=chat.id
            )
            await self._tell_staff(account, words)

    async def _note_reachable(self, user: int, *, reachable: bool) -> None:
        async with transaction(self._app.sessions) as session:
            account = await find_account(session, "telegram", str(user))
            if account is not None:
                await set_reachable(session, account.id, reachable=reachable)

    # The edge

    async def failed(self, update: object, context: Context) -> None:
        """Whatever went wrong in a handler: a log line without contents, and words."""
        error = context.error
        if isinstance(error, Forbidden):
            logger.info("telegram-answer-not-delivered", extra={"reason": reason(error)})
            return
        trace = traceback.format_tb(error.__traceback__) if error else []
        told = reason(error) if isinstance(error, TelegramError) else ""
        logger.error(
            "telegram-update-failed",
            extra={"error": type(error).__name__, "reason": told, "trace": "".join(trace)},
        )
        message = update.effective_message if isinstance(update, Update) else None
        if not isinstance(update, Update) or not isinstance(message, Message):
            return
        code = error.code if isinstance(error, KankeiError) else "unexpected"
        key = f"errors.{code}" if texts.knows(f"errors.{code}") else "errors.unexpected"
        with suppress(TelegramError):
            words = Reply(texts.say(key, _language(update.effective_user)))
            await self._messenger.reply(_place(message), words)


def _language(user: User | None) -> str:
    return texts.nearest(user.language_code if user else None)


def _place(message: Any) -> Place:
    """Where the answer to a message goes. An old message is known by its chat and number only."""
    topic = message.message_thread_id if getattr(message, "is_topic_message", False) else None
    if message.chat.type == ChatType.PRIVATE:
        return Place(message.chat.id, private=True, topic=topic)
    return Place(message.chat.id, private=False, topic=topic, message=message.message_id)


def _addressed(message: Message, username: str, bot_id: int) -> str | None:
    """What a message in a group says to the bot, without its name; `None`: not meant for it."""
    kinds: list[str | None] = [MessageEntity.MENTION, MessageEntity.TEXT_MENTION]
    if message.text is not None:
        text, entities = message.text, message.parse_entities(kinds)
    else:
        text, entities = message.caption or "", message.parse_caption_entities(kinds)
    calls = [
        words
        for entity, words in entities.items()
        if words.lower() == f"@{username}".lower() or (entity.user and entity.user.id == bot_id)
    ]
    if not calls and not _answers(message, bot_id):
        return None
    for words in calls:
        text = text.replace(words, " ")
    return text.strip()


def _answers(message: Message, bot_id: int) -> bool:
    """Whether it replies to what the bot said; every message of a topic replies to its head."""
    said = message.reply_to_message
    if said is None or said.from_user is None or said.forum_topic_created is not None:
        return False
    return said.from_user.id == bot_id


def _elsewhere(reply: Reply, wish: str, username: str) -> Reply:
    """In a group, instead of what is for one person's eyes only."""
    payload = wish.partition(":")[0]
    link = _deep_link(username, payload if _PAYLOAD.fullmatch(payload) else "start")
    label = texts.say("telegram.group.open", reply.language)
    return Reply(
        texts.say("telegram.group.private", reply.language),
        buttons=((Button(label, url=link),),),
        language=reply.language,
    )


def _deep_link(username: str, payload: str) -> str:
    return f"https://t.me/{username}?start={payload}"


async def _release(query: CallbackQuery) -> None:
    try:
        await query.answer()
    except TelegramError as error:
        logger.info("telegram-button-not-released", extra={"reason": reason(error)})
