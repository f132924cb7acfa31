"""What leaves for Discord: words laid out within its limits, and what became of them.

Everything that is said is plain text until here and is escaped here, so no document, question or
name can format, mention or link anything. Limits are Discord's: a message 2,000 characters, an
embed 4,096, a button's label 80, five rows of five buttons.

A delivery carries its number as ``nonce`` with ``enforce_nonce``: a message that is sent again
within some minutes, because nobody knows whether the first one arrived, is absorbed by Discord.
"""

import io
import logging
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote, urlsplit

import aiohttp
import discord
from discord.utils import escape_markdown, escape_mentions

from bots.conversation import Button, Document, Reply, SourceLink
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
from core.town import TownPack

logger = logging.getLogger(__name__)

MESSAGE_LIMIT: Final = 2000
EMBED_LIMIT: Final = 4096
TITLE_LIMIT: Final = 256
FOOTER_LIMIT: Final = 1024  # with title and description still under the 6,000 of a whole embed
LABEL_LIMIT: Final = 80
URL_LIMIT: Final = 512
ROWS: Final = 5
QUOTE_LIMIT: Final = 1800  # leaves room for the marks before every line

COLOUR: Final = discord.Colour(0x0017C1)
"""The primary colour of the Digital Agency Design System."""

PATIENCE: Final = 8.0
"""Seconds that a rate limit is waited for inside the library; a longer one is our lane's affair.
Shorter than the pump's cut-off, after which nobody could tell a wait from a lost answer."""

OPENING_TOO_FAST: Final = timedelta(minutes=1)
BANNED_FOR: Final = timedelta(minutes=10)

# JSON error codes, https://discord.com/developers/docs/topics/opcodes-and-status-codes
_UNKNOWN_USER: Final = 10013
_DMS_OPENED_TOO_FAST: Final = 40003
_NOBODY_THERE: Final = frozenset({50007, 50278, _UNKNOWN_USER})  # closed to us, no common server

_FULL_WIDTH_BRACKETS: Final = str.maketrans("[]", "［］")

_BORDERS: Final = (
    re.compile(r"\n"),
    re.compile(r"[。！？!?]+[」』）)”]*|\.(?=\s)"),
    re.compile(r"[\s、，,]"),
)


# --- laying out -------------------------------------------------------------------------------


def escape(text: str) -> str:
    """`text` so that it shows as it is written. Links stay links; nobody is mentioned."""
    # Line by line: across lines, the library's own pattern puts its backslash on an empty line.
    lines = (escape_markdown(line) for line in text.split("\n"))
    return escape_mentions("\n".join(lines))


def split(text: str, limit: int) -> Iterator[str]:
    """`text` in pieces of at most `limit`, cut at a line, a sentence or a word if there is one."""
    while len(text) > limit:
        cut = _border(text, limit)
        yield text[:cut].rstrip()
        text = text[cut:].lstrip()
    if text:
        yield text


def _border(text: str, limit: int) -> int:
    for border in _BORDERS:
        ends = [found.end() for found in border.finditer(text, 0, limit)]
        if ends and ends[-1] > limit // 3:
            return ends[-1]
    backslashes = len(text[:limit]) - len(text[:limit].rstrip("\\"))
    return limit - backslashes % 2  # never between a backslash and what it escapes


def pack(blocks: Iterable[str], limit: int = MESSAGE_LIMIT) -> list[str]:
    """`blocks` put together into as few pages as the limit allows, in their order."""
    pages: list[str] = []
    for block in blocks:
        for piece in split(block, limit):
            if pages and len(pages[-1]) + 2 + len(piece) <= limit:
                pages[-1] = f"{pages[-1]}\n\n{piece}"
            else:
                pages.append(piece)
    return pages


def _paragraphs(text: str) -> list[str]:
    return [part for part in re.split(r"\n{2,}", text.strip()) if part.strip()]


def _marked(mark: str, text: str) -> Iterator[str]:
    for piece in split(escape(text.strip()), QUOTE_LIMIT):
        yield "\n".join(f"{mark} {line}" if line else mark for line in piece.split("\n"))


def _source(number: int, source: SourceLink) -> str:
    # A square bracket would end the link's text, and the library escapes only whole links.
    title = escape(source.title.translate(_FULL_WIDTH_BRACKETS))
    link = _link(source.url)
    shown = f"[{title}](<{link}>)" if link else title
    return f"{number}. {shown} {escape(source.note)}".rstrip()


def _link(url: str | None) -> str | None:
    """An address that may stand in a masked link, or nothing."""
    if not url or urlsplit(url).scheme not in {"http", "https"}:
        return None
    return quote(url, safe="%/:?#@!$&'*+,;=~-._")


def _pressable(button: Button) -> bool:
    """Whether Discord takes the address on a button; it refuses one-word hosts and long ones."""
    if button.url is None:
        return True
    try:
        parts = urlsplit(button.url)
    except ValueError:
        return False
    named = "." in (parts.hostname or "")
    return parts.scheme in {"http", "https"} and named and len(button.url) <= URL_LIMIT


class ActionButton(
    discord.ui.DynamicItem[discord.ui.Button[discord.ui.View]],
    template=r"kankei:a:(?P<action>[\s\S]+)",
):
    """A button that carries its meaning in its id, and so outlives a restart."""

    def __init__(self, action: str, label: str = "…") -> None:
        super().__init__(
            discord.ui.Button(label=_shortened(label, LABEL_LIMIT), custom_id=f"kankei:a:{action}")
        )
        self.action = action

    @classmethod
    async def from_custom_id(
        cls,
        interaction: discord.Interaction[Any],
        item: discord.ui.Item[Any],
        match: re.Match[str],
    ) -> "ActionButton":
        del interaction, item
        return cls(match["action"])

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        await interaction.client.pressed(interaction, self.action)


def _shortened(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def buttons(rows: Sequence[Sequence[Button]]) -> discord.ui.View | None:
    """The buttons that Discord takes, in their rows; `None` if there is none."""
    kept = [[each for each in row if _pressable(each)] for row in rows]
    if len(kept) > ROWS or any(len(row) > ROWS for row in kept):
        flat = [each for row in kept for each in row][: ROWS * ROWS]
        kept = [flat[start : start + ROWS] for start in range(0, len(flat), ROWS)]
    view = discord.ui.View(timeout=None)
    for index, row in enumerate(row for row in kept if row):
        for each in row:
            item: discord.ui.Item[Any]
            if each.url is not None:
                item = discord.ui.Button(label=_shortened(each.label, LABEL_LIMIT), url=each.url)
            else:
                item = ActionButton(each.action or "", each.label)
            item.row = index
            view.add_item(item)
    return view if view.children else None


def _written_links(rows: Sequence[Sequence[Button]]) -> Iterator[str]:
    """What cannot be a button is written out."""
    for row in rows:
        for each in row:
            if each.url is not None and not _pressable(each):
                yield f"{escape(each.label)}: {each.url}"


@dataclass(frozen=True, slots=True)
class Page:
    """One message, as `send` takes it."""

    content: str
    view: discord.ui.View | None = None
    document: Document | None = None

    def arguments(self) -> dict[str, Any]:
        found: dict[str, Any] = {"suppress_embeds": True}
        if self.content:
            found["content"] = self.content
        if self.view is not None:
            found["view"] = self.view
        if self.document is not None:
            found["file"] = discord.File(io.BytesIO(self.document.content), self.document.name)
        return found


def lay_out(reply: Reply) -> list[Page]:
    """A reply as messages: text, quotes, sources, small print; buttons and file on the last one."""
    blocks = [escape(each) for each in _paragraphs(reply.text)]
    for each in reply.quotes:
        blocks.extend(_marked(">", each))
    if reply.sources:
        blocks.append("\n".join(_source(i, each) for i, each in enumerate(reply.sources, start=1)))
    blocks.extend(_written_links(reply.buttons))
    if reply.footnote:
        blocks.extend(_marked("-#", reply.footnote))
    pages = pack(blocks) or [""]
    last = Page(pages[-1], buttons(reply.buttons), reply.document)
    return [*(Page(content) for content in pages[:-1]), last]


def embeds(message: Outgoing) -> list[discord.Embed]:
    """An announcement as embeds, one a message: heading on the first, who speaks on the last."""
    bodies = pack((escape(each) for each in _paragraphs(message.body)), EMBED_LIMIT) or [""]
    cards = [discord.Embed(description=body, colour=COLOUR) for body in bodies]
    cards[0].title = _shortened(escape(message.heading), TITLE_LIMIT)
    footer = "\n".join(part for part in (message.sender, message.footnote) if part)
    cards[-1].set_footer(text=_shortened(footer, FOOTER_LIMIT))
    return cards


def letter(message: Outgoing) -> list[str]:
    """A direct message as text: people may have embeds switched off, and must not miss it."""
    heading = " ".join(message.heading.split())
    blocks = [f"**{escape(heading)}**"] if heading else []
    blocks.extend(escape(each) for each in _paragraphs(message.body))
    for each in (message.sender, message.footnote):
        blocks.extend(_marked("-#", each))
    return pack(blocks)


def _choices(message: Outgoing) -> discord.ui.View | None:
    rows = [(Button(label, action=action),) for label, action in message.action]
    return buttons(rows)


# --- sending ----------------------------------------------------------------------------------


class DiscordMessenger:
    """Sends one message and says honestly what became of it."""

    platform = "discord"

    def __init__(self, client: discord.Client, town: TownPack) -> None:
        self._client = client
        self._town = town

    async def send_direct(self, account: str, message: Outgoing, *, delivery: int) -> Outcome:
        """To one person, as text in their direct messages with the bot."""
        if not self._connected:
            return NotSent("not connected")
        try:
            opened = await self._client.http.start_private_message(int(account))
        except (discord.DiscordException, aiohttp.ClientError, OSError) as error:
            return _before_anything(error)
        pages: list[dict[str, Any]] = [
            {"content": page, "suppress_embeds": True} for page in letter(message)
        ]
        return await self._send(int(opened["id"]), pages, message, delivery)

    async def post(self, place: str, message: Outgoing, *, delivery: int) -> Outcome:
        """Into a channel, as an embed. `place` is a channel's id or a room's ``guild/role``."""
        if not self._connected:
            return NotSent("not connected")
        channel = self._channel(place)
        if channel is None:
            return Failed(f"no channel of this town stands for {place}")
        return await self._send(
            channel, [{"embed": each} for each in embeds(message)], message, delivery
        )

    @property
    def _connected(self) -> bool:
        return self._client.user is not None and not self._client.is_closed()

    def _channel(self, place: str) -> int | None:
        if place.isdigit():
            return int(place)
        for gate in self._town.gates:
            if self._town.discord and place == f"{self._town.discord.guild}/{gate.discord_role}":
                return gate.discord_channel
        return None

    async def _send(
        self, channel: int, pages: Sequence[dict[str, Any]], message: Outgoing, delivery: int
    ) -> Outcome:
        if (view := _choices(message)) is not None:
            pages[-1]["view"] = view
        target = self._client.get_partial_messageable(channel)
        sent: list[int] = []
        try:
            for index, page in enumerate(pages):
                nonce = f"{delivery}.{index}" if index else str(delivery)
                sent.append((await target.send(**page, nonce=nonce)).id)
        except (discord.DiscordException, aiohttp.ClientError, OSError) as error:
            return _outcome(error)
        return Delivered(str(sent[0]) if sent else None)


def _before_anything(error: Exception) -> Outcome:
    """What opening a conversation failed with: no message has been written yet."""
    outcome = _outcome(error)
    return NotSent(outcome.reason) if isinstance(outcome, InDoubt) else outcome


def _outcome(error: Exception) -> Outcome:
    match error:
        case discord.RateLimited():
            return Flooded(timedelta(seconds=error.retry_after))
        case discord.HTTPException(code=code) if code == _DMS_OPENED_TOO_FAST:
            return Flooded(OPENING_TOO_FAST)
        case discord.HTTPException(status=HTTPStatus.TOO_MANY_REQUESTS):
            return Flooded(_asked_pause(error))
        case discord.HTTPException(code=code) if code in _NOBODY_THERE:
            return Blocked(f"Discord {code}")
        case discord.HTTPException(status=status) if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return InDoubt(f"HTTP {status}")
        case discord.HTTPException():
            return Failed(f"HTTP {error.status}, Discord {error.code}")
        case aiohttp.ClientConnectorError():
            return NotSent(type(error).__name__)
        case _:
            return InDoubt(type(error).__name__)


def _asked_pause(error: discord.HTTPException) -> timedelta:
    """How long a 429 that the library does not wait for asks for; such ones are bans."""
    asked = error.response.headers.get("Retry-After", "")
    return timedelta(seconds=float(asked)) if asked.isdigit() else BANNED_FOR
