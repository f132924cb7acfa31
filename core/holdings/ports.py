"""What holdings are, what they are read from, and what access asks of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from core.chain.client import Finality
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
    """What this package asks of the chains. `core.chain` answers over JSON-RPC."""

    async def block(self, chain_id: int, finality: Finality) -> int: ...

    async def balance_of(self, collection: Collection, owner: str, *, block: int) -> int: ...


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
