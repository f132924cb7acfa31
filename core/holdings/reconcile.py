"""The index compared with the contracts themselves, and mended where it differs.

Logs can be incomplete without a word: an endpoint that leaves some out, a contract that forgets an
event. So balances are read as well, all at the index's block, 500 to a question: 20,000 holders are
40. A difference is mended by a transfer of its own, which no log stands for, so that history and
reorganisations go on from what is true. What reading cannot mend stops the index: it is then an
outage, and closes no room.
"""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from eth_utils import to_checksum_address
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from core.clock import Clock
from core.database import Sessions, transaction
from core.errors import ChainUnavailable
from core.holdings import ledger
from core.holdings.index import OwnerIndex
from core.holdings.ports import Balances
from core.holdings.states import contract_of
from core.holdings.transfers import ZERO, Transfer, packed, word
from core.tables import BalanceRow, ContractRow, TransferRow
from core.town import Collection

logger = logging.getLogger(__name__)

CORRECTION: Final = 2**31 - 1
"""The log index of a correction: after every log of its block."""

MOST_PAIRS: Final = 20_000
"""ERC-1155: so many owners times token ids are asked at most beyond what the index knows."""

Pair = tuple[bytes, int]
"""Owner and token id."""


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """One collection compared with its contract."""

    collection: str
    block: int
    owners: int  # how many were asked about
    differences: int  # of these had something else than the index said
    mended: bool  # nothing differs any more


class Reconciler:
    """Compares and mends."""

    def __init__(
        self, index: OwnerIndex, chain: Balances, sessions: Sessions, clock: Clock
    ) -> None:
        self._index = index
        self._chain = chain
        self._sessions = sessions
        self._clock = clock

    async def run(
        self, collection: Collection, wallets: Sequence[str], *, everybody: bool
    ) -> Reconciliation:
        """Compare what `wallets` have, or what `everybody` has that the index knows, too.

        Raises `ChainUnavailable` if the chain does not answer or the index has not caught up.
        """
        async with self._index.standing_still(collection.chain_id):
            async with transaction(self._sessions) as session:
                row = await contract_of(session, collection)
                if row is None or not row.block_hash or row.block < row.head:
                    raise ChainUnavailable(f"the index of {collection.name} has not caught up")
                known = await _known(session, row)
            asked = {packed(each) for each in wallets} | (
                {owner for owner, _ in known} if everybody else set()
            )
            compare = self._single if collection.standard == "ERC-721" else self._many
            different, corrections, mended = await compare(collection, row, known, sorted(asked))
            await self._store(
                row, asked, different, corrections, mended=mended, everybody=everybody
            )
        return Reconciliation(collection.name, row.block, len(asked), len(different), mended)

    # ERC-721

    async def _single(
        self,
        collection: Collection,
        row: ContractRow,
        known: Mapping[Pair, int],
        asked: Sequence[bytes],
    ) -> tuple[set[bytes], list[Transfer], bool]:
        different = await self._miscounted(collection, row, known, asked)
        if not different:
            return set(), [], True
        async with transaction(self._sessions) as session:
            tokens = await _tokens_ever(session, row)
        owners = await self._chain.owners_of(collection, tokens, block=row.block)
        now = {
            token: packed(owner)
            for token, owner in zip(tokens, owners, strict=True)
            if owner is not None
        }
        mended = {(owner, token): 1 for token, owner in now.items()}
        moves = [(owner, ZERO, token, 1) for owner, token in sorted(known.keys() - mended.keys())]
        moves += [(ZERO, owner, token, 1) for owner, token in sorted(mended.keys() - known.keys())]
        left = await self._miscounted(collection, row, mended, asked)
        different |= {owner for move in moves for owner in move[:2]} - {ZERO}
        return different, _corrections(row, moves), not left

    async def _miscounted(
        self,
        collection: Collection,
        row: ContractRow,
        known: Mapping[Pair, int],
        asked: Sequence[bytes],
    ) -> set[bytes]:
        """Of whom the contract says another number."""
        counts = Counter(owner for owner, _ in known)
        names = [str(to_checksum_address(owner)) for owner in asked]
        balances = await self._chain.balances(collection, names, block=row.block)
        return {
            owner
            for owner, balance in zip(asked, balances, strict=True)
            if counts[owner] != balance
        }

    # ERC-1155

    async def _many(
        self,
        collection: Collection,
        row: ContractRow,
        known: Mapping[Pair, int],
        asked: Sequence[bytes],
    ) -> tuple[set[bytes], list[Transfer], bool]:
        wanted = set(asked)
        pairs = {pair for pair in known if pair[0] in wanted}
        ids = sorted(
            {token for _, token in known}
            | ({collection.token_id} if collection.token_id is not None else set())
        )
        if len(asked) * len(ids) <= MOST_PAIRS:
            pairs |= {(owner, token) for owner in asked for token in ids}
        ordered = sorted(pairs)
        balances = await self._chain.balances_by_id(
            collection,
            [(str(to_checksum_address(owner)), token) for owner, token in ordered],
            block=row.block,
        )
        moves = []
        for (owner, token), balance in zip(ordered, balances, strict=True):
            change = balance - known.get((owner, token), 0)
            if change > 0:
                moves.append((ZERO, owner, token, change))
            elif change < 0:
                moves.append((owner, ZERO, token, -change))
        different = {owner for move in moves for owner in move[:2]} - {ZERO}
        return different, _corrections(row, moves), True

    async def _store(
        self,
        row: ContractRow,
        asked: set[bytes],
        different: set[bytes],
        corrections: Sequence[Transfer],
        *,
        mended: bool,
        everybody: bool,
    ) -> None:
        """Write down what was found. Raises `ChainUnavailable` if the index has moved meanwhile."""
        try:
            async with transaction(self._sessions) as session:
                if corrections:
                    await ledger.correct(session, row, await _numbered(session, corrections))
                await ledger.reconciled(
                    session,
                    row,
                    owners=len(asked),
                    differences=len(different),
                    incomplete=_incomplete(mended=mended, everybody=everybody),
                    now=self._clock(),
                )
        except ledger.Overtaken as error:
            raise ChainUnavailable("another process reads on; compare again") from error
        if different:
            logger.warning("index-differed", extra={"contract": row.id, "owners": len(different)})
            self._index.mention(different)


def _incomplete(*, mended: bool, everybody: bool) -> bool | None:
    """Some wallets that agree say nothing of the one that did not."""
    if not mended:
        return True
    return False if everybody else None


def _corrections(
    row: ContractRow, moves: Sequence[tuple[bytes, bytes, int, int]]
) -> list[Transfer]:
    return [
        (row.id, row.block, CORRECTION, part, word(token), sender, receiver, word(amount))
        for part, (sender, receiver, token, amount) in enumerate(moves)
    ]


async def _numbered(session: AsyncSession, corrections: Sequence[Transfer]) -> list[Transfer]:
    """After the corrections that this block has already."""
    contract, block = corrections[0][:2]
    last = await session.scalar(
        select(func.max(TransferRow.part)).where(
            TransferRow.contract_id == contract,
            TransferRow.block == block,
            TransferRow.log_index == CORRECTION,
        )
    )
    start = 0 if last is None else last + 1
    return [(*each[:3], start + each[3], *each[4:]) for each in corrections]


async def _known(session: AsyncSession, row: ContractRow) -> dict[Pair, int]:
    balances = await session.stream(
        select(BalanceRow.owner, BalanceRow.token, BalanceRow.amount).where(
            BalanceRow.contract_id == row.id
        )
    )
    return {
        (owner, int.from_bytes(token)): int.from_bytes(amount)
        async for owner, token, amount in balances
    }


async def _tokens_ever(session: AsyncSession, row: ContractRow) -> list[int]:
    """Every token id that the logs have named."""
    tokens = await session.scalars(
        select(TransferRow.token).where(TransferRow.contract_id == row.id).distinct()
    )
    return sorted(int.from_bytes(token) for token in tokens)
