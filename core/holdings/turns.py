"""What a turn of the index did, and what it tells of itself."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from core.holdings.states import Trouble


@dataclass(frozen=True, slots=True)
class Step:
    """One page was stored."""

    chain_id: int
    contracts: tuple[str, ...]  # EIP-55
    first_block: int
    block: int
    head: int
    transfers: int


Progress = Callable[[Step], Awaitable[None]]


@dataclass(slots=True)
class Turn:
    """What one turn did."""

    pages: int = 0
    transfers: int = 0
    behind: bool = False  # there is more to read at once
    rolled_back: int = 0  # contracts whose chain was reorganised
    troubles: dict[str, Trouble] = field(default_factory=dict)  # by collection


@dataclass(frozen=True, slots=True)
class Changes:
    """Whose balances changed since the last time this was acted upon."""

    by_chain: Mapping[int, frozenset[str]]  # EIP-55
    until: Mapping[int, tuple[int, int]]  # contract → the blocks that this covers
    mentions: frozenset[str] = frozenset()  # and the notes of changes without a transfer

    @property
    def owners(self) -> frozenset[str]:
        """All of them, on whichever chain."""
        return frozenset().union(*self.by_chain.values())
