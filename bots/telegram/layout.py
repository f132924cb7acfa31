"""Layout: words and buttons as Telegram shows them.

Everything said is escaped and laid out in the HTML style. A message holds 4,096 UTF-16 code units
after its entities were read, a picture's caption 1,024; longer answers are cut at paragraphs, lines
or sentences, each part with its own tags, the buttons under the last. What is announced is always
one message: a picture carries the words as its caption.

* https://core.telegram.org/bots/api#html-style, #inlinekeyboardbutton
"""

import html
import logging
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from telegram import InlineKeyboardButton, InlineKeyboardMarkup

from bots import texts
from bots.conversation import Button, Reply, SourceLink
from bots.conversation.hearing import heard_line
from core.announcements import Outgoing

logger = logging.getLogger(__name__)

MAX_UNITS: Final = 4_000
"""What we put into one message, in UTF-16 code units: a little below the limit of 4,096."""
MAX_CAPTION: Final = 1_000  # of the 1,024 that Telegram counts without marks
MAX_LINK_TITLE: Final = 200
MAX_ACTION_BYTES: Final = 64


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
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


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
            Block(heard_line(reply), "<blockquote>", "</blockquote>"),
            Block(reply.text),
            *(Block(quote, "<blockquote>", "</blockquote>") for quote in reply.quotes),
            *(_source(number, each) for number, each in enumerate(reply.sources, start=1)),
            *(Block(f"{each.label}\n{each.url}") for each in _unopenable(reply.rows)),
            Block(reply.footnote, "<i>", "</i>"),
        ]
    )


def lay_out_outgoing(message: Outgoing) -> list[str]:
    """An announcement or notice as HTML messages: who speaks always stands under it.

    One part is what can be sent; more parts mean that it is too long for one message.
    """
    if message.picture is None:
        return pack(_blocks(message))
    # Telegram keeps no words for who cannot see a picture, so they stand with it if they fit.
    seen = texts.say("topics.picture", message.language, words=message.picture.description)
    told = (Block(seen, "<i>", "</i>"),) if message.picture.description else ()
    for blocks in (_blocks(message, *told), _blocks(message)):
        if len(parts := pack(blocks, MAX_CAPTION)) == 1:
            break
    return parts


def _blocks(message: Outgoing, *before_sender: Block) -> list[Block]:
    return [
        Block(message.heading, "<b>", "</b>"),
        Block(message.body),
        *(Block(f"{label}\n{url}") for label, url in message.links if not opens(url)),
        *before_sender,
        Block(f"— {message.sender}"),
        Block(message.footnote, "<i>", "</i>"),
    ]


def outgoing_keyboard(message: Outgoing) -> InlineKeyboardMarkup | None:
    """The links, then the choices, one a row."""
    links = [[Button(label, url=url)] for label, url in message.links]
    return keyboard([*links, *([Button(label, action)] for label, action in message.action)])


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
