"""The address of a member's own calendar: made once, shown once, withdrawn at any time."""

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from core import audit
from core.events.nouns import LIVE, Event, Reply, event_of, reply_of
from core.tables import EventRow, FeedRow, ReplyRow

PAST: Final = timedelta(days=90)
"""How long what is over stays in a calendar."""

MOST: Final = 200


async def make_feed(session: AsyncSession, member_id: int, *, now: datetime) -> str:
    """The secret of a new address; the one before leads nowhere. Only its hash is kept."""
    await session.execute(delete(FeedRow).where(FeedRow.member_id == member_id))
    secret = secrets.token_urlsafe(24)
    session.add(FeedRow(member_id=member_id, digest=_digest(secret), created_at=now))
    await session.flush()
    await audit.record_of_member(session, member_id, "event.feed-made", now=now)
    return secret


async def withdraw_feed(session: AsyncSession, member_id: int, *, now: datetime) -> bool:
    """Whether there was an address; it leads nowhere from now on."""
    gone = await session.scalar(
        delete(FeedRow).where(FeedRow.member_id == member_id).returning(FeedRow.member_id)
    )
    if gone is not None:
        await audit.record_of_member(session, member_id, "event.feed-withdrawn", now=now)
    return gone is not None


async def feed_since(session: AsyncSession, member_id: int) -> datetime | None:
    """Since when a member has an address; `None`: they have none."""
    return await session.scalar(select(FeedRow.created_at).where(FeedRow.member_id == member_id))


async def follow_feed(session: AsyncSession, secret: str) -> int | None:
    """Whose calendar an address leads to; `None`: nobody's."""
    return await session.scalar(select(FeedRow.member_id).where(FeedRow.digest == _digest(secret)))


async def entries_of(
    session: AsyncSession, member_id: int, *, now: datetime
) -> list[tuple[Event, Reply]]:
    """What stands in a member's calendar: what they come to or wait for, called off or not."""
    rows = await session.execute(
        select(EventRow, ReplyRow)
        .join(ReplyRow, ReplyRow.event_id == EventRow.id)
        .where(
            ReplyRow.member_id == member_id,
            ReplyRow.state.in_(LIVE),
            EventRow.ends_at > now - PAST,
        )
        .order_by(EventRow.starts_at, EventRow.id)
        .limit(MOST)
    )
    return [(event_of(event), reply_of(reply)) for event, reply in rows]


def _digest(secret: str) -> str:
    return hashlib.sha256(f"feed:{secret}".encode()).hexdigest()
