"""Leases: who is at a message, until when, and what happens when clocks or workers fail.

A lease is a time of the wall's clock in a delivery's row. A request begins within half of it and
is cut off after a third, so it is over before its lease is. Clocks of machines are put forward
and back; a process notices by its monotonic clock.
"""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, and_, literal_column, or_, update
from sqlalchemy.ext.asyncio import AsyncSession

from core.announcements.delivery.changes import DELIVERY
from core.announcements.delivery.claims import LEASE
from core.announcements.delivery.lanes import DeliveryState, lane_code
from core.announcements.delivery.lanes import milliseconds as ms
from core.announcements.nouns import Kind
from core.clock import Clock

JUMP: Final = timedelta(seconds=1)
"""Clocks that differ by less are only adjusted."""
STALL: Final = 5.0
"""Seconds. After a turn that took longer the database was away, for other workers too."""
LONGEST_BACKOFF: Final = timedelta(minutes=7)


class Timekeeper:
    """The wall's clock, watched with the monotonic one."""

    def __init__(self, clock: Clock, monotonic: Callable[[], float]) -> None:
        self.wall, self.monotonic = clock, monotonic
        self._seen: tuple[datetime, float] | None = None
        self._trusts_from = monotonic()

    def read(self) -> tuple[datetime, bool]:
        """The time, and whether the clock was put forward or back since the last reading.

        The first reading counts as that: nobody knows what happened before.
        """
        now, ticks = self.wall(), self.monotonic()
        before, self._seen = self._seen, (now, ticks)
        if before is None:
            return now, True
        jump = (now - before[0]) - timedelta(seconds=ticks - before[1])
        if abs(jump) <= JUMP:
            return now, False
        self.distrust()
        return now, True

    def distrust(self) -> None:
        """Believe for the length of a lease that other workers are alive and at it."""
        self._trusts_from = self.monotonic() + LEASE.total_seconds()

    def trusts(self) -> bool:
        """Whether the leases of other workers are as old as they seem."""
        return self.monotonic() >= self._trusts_from


def _tried(platform: str, since: int) -> tuple[ColumnElement[bool], ...]:
    """Open rows that were tried and are due after `since`: few, though a million may rest.

    Both databases find them by ``ix_delivery_due_at``: its own words have to stand here, and no
    other index may be had by the lane.
    """
    lanes = [lane_code(platform, kind) for kind in Kind]
    row = DELIVERY.c
    return (
        row.due_at > since,
        row.attempts > literal_column("0"),
        (row.lane + 0).in_(lanes),
    )


async def void(
    session: AsyncSession, platform: str, workers: Sequence[str], *, now: datetime
) -> None:
    """What these workers hold is due now."""
    connection = await session.connection()
    await connection.execute(
        update(DELIVERY)
        .where(*_tried(platform, 0), DELIVERY.c.worker.in_(workers))
        .values(due_at=ms(now))
    )


async def free(
    session: AsyncSession,
    platform: str,
    dead: Collection[str],
    freed: set[str],
    *,
    now: datetime,
) -> None:
    """The same for workers that have died, once each; `freed` remembers for whom."""
    freed &= set(dead)
    if news := sorted(set(dead) - freed):
        await void(session, platform, news, now=now)
        freed.update(news)


async def mend(session: AsyncSession, platform: str, now: datetime) -> None:
    """After the clock was put back: no lease and no pause lies further ahead than it can."""
    row, longest = DELIVERY.c, now + 2 * LEASE
    held = row.worker.is_not(None)
    paused = and_(row.state == DeliveryState.WAITING, row.due_at > ms(now + LONGEST_BACKOFF))
    connection = await session.connection()
    await connection.execute(
        update(DELIVERY)
        .where(*_tried(platform, ms(longest)), or_(held, paused))
        .values(due_at=ms(now + LEASE))
    )
