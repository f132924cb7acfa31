"""Who held what at a block, and how many hands the tokens lie in."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from eth_utils import to_checksum_address
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from core.errors import ChainUnavailable
from core.holdings.states import contract_of
from core.holdings.transfers import ZERO, packed, word
from core.tables import BalanceRow, ContractRow, TransferRow
from core.town import Collection

BANDS: Final = ((1, 1), (2, 4), (5, 9), (10, 49), (50, None))
"""From how many to how many tokens a holder of each band has; ``None``: no end."""


@dataclass(frozen=True, slots=True)
class Band:
    """Holders who have about the same number of tokens."""

    least: int
    most: int | None
    holders: int
    tokens: int


@dataclass(frozen=True, slots=True)
class Concentration:
    """In how many hands the tokens of some collections lie, as of the index's blocks."""

    tokens: int
    wallets: int
    holders: int
    """Members count once, however many wallets they linked; every other wallet by itself."""
    members: int  # of the holders
    bands: tuple[Band, ...]
    largest: int  # the most that one holder has
    top: int  # holders that make up the largest tenth, one at least if there are any
    top_tokens: int  # what those have

    @property
    def top_share(self) -> float:
        """What part of all tokens the largest tenth of holders has, 0 to 1."""
        return self.top_tokens / self.tokens if self.tokens else 0.0


async def owners_at(
    session: AsyncSession, collection: Collection, block: int
) -> dict[str, dict[int, int]]:
    """What every owner (EIP-55) had at the end of `block`: token id → amount.

    Raises `ChainUnavailable` if the index has not read as far.
    """
    row = await _read_up_to(session, collection, block)
    held: dict[bytes, Counter[bytes]] = {}
    transfers = await session.stream(
        select(TransferRow.token, TransferRow.sender, TransferRow.receiver, TransferRow.amount)
        .where(TransferRow.contract_id == row.id, TransferRow.block <= block)
        .order_by(TransferRow.block, TransferRow.log_index, TransferRow.part)
    )
    wanted = None if collection.token_id is None else word(collection.token_id)
    async for token, sender, receiver, amount in transfers:
        if wanted in {None, token}:
            number = int.from_bytes(amount)
            held.setdefault(sender, Counter())[token] -= number
            held.setdefault(receiver, Counter())[token] += number
    held.pop(ZERO, None)
    return {
        str(to_checksum_address(owner)): {
            int.from_bytes(token): amount for token, amount in tokens.items() if amount
        }
        for owner, tokens in held.items()
        if any(tokens.values())
    }


async def _read_up_to(session: AsyncSession, collection: Collection, block: int) -> ContractRow:
    row = await contract_of(session, collection)
    if row is None or not row.block_hash or row.block < block:
        raise ChainUnavailable(f"the index of {collection.name} has not read block {block}")
    return row


async def concentration(
    session: AsyncSession,
    collections: Sequence[Collection],
    *,
    members: Mapping[int, Mapping[str, int]] | None = None,
    bands: Sequence[tuple[int, int | None]] = BANDS,
) -> Concentration:
    """How many holders have how many tokens of `collections` together.

    `members` says for whom wallets (EIP-55) stand on each chain (`core.identity.all_wallets`).

    Raises `ChainUnavailable` if one of the collections has not been read at all.
    """
    wallets: set[bytes] = set()
    holders: Counter[bytes | int] = Counter()
    for collection in collections:
        row = await contract_of(session, collection)
        if row is None or not row.block_hash:
            raise ChainUnavailable(f"the index of {collection.name} has not begun")
        mine = [BalanceRow.contract_id == row.id]
        if collection.token_id is not None:
            mine.append(BalanceRow.token == word(collection.token_id))
        linked = (members or {}).get(collection.chain_id, {})
        people = {packed(address): member for address, member in linked.items()}
        balances = await session.stream(select(BalanceRow.owner, BalanceRow.amount).where(*mine))
        async for owner, amount in balances:
            wallets.add(owner)
            holders[people.get(owner, owner)] += int.from_bytes(amount)
    return _concentration(len(wallets), holders, bands)


def _concentration(
    wallets: int, holders: Mapping[bytes | int, int], bands: Iterable[tuple[int, int | None]]
) -> Concentration:
    amounts = sorted(holders.values(), reverse=True)
    top = -(-len(amounts) // 10)
    return Concentration(
        tokens=sum(amounts),
        wallets=wallets,
        holders=len(amounts),
        members=sum(isinstance(holder, int) for holder in holders),
        bands=tuple(_band(amounts, *band) for band in bands),
        largest=amounts[0] if amounts else 0,
        top=top,
        top_tokens=sum(amounts[:top]),
    )


def _band(amounts: Sequence[int], least: int, most: int | None) -> Band:
    within = [each for each in amounts if least <= each and (most is None or each <= most)]
    return Band(least, most, len(within), sum(within))
