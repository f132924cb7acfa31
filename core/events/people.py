"""What is kept of a member's replies, what remains when they leave, and for how long."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from core.events.feeds import feed_since
from core.tables import EventRow, NewsRow, ReplyRow, ToldOfEventRow


async def export(session: AsyncSession, member_id: int) -> Mapping[str, Any]:
    """What is kept of a member here, as plain data: replies, reminders, the calendar's age."""
    rows = await session.execute(
        select(EventRow, ReplyRow)
        .join(ReplyRow, ReplyRow.event_id == EventRow.id)
        .where(ReplyRow.member_id == member_id)
        .order_by(EventRow.starts_at, EventRow.id)
    )
    told = await session.execute(
        select(ToldOfEventRow.event_id, ToldOfEventRow.what)
        .where(ToldOfEventRow.member_id == member_id)
        .order_by(ToldOfEventRow.event_id, ToldOfEventRow.what)
    )
    since = await feed_since(session, member_id)
    return {
        "replies": [
            {
                "event": event.id,
                "title": event.title["ja"],
                "starts": event.starts_at.isoformat(),
                "number": reply.number,
                "reply": reply.state,
                "companions": reply.companions,
                "since": reply.since.isoformat(),
                "came": reply.came_at.isoformat() if reply.came_at else None,
            }
            for event, reply in rows
        ],
        "told": [{"event": event, "what": what} for event, what in told],
        "calendar_since": since.isoformat() if since else None,
    }


async def left(session: AsyncSession, member_id: int) -> None:
    """Forget what somebody who leaves the town said; their seats are offered to the next soon."""
    for table in (ReplyRow, ToldOfEventRow):
        await session.execute(delete(table).where(table.member_id == member_id))


async def forget(session: AsyncSession, *, before: datetime) -> None:
    """Who came to what was over before; the event itself, as it was announced, stays."""
    over = select(EventRow.id).where(EventRow.ends_at < before)
    for table in (ReplyRow, ToldOfEventRow, NewsRow):
        await session.execute(
            delete(table)
            .where(table.event_id.in_(over))
            .execution_options(synchronize_session=False)
        )
