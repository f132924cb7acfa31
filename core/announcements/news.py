"""What staff are told of by themselves: who has to agree, what is over, what came too late.

Every turn of an announcement is told once, whichever process sees it first; the row of a turn and
the notices are written in one transaction.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from sqlalchemy import exists, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from core.announcements.notices import notify
from core.announcements.nouns import AnnouncementState, Kind
from core.identity import find_account
from core.tables import AnnouncementRow, StaffNewsRow

LATELY: Final = timedelta(hours=1)
"""What was over before is no news: nobody is told of last year's after an update."""


class Turn(StrEnum):
    """What staff are told of."""

    ASKED = "asked"  # a second person has to agree
    DONE = "done"
    LATE = "late"  # the deadline ended it


@dataclass(frozen=True, slots=True)
class _News:
    row: AnnouncementRow
    turn: Turn
    name: str  # of the row that says it was told; asked again, it is told again


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
    rows = await session.scalars(
        select(AnnouncementRow)
        .where(
            AnnouncementRow.kind != Kind.NOTICE,
            or_(
                AnnouncementRow.state == AnnouncementState.ASKED,
                AnnouncementRow.state.in_(over) & (AnnouncementRow.finished_at > now - LATELY),
            ),
        )
        .order_by(AnnouncementRow.id)
        .limit(100)
    )
    found = []
    for row in rows.all():
        news = _news(row)
        if news is not None and not await _told(session, news):
            found.append(news)
    return found


def _news(row: AnnouncementRow) -> _News | None:
    match row.state:
        case AnnouncementState.ASKED:
            asked_at = int(row.confirmed_at.timestamp()) if row.confirmed_at else 0
            return _News(row, Turn.ASKED, f"asked-{asked_at}")
        case AnnouncementState.DONE if row.total > 0:
            return _News(row, Turn.DONE, Turn.DONE)
        case AnnouncementState.CANCELLED if row.paused_why == "deadline":
            return _News(row, Turn.LATE, Turn.LATE)
    return None


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
        "heading": str(row.texts["ja"]["heading"]),
        **{
            name: str(getattr(row, name))
            for name in ("total", "delivered", "blocked", "failed", "unsure")
        },
    }
    if news.turn is Turn.ASKED:
        values["people"] = str(row.people)
    step = "look" if news.turn is Turn.ASKED else "progress"
    for (platform, external_id), name in sorted(staff.items()):
        if news.turn is Turn.ASKED and row.asked_by == name:
            continue
        account = await find_account(session, platform, external_id)
        if account is not None:
            action = f"announce:{step}:{row.id}"
            await notify(session, account, news.turn.value, values, now=now, action=action)
