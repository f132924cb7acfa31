"""Whether an announcement is one message wherever it goes, in every reader's language.

Characters alone do not tell: platforms count in their own way, after marks, buttons and the words
around the text, and a letter's last line is in the language of its reader. So it is laid out by
what sends it.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from bots.discord import layout as discord
from bots.notices import render_for
from bots.telegram import layout as telegram
from core import announcements
from core.announcements import (
    Announcement,
    Audience,
    Extras,
    KeptPicture,
    Kind,
    Outgoing,
    Texts,
)
from core.announcements.checks import terms_of
from core.announcements.delivery.matter import dressed
from core.errors import NotFound
from core.town import TownPack


@dataclass(frozen=True, slots=True)
class TooLong:
    """Words that are more than one message of a platform."""

    platform: str
    language: str  # in which they are written


def more_than_one(message: Outgoing, kind: Kind) -> list[str]:
    """The platforms of which it is more than one message. Our own pages hold all of it."""
    found = []
    if len(telegram.lay_out_outgoing(message)) > 1:
        found.append("telegram")
    if (kind is Kind.ROOM or len(discord.letter(message)) > 1) and not discord.fits(
        discord.embeds(message)
    ):
        found.append("discord")
    return found


def destinations(town: TownPack, audience: Audience, platforms: Collection[str]) -> list[str]:
    """Of the platforms that are open, those to which it goes."""
    direct = audience.kind is Kind.DIRECT
    named = (
        terms_of(town, audience.topic).platforms
        if direct
        else dict.fromkeys(platform for platform, _ in audience.places)
    )
    return [each for each in named if each in platforms]


def too_long(
    town: TownPack,
    audience: Audience,
    texts: Texts,
    extras: Extras,
    picture: KeptPicture | None,
    *,
    platforms: Collection[str],
) -> Sequence[TooLong]:
    """Where it does not fit; `platforms` are those that are open."""
    goes_to, found = destinations(town, audience, platforms), []
    for reader in town.town.languages:
        message = render_for(town)(audience.kind, texts, reader, audience.topic)
        message = dressed(message, extras, picture)
        found += [
            TooLong(each, message.language)
            for each in more_than_one(message, audience.kind)
            if each in goes_to
        ]
    return list(dict.fromkeys(found))


async def unfit(
    session: AsyncSession, town: TownPack, each: Announcement, *, platforms: Collection[str]
) -> Sequence[TooLong]:
    """The same of what is kept."""
    picture = None
    if each.extras.picture is not None:
        try:
            picture = await announcements.picture(session, each.extras.picture)
        except NotFound:
            picture = None
    return too_long(town, each.audience, each.texts, each.extras, picture, platforms=platforms)
