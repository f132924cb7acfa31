"""The credentials of members, whatever they were made by."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from core.tables import CredentialRow


@dataclass(frozen=True, slots=True)
class Credential:
    """One thing that a member has proved."""

    id: int
    proof: str  # the town pack's name for it
    proved_at: datetime
    expires_at: datetime | None


async def credentials_of(
    session: AsyncSession, member_id: int, *, now: datetime
) -> list[Credential]:
    """The live credentials of a member."""
    rows = await session.scalars(
        select(CredentialRow)
        .where(
            CredentialRow.member_id == member_id,
            CredentialRow.revoked_at.is_(None),
            or_(CredentialRow.expires_at.is_(None), CredentialRow.expires_at > now),
        )
        .order_by(CredentialRow.id)
    )
    return [Credential(row.id, row.proof, row.proved_at, row.expires_at) for row in rows]


async def counts(session: AsyncSession, *, now: datetime) -> dict[str, int]:
    """How many members have a live credential of each proof, for staff."""
    rows = await session.execute(
        select(CredentialRow.proof, func.count(CredentialRow.member_id.distinct()))
        .where(
            CredentialRow.revoked_at.is_(None),
            or_(CredentialRow.expires_at.is_(None), CredentialRow.expires_at > now),
        )
        .group_by(CredentialRow.proof)
    )
    return {row[0]: row[1] for row in rows}


async def subjects_of(session: AsyncSession, member_id: int) -> list[str]:
    """What a member has proved, live or not, as ``proof:keyed hash``: who they are elsewhere."""
    rows = await session.execute(
        select(CredentialRow.proof, CredentialRow.subject)
        .where(CredentialRow.member_id == member_id)
        .order_by(CredentialRow.id)
    )
    return [f"{proof}:{subject}" for proof, subject in rows]
