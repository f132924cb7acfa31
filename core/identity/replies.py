"""What of two replies to one event holds when two members become one person."""

from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from core.tables import EventRow, ReplyRow

STRONGEST_FIRST: Final = ("coming", "offered", "waiting")
"""A seat outweighs an offer, an offer a place in line, and that everything else."""


async def lock_events(session: AsyncSession, *members: int) -> None:
    """Keep the seats of the events that both replied to as they are, before members are locked.

    Whoever takes a seat locks the event before the member as well: no two wait for each other.
    """
    answered = select(ReplyRow.event_id).where(ReplyRow.member_id.in_(members))
    await session.execute(
        select(EventRow.id).where(EventRow.id.in_(answered)).order_by(EventRow.id).with_for_update()
    )


async def join_replies(session: AsyncSession, gone: int, stays: int) -> None:
    """Leave one reply to each event: the stronger; of two alike the greater party, then the older.

    The one who was marked at the door keeps the mark.
    """
    found = await session.scalars(
        select(ReplyRow)
        .where(ReplyRow.member_id.in_((gone, stays)))
        .order_by(ReplyRow.event_id)
        .execution_options(populate_existing=True)
    )
    by_event: dict[int, list[ReplyRow]] = {}
    for row in found:
        by_event.setdefault(row.event_id, []).append(row)
    for rows in by_event.values():
        if len(rows) > 1:
            kept, other = sorted(rows, key=_weight)
            if kept.came_at is None:
                kept.came_at, kept.came_by = other.came_at, other.came_by
            await session.delete(other)
    await session.flush()


def _weight(row: ReplyRow) -> tuple[int, int, float, int]:
    """What sorts first is kept."""
    live = row.state in STRONGEST_FIRST
    rank = STRONGEST_FIRST.index(row.state) if live else len(STRONGEST_FIRST)
    party = 0 if row.state == "waiting" else -row.companions
    return rank, party, row.since.timestamp(), row.number
