"""Who holds one token, as the index has it: a look for staff, not for decisions."""

from eth_utils import to_checksum_address
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

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
            BalanceRow.token == token_id.to_bytes(32, "big"),
        )
        .limit(100)
    )
    return [to_checksum_address(each) for each in rows]
