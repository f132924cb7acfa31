"""What holdings are, what they are read from, and what access asks of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from core.chain.values import Finality
from core.town import Collection


@dataclass(frozen=True, slots=True)
class Holding:
    """What one wallet had of one collection, as of one block."""

    collection: str  # the town pack's name for it
    owner: str  # EIP-55
    balance: int  # whole tokens
    block: int
    tokens: Mapping[int, int] | None = None
    """How many of each token id; `None`: only the balance is known."""


class Chain(Protocol):
    """What a live reading asks of the chains. `core.chain` answers over JSON-RPC."""

    async def block(self, chain_id: int, finality: Finality) -> int: ...

    async def balance_of(self, collection: Collection, owner: str, *, block: int) -> int: ...


class Block(Protocol):
    """One block, by number and hash."""

    @property
    def number(self) -> int: ...
    @property
    def hash(self) -> str: ...


class Page(Protocol):
    """The logs of some blocks, complete."""

    @property
    def logs(self) -> tuple[Mapping[str, object], ...]:
        """As ``eth_getLogs`` gives them, checked for shape; in no certain order."""

    @property
    def first(self) -> int: ...
    @property
    def last(self) -> int:
        """The last block that the page covers; it may be lower than what was asked for."""

    @property
    def last_hash(self) -> str: ...


class LogSource(Protocol):
    """What the index asks of the chains. Every method raises `ChainUnavailable`."""

    async def head(self, chain_id: int, finality: Finality) -> Block: ...

    async def block_hash(self, chain_id: int, number: int) -> str | None:
        """`None`: no endpoint knows it (any more, or yet), which says nothing about the chain."""

    async def logs(
        self,
        chain_id: int,
        contracts: Sequence[str],
        topics: Sequence[Sequence[str] | None],
        first: int,
        last: int,
    ) -> Page:
        """The logs of `contracts` from `first` on, by the values that match in each position."""

    async def code_at(self, chain_id: int, contract: str, block: int) -> bytes:
        """The contract's code at `block`; empty before it was there."""


class Balances(Protocol):
    """What a comparison asks of the contracts, many at once. Each raises `ChainUnavailable`."""

    async def balances(
        self, collection: Collection, owners: Sequence[str], *, block: int
    ) -> tuple[int, ...]: ...

    async def balances_by_id(
        self, collection: Collection, pairs: Sequence[tuple[str, int]], *, block: int
    ) -> tuple[int, ...]: ...

    async def owners_of(
        self, collection: Collection, token_ids: Sequence[int], *, block: int
    ) -> tuple[str | None, ...]: ...


class IndexedChain(LogSource, Balances, Protocol):
    """Both: what holdings from an index ask of the chains."""


class Holdings(Protocol):
    """Who holds what."""

    async def read(
        self,
        owners: Sequence[str],
        *,
        finality: Finality,
        collections: Sequence[str] | None = None,
    ) -> tuple[Holding, ...]:
        """What `owners` hold of every collection (or those named), zero balances included.

        ``latest`` is for letting people in, ``finalized`` for asking them to leave.

        Raises `ChainUnavailable` if any balance cannot be read: acting on half an answer would
        close rooms that should stay open.
        """
