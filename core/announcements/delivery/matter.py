"""What an announcement says, kept by a pump for as long as it sends it."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import undefer

from core.announcements.delivery.messenger import Outgoing, Picture, Render
from core.announcements.nouns import (
    AnnouncementState,
    Audience,
    Extras,
    KeptPicture,
    Kind,
    Location,
)
from core.announcements.records import audience
from core.tables import AnnouncementRow, PictureRow
from core.town.words import FALLBACKS

logger = logging.getLogger(__name__)


class Illegible(Exception):
    """An announcement's row says what this version cannot read; its log entry has been made."""


MAX_KEPT = 16
"""How many announcements a pump keeps at hand."""
MAX_NUMBER = 2**63


@dataclass(frozen=True, slots=True)
class Matter:
    """One revision of an announcement, and its words in each language that was asked for."""

    id: int
    revision: int
    kind: Kind
    texts: Mapping[str, Any]
    extras: Extras
    audience: Audience
    picture: PictureRow | None = None
    deadline: datetime | None = None
    said: dict[str, Outgoing | None] = field(default_factory=dict)

    @property
    def holds(self) -> bool:
        """Whether staff decide about what is in doubt, rather than that it is sent once more."""
        return self.extras.policy == "hold"

    def message(self, render: Render, language: str) -> Outgoing | None:
        """In the reader's language; ``None`` if this version has no words for it."""
        if language not in self.said:
            self.said[language] = self._worded(render, language)
        return self.said[language]

    def _worded(self, render: Render, language: str) -> Outgoing | None:
        try:
            found = render(self.kind, self.texts, language, self.audience.topic)
            return found if self.kind is Kind.NOTICE else dressed(found, self.extras, self.picture)
        except Exception as error:  # noqa: BLE001 — one message without words stops no other
            reason = type(error).__name__  # what the error says may quote the message
            logger.error(  # noqa: TRY400
                "announcement-not-worded",
                extra={"announcement": self.id, "language": language, "reason": reason},
            )
            return None


def dressed(
    message: Outgoing, extras: Extras, picture: PictureRow | KeptPicture | None = None
) -> Outgoing:
    """A message with its links, the place on the map as a link, and its picture."""
    language = message.language
    links = [(_in(each.label, language), each.url) for each in extras.links]
    if extras.location is not None:
        links.append((_in(extras.location.title, language), _map(extras.location)))
    shown = None
    if picture is not None:
        description = _in(picture.descriptions, language)
        shown = Picture(picture.content, picture.media_type, description)
    return replace(message, links=(*message.links, *links), picture=shown or message.picture)


def _in(words: Mapping[str, str], language: str) -> str:
    """In a language, or the nearest that was written."""
    chosen: Sequence[str] = (language, *FALLBACKS.get(language, ()), "ja")
    return next((words[each] for each in chosen if each in words), "")


def _map(place: Location) -> str:
    """A page of OpenStreetMap with a mark on the place."""
    at = f"{place.latitude:.6f}", f"{place.longitude:.6f}"
    return f"https://www.openstreetmap.org/?mlat={at[0]}&mlon={at[1]}#map=16/{at[0]}/{at[1]}"


@lru_cache(maxsize=1_000)
def say_illegible(announcement: int, reason: str) -> None:
    """Log it, once: it is met again at every turn, and what the error says may quote the row."""
    logger.error("announcement-illegible", extra={"announcement": announcement, "reason": reason})


def legible(row: AnnouncementRow) -> Matter:
    """From an announcement's row, without its picture. Raises `Illegible`."""
    try:
        found = matter_of(row)
        AnnouncementState(row.state)
        ZoneInfo(found.audience.terms.timezone)
        if not 0 < (found.extras.picture or 1) < MAX_NUMBER:
            raise ValueError("no number of a picture")
    except Exception as error:
        # What an older or newer version, or a hand, has written must not stop a platform.
        say_illegible(row.id, type(error).__name__)
        raise Illegible from error
    return found


def matter_of(row: AnnouncementRow, picture: PictureRow | None = None) -> Matter:
    """From an announcement's row."""
    return Matter(
        row.id,
        row.revision,
        Kind(row.kind),
        row.texts,
        Extras.unpacked(row.extras),
        audience(row),
        picture,
        row.deadline,
    )


class Matters:
    """The announcements that a pump has at hand."""

    def __init__(self) -> None:
        self._kept: dict[int, Matter] = {}

    async def of(self, session: AsyncSession, announcement_id: int, revision: int) -> Matter:
        """As of a revision; read once. Raises `Illegible`."""
        kept = self._kept.pop(announcement_id, None)
        if kept is None or kept.revision != revision:
            row = (
                await session.scalars(
                    select(AnnouncementRow)
                    .where(AnnouncementRow.id == announcement_id)
                    .execution_options(populate_existing=True)
                )
            ).one()
            kept = await self.read(session, row)
        self._kept[announcement_id] = kept  # the last that was asked for stands at the end
        if len(self._kept) > MAX_KEPT:
            self._kept.pop(next(iter(self._kept)))
        return kept

    async def read(self, session: AsyncSession, row: AnnouncementRow) -> Matter:
        """With its picture. Raises `Illegible`."""
        found = legible(row)
        if (number := found.extras.picture) is None:
            return found
        picture = await session.get(PictureRow, number, options=[undefer(PictureRow.content)])
        return replace(found, picture=picture)
