"""What staff are told of by themselves: who has to agree, what is over, what stands still.

Every turn of an announcement is told once, whichever process sees it first; the row of a turn and
the notices are written in one transaction.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from sqlalchemy import ColumnElement, and_, exists, null, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from core.announcements.notices import notify
from core.announcements.nouns import (
    Announcement,
    AnnouncementState,
    Change,
    Kind,
    heading_of,
)
from core.announcements.records import announcement, same_person
from core.identity import find_account
from core.tables import AnnouncementRow, StaffNewsRow

LATELY: Final = timedelta(hours=1)
"""What was over before is no news: nobody is told of last year's after an update."""


class Turn(StrEnum):
    """What staff are told of."""

    ASKED = "asked"  # a second person has to agree
    CHANGE = "change-asked"  # the same, for other words of what has arrived
    DONE = "done"
    LATE = "late"  # the deadline ended it
    PAUSED = "announcement-paused"  # too much of it failed


@dataclass(frozen=True, slots=True)
class _News:
    row: AnnouncementRow
    turn: Turn
    name: str  # of the row that says it was told; asked or paused again, it is told again
    by: str | None = None  # whoever asks is not told


async def tell_news(
    session: AsyncSession, staff: Mapping[tuple[str, str], str], *, now: datetime
) -> int:
    """Write notices of what has happened since the last look; returns how many turns it was.

    `staff` are (platform, id there), each with the name of who speaks there. Who asked is not asked
    to agree. Who never wrote to the bot cannot be told.
    """
    told = 0
    for each in await _fresh(session, now):
        try:
            async with session.begin_nested():
                session.add(StaffNewsRow(announcement_id=each.row.id, turn=each.name))
        except IntegrityError:
            continue  # another process was quicker
        told += 1
        await _tell(session, each, staff, now)
    return told


async def _fresh(session: AsyncSession, now: datetime) -> list[_News]:
    over = (AnnouncementState.DONE, AnnouncementState.CANCELLED)
    row, newest = AnnouncementRow, AnnouncementRow.id.desc()
    recent = row.state.in_(over) & (row.finished_at > now - LATELY)
    turned = select(row).where(
        row.kind != Kind.NOTICE,
        or_(row.state == AnnouncementState.ASKED, _failing(), recent),
    )
    asking = select(row).where(row.change.is_not(null()))
    found = [
        each
        for query in (turned, asking)
        for each in await session.scalars(query.order_by(newest).limit(100))
    ]
    return [
        news
        for each in dict.fromkeys(found)
        for news in _news(each)
        if not await _told(session, news)
    ]


def _failing() -> ColumnElement[bool]:
    row = AnnouncementRow
    return and_(row.state == AnnouncementState.PAUSED, row.paused_why == "failures")


async def failing(session: AsyncSession) -> list[Announcement]:
    """What stands still because too much of it failed, the newest first."""
    query = select(AnnouncementRow).where(_failing()).order_by(AnnouncementRow.id.desc())
    return [announcement(row) for row in await session.scalars(query)]


def _news(row: AnnouncementRow) -> Iterator[_News]:
    """What there is to say of an announcement as it stands."""
    if row.change is not None:
        change = Change.unpacked(row.change)
        yield _News(row, Turn.CHANGE, f"change-{int(change.at.timestamp())}", change.by)
    match row.state:
        case AnnouncementState.ASKED:
            asked_at = int(row.confirmed_at.timestamp()) if row.confirmed_at else 0
            yield _News(row, Turn.ASKED, f"asked-{asked_at}", row.asked_by)
        case AnnouncementState.PAUSED if row.paused_why == "failures":
            # Going on begins the window anew, so the next pause has another.
            yield _News(row, Turn.PAUSED, f"paused-{row.window_at}")
        case AnnouncementState.DONE if row.total > 0:
            yield _News(row, Turn.DONE, Turn.DONE)
        case AnnouncementState.CANCELLED if row.paused_why == "deadline":
            yield _News(row, Turn.LATE, Turn.LATE)


async def _told(session: AsyncSession, news: _News) -> bool:
    query = exists().where(
        StaffNewsRow.announcement_id == news.row.id, StaffNewsRow.turn == news.name
    )
    return bool(await session.scalar(select(query)))


async def _tell(
    session: AsyncSession, news: _News, staff: Mapping[tuple[str, str], str], now: datetime
) -> None:
    row = news.row
    values = {
        "number": str(row.id),
        "heading": heading_of(row.texts),
        "people": str(max(row.people, row.delivered)),
        **{
            name: str(getattr(row, name))
            for name in ("total", "delivered", "blocked", "failed", "unsure")
        },
    }
    step = "look" if news.turn in {Turn.ASKED, Turn.CHANGE} else "progress"
    for (platform, external_id), name in sorted(staff.items()):
        if news.by is not None and same_person(news.by, name):
            continue
        account = await find_account(session, platform, external_id)
        if account is not None:
            action = f"announce:{step}:{row.id}"
            await notify(session, account, news.turn.value, values, now=now, action=action)
