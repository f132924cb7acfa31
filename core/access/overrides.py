"""What staff decide by hand about one member and one room, with a reason and an end.

``admit`` opens the room whatever the rule says; ``protect`` keeps it from closing. Both end by
themselves, are listed, can be taken back, and stand in the audit log with who made them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from core import audit
from core.errors import NotAllowed, NotFound
from core.tables import MemberRow, OverrideRow

LONGEST: Final = timedelta(days=366)
MAX_REASON: Final = 200


class Effect(StrEnum):
    ADMIT = "admit"
    PROTECT = "protect"


@dataclass(frozen=True, slots=True)
class Override:
    id: int
    member_id: int
    gate: str
    effect: Effect
    reason: str
    made_by: str
    made_at: datetime
    until: datetime


def _override(row: OverrideRow) -> Override:
    return Override(
        row.id,
        row.member_id,
        row.gate,
        Effect(row.effect),
        row.reason,
        row.made_by,
        row.made_at,
        row.until,
    )


class NoReason(NotAllowed):
    """Nobody could say later why it was decided."""

    def __init__(self) -> None:
        super().__init__("an override has a reason")


class BadEnd(NotAllowed):
    """It ends in the past, or in more than a year."""

    def __init__(self) -> None:
        super().__init__("an override ends within a year")


async def overrides_of(
    session: AsyncSession, member_id: int, *, now: datetime
) -> Sequence[Override]:
    """Those in force for a member."""
    return await _in_force(session, now, member_id)


async def overrides(session: AsyncSession, *, now: datetime) -> Sequence[Override]:
    """All that are in force, the one that ends first at the top."""
    return await _in_force(session, now, None)


async def _in_force(
    session: AsyncSession, now: datetime, member_id: int | None
) -> Sequence[Override]:
    query = select(OverrideRow).where(OverrideRow.ended_at.is_(None), OverrideRow.until > now)
    if member_id is not None:
        query = query.where(OverrideRow.member_id == member_id)
    rows = await session.scalars(query.order_by(OverrideRow.until, OverrideRow.id))
    return [_override(row) for row in rows]


async def make_override(
    session: AsyncSession,
    member_id: int,
    gate: str,
    effect: Effect,
    *,
    reason: str,
    until: datetime,
    by: str,
    now: datetime,
) -> int:
    """Let somebody in, or protect them, until a moment within the next year.

    Raises `NotFound` for an unknown member, `NoReason`, or `BadEnd`.
    """
    reason = " ".join(reason.split())[:MAX_REASON]
    if not reason:
        raise NoReason
    if not now < until <= now + LONGEST:
        raise BadEnd
    if await session.get(MemberRow, member_id) is None:
        raise NotFound(f"member {member_id}")
    row = OverrideRow(
        member_id=member_id,
        gate=gate,
        effect=effect,
        reason=reason,
        made_by=by,
        made_at=now,
        until=until,
    )
    session.add(row)
    await session.flush()
    await audit.record(
        session,
        actor=by,
        action=f"access.override-{effect}",
        subject=f"member:{member_id}",
        detail={"gate": gate, "until": until.isoformat(), "override": row.id},
        now=now,
    )
    return row.id


async def end_override(session: AsyncSession, number: int, *, by: str, now: datetime) -> int:
    """Take an override back. Returns the member's number. Raises `NotFound` if there is none."""
    row = await session.get(OverrideRow, number, with_for_update=True)
    if row is None:
        raise NotFound(f"override {number}")
    if row.ended_at is None:
        row.ended_at, row.ended_by = now, by
        await audit.record(
            session,
            actor=by,
            action="access.override-ended",
            subject=f"member:{row.member_id}",
            detail={"gate": row.gate, "override": row.id},
            now=now,
        )
    return row.member_id
