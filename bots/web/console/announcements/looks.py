"""How an announcement will look on each platform: drawn from what sends it.

`bots.notices.render_for` gives the words, each platform's own layout the rest; here it is only put
into HTML. So what is too long there is too long here, before anything is sent.
"""

import html
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from bots.discord import layout as discord
from bots.fitting import more_than_one
from bots.notices import render_for
from bots.telegram import layout as telegram
from core.announcements import PLATFORMS, Audience, Extras, KeptPicture, Kind, Outgoing
from core.announcements.delivery.matter import dressed
from core.town import TownPack

_ESCAPED: Final = re.compile(r"\\([^\w\s])")
_SMALL: Final = re.compile(r"^-# (.*)$", re.MULTILINE)
_STRONG: Final = re.compile(r"\*\*(.+?)\*\*")
_INVISIBLE: Final = "\u200b"  # what the library puts between @ and a name


@dataclass(frozen=True, slots=True)
class DiscordLook:
    """The parts of an embed, or a letter's text."""

    heading: Markup
    body: Markup
    foot: str


@dataclass(frozen=True, slots=True)
class Post:
    """What a page of ours shows of an announcement; its picture stands apart."""

    body: str
    language: str
    links: Sequence[tuple[str, str]]
    withdrawn_at: None = None
    edited_at: None = None
    picture: None = None


@dataclass(frozen=True, slots=True)
class Looks:
    """One message on every platform."""

    language: str  # in which it is written; another than the reader's where nobody wrote it
    message: Outgoing
    telegram: Markup
    discord: DiscordLook
    embed: bool  # whether Discord shows a card rather than text
    links: Sequence[tuple[str, str]]
    picture: str | None  # the address under which staff see it
    description: str
    post: Post
    actions: Sequence[str]  # the buttons that end it, on what goes to one person
    too_long: Sequence[str]  # platforms on which it is more than one message


def outgoing(
    town: TownPack,
    audience: Audience,
    texts: Mapping[str, Mapping[str, str]],
    extras: Extras,
    language: str,
    picture: KeptPicture | None,
) -> Outgoing:
    """The message to one reader, as a pump makes it."""
    message = render_for(town)(audience.kind, texts, language, audience.topic)
    return dressed(message, extras, picture)


def looks(
    message: Outgoing, kind: Kind, extras: Extras, goes_to: Collection[str] = PLATFORMS
) -> Looks:
    """What each platform makes of a message; `goes_to`: where it has to be one message."""
    parts = telegram.lay_out_outgoing(message)
    letter = discord.letter(message)
    embed = kind is Kind.ROOM or len(letter) > 1
    return Looks(
        language=message.language,
        message=message,
        telegram=Markup("\n\n".join(parts)),  # noqa: S704 - escaped by the layout
        discord=_card(message) if embed else _letter(letter),
        embed=embed,
        links=message.links,
        picture=f"/console/announcements/pictures/{extras.picture}" if message.picture else None,
        description=message.picture.description if message.picture else "",
        post=Post(
            "\n\n".join(part for part in (message.body, message.footnote) if part),
            message.language,
            message.links,
        ),
        actions=[label for label, _ in message.action],
        too_long=[each for each in more_than_one(message, kind) if each in goes_to],
    )


def _card(message: Outgoing) -> DiscordLook:
    cards = discord.embeds(message)
    body = "\n\n".join(each.description or "" for each in cards)
    foot = cards[-1].footer.text or ""
    return DiscordLook(_marks(cards[0].title or ""), _marks(body), foot)


def _letter(pages: Sequence[str]) -> DiscordLook:
    return DiscordLook(Markup(), _marks("\n\n".join(pages)), "")


def _marks(markdown: str) -> Markup:
    """Discord's marks as HTML: what is bold or small is; what was escaped stands as written."""
    held: list[str] = []

    def hold(found: re.Match[str]) -> str:
        held.append(found[1])
        return f"\x00{len(held) - 1}\x00"

    text = _ESCAPED.sub(hold, markdown.replace(_INVISIBLE, ""))
    text = html.escape(text, quote=False)
    text = _STRONG.sub(r"<b>\1</b>", text)
    text = _SMALL.sub(r"<small>\1</small>", text)
    shown = re.sub(r"\x00(\d+)\x00", lambda found: html.escape(held[int(found[1])]), text)
    return Markup(shown)  # noqa: S704 - escaped above, the tags are ours
