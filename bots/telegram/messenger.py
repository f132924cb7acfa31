"""Messenger: what leaves for Telegram, how it is laid out, and what became of it.

Everything said is escaped and sent in the HTML style, link previews off. A message holds 4,096
UTF-16 code units after its entities were read; longer answers are cut at paragraphs, lines or
sentences, each part with its own tags, the buttons under the last.

* https://core.telegram.org/bots/api#html-style, #sendmessage, #inlinekeyboardbutton
"""

import asyncio
import html
import logging
import os
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Final, TypeVar
from urllib.parse import urlsplit

from telegram import (
    Bot,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputFile,
    LinkPreviewOptions,
    ReplyParameters,
)
from telegram.constants import ChatAction, ParseMode
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TelegramError,
)

from bots.conversation import Button, Document, Reply, SourceLink
from bots.telegram import transport
from core.announcements import (
    Blocked,
    Delivered,
    Failed,
    Flooded,
    InDoubt,
    NotSent,
    Outcome,
    Outgoing,
)

logger = logging.getLogger(__name__)

os.environ.setdefault("PTB_TIMEDELTA", "true")  # `RetryAfter.retry_after` is a timedelta

MAX_UNITS: Final = 4_000
"""What we put into one message, in UTF-16 code units: a little below the limit of 4,096."""
MAX_CAPTION: Final = 1_000  # of the 1,024 that Telegram counts without marks
MAX_LINK_TITLE: Final = 200
MAX_ACTION_BYTES: Final = 64
TYPING_AFTER: Final = 0.2  # seconds; a quicker answer needs no sign of life
TYPING_EVERY: Final = 4.0  # Telegram shows it for five seconds
MAX_TRIES: Final = 3
MAX_PAUSE: Final = timedelta(seconds=60)

Result = TypeVar("Result")


# Layout


@dataclass(frozen=True, slots=True)
class Block:
    """A run of plain text and the tags around it."""

    text: str
    opening: str = ""
    closing: str = ""
    joint: str = "\n\n"  # what separates it from the block before
    around: int = 0  # plain text in the tags, in UTF-16 code units

    @property
    def units(self) -> int:
        return units(self.text) + self.around

    @property
    def html(self) -> str:
        return f"{self.opening}{html.escape(self.text, quote=False)}{self.closing}"


def units(text: str) -> int:
    """The length as Telegram counts it: UTF-16 code units."""
    return len(text) + sum(character > "\uffff" for character in text)


def clean(text: str) -> str:
    """Text that can be sent: no lone surrogates, no control characters but line ends and tabs."""
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return re.sub(r"[\x00-\x08\x0b-\x1f\x7f]", "", whole.replace("\r\n", "\n")).strip()


_BORDERS: Final = (
    re.compile(r"\n\s*\n"),
    re.compile(r"\n"),
    re.compile(r"[。！？]+[」』）]*|[.!?]+\s"),
    re.compile(r"[、，,;；]|\s"),
)
_JOINED_TO_LEFT: Final = re.compile(
    r"[\u0300-\u036f\u200d\u20e3\u3099\u309a\ufe00-\ufe0f\U0001f3fb-\U0001f3ff]"
)


def split(text: str, limit: int = MAX_UNITS) -> list[str]:
    """Cut `text` into parts of at most `limit` code units, at the best border of each part."""
    parts = []
    while units(text) > limit:
        cut = _border(text, _prefix(text, limit))
        parts.append(text[:cut].rstrip())
        text = text[cut:].lstrip()
    return [part for part in (*parts, text) if part]


def _prefix(text: str, limit: int) -> int:
    """How many characters of `text` fit into `limit` code units."""
    used = 0
    for index, character in enumerate(text):
        used += 2 if character > "\uffff" else 1
        if used > limit:
            return index
    return len(text)


def _border(text: str, end: int) -> int:
    for border in _BORDERS:
        ends = [found.end() for found in border.finditer(text, end // 2, end)]
        if ends:
            return ends[-1]
    while end > 1 and (_JOINED_TO_LEFT.match(text, end) or text[end - 1] == "\u200d"):
        end -= 1
    return end


def pack(blocks: Iterable[Block], limit: int = MAX_UNITS) -> list[str]:
    """The blocks as HTML messages, each within `limit` code units and with whole tags."""
    messages: list[str] = []
    used = limit
    for block in (piece for each in blocks for piece in _pieces(each, limit)):
        needed = units(block.joint) + block.units
        if messages and used + needed <= limit:
            messages[-1] += block.joint + block.html
            used += needed
        else:
            messages.append(block.html)
            used = block.units
    return messages or ["…"]


def _pieces(block: Block, limit: int) -> list[Block]:
    return [
        Block(part, block.opening, block.closing, block.joint, block.around)
        for part in split(clean(block.text), limit - block.around)
    ]


def lay_out(reply: Reply) -> list[str]:
    """A reply as HTML messages."""
    return pack(
        [
            Block(reply.text),
            *(Block(quote, "<blockquote>", "</blockquote>") for quote in reply.quotes),
            *(_source(number, each) for number, each in enumerate(reply.sources, start=1)),
            *(Block(f"{each.label}\n{each.url}") for each in _unopenable(reply.buttons)),
            Block(reply.footnote, "<i>", "</i>"),
        ]
    )


def lay_out_outgoing(message: Outgoing) -> list[str]:
    """An announcement or notice as HTML messages: who speaks always stands under it."""
    return pack(
        [
            Block(message.heading, "<b>", "</b>"),
            Block(message.body),
            Block(f"— {message.sender}"),
            Block(message.footnote, "<i>", "</i>"),
        ]
    )


def _source(number: int, source: SourceLink) -> Block:
    before, note = f"{number}. ", clean(source.note)[:MAX_LINK_TITLE]
    after = f" · {note}" if note else ""
    opening, closing = before, html.escape(after, quote=False)
    if source.url and opens(source.url):
        opening, closing = f'{before}<a href="{html.escape(source.url)}">', f"</a>{closing}"
    title = clean(source.title)[:MAX_LINK_TITLE] or "…"
    joint = "\n\n" if number == 1 else "\n"
    return Block(title, opening, closing, joint, units(before) + units(after))


def opens(url: str) -> bool:
    """Whether Telegram takes an address for a button. It knows no host without a dot."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and "." in (parts.hostname or "")


def _unopenable(rows: Sequence[Sequence[Button]]) -> list[Button]:
    return [each for row in rows for each in row if each.url and not opens(each.url)]


def keyboard(rows: Sequence[Sequence[Button]]) -> InlineKeyboardMarkup | None:
    """The buttons that Telegram can show, row by row."""
    shown = [[made for each in row if (made := _button(each))] for row in rows]
    return InlineKeyboardMarkup([row for row in shown if row]) if any(shown) else None


def _button(button: Button) -> InlineKeyboardButton | None:
    label = clean(button.label) or "…"
    if button.url is not None:
        return InlineKeyboardButton(label, url=button.url) if opens(button.url) else None
    action = button.action or ""
    if not 1 <= len(action.encode()) <= MAX_ACTION_BYTES:
        logger.error("telegram-button-dropped", extra={"reason": "its action is not 1-64 bytes"})
        return None
    return InlineKeyboardButton(label, callback_data=action)


# Sending


@dataclass(frozen=True, slots=True)
class Place:
    """Where an answer goes."""

    chat_id: int
    private: bool
    topic: int | None = None  # of a forum
    message: int | None = None  # the one that is answered, shown above the answer


def reason(error: TelegramError) -> str:
    """Telegram's words without what they quote: a quoted address may be a personal link."""
    bare = re.sub(r"\S*://\S*", "…", error.message)
    return re.sub(r"'[^']*'|\"[^\"]*\"|`[^`]*`", "…", bare)[:200]


def outcome_of(error: TelegramError, *, direct: bool) -> Outcome:
    """What became of a message whose sending ended in `error`."""
    outcome: Outcome
    match error:
        case RetryAfter():
            outcome = Flooded(_pause(error))
        case ChatMigrated():
            outcome = Failed(
                f"the group is a supergroup now: write {error.new_chat_id} into town.toml"
            )
        case Forbidden() if direct:
            outcome = Blocked(reason(error))
        case BadRequest() if direct and "not found" in error.message.lower():
            outcome = Blocked(reason(error))
        case Forbidden() | BadRequest():
            outcome = Failed(reason(error))
        case InvalidToken():
            outcome = NotSent("Telegram refused the token")
        case transport.NotSent():
            outcome = NotSent(reason(error))
        case _:
            outcome = InDoubt(reason(error))
    return outcome


def _pause(error: RetryAfter) -> timedelta:
    given = error.retry_after
    return given if isinstance(given, timedelta) else timedelta(seconds=given)


class TelegramMessenger:
    """Sends announcements honestly, and answers patiently."""

    platform = "telegram"

    def __init__(self, bot: Bot) -> None:
        self.bot = bot

    async def send_direct(self, account: str, message: Outgoing, *, delivery: int) -> Outcome:
        """To one person. Telegram has no mark for `delivery`: a repeat can be seen twice."""
        return await self._deliver(account, message, delivery, direct=True)

    async def post(self, place: str, message: Outgoing, *, delivery: int) -> Outcome:
        """Into a group or channel."""
        return await self._deliver(place, message, delivery, direct=False)

    async def _deliver(
        self, target: str, message: Outgoing, delivery: int, *, direct: bool
    ) -> Outcome:
        parts = lay_out_outgoing(message)
        if not target.removeprefix("-").isdecimal():
            return Failed("not a chat id of Telegram")
        if len(parts) > 1:
            return Failed("longer than one message of Telegram can be")
        buttons = keyboard([[Button(label, action) for label, action in message.action]])
        try:
            number = await self._send(Place(int(target), direct), parts[0], buttons)
        except TelegramError as error:
            outcome = outcome_of(error, direct=direct)
            logger.info(
                "telegram-not-delivered",
                extra={"delivery": delivery, "outcome": type(outcome).__name__},
            )
            return outcome
        return Delivered(str(number))

    async def reply(self, place: Place, reply: Reply) -> None:
        """Say `reply`, in as many messages as it takes. Raises what Telegram refused it with."""
        *before, last = lay_out(reply)
        answered = place
        for part in before:
            await self._patiently(partial(self._send, answered, part))
            answered = Place(place.chat_id, place.private, place.topic)
        buttons, document = keyboard(reply.buttons), reply.document
        if document is not None and document.is_picture and len(last) <= MAX_CAPTION:
            await self._patiently(partial(self._send_photo, answered, document, last, buttons))
            return
        await self._patiently(partial(self._send, answered, last, buttons))
        if document is not None:
            await self._patiently(partial(self._send_document, answered, document))

    async def tell(self, account: str, text: str) -> bool:
        """A plain word to one person; whether it arrived."""
        place = Place(int(account), private=True)
        try:
            await self.reply(place, Reply(text))
        except TelegramError as error:
            logger.info("telegram-not-told", extra={"reason": reason(error)})
            return False
        return True

    @asynccontextmanager
    async def typing(self, place: Place) -> AsyncIterator[None]:
        """Show that somebody is working on it, as long as this lasts."""
        done = asyncio.Event()
        task = asyncio.create_task(self._show_typing(place, done))
        try:
            yield
        finally:
            done.set()
            await task  # one that arrived after the answer would be shown for five seconds

    async def _show_typing(self, place: Place, done: asyncio.Event) -> None:
        wait = TYPING_AFTER
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(done.wait(), wait)
                return
            with suppress(TelegramError):
                await self.bot.send_chat_action(
                    place.chat_id, ChatAction.TYPING, message_thread_id=place.topic
                )
            wait = TYPING_EVERY

    async def _send(
        self, place: Place, text: str, buttons: InlineKeyboardMarkup | None = None
    ) -> int:
        message = await self.bot.send_message(
            place.chat_id,
            text,
            parse_mode=ParseMode.HTML,
            link_preview_options=LinkPreviewOptions(is_disabled=True),
            message_thread_id=place.topic,
            reply_markup=buttons,
            reply_parameters=_answering(place),
        )
        return message.message_id

    async def _send_document(self, place: Place, document: Document) -> int:
        message = await self.bot.send_document(
            place.chat_id,
            InputFile(document.content, filename=document.name),
            message_thread_id=place.topic,
            reply_parameters=_answering(place),
        )
        return message.message_id

    async def _send_photo(
        self, place: Place, picture: Document, caption: str, buttons: InlineKeyboardMarkup | None
    ) -> int:
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
                if _pause(error) > MAX_PAUSE:
                    raise
                await asyncio.sleep(_pause(error).total_seconds())
            except BadRequest:
                raise
            except NetworkError:
                await asyncio.sleep(attempt / 2)
        return await send()


def _answering(place: Place) -> ReplyParameters | None:
    if place.message is None:
        return None
    return ReplyParameters(place.message, allow_sending_without_reply=True)
