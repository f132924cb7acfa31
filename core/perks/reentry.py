"""Out and back in: for a while after a use the same person comes in again without a new one."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from core.perks.model import Kind, Use
from core.tables import RedemptionRow
from core.town import Perk


async def use_to_reenter(
    session: AsyncSession, perk: Perk, facility: str, member_id: int, at: datetime
) -> Use | None:
    """The use after which the same person may come in again here.

    `None` too when they have done so as often as the perk allows: that is a new use.
    """
    if not perk.reentry_minutes:
        return None
    window = timedelta(minutes=perk.reentry_minutes)
    here = (
        RedemptionRow.perk == perk.name,
        RedemptionRow.member_id == member_id,
        RedemptionRow.facility == facility,
        RedemptionRow.undone_at.is_(None),
    )
    row = await session.scalar(
        select(RedemptionRow)
        .where(
            *here,
            RedemptionRow.kind == Kind.USE,
            RedemptionRow.at <= at,
            RedemptionRow.at >= at - window,
        )
        .order_by(RedemptionRow.at.desc(), RedemptionRow.id.desc())
        .limit(1)
    )
    if row is None:
        return None
    entries = await session.scalar(
        select(func.count(RedemptionRow.id)).where(
            *here,
            RedemptionRow.kind == Kind.REENTRY,
            RedemptionRow.at >= row.at,
            RedemptionRow.at <= row.at + window,
        )
    )
    return Use(row.at, row.facility) if (entries or 0) < perk.reentries else None


async def entries_on(session: AsyncSession, use: RedemptionRow) -> Sequence[RedemptionRow]:
    """Who came in again on this use: the same person, there, before their next use."""
    if use.kind != Kind.USE or use.member_id is None:
        return ()
    later = await session.scalars(
        select(RedemptionRow)
        .where(
            RedemptionRow.perk == use.perk,
            RedemptionRow.member_id == use.member_id,
            RedemptionRow.facility == use.facility,
            RedemptionRow.undone_at.is_(None),
            RedemptionRow.at >= use.at,
            RedemptionRow.id != use.id,
        )
        .order_by(RedemptionRow.at, RedemptionRow.id)
    )
    entries = []
    for row in later:
        if row.kind == Kind.USE and (row.at, row.id) > (use.at, use.id):
            break
        if row.kind == Kind.REENTRY:
            entries.append(row)
    return entries
