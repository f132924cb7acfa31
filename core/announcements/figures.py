"""What monitoring asks of announcements: cheap at any size, and none about a single person."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from core.announcements.nouns import AnnouncementState, Kind
from core.tables import AnnouncementRow

UNDER_WAY = (
    AnnouncementState.ASKED,
    AnnouncementState.SCHEDULED,
    AnnouncementState.SENDING,
    AnnouncementState.PAUSED,
)


@dataclass(frozen=True, slots=True)
class Queue:
    """What is still to be sent of one kind."""

    messages: int
    oldest: timedelta  # since the first of them could have left; zero where none waits


async def queues(session: AsyncSession, *, now: datetime) -> Mapping[Kind, Queue]:
    """What waits to be sent, by kind, from the counters of announcements that are going out."""
    row = AnnouncementRow
    rows = await session.execute(
        select(
            row.kind,
            func.sum(row.total - row.settled),
            func.min(func.coalesce(row.start_at, row.confirmed_at, row.created_at)),
        )
        .where(row.state == AnnouncementState.SENDING)
        .group_by(row.kind)
    )
    found = dict.fromkeys(Kind, Queue(0, timedelta()))
    for kind, messages, since in rows:
        found[Kind(kind)] = Queue(max(int(messages or 0), 0), max(now - since, timedelta()))
    return found


async def under_way(session: AsyncSession) -> Mapping[AnnouncementState, int]:
    """How many announcements to many stand at each step before their end."""
    rows = await session.execute(
        select(AnnouncementRow.state, func.count())
        .where(AnnouncementRow.state.in_(UNDER_WAY), AnnouncementRow.kind != Kind.NOTICE)
        .group_by(AnnouncementRow.state)
    )
    found = {AnnouncementState(state): count for state, count in rows}
    return {state: found.get(state, 0) for state in UNDER_WAY}
