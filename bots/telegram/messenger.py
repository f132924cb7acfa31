"""Messenger: what leaves for Telegram, and honestly what became of it.

One recipient, one message: a picture is a photo with the words as its caption. What has arrived can
be changed at any time, and deleted for 48 hours; after that its words are replaced by a line that
says it was withdrawn.

* https://core.telegram.org/bots/api#sendmessage, #sendphoto, #updating-messages
"""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Final, TypeVar

from telegram import (
    Bot,
    InlineKeyboardMarkup,
    InputFile,
    LinkPreviewOptions,
    ReplyParameters,
)
from telegram.constants import ChatAction, ParseMode
from telegram.error import (
    BadRequest,
    ChatMigrated,
    NetworkError,
    RetryAfter,
    TelegramError,
)

from bots.conversation import Document, Reply
from bots.telegram import outcome
from bots.telegram.layout import MAX_CAPTION, keyboard, lay_out
from bots.telegram.outcome import outcome_of, reason
from bots.telegram.pace import GroupPace
from bots.telegram.pictures import SharedPictures
from bots.telegram.rewriting import Rewriting
from bots.telegram.sending import Sent, laid_out, send_picture, send_words
from core.announcements import (
    Delivered,
    Failed,
    NotSent,
    Outcome,
    Outgoing,
)

logger = logging.getLogger(__name__)

os.environ.setdefault("PTB_TIMEDELTA", "true")  # `RetryAfter.retry_after` is a timedelta

TYPING_AFTER: Final = 0.2  # seconds; a quicker answer needs no sign of life
TYPING_EVERY: Final = 4.0  # Telegram shows it for five seconds
MAX_TRIES: Final = 3
MAX_PAUSE: Final = timedelta(seconds=60)
NO_PREVIEW: Final = LinkPreviewOptions(is_disabled=True)

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Place:
    """Where an answer goes."""

    chat_id: int
    private: bool
    topic: int | None = None  # of a forum
    message: int | None = None  # the one that is answered, shown above the answer


LEFT_BEHIND: Final = Failed("the group is a supergroup now: change or delete the message by hand")


class TelegramMessenger:
    """Sends, changes and takes back announcements honestly, and answers patiently.

    `paid` lets announcements pass Telegram's free rate, for a fee. `answered` is told of every
    message that answers somebody: they count for the same rate. `moved` is told when a group has
    become a supergroup with another number. `withdrawn` replaces what is too old to be deleted.
    """

    platform = "telegram"

    def __init__(
        self,
        bot: Bot,
        *,
        paid: bool = False,
        answered: Callable[[], object] = lambda: None,
        moved: Callable[[int, int], Awaitable[object]] | None = None,
        withdrawn: str = "…",
    ) -> None:
        self.bot = bot
        self._paid = paid or None
        self._answered = answered
        self._tell_moved = moved
        self._withdrawn = withdrawn
        self._pictures = SharedPictures()
        self._pace = GroupPace()
        self._moved: dict[int, int] = {}  # groups that became supergroups

    # Announcements

    async def send_direct(self, account: str, message: Outgoing, *, delivery: int) -> Outcome:
        """To one person. Telegram has no mark for `delivery`: a repeat can be seen twice."""
        return await self._deliver(account, message, delivery, direct=True)

    async def post(self, place: str, message: Outgoing, *, delivery: int) -> Outcome:
        """Into a group or channel."""
        return await self._deliver(place, message, delivery, direct=False)

    async def edit(
        self, target: str, message_id: str, message: Outgoing, *, direct: bool
    ) -> Outcome:
        """Let a message say something else; a picture stays, and its caption changes.

        Telegram sets no time limit for what a bot itself has written.
        """
        where = _where(target, message_id)
        laid = laid_out(message)
        if where is None:
            return Failed("not a message of Telegram")
        if len(laid.parts) > 1:
            return Failed("longer than one message of Telegram can be")
        new = Rewriting(laid.parts[0], laid.keyboard, message.picture is not None)
        try:
            await self._where_it_was(where[0], partial(new.apply, self.bot, where[1]))
        except ChatMigrated:
            return LEFT_BEHIND
        except TelegramError as error:
            return outcome_of(error, direct=direct)
        return Delivered(message_id)

    async def retract(self, target: str, message_id: str, *, direct: bool) -> Outcome:
        """Take a message away. What is too old for that only says that it was withdrawn."""
        where = _where(target, message_id)
        if where is None:
            return Failed("not a message of Telegram")
        chat, number = where
        try:
            await self._where_it_was(chat, partial(self.bot.delete_message, message_id=number))
        except ChatMigrated:
            return LEFT_BEHIND
        except TelegramError as error:
            if outcome.is_gone(error):
                return Delivered(message_id)
            if outcome.is_too_old(error):
                return await self._withdraw(chat, number, direct=direct)
            return outcome_of(error, direct=direct)
        return Delivered(message_id)

    async def _deliver(
        self, target: str, message: Outgoing, delivery: int, *, direct: bool
    ) -> Outcome:
        if not target.removeprefix("-").isdecimal():
            return Failed("not a chat id of Telegram")
        if len(laid_out(message).parts) > 1:
            return Failed("longer than one message of Telegram can be")
        chat = self._moved.get(int(target), int(target))
        if not self._pace.has_room(chat):
            wait = timedelta(seconds=self._pace.wait(chat))
            return NotSent("this group has had its 20 messages of the minute", retry_after=wait)
        try:
            sent = await self._following(chat, partial(self._announce, message))
        except TelegramError as error:
            found = outcome_of(error, direct=direct)
            logger.info(
                "telegram-not-delivered",
                extra={"delivery": delivery, "outcome": type(found).__name__},
            )
            return found
        self._pace.count(sent.chat)
        return Delivered(str(sent.number))

    async def _following(self, chat: int, act: Callable[[int], Awaitable[Result]]) -> Result:
        """Do something in a chat, or in the supergroup that it has become: at once there."""
        try:
            return await act(self._moved.get(chat, chat))
        except ChatMigrated as error:
            new = error.new_chat_id
            if self._moved.get(chat) != new:
                self._moved[chat] = new
                if self._tell_moved is not None:
                    await self._tell_moved(chat, new)
            return await act(new)

    async def _where_it_was(self, chat: int, act: Callable[[int], Awaitable[Result]]) -> Result:
        """Do something to a message. A supergroup numbers anew: there it would be another's."""
        if (moved := self._moved.get(chat)) is not None:
            raise ChatMigrated(moved)
        return await act(chat)

    async def _announce(self, message: Outgoing, chat: int) -> Sent:
        if message.picture is None:
            return await send_words(self.bot, chat, message, paid=self._paid)

        async def send(photo: InputFile | str) -> Sent:
            return await send_picture(self.bot, chat, photo, message, paid=self._paid)

        return await self._pictures.send(message.picture, send)

    async def _withdraw(self, chat: int, number: int, *, direct: bool) -> Outcome:
        """Replace what cannot be deleted any more. The picture of a caption stays."""
        line = Rewriting(self._withdrawn)
        try:
            captioned = await self._where_it_was(chat, partial(line.apply, self.bot, number))
        except ChatMigrated:
            return LEFT_BEHIND
        except TelegramError as error:
            return outcome_of(error, direct=direct)
        if captioned:
            return Failed("older than 48 hours: its words are withdrawn, the picture stays")
        return Delivered(str(number))

    # Answers

    async def reply(self, place: Place, reply: Reply) -> None:
        """Say `reply`, in as many messages as it takes. Raises what Telegram refused it with."""
        if reply.preview is not None:
            await self._preview(place, reply.preview)
        *before, last = lay_out(reply)
        answered = place
        for part in before:
            await self._patiently(partial(self._send, answered, part))
            answered = Place(place.chat_id, place.private, place.topic)
        buttons, document = keyboard(reply.rows), reply.document
        if document is not None and document.is_picture and len(last) <= MAX_CAPTION:
            await self._patiently(partial(self._send_photo, answered, document, last, buttons))
            return
        await self._patiently(partial(self._send, answered, last, buttons))
        if document is not None:
            await self._patiently(partial(self._send_document, answered, document))

    async def _preview(self, place: Place, message: Outgoing) -> None:
        """An announcement exactly as it would arrive, to who is writing it."""
        self._count(place)
        await self._patiently(partial(self._announce, message, place.chat_id))

    async def tell(self, account: str, text: str) -> bool:
        """A plain word to one person; whether it arrived."""
        place = Place(int(account), private=True)
        try:
            await self.reply(place, Reply(text))
        except TelegramError as error:
            logger.info("telegram-not-told", extra={"reason": reason(error)})
            return False
        return True

    def typing(self, place: Place) -> AbstractAsyncContextManager[None]:
        """Show that somebody is working on it, as long as this lasts."""
        return self.busy(place, ChatAction.TYPING)

    @asynccontextmanager
    async def busy(self, place: Place, doing: ChatAction) -> AsyncIterator[None]:
        """The same, saying what is being done."""
        done = asyncio.Event()
        task = asyncio.create_task(self._show(place, doing, done))
        try:
            yield
        finally:
            done.set()
            await task  # one that arrived after the answer would be shown for five seconds

    async def _show(self, place: Place, doing: ChatAction, done: asyncio.Event) -> None:
        wait = TYPING_AFTER
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(done.wait(), wait)
                return
            with suppress(TelegramError):
                await self.bot.send_chat_action(place.chat_id, doing, message_thread_id=place.topic)
            wait = TYPING_EVERY

    async def _send(
        self, place: Place, text: str, buttons: InlineKeyboardMarkup | None = None
    ) -> int:
        self._count(place)
        message = await self.bot.send_message(
            place.chat_id,
            text,
            parse_mode=ParseMode.HTML,
            link_preview_options=NO_PREVIEW,
            message_thread_id=place.topic,
            reply_markup=buttons,
            reply_parameters=_answering(place),
        )
        return message.message_id

    async def _send_document(self, place: Place, document: Document) -> int:
        self._count(place)
        message = await self.bot.send_document(
            place.chat_id,
            InputFile(document.content, filename=document.name),
            message_thread_id=place.topic,
            reply_parameters=_answering(place),
        )
        return message.message_id

    async def say(self, place: Place, speech: bytes, length: timedelta) -> None:
        """A voice message (Ogg/Opus) after the words that it says; the phone stays silent.

        Raises what Telegram refused it with.
        """
        await self._patiently(partial(self._send_voice, place, speech, length))

    async def _send_voice(self, place: Place, speech: bytes, length: timedelta) -> int:
        self._count(place)
        message = await self.bot.send_voice(
            place.chat_id,
            InputFile(speech, filename="answer.ogg"),
            duration=length,
            message_thread_id=place.topic,
            disable_notification=True,
        )
        return message.message_id

    async def _send_photo(
        self, place: Place, picture: Document, caption: str, buttons: InlineKeyboardMarkup | None
    ) -> int:
        self._count(place)
        message = await self.bot.send_photo(
            place.chat_id,
            InputFile(picture.content, filename=picture.name),
            caption=caption,
            parse_mode=ParseMode.HTML,
            message_thread_id=place.topic,
            reply_markup=buttons,
            reply_parameters=_answering(place),
        )
        return message.message_id

    async def _patiently(self, send: Callable[[], Awaitable[Result]]) -> Result:
        """Send an answer to somebody who waits for it.

        A pause that Telegram asks for is kept. After a broken connection it is sent again: an
        answer seen twice is better than none, which is not so for announcements.
        """
        for attempt in range(1, MAX_TRIES):
            try:
                return await send()
            except RetryAfter as error:
                if outcome.pause(error) > MAX_PAUSE:
                    raise
                await asyncio.sleep(outcome.pause(error).total_seconds())
            except BadRequest:
                raise
            except NetworkError:
                await asyncio.sleep(attempt / 2)
        return await send()

    def _count(self, place: Place) -> None:
        """An answer takes its place in the bot's rate and in the group's."""
        self._answered()
        self._pace.count(place.chat_id)


def _where(target: str, message_id: str) -> tuple[int, int] | None:
    if not target.removeprefix("-").isdecimal() or not message_id.isdecimal():
        return None
    return int(target), int(message_id)


def _answering(place: Place) -> ReplyParameters | None:
    if place.message is None:
        return None
    return ReplyParameters(place.message, allow_sending_without_reply=True)
