"""Announcements as they are read aloud: who speaks first, then the heading, then what it says."""

import re
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from bots import texts
from bots.conversation import Reply
from bots.conversation.spoken import said_plainly
from bots.notices import render_for
from core.announcements import Kind, Outgoing
from core.announcements.delivery.lanes import announcement_of
from core.tables import AnnouncementRow
from core.town import TownPack

LONGEST: Final = 300
"""Characters of an announcement that are read: about a minute. The rest stands in the post."""

_SENTENCE: Final = re.compile(r"[^。！？!?\n]*(?:[。！？!?]+[」』）)”]*|\n|$)")


async def posted(
    session: AsyncSession, town: TownPack, *, number: int, channel: int, language: str
) -> Outgoing | None:
    """The announcement that a post in a channel bears, by its delivery's number.

    `None` for what is no announcement of this town to this channel, or was taken back.
    """
    row = await session.get(AnnouncementRow, announcement_of(number))
    if row is None or row.kind != Kind.ROOM or row.retracted_at is not None:
        return None
    if ["discord", str(channel)] not in [list(each) for each in row.places]:
        return None
    return render_for(town)(Kind.ROOM, row.texts, language, row.topic)


def read_aloud(message: Outgoing) -> Reply:
    """What is said of it."""
    language = message.language
    body, whole = _sentences(said_plainly(message.body, language))
    words = texts.say(
        "voice-channel.announcement.read",
        language,
        sender=said_plainly(message.sender, language),
        heading=said_plainly(message.heading, language),
        body=body,
    )
    if not whole:
        words += texts.say("voice-channel.announcement.more", language)
    return Reply(message.body, language=language, spoken=words)


def _sentences(text: str) -> tuple[str, bool]:
    """As many sentences as are read, and whether that is all. The first one always is."""
    found = [each for each in _SENTENCE.findall(text) if each.strip()]
    length, kept = 0, list[str]()
    for each in found:
        length += len(each)
        if kept and length > LONGEST:
            break
        kept.append(each)
    return "".join(kept)[: 2 * LONGEST], len(kept) == len(found)
