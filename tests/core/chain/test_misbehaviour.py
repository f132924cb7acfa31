"""Everything that can go wrong, at random: an outage or the truth, and never anything else.

Three endpoints of one node. At any moment each of them may be away in some way, and one of them,
never more, may say what is not true. Whatever is asked, the answer is the node's own or none.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from core.chain import pool, provider
from core.chain.client import JsonRpcChain
from core.errors import ChainUnavailable
from tests.world.chains import Anvil
from tests.world.reading import TRANSFER, Reader, Ticks, collection, wallet
from tests.world.rpc import FIELD, Rpc

TOKENS, BLOCKS = 40, 120


@pytest.fixture(scope="module")
def cards(node: Anvil) -> str:
    """Token n belongs to wallet n % 7 + 1; the chain has BLOCKS final blocks."""
    contract = node.deploy("collection721", ["bool"], [False])
    for start in range(1, TOKENS + 1, 8):
        node.do(contract, "mintEach(address[])", [owner(n) for n in range(start, start + 8)])
        node.mine(20)
    node.finalize()
    return contract


def owner(token: int) -> str:
    return wallet(token % 7 + 1)


# Ways to be of no use


def away(rpc: Rpc, chance: random.Random) -> None:
    """Give no usable answer, one way or another."""
    ways: list[Callable[[], object]] = [
        lambda: setattr(rpc, "status", chance.choice([401, 403, 500, 502, 503])),
        lambda: rpc.limit_rate(retry_after=chance.choice([None, 1, 30])),
        lambda: setattr(rpc, "body", chance.choice([b"", b"<html>", b"[]", b"null", b"\xff"])),
        lambda: setattr(rpc, "truncate", chance.randrange(60)),
        lambda: setattr(rpc, "flood", 5_000_000),
        lambda: setattr(rpc, "stalled", True),
        lambda: setattr(rpc, "limit", chance.choice(list(FIELD.values()))),
        lambda: setattr(rpc, "largest_call", 500),
        lambda: rpc.override.update(eth_chainId="0x1"),
        lambda: rpc.override.update(eth_getLogs=None),
        lambda: rpc.override.update(eth_call=chance.choice(["0x", "0x1", None, 7, {}])),
        lambda: rpc.errors.update(
            {
                chance.choice(["eth_getLogs", "eth_call", "eth_getBlockByNumber"]): {
                    "code": chance.choice([-32000, -32005, -32601, -32603]),
                    "message": chance.choice(["", "limit exceeded", "internal error", "boom"]),
                }
            }
        ),
    ]
    chance.choice(ways)()


# Ways to lie


def lying(rpc: Rpc, node: Anvil, chance: random.Random) -> None:
    """Say something well-formed that is not true."""

    def fewer(question: Any) -> Any:
        logs = node.ask("eth_getLogs", *question["params"])
        return logs[: chance.randrange(len(logs))] if logs else logs

    def other_owner(question: Any) -> Any:
        logs = node.ask("eth_getLogs", *question["params"])
        for log in logs:
            log["topics"][2] = "0x" + wallet(666)[2:].zfill(64)
        return logs

    def other_word(question: Any) -> Any:
        answer = str(node.ask("eth_call", *question["params"]))
        at = chance.randrange(2, len(answer)) if len(answer) > 2 else 2
        return answer[:at] + chance.choice("0123456789abcdef") + answer[at + 1 :]

    def other_hash(question: Any) -> Any:
        block = node.ask("eth_getBlockByNumber", *question["params"])
        return block and block | {"hash": f"0x{chance.getrandbits(256):064x}"}

    def further(question: Any) -> Any:
        block = node.ask("eth_getBlockByNumber", *question["params"])
        if not question["params"][0].startswith("0x"):
            block["number"] = hex(int(block["number"], 16) + chance.randrange(-3, 1_000))
        return block

    method, lie = chance.choice(
        [
            ("eth_getLogs", fewer),
            ("eth_getLogs", other_owner),
            ("eth_call", other_word),
            ("eth_getBlockByNumber", other_hash),
            ("eth_getBlockByNumber", further),
            ("eth_getCode", lambda _: "0x00"),
        ]
    )
    rpc.override[method] = lie


@dataclass(frozen=True)
class Questions:
    """Each with its truth."""

    chain: JsonRpcChain
    cards: str
    node: Anvil
    block: int

    async def owners(self) -> None:
        tokens = range(1, TOKENS + 3)
        truth = (*(owner(each) for each in range(1, TOKENS + 1)), None, None)
        found = await self.chain.owners_of(collection(self.cards), tokens, block=self.block)
        assert tuple(each and each.lower() for each in found) == truth

    async def balances(self) -> None:
        found = await self.chain.balances(
            collection(self.cards), [wallet(n) for n in range(1, 9)], block=self.block
        )
        assert found == tuple(
            sum(owner(each) == wallet(n) for each in range(1, TOKENS + 1)) for n in range(1, 9)
        )

    async def balance(self) -> None:
        assert await self.chain.balance_of(collection(self.cards), wallet(1), block=self.block) == 5

    async def head(self) -> None:
        head = await self.chain.head("finalized")
        assert head.number <= self.block
        assert head.hash == self.node.ask("eth_getBlockByNumber", hex(head.number), False)["hash"]

    async def hash(self) -> None:
        found = await self.chain.block_hash(self.block)
        assert found == self.node.ask("eth_getBlockByNumber", hex(self.block), False)["hash"]

    async def logs(self) -> None:
        page = await self.chain.logs([self.cards], [[TRANSFER]], 0, self.block)
        assert list(page.logs) == self.node.ask(
            "eth_getLogs",
            {
                "address": self.cards,
                "fromBlock": "0x0",
                "toBlock": hex(page.last),
                "topics": [TRANSFER],
            },
        )
        assert (
            page.last_hash == self.node.ask("eth_getBlockByNumber", hex(page.last), False)["hash"]
        )


@pytest.mark.parametrize("seed", range(16))
async def test_whatever_goes_wrong_the_answer_is_true_or_an_outage(
    seed: int,
    node: Anvil,
    cards: str,
    rpcs: list[Rpc],
    reader: Reader,
    ticks: Ticks,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(provider, "TIMEOUT", timedelta(seconds=0.15))
    monkeypatch.setattr(pool, "STRAGGLER_SECONDS", 0.1)
    chance = random.Random(seed)
    chain = reader(rpcs)
    block = node.height - 64
    ask = Questions(chain, cards, node, block)
    questions = [ask.owners, ask.balances, ask.balance, ask.head, ask.hash, ask.logs]
    answered = 0
    for _ in range(12):
        for rpc in rpcs:
            rpc.behave()
        if chance.random() < 0.7:
            lying(rpcs[chance.randrange(3)], node, chance)
        for rpc in rpcs:
            if not rpc.override and chance.random() < 0.35:
                away(rpc, chance)
        for question in chance.sample(questions, 3):
            try:
                await question()
                answered += 1
            except ChainUnavailable:
                continue
        ticks.advance(chance.choice([0, 1, 60, 3_600]))
    assert 0 < answered < 36

    for rpc in rpcs:
        rpc.behave()
    ticks.advance(3_600)
    for question in questions:
        if question != ask.head:  # whoever ran ahead of the finalized block goes back now
            await question()
