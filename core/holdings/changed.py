"""Whose balances changed, chain by chain, since that was last acted upon."""

from eth_utils import to_checksum_address
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from core.holdings.transfers import ZERO
from core.holdings.turns import Changes
from core.tables import ContractRow, MentionRow, TransferRow


async def changed(session: AsyncSession) -> Changes:
    """By the transfers up to each contract's cursor, and by what else changed a balance."""
    until = {}
    owners: dict[int, set[bytes]] = {}
    mentions = list(await session.scalars(select(MentionRow)))
    rows = {each.id: each for each in await session.scalars(select(ContractRow))}
    for each in mentions:
        if each.contract_id in rows:
            owners.setdefault(rows[each.contract_id].chain_id, set()).add(each.owner)
    for row in rows.values():
        if row.block > row.told_block:
            until[row.id] = (row.told_block, row.block)
            touched = await _touched(session, row.id, row.told_block, row.block)
            owners.setdefault(row.chain_id, set()).update(touched)
    return Changes(
        {
            chain_id: frozenset(map(to_checksum_address, some - {ZERO}))
            for chain_id, some in owners.items()
        },
        until,
        frozenset(each.id for each in mentions),
    )


async def _touched(session: AsyncSession, contract_id: int, after: int, until: int) -> set[bytes]:
    owners: set[bytes] = set()
    rows = await session.execute(
        select(TransferRow.sender, TransferRow.receiver)
        .where(
            TransferRow.contract_id == contract_id,
            TransferRow.block > after,
            TransferRow.block <= until,
        )
        .distinct()
    )
    for sender, receiver in rows:
        owners |= {sender, receiver}
    return owners
