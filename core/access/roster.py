"""Who is in which room and why, for staff."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from core.access.grants import GrantState
from core.access.reasons import Opened, Shortfall, unpack_opened, unpack_shortfall
from core.tables import GrantRow


@dataclass(frozen=True, slots=True)
class Inside:
    """One door of one member, as the records have it."""

    member_id: int
    gate: str
    platform: str
    state: GrantState
    since: datetime
    by: tuple[Opened, ...]  # empty: opened by a version that did not keep the reason
    leave_at: datetime | None
    ended_at: datetime | None
    reason: Shortfall | None  # what was missing when it began to close


@dataclass(slots=True)
class Figures:
    """How many people a room has."""

    inside: int = 0
    leaving: int = 0  # of them


def _inside(row: GrantRow) -> Inside:
    return Inside(
        row.member_id,
        row.gate,
        row.platform,
        GrantState(row.state),
        row.granted_at,
        unpack_opened(row.why),
        row.leave_at,
        row.ended_at,
        unpack_shortfall(row.reason),
    )


async def doors_of(session: AsyncSession, member_id: int) -> list[Inside]:
    """Every door that a member has or had."""
    rows = await session.scalars(
        select(GrantRow).where(GrantRow.member_id == member_id).order_by(GrantRow.id)
    )
    return [_inside(row) for row in rows]


async def room_list(session: AsyncSession, gate: str, *, limit: int = 100_000) -> list[Inside]:
    """Who is in a room, who is to leave it first at the top."""
    rows = await session.scalars(
        select(GrantRow)
        .where(GrantRow.gate == gate, GrantRow.state != GrantState.CLOSED)
        .order_by(GrantRow.leave_at.is_(None), GrantRow.leave_at, GrantRow.member_id, GrantRow.id)
        .limit(limit)
    )
    return [_inside(row) for row in rows]


async def figures(session: AsyncSession, gates: Sequence[str]) -> Mapping[str, Figures]:
    """People by room: the rooms of the pack first, then others where somebody still is."""
    rows = await session.execute(
        select(GrantRow.gate, GrantRow.member_id, GrantRow.state)
        .where(GrantRow.state.in_((GrantState.OPEN, GrantState.LEAVING)))
        .distinct()
    )
    inside: dict[str, set[int]] = {gate: set() for gate in gates}
    leaving: dict[str, set[int]] = {}
    for gate, member_id, state in rows:
        inside.setdefault(gate, set()).add(member_id)
        if state == GrantState.LEAVING:
            leaving.setdefault(gate, set()).add(member_id)
    return {
        gate: Figures(len(people), len(leaving.get(gate, ()))) for gate, people in inside.items()
    }
