"""A chain of made-up blocks: logs as ``eth_getLogs`` gives them, and who owns what by a dict."""

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from eth_abi import encode
from eth_utils import to_checksum_address

from core.chain.values import Finality
from core.errors import ChainUnavailable
from core.holdings.transfers import BATCH, CONSECUTIVE, SINGLE, TRANSFER
from core.town import Collection, Localised

CHAIN = 5
ZERO = "0x" + "0" * 40

Move = tuple[str, str, int, int]
"""Sender, receiver, token, amount."""


def wallet(number: int) -> str:
    return str(to_checksum_address(f"0x{number:040x}"))


def collection(name: str = "card", number: int = 0xC0DE, **values: Any) -> Collection:
    return Collection(
        name=name,
        title=Localised({"ja": "会員証"}),
        chain_id=values.pop("chain_id", CHAIN),
        contract=wallet(number),
        first_block=values.pop("first_block", 0),
        legal_note=Localised({"ja": "法律上の住民票ではありません。"}),
        **values,
    )


CARD = collection()
TICKET = collection("ticket", 0xBEEF, standard="ERC-1155")


def _topic(address: str) -> str:
    return "0x" + "0" * 24 + address[2:].lower()


def transfer_log(contract: str, sender: str, receiver: str, token: int) -> dict[str, Any]:
    topics = [TRANSFER, _topic(sender), _topic(receiver), f"0x{token:064x}"]
    return {"address": contract.lower(), "topics": topics, "data": "0x"}


def run_log(contract: str, receiver: str, first: int, last: int) -> dict[str, Any]:
    """ERC-2309: `receiver` gets all tokens from `first` to `last`."""
    topics = [CONSECUTIVE, f"0x{first:064x}", _topic(ZERO), _topic(receiver)]
    return {"address": contract.lower(), "topics": topics, "data": f"0x{last:064x}"}


def single_log(contract: str, sender: str, receiver: str, token: int, n: int) -> dict[str, Any]:
    topics = [SINGLE, _topic(ZERO), _topic(sender), _topic(receiver)]
    return {"address": contract.lower(), "topics": topics, "data": f"0x{token:064x}{n:064x}"}


def batch_log(
    contract: str, sender: str, receiver: str, tokens: Sequence[int], amounts: Sequence[int]
) -> dict[str, Any]:
    data = encode(["uint256[]", "uint256[]"], [tokens, amounts]).hex()
    topics = [BATCH, _topic(ZERO), _topic(sender), _topic(receiver)]
    return {"address": contract.lower(), "topics": topics, "data": "0x" + data}


@dataclass(frozen=True)
class FakeBlock:
    number: int
    hash: str
    logs: tuple[dict[str, Any], ...] = ()
    timestamp: int = 0


@dataclass(frozen=True)
class FakePage:
    logs: tuple[Mapping[str, object], ...]
    first: int
    last: int
    last_hash: str


@dataclass
class FakeChain:
    """Answers `LogSource`. `finalized` is `lag` blocks behind the newest."""

    lag: int = 0
    page: int = 1_000
    away: bool = False
    history: bool = True  # whether states of old blocks are kept
    blocks: list[FakeBlock] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    calls: int = 0  # requests of at most 500 reads
    _salt: Any = field(default_factory=count)

    def __post_init__(self) -> None:
        self.mine()

    def mine(self, *logs: dict[str, Any]) -> FakeBlock:
        number = len(self.blocks)
        digest = hashlib.sha256(f"{number}/{next(self._salt)}".encode()).hexdigest()
        placed = tuple(
            {**log, "blockNumber": hex(number), "logIndex": hex(index), "removed": False}
            for index, log in enumerate(logs)
        )
        self.blocks.append(FakeBlock(number, "0x" + digest, placed))
        return self.blocks[-1]

    def reorganise(self, depth: int) -> None:
        """The newest `depth` blocks never were."""
        del self.blocks[max(len(self.blocks) - depth, 1) :]

    def owners(
        self, contract: Collection, *, finality: Finality = "finalized"
    ) -> dict[tuple[str, int], int]:
        """Owner and token → amount, by replaying every log the slow way."""
        return replay(self.blocks[: self._top(finality) + 1], contract)

    def _top(self, finality: Finality) -> int:
        newest = len(self.blocks) - 1
        return newest if finality == "latest" else max(newest - self.lag, 0)

    def _ask(self, what: str) -> None:
        self.asked.append(what)
        if self.away:
            raise ChainUnavailable("nobody answers")

    async def head(self, chain_id: int, finality: Finality) -> FakeBlock:  # noqa: ARG002
        self._ask("head")
        return self.blocks[self._top(finality)]

    async def block(self, chain_id: int, finality: Finality) -> int:
        return (await self.head(chain_id, finality)).number

    async def balance_of(self, collection: Collection, owner: str, *, block: int) -> int:
        self._ask("balance_of")
        owned = replay(self.blocks[: block + 1], collection)
        return sum(
            n
            for (holder, token), n in owned.items()
            if holder == owner and collection.token_id in {None, token}
        )

    async def balances(
        self, collection: Collection, owners: Sequence[str], *, block: int
    ) -> tuple[int, ...]:
        self.calls += -(-len(owners) // 500)
        counted: defaultdict[str, int] = defaultdict(int)
        for (holder, token), n in self.truth(collection, block).items():
            counted[holder] += n if collection.token_id in {None, token} else 0
        return tuple(counted[owner] for owner in owners)

    async def balances_by_id(
        self, collection: Collection, pairs: Sequence[tuple[str, int]], *, block: int
    ) -> tuple[int, ...]:
        self.calls += -(-len(pairs) // 500)
        truth = self.truth(collection, block)
        return tuple(truth.get(pair, 0) for pair in pairs)

    async def owners_of(
        self, collection: Collection, token_ids: Sequence[int], *, block: int
    ) -> tuple[str | None, ...]:
        self.calls += -(-len(token_ids) // 500)
        owners = {token: owner for owner, token in self.truth(collection, block)}
        return tuple(owners.get(token) for token in token_ids)

    def truth(self, collection: Collection, block: int) -> dict[tuple[str, int], int]:
        """What the contract says, the logs that the endpoint keeps to itself included."""
        if self.away:
            raise ChainUnavailable("nobody answers")
        return replay(self.blocks[: block + 1], collection)

    async def block_hash(self, chain_id: int, number: int) -> str | None:  # noqa: ARG002
        self._ask("block_hash")
        return self.blocks[number].hash if number < len(self.blocks) else None

    async def logs(
        self,
        chain_id: int,  # noqa: ARG002
        contracts: Sequence[str],
        topics: Sequence[Sequence[str] | None],
        first: int,
        last: int,
    ) -> FakePage:
        self._ask("logs")
        last = min(last, first + self.page - 1, len(self.blocks) - 1)
        wanted = {each.lower() for each in contracts}
        found = tuple(
            log
            for block in self.blocks[first : last + 1]
            for log in block.logs
            if log["address"] in wanted
            and log["topics"][0] in (topics[0] or ())
            and not log.get("hidden")
        )
        return FakePage(found, first, last, self.blocks[last].hash)

    async def code_at(self, chain_id: int, contract: str, block: int) -> bytes:  # noqa: ARG002
        self._ask("code_at")
        if not self.history and block < len(self.blocks) - 1:
            raise ChainUnavailable("missing trie node")
        begun = next(
            (each.number for each in self.blocks for log in each.logs if _by(log, contract)), None
        )
        return b"\x60" if begun is not None and begun <= block else b""


def _by(log: Mapping[str, Any], contract: str) -> bool:
    return str(log["address"]) == contract.lower()


def replay(blocks: Sequence[FakeBlock], contract: Collection) -> dict[tuple[str, int], int]:
    """The plain model that the index is compared with."""
    owned: defaultdict[tuple[str, int], int] = defaultdict(int)
    for block in blocks:
        for log in block.logs:
            if _by(log, contract.contract):
                for sender, receiver, token, amount in moves(log):
                    owned[sender, token] -= amount
                    owned[receiver, token] += amount
    return {place: n for place, n in owned.items() if n and place[0] != wallet(0)}


def moves(log: Mapping[str, Any]) -> list[Move]:
    """What one log says, decoded apart from the product's own reader."""
    event, *rest = log["topics"]
    words = [int(log["data"][at : at + 64], 16) for at in range(2, len(log["data"]), 64)]
    if event == TRANSFER:
        sender, receiver, token = (int(each, 16) for each in rest)
        return [(wallet(sender), wallet(receiver), token, 1)]
    if event == CONSECUTIVE:
        first, sender, receiver = (int(each, 16) for each in rest)
        return [
            (wallet(sender), wallet(receiver), token, 1) for token in range(first, words[0] + 1)
        ]
    _, sender, receiver = (int(each, 16) for each in rest)
    if event == SINGLE:
        return [(wallet(sender), wallet(receiver), words[0], words[1])]
    size = words[2]
    tokens, amounts = words[3 : 3 + size], words[4 + size : 4 + 2 * size]
    return [
        (wallet(sender), wallet(receiver), token, n)
        for token, n in zip(tokens, amounts, strict=True)
    ]
