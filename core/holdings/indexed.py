"""Holdings from the index of owners: what access asks, at the price of a look into our own tables.

``finalized`` is answered from the index alone, and only when it stands at a finalized block that
the chain has shown lately. ``latest`` adds the transfers since, read once a block for everybody.
Until a collection's index has caught up, its balances are read live, for letting people in alone.
"""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import timedelta
from time import monotonic
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from core.chain.values import Finality
from core.clock import Clock
from core.database import Sessions, glance
from core.errors import ChainUnavailable
from core.holdings.index import OwnerIndex
from core.holdings.ledger import CHUNK, chunks
from core.holdings.ports import Block, Holding, Holdings, IndexedChain
from core.holdings.states import FRESH_FOR, contract_of, is_caught_up, is_stopped
from core.holdings.tail import Tail
from core.holdings.transfers import Transfer, UnreadableLog, packed
from core.holdings.turns import Turn
from core.tables import BalanceRow, ContractRow
from core.town import Collection

LONGEST_TAIL: Final = 5_000
"""Blocks after the index's cursor that are still read for one question."""

PAGES_AT_ONCE: Final = 2
"""Pages that a question waits for; a longer way is left to the job."""

GLANCE: Final = timedelta(seconds=30)
"""How long `one_look` takes the newest block that it has seen for the newest."""

Owned = dict[tuple[int, bytes], dict[int, int]]
"""Contract and owner → how many of each token id."""


@dataclass(slots=True)
class _Look:
    """What has been asked of the chains already."""

    since: float
    heads: dict[int, Block] = field(default_factory=dict)
    turns: dict[int, Turn] = field(default_factory=dict)


_look: ContextVar[_Look | None] = ContextVar("look", default=None)


@asynccontextmanager
async def one_look(now: Callable[[], float] = monotonic) -> AsyncIterator[None]:
    """Within it, many readings stand on one look at each chain, at most `GLANCE` old.

    For sweeps over many members. At a desk and at joining each reading asks for itself.
    """
    token = _look.set(_Look(now()))
    try:
        yield
    finally:
        _look.reset(token)


def _looked() -> _Look:
    """The look that is open, made anew when it is old; one of our own where none is."""
    look = _look.get()
    if look is None:
        return _Look(monotonic())
    if monotonic() - look.since > GLANCE.total_seconds():
        look.since = monotonic()
        look.heads.clear()
        look.turns.clear()
    return look


class IndexedHoldings:
    """Answers `Holdings` from the index."""

    def __init__(
        self,
        index: OwnerIndex,
        chain: IndexedChain,
        live: Holdings,
        sessions: Sessions,
        clock: Clock,
        *,
        fresh_for: timedelta = FRESH_FOR,
    ) -> None:
        self._index = index
        self._chain = chain
        self._live = live
        self._sessions = sessions
        self._clock = clock
        self._fresh_for = fresh_for
        self._tails: dict[int, Tail] = {}

    async def read(
        self,
        owners: Sequence[str],
        *,
        finality: Finality,
        collections: Sequence[str] | None = None,
    ) -> tuple[Holding, ...]:
        """See `Holdings.read`."""
        asked = [
            each
            for each in self._index.collections
            if collections is None or each.name in collections
        ]
        if not owners or not asked:
            return ()
        if finality == "finalized":
            return await self._finalized(owners, asked)
        return await self._latest(owners, asked)

    # Finalized

    async def _finalized(
        self, owners: Sequence[str], asked: Sequence[Collection]
    ) -> tuple[Holding, ...]:
        look = _looked()
        for chain_id in sorted({each.chain_id for each in asked}):
            if chain_id not in look.turns:
                look.turns[chain_id] = Turn()
                await self._index.turn_of(chain_id, look.turns[chain_id], pages=PAGES_AT_ONCE)
            for collection in asked:
                if trouble := look.turns[chain_id].troubles.get(collection.name):
                    raise ChainUnavailable(f"the index of {collection.name}: {trouble}")
        async with glance(self._sessions) as session:
            rows = await self._rows(session, asked)
            for collection in asked:
                self._check(collection, rows.get(collection.name))
            owned = await _owned(session, rows.values(), owners)
        holdings = _holdings(owners, asked, rows, owned, {})
        for collection in asked:
            if rows[collection.name].reconciled_block is None:
                await self._compare(
                    collection, [h for h in holdings if h.collection == collection.name]
                )
        return holdings

    async def _compare(self, collection: Collection, holdings: Sequence[Holding]) -> None:
        """Until an index has been compared as a whole, each of its answers is."""
        if collection.standard == "ERC-1155" and collection.token_id is None:
            # Its contract has no such sum, so only the comparison of all can tell.
            raise ChainUnavailable(f"the index of {collection.name} has not been compared yet")
        owners, block = [each.owner for each in holdings], holdings[0].block
        balances = await self._chain.balances(collection, owners, block=block)
        if balances != tuple(each.balance for each in holdings):
            raise ChainUnavailable(f"the index of {collection.name} differs from its contract")

    def _check(self, collection: Collection, row: ContractRow | None) -> None:
        if row is None or not is_caught_up(row, now=self._clock(), fresh_for=self._fresh_for):
            raise ChainUnavailable(f"the index of {collection.name} has not caught up")

    # Latest

    async def _latest(
        self, owners: Sequence[str], asked: Sequence[Collection]
    ) -> tuple[Holding, ...]:
        found: dict[tuple[str, str], Holding] = {}
        by_chain: dict[int, list[Collection]] = {}
        for each in asked:
            by_chain.setdefault(each.chain_id, []).append(each)
        for chain_id, some in by_chain.items():
            for holding in await self._latest_of(chain_id, owners, some):
                found[holding.owner, holding.collection] = holding
        return tuple(found[owner, each.name] for owner in owners for each in asked)

    async def _latest_of(
        self, chain_id: int, owners: Sequence[str], asked: Sequence[Collection]
    ) -> tuple[Holding, ...]:
        look = _looked()
        if chain_id not in look.heads:
            look.heads[chain_id] = await self._chain.head(chain_id, "latest")
        head = look.heads[chain_id]
        mine = [each for each in self._index.collections if each.chain_id == chain_id]
        async with glance(self._sessions) as session:
            rows = await self._rows(session, mine)
        near = {name: row for name, row in rows.items() if _is_near(row, head)}
        known = [each for each in asked if each.name in near]
        try:
            holdings = await self._with_tail(chain_id, owners, known, near, head)
        except UnreadableLog:
            known, holdings = [], ()
        others = [each.name for each in asked if each not in known]
        if others:
            holdings += await self._live.read(owners, finality="latest", collections=others)
        return holdings

    async def _with_tail(
        self,
        chain_id: int,
        owners: Sequence[str],
        asked: Sequence[Collection],
        near: Mapping[str, ContractRow],
        head: Block,
    ) -> tuple[Holding, ...]:
        if not asked:
            return ()
        tail = self._tails.setdefault(chain_id, Tail(self._chain, chain_id))
        rows = {row.id: row for row in near.values()}  # two collections may share a contract
        first, transfers = await tail.read([rows[each] for each in sorted(rows)], head)
        async with glance(self._sessions) as session:
            now = await self._rows(session, asked)
            owned = await _owned(session, now.values(), owners)
        if len(now) < len(asked) or any(row.block < first - 1 for row in now.values()):
            raise ChainUnavailable(f"chain {chain_id}: reorganised; the index goes back")
        wanted = {packed(owner) for owner in owners}
        _apply(owned, wanted, transfers, {row.id: row.block for row in now.values()})
        return _holdings(owners, asked, now, owned, {each.name: head.number for each in asked})

    async def _rows(
        self, session: AsyncSession, asked: Sequence[Collection]
    ) -> dict[str, ContractRow]:
        found = {each.name: await contract_of(session, each) for each in asked}
        return {name: row for name, row in found.items() if row is not None}


def _is_near(row: ContractRow | None, head: Block) -> bool:
    """Whether the index reaches far enough for the rest to be read at once."""
    return (
        row is not None
        and bool(row.block_hash)
        and not is_stopped(row)
        and head.number - row.block <= LONGEST_TAIL
    )


async def _owned(
    session: AsyncSession, rows: Iterable[ContractRow], owners: Sequence[str]
) -> Owned:
    owned: Owned = {}
    contracts = sorted({row.id for row in rows})
    for some in chunks(sorted({packed(owner) for owner in owners}), CHUNK):
        found = await session.execute(
            select(BalanceRow.contract_id, BalanceRow.owner, BalanceRow.token, BalanceRow.amount)
            .where(BalanceRow.contract_id.in_(contracts), BalanceRow.owner.in_(some))
        )  # fmt: skip
        for contract, owner, token, amount in found:
            tokens = owned.setdefault((contract, owner), {})
            tokens[int.from_bytes(token)] = int.from_bytes(amount)
    return owned


def _apply(
    owned: Owned,
    wanted: AbstractSet[bytes],
    transfers: Sequence[Transfer],
    cursors: Mapping[int, int],
) -> None:
    """Let what happened to the `wanted` after the cursors happen to `owned`."""
    for contract, block, _, _, token_bytes, sender, receiver, amount_bytes in transfers:
        if block <= cursors.get(contract, block):
            continue
        token, amount = int.from_bytes(token_bytes), int.from_bytes(amount_bytes)
        for owner, change in ((sender, -amount), (receiver, amount)):
            if owner not in wanted:
                continue
            tokens = owned.setdefault((contract, owner), {})
            tokens[token] = tokens.get(token, 0) + change


def _holdings(
    owners: Sequence[str],
    asked: Sequence[Collection],
    rows: Mapping[str, ContractRow],
    owned: Owned,
    blocks: Mapping[str, int],
) -> tuple[Holding, ...]:
    holdings = []
    for owner in owners:
        for collection in asked:
            row = rows[collection.name]
            tokens = owned.get((row.id, packed(owner)), {})
            if collection.token_id is not None:
                tokens = {collection.token_id: tokens.get(collection.token_id, 0)}
            tokens = {token: amount for token, amount in tokens.items() if amount}
            if any(amount < 0 for amount in tokens.values()):
                raise ChainUnavailable(f"the index of {collection.name} misses transfers")
            block = max(row.block, blocks.get(collection.name, 0))
            holdings.append(Holding(collection.name, owner, sum(tokens.values()), block, tokens))
    return tuple(holdings)
