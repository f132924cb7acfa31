"""Layout: words and buttons within Discord's limits.

Everything that is said is plain text until here and is escaped here, so no document, question or
name can format, mention or link anything. Limits are Discord's: a message 2,000 characters, an
embed 4,096, all embeds of a message 6,000, a button's label 80, five rows of five buttons.
"""

import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, urlsplit

import discord
from discord.utils import escape_markdown, escape_mentions

from bots.conversation import Button, Document, Reply, SourceLink
from bots.conversation.hearing import heard_line
from core.announcements import Outgoing, Picture

MESSAGE_LIMIT: Final = 2000
EMBED_LIMIT: Final = 4096
ALL_EMBEDS_LIMIT: Final = 6000
DESCRIPTION_LIMIT: Final = 1024  # of a file, its alternative text
TITLE_LIMIT: Final = 256
FOOTER_LIMIT: Final = 1024  # with title and description still under the 6,000 of a whole embed
LABEL_LIMIT: Final = 80
URL_LIMIT: Final = 512
ROWS: Final = 5
OPTIONS: Final = 25
OPTION_LIMIT: Final = 100
PLACEHOLDER_LIMIT: Final = 150
QUOTE_LIMIT: Final = 1800  # leaves room for the marks before every line

COLOUR: Final = discord.Colour(0x0017C1)
"""The primary colour of the Digital Agency Design System."""

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


class ActionMenu(
    discord.ui.DynamicItem[discord.ui.Select[discord.ui.View]],
    template=r"kankei:m",
):
    """A menu whose choices carry their meaning, and so outlive a restart."""

    def __init__(self, label: str = "…", choices: Sequence[Button] = ()) -> None:
        options = [
            discord.SelectOption(
                label=_shortened(each.label, OPTION_LIMIT), value=(each.action or "")[:OPTION_LIMIT]
            )
            for each in choices
        ]
        super().__init__(
            discord.ui.Select(
                custom_id="kankei:m",
                placeholder=_shortened(label, PLACEHOLDER_LIMIT),
                options=options or [discord.SelectOption(label="…")],
            )
        )

    @classmethod
    async def from_custom_id(
        cls,
        interaction: discord.Interaction[Any],
        item: discord.ui.Item[Any],
        match: re.Match[str],
    ) -> "ActionMenu":
        del interaction, item, match
        return cls()

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        data: Any = interaction.data
        await interaction.client.pressed(interaction, str(data["values"][0]))


def buttons(
    rows: Sequence[Sequence[Button]], menu: ActionMenu | None = None
) -> discord.ui.View | None:
    """The buttons that Discord takes, in their rows under a menu; `None` if there is nothing."""
    most = ROWS - (menu is not None)
    kept = [[each for each in row if _pressable(each)] for row in rows]
    if len(kept) > most or any(len(row) > ROWS for row in kept):
        flat = [each for row in kept for each in row][: most * ROWS]
        kept = [flat[start : start + ROWS] for start in range(0, len(flat), ROWS)]
    view = discord.ui.View(timeout=None)
    if menu is not None:
        menu.row = 0
        view.add_item(menu)
    for index, row in enumerate(row for row in kept if row):
        for each in row:
            item: discord.ui.Item[Any]
            if each.url is not None:
                item = discord.ui.Button(label=_shortened(each.label, LABEL_LIMIT), url=each.url)
            else:
                item = ActionButton(each.action or "", each.label)
            item.row = index + (menu is not None)
            view.add_item(item)
    view.stop()  # what a button means stands in its id: the library need not keep the view
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
    preview: Outgoing | None = None

    def arguments(self) -> dict[str, Any]:
        if self.preview is not None:
            return preview_of(self.preview)
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
    blocks = [*_marked(">", heard_line(reply))]
    blocks.extend(escape(each) for each in _paragraphs(reply.text))
    for each in reply.quotes:
        blocks.extend(_marked(">", each))
    if reply.sources:
        blocks.append("\n".join(_source(i, each) for i, each in enumerate(reply.sources, start=1)))
    blocks.extend(_written_links(reply.buttons))
    if reply.footnote:
        blocks.extend(_marked("-#", reply.footnote))
    pages = pack(blocks) or [""]
    last = Page(pages[-1], buttons(reply.buttons, _menu(reply)), reply.document)
    first = [Page("", preview=reply.preview)] if reply.preview is not None else []
    return [*first, *(Page(content) for content in pages[:-1]), last]


def _menu(reply: Reply) -> "ActionMenu | None":
    if not reply.menu:
        return None
    return ActionMenu(reply.menu_label, reply.menu[:OPTIONS])


def embeds(message: Outgoing) -> list[discord.Embed]:
    """An announcement as the embeds of one message: heading on the first, sender on the last."""
    bodies = pack((escape(each) for each in _paragraphs(message.body)), EMBED_LIMIT) or [""]
    cards = [discord.Embed(description=body, colour=COLOUR) for body in bodies]
    cards[0].title = _shortened(escape(message.heading), TITLE_LIMIT)
    footer = "\n".join(part for part in (message.sender, message.footnote) if part)
    cards[-1].set_footer(text=_shortened(footer, FOOTER_LIMIT))
    if message.picture is not None:
        cards[-1].set_image(url=f"attachment://{file_name(message.picture)}")
    return cards


def fits(cards: Sequence[discord.Embed]) -> bool:
    """Whether one message holds these embeds."""
    return sum(len(each) for each in cards) <= ALL_EMBEDS_LIMIT


def letter(message: Outgoing) -> list[str]:
    """A direct message as text: people may have embeds switched off, and must not miss it."""
    blocks = [_heading(message)] if message.heading.strip() else []
    blocks.extend(escape(each) for each in _paragraphs(message.body))
    blocks.extend(_written_links(_linked(message)))
    for each in (message.sender, message.footnote):
        blocks.extend(_marked("-#", each))
    return pack(blocks)


def _heading(message: Outgoing) -> str:
    return f"**{escape(' '.join(message.heading.split()))}**"


def envelope(message: Outgoing) -> str:
    """What stands above the embed of a letter that is too long for text."""
    return pack([_heading(message), *_marked("-#", message.sender)])[0]


def choices(message: Outgoing) -> discord.ui.View | None:
    """The links, then the choices, one a row as long as the rows suffice."""
    rows = [(Button(label, action=action),) for label, action in message.action]
    return buttons([*_linked(message), *rows])


def _linked(message: Outgoing) -> list[tuple[Button, ...]]:
    return [(Button(label, url=url),) for label, url in message.links]


def file_name(picture: Picture) -> str:
    return f"picture.{picture.media_type.rpartition('/')[2]}"


def attachment(picture: Picture) -> discord.File:
    """The picture as a file, with its description for who cannot see it."""
    return discord.File(
        io.BytesIO(picture.content),
        file_name(picture),
        description=_shortened(picture.description, DESCRIPTION_LIMIT) or None,
    )


def letter_of(message: Outgoing) -> dict[str, Any] | None:
    """A direct message, as `send` takes it: text, or embeds for what is too long for that.

    `None` if one message cannot hold it.
    """
    pages = letter(message)
    if len(pages) <= 1:
        return {"content": "".join(pages), "suppress_embeds": True}
    if (content := poster_of(message)) is None:
        return None
    if message.picture is not None:
        content["embeds"][-1].set_image(url=None)  # a letter has its picture beside it
    return {**content, "content": envelope(message)}


def poster_of(message: Outgoing) -> dict[str, Any] | None:
    """A post in a channel, as `send` takes it; `None` if one message cannot hold it."""
    cards = embeds(message)
    return {"embeds": cards} if fits(cards) else None


def preview_of(message: Outgoing) -> dict[str, Any]:
    """An announcement as it would arrive; who may end it by a button is written to directly."""
    given = (letter_of if message.action else poster_of)(message) or {"content": "…"}
    if message.picture is not None:
        given["file"] = attachment(message.picture)
    if (view := choices(message)) is not None:
        given["view"] = view
    return given
