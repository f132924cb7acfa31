"""One token as the index has it: who holds it, and whether it is there. Not for decisions."""

from eth_utils import to_checksum_address
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from core.holdings.states import contract_of
from core.holdings.transfers import word
from core.tables import BalanceRow, ContractRow
from core.town import Collection


async def owners_of_token(
    session: AsyncSession, collection: Collection, token_id: int
) -> list[str]:
    """The wallets (EIP-55) that hold this token id; none before the index has read so far."""
    if not 0 <= token_id < 1 << 256:
        return []
    rows = await session.scalars(
        select(BalanceRow.owner)
        .join(ContractRow, ContractRow.id == BalanceRow.contract_id)
        .where(
            ContractRow.chain_id == collection.chain_id,
            ContractRow.address == bytes.fromhex(collection.contract.removeprefix("0x")),
            BalanceRow.token == word(token_id),
        )
        .limit(100)
    )
    return [to_checksum_address(each) for each in rows]


async def is_issued(session: AsyncSession, collection: Collection, token_id: int) -> bool | None:
    """Whether somebody holds this token; `None` while the index has not read to the end."""
    if collection.token_id is not None and token_id != collection.token_id:
        return False
    if await owners_of_token(session, collection, token_id):
        return True
    row = await contract_of(session, collection)
    read = row is not None and row.block_hash and row.block >= row.head
    return False if read else None
