"""What the last results mean for an announcement: it is over, or too much goes wrong."""

from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, exists, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from core.announcements.nouns import AnnouncementState, Kind
from core.announcements.records import audience, get, move, step
from core.tables import AnnouncementRow, AnnouncementRunRow

WINDOW: Final = 50
"""Of so many results at least a share that failed says something."""


async def finish_if_settled(session: AsyncSession, announcement_id: int, *, now: datetime) -> None:
    """The last result finishes an announcement that has gone through its whole audience."""
    settled = (
        AnnouncementRow.delivered
        + AnnouncementRow.blocked
        + AnnouncementRow.failed
        + AnnouncementRow.unsure
    )
    await session.execute(
        update(AnnouncementRow)
        .where(
            AnnouncementRow.id == announcement_id,
            AnnouncementRow.total <= settled,
            AnnouncementRow.state == AnnouncementState.SENDING,
            ~_under_way(announcement_id),
        )
        .values(state=AnnouncementState.DONE, finished_at=now)
        .execution_options(synchronize_session=False)
    )


async def through(session: AsyncSession, announcement_id: int, *, now: datetime) -> None:
    """A cursor has reached its end. The last one tells how many recipients there were in truth.

    Between the confirmation and their turn people come, leave and change their minds.
    """
    run = AnnouncementRunRow
    found = select(func.sum(run.claimed)).where(run.announcement_id == announcement_id)
    await session.execute(
        update(AnnouncementRow)
        .where(AnnouncementRow.id == announcement_id, ~_under_way(announcement_id))
        .values(total=found.scalar_subquery())
        .execution_options(synchronize_session=False)
    )
    await finish_if_settled(session, announcement_id, now=now)


def _under_way(announcement_id: int) -> ColumnElement[bool]:
    run = AnnouncementRunRow
    return exists().where(run.announcement_id == announcement_id, run.cursor < run.last)


async def pause_if_failing(session: AsyncSession, announcement_id: int, *, now: datetime) -> bool:
    """Pause when more failed, or went nobody knows where, than the pack bears; `True` if it did.

    Looks at the results since the last look that had `WINDOW` of them. Who blocked the bot has
    not failed: that is an answer. To be called after results were counted, in the same
    transaction.
    """
    row = await get(session, announcement_id)
    share = audience(row).terms.pause_at
    if row.state != AnnouncementState.SENDING or row.kind != Kind.DIRECT or not share:
        return False
    settled = row.delivered + row.blocked + row.failed + row.unsure
    failed = row.failed + row.unsure
    new, new_failed = settled - row.window_at, failed - row.window_failed
    if new_failed * 100 > share * max(new, WINDOW):
        paused = await move(
            session,
            announcement_id,
            {AnnouncementState.SENDING},
            AnnouncementState.PAUSED,
            paused_why="failures",
            pause_told=False,
        )
        if paused:
            detail = {"failed": new_failed, "of": new}
            await step(session, announcement_id, "failing", by="kankei", now=now, detail=detail)
        return paused
    if new >= WINDOW:
        row.window_at, row.window_failed = settled, failed
        await session.flush()
    return False
