"""What a turn means for announcements, written at its end: see `Reckoning`."""

from datetime import datetime

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from core.announcements.counters import through
from core.announcements.delivery.changes import Reckoning, count
from core.announcements.delivery.outbox import expire
from core.announcements.nouns import AnnouncementState, Kind
from core.tables import AnnouncementRow


async def reckon(session: AsyncSession, reckoning: Reckoning, *, now: datetime) -> None:
    """Count, finish, pause or cancel, in the order of the announcements' numbers."""
    for number in reckoning.announcements:
        if number in reckoning.counts:
            await count(session, number, reckoning.counts[number], now=now)
        if number in reckoning.late:
            await expire(session, number, now=now)
        if number in reckoning.through:
            await through(session, number, now=now)
        if number in reckoning.given_up:
            await _give_up(session, number, now=now)


async def _give_up(session: AsyncSession, announcement_id: int, *, now: datetime) -> None:
    """A notice came too late for its person; one that was answered has ended already."""
    await session.execute(
        update(AnnouncementRow)
        .where(
            AnnouncementRow.id == announcement_id,
            AnnouncementRow.kind == Kind.NOTICE,
            AnnouncementRow.state == AnnouncementState.SENDING,
        )
        .values(state=AnnouncementState.CANCELLED, finished_at=now, paused_why="deadline")
        .execution_options(synchronize_session=False)
    )
