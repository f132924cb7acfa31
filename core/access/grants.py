"""What was opened for whom: the rows, and the questions others ask of them."""

from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from core.tables import AccountRow, GrantRow


class GrantState(StrEnum):
    OPENING = "opening"  # decided; the platform has not confirmed yet
    OPEN = "open"
    LEAVING = "leaving"  # told; the grace period runs
    CLOSED = "closed"


async def grants_of(session: AsyncSession, member_id: int) -> list[GrantRow]:
    rows = await session.scalars(
        select(GrantRow).where(GrantRow.member_id == member_id).order_by(GrantRow.id)
    )
    return list(rows)


async def has_open_door(session: AsyncSession, member_id: int, gate: str, platform: str) -> bool:
    """Whether a member may be in a room now, the grace period included."""
    states = (GrantState.OPEN, GrantState.LEAVING)
    found = await session.scalar(
        select(GrantRow.id).where(
            GrantRow.member_id == member_id,
            GrantRow.gate == gate,
            GrantRow.platform == platform,
            GrantRow.state.in_(states),
        )
    )
    return found is not None


async def has_door_at(
    session: AsyncSession,
    platform: str,
    external_id: str,
    place: str,
    *,
    opening: bool = False,
) -> bool:
    """Whether an account may be in a place now, the grace period included.

    `opening`: or is about to be, decided and not yet confirmed by the platform.
    """
    states = [GrantState.OPEN, GrantState.LEAVING, *([GrantState.OPENING] if opening else [])]
    found = await session.scalar(
        select(GrantRow.id)
        .join(AccountRow, AccountRow.id == GrantRow.account_id)
        .where(
            AccountRow.platform == platform,
            AccountRow.external_id == external_id,
            GrantRow.place == place,
            GrantRow.state.in_(states),
        )
        .limit(1)
    )
    return found is not None


async def counts(session: AsyncSession) -> dict[str, int]:
    """How many members are inside each room, for staff."""
    rows = await session.execute(
        select(GrantRow.gate, GrantRow.member_id)
        .where(GrantRow.state.in_((GrantState.OPEN, GrantState.LEAVING)))
        .distinct()
    )
    result: dict[str, int] = {}
    for gate, _ in rows:
        result[gate] = result.get(gate, 0) + 1
    return result
