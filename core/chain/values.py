"""The nouns of a chain: blocks, pages of logs, calls, delegations, and how an endpoint does."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

Finality = Literal["latest", "finalized"]

BlockChoice = int | Literal["latest"]
"""A block number, or the newest block that the endpoints know together."""


@dataclass(frozen=True, slots=True)
class BlockRef:
    """One block, named so that a reorganisation shows."""

    number: int
    hash: str  # 0x and 64 lower-case hex digits
    timestamp: int  # Unix seconds, UTC


@dataclass(frozen=True, slots=True)
class LogPage:
    """Every matching log of the blocks `first` to `last`, both included.

    Each log is the endpoint's JSON object as it came (``address``, ``topics``, ``data``,
    ``blockNumber``, ``blockHash``, ``transactionHash``, ``logIndex`` …), its fields checked and in
    lower case, in the order of the chain. `last` may be smaller than what was asked for: go on
    from ``last + 1``.
    """

    logs: tuple[Mapping[str, object], ...]
    first: int
    last: int
    last_hash: str


@dataclass(frozen=True, slots=True)
class Call:
    """A question to a contract."""

    to: str
    data: bytes


DelegationKind = Literal["ALL", "CONTRACT", "ERC721", "ERC1155"]


@dataclass(frozen=True, slots=True)
class Delegation:
    """`vault` lets another wallet stand for it (delegate.xyz v2), with no narrower rights."""

    vault: str  # EIP-55
    kind: DelegationKind
    contract: str | None = None  # EIP-55; ``None``: whatever the vault holds
    token_id: int | None = None
    amount: int | None = None
    """With ERC1155: for how many of the token id the delegate stands."""


@dataclass(frozen=True, slots=True)
class EndpointHealth:
    """How one endpoint does, for staff. Its whole address may hold a key, so it is not here."""

    chain_id: int
    host: str
    resting_seconds: float
    """For how long it is left alone from now; 0: it is asked."""
    last_success: datetime | None
    consecutive_failures: int
    last_failure: datetime | None
    last_reason: str | None  # of that failure
    requests_today: int  # UTC day, since this process began
    requests_a_day: int | None
    finalized: int | None  # the newest finalized block it has shown
    log_page: int  # blocks a request
    requests: int = 0  # since this process began
    request_seconds: float = 0.0  # of all of them together
    faults: Mapping[str, int] = field(default_factory=dict)  # by the kind of `NoAnswer`


class PageMemory(Protocol):
    """Keeps how many blocks of logs an endpoint gives at once, from one start to the next.

    `key` is the SHA-256 of the endpoint's address. Neither method may wait: load before, save
    after.
    """

    def get(self, key: str) -> int | None: ...

    def set(self, key: str, blocks: int) -> None: ...


class ForgetfulPages:
    """Page sizes for as long as the process lives."""

    def __init__(self) -> None:
        self._sizes: dict[str, int] = {}

    def get(self, key: str) -> int | None:
        return self._sizes.get(key)

    def set(self, key: str, blocks: int) -> None:
        self._sizes[key] = blocks
