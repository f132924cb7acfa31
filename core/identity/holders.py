"""From wallets to the members they stand for on a chain, many at once."""

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from core.identity.wallets import EVERY_CHAIN
from core.tables import WalletRow

CHUNK = 400


async def holders_of(
    session: AsyncSession, addresses: Collection[str], *, chain_id: int
) -> dict[str, int]:
    """The member of each of `addresses` (EIP-55) that stands for one on a chain."""
    wanted = sorted(addresses)
    found: dict[str, int] = {}
    for start in range(0, len(wanted), CHUNK):
        rows = await session.execute(
            select(WalletRow.address, WalletRow.member_id)
            .where(
                WalletRow.address.in_(wanted[start : start + CHUNK]),
                WalletRow.chain_id.in_((EVERY_CHAIN, chain_id)),
            )
            .order_by(WalletRow.chain_id.desc())  # who has the key comes last, and stays
        )
        found.update(rows.all())
    return found


async def all_wallets(session: AsyncSession, *, chain_id: int) -> dict[str, int]:
    """Every wallet that stands for a member on a chain, and for whom."""
    rows = await session.execute(
        select(WalletRow.address, WalletRow.member_id)
        .where(WalletRow.chain_id.in_((EVERY_CHAIN, chain_id)))
        .order_by(WalletRow.chain_id.desc())
    )
    return dict(rows.all())
