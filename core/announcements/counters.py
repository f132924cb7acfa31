"""What the last results mean for an announcement: it is over, or too much goes wrong."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, exists, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from core.announcements.nouns import AnnouncementState, Kind, Terms
from core.announcements.records import move, step
from core.tables import AnnouncementRow, AnnouncementRunRow

WINDOW: Final = 50
"""Of so many results at least a share that failed says something."""


async def finish_if_settled(session: AsyncSession, announcement_id: int, *, now: datetime) -> None:
    """The last result finishes an announcement that has gone through its whole audience."""
    await session.execute(
        update(AnnouncementRow)
        .where(
            AnnouncementRow.id == announcement_id,
            AnnouncementRow.total <= AnnouncementRow.settled,
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
    run, row = AnnouncementRunRow, AnnouncementRow
    # Two platforms may end in the same moment. The row's lock lets one see the other's end, for
    # PostgreSQL shows each statement what was committed before it began (READ COMMITTED).
    mine = select(row.id).where(row.id == announcement_id)
    await session.execute(mine.with_for_update(key_share=True))
    found = select(func.sum(run.claimed)).where(run.announcement_id == announcement_id)
    await session.execute(
        update(AnnouncementRow)
        .where(AnnouncementRow.id == announcement_id, ~_under_way(announcement_id))
        .values(total=found.scalar_subquery())
        .execution_options(synchronize_session=False)
    )
    await finish_if_settled(session, announcement_id, now=now)


async def unfinished(session: AsyncSession, announcement_ids: Collection[int]) -> list[int]:
    """Of these, those whose cursors have all ended and that nobody has finished; only reads."""
    if not announcement_ids:
        return []
    run, row = AnnouncementRunRow, AnnouncementRow
    claimed = select(func.sum(run.claimed)).where(run.announcement_id == row.id)
    under_way = exists().where(run.announcement_id == row.id, run.cursor < run.last)
    found = await session.scalars(
        select(row.id).where(
            row.id.in_(announcement_ids),
            row.state == AnnouncementState.SENDING,
            ~under_way,
            or_(row.total != claimed.scalar_subquery(), row.total <= row.settled),
        )
    )
    return list(found)


def _under_way(announcement_id: int) -> ColumnElement[bool]:
    run = AnnouncementRunRow
    return exists().where(run.announcement_id == announcement_id, run.cursor < run.last)


@dataclass(frozen=True, slots=True)
class Counters:
    """The counters of an announcement as they stand, and where the window began."""

    kind: str
    state: str
    segment: Mapping[str, Any]
    total: int
    settled: int
    failed: int
    unsure: int
    window_at: int
    window_failed: int

    @property
    def lost(self) -> int:
        """Failed, or gone nobody knows where. Who blocked the bot gave an answer."""
        return self.failed + self.unsure


COUNTERS: Final = tuple(getattr(AnnouncementRow, each.name) for each in fields(Counters))
"""What a statement returns to make `Counters`."""


async def pause_if_failing(
    session: AsyncSession, announcement_id: int, now_at: Counters, *, now: datetime
) -> bool:
    """Pause when more of the last results are lost than the pack bears; `True` if it did.

    Looks at the results since the last look that had `WINDOW` of them. `now_at` is what the
    counters say after results were counted, in the same transaction.
    """
    ends = now_at.kind != Kind.DIRECT or now_at.settled >= now_at.total
    if now_at.state != AnnouncementState.SENDING or ends:
        return False
    share = Terms.unpacked(now_at.segment.get("terms", {})).pause_at
    if not share:
        return False
    new, lost = now_at.settled - now_at.window_at, now_at.lost - now_at.window_failed
    if lost * 100 > share * max(new, WINDOW):
        paused = await move(
            session,
            announcement_id,
            {AnnouncementState.SENDING},
            AnnouncementState.PAUSED,
            paused_why="failures",
        )
        if paused:
            detail = {"failed": lost, "of": new}
            await step(session, announcement_id, "failing", by="kankei", now=now, detail=detail)
        return paused
    if new >= WINDOW:
        await session.execute(
            update(AnnouncementRow)
            .where(AnnouncementRow.id == announcement_id)
            .values(window_at=now_at.settled, window_failed=now_at.lost)
            .execution_options(synchronize_session=False)
        )
    return False
