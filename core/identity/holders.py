"""From wallets to the members they stand for, many at once."""

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from core.tables import WalletRow

CHUNK = 400


async def holders_of(session: AsyncSession, addresses: Collection[str]) -> dict[str, int]:
    """The member of each of `addresses` (EIP-55) that stands for one."""
    wanted = sorted(addresses)
    found: dict[str, int] = {}
    for start in range(0, len(wanted), CHUNK):
        rows = await session.execute(
            select(WalletRow.address, WalletRow.member_id).where(
                WalletRow.address.in_(wanted[start : start + CHUNK])
            )
        )
        found.update(rows.all())
    return found


async def all_wallets(session: AsyncSession) -> dict[str, int]:
    """Every wallet that stands for a member, and for whom."""
    rows = await session.execute(select(WalletRow.address, WalletRow.member_id))
    return dict(rows.all())
