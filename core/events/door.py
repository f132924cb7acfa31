"""At the door: who came, ticked off by reception number."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from core import audit
from core.errors import NotAllowed, NotFound
from core.events.nouns import EventState, Reply, ReplyState, reply_of
from core.events.records import locked
from core.tables import ReplyRow


async def mark(
    session: AsyncSession, event_id: int, member_id: int, *, came: bool, by: str, now: datetime
) -> Reply:
    """Write down that somebody came, or that this was a mistake. Twice is as once.

    Raises `NotFound`, or `NotAllowed` for an event that was cancelled or for somebody who did not
    say that they come.
    """
    event = await locked(session, event_id)
    row = await session.get(ReplyRow, (event_id, member_id), populate_existing=True)
    if row is None:
        raise NotFound(f"reply of member {member_id}")
    if event.state == EventState.CANCELLED or row.state == ReplyState.DECLINED:
        raise NotAllowed("nobody comes")
    if came != (row.came_at is not None):
        row.came_at, row.came_by = (now, by[:80]) if came else (None, None)
        await session.flush()
        await audit.record_of_member(
            session,
            member_id,
            "event.came" if came else "event.came-undone",
            by=by,
            detail={"event_number": event_id},
            now=now,
        )
    return reply_of(row)
