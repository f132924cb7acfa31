"""Wallets that members have proved to control."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from core import audit
from core.errors import WalletTaken
from core.tables import (
    WalletRow,
)


async def wallets_of(session: AsyncSession, member_id: int) -> list[str]:
    rows = await session.scalars(
        select(WalletRow.address)
        .where(WalletRow.member_id == member_id)
        .order_by(WalletRow.address)
    )
    return list(rows)


async def members_with_proof(session: AsyncSession) -> list[int]:
    return list(await session.scalars(select(WalletRow.member_id).distinct()))


async def holder_of(session: AsyncSession, address: str) -> int | None:
    """The member a wallet stands for."""
    return await session.scalar(select(WalletRow.member_id).where(WalletRow.address == address))


async def link_wallet(
    session: AsyncSession, member_id: int, address: str, chain_id: int, *, now: datetime
) -> None:
    """Let a proved wallet stand for a member; again for the same member is fine.

    Raises `WalletTaken` if it stands for another. The primary key decides a race.
    """
    holder = await holder_of(session, address)
    if holder is None:
        try:
            async with session.begin_nested():
                session.add(
                    WalletRow(
                        address=address, member_id=member_id, chain_id=chain_id, proved_at=now
                    )
                )
        except IntegrityError:
            holder = await holder_of(session, address)
        else:
            await audit.record(
                session,
                actor=f"member:{member_id}",
                action="wallet.linked",
                subject=f"member:{member_id}",
                now=now,
            )
            return
    if holder != member_id:
        raise WalletTaken
