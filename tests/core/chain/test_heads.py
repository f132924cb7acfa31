"""The newest block and the finalized one, with endpoints that freeze, lag, go back and lie."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest

from core.chain.client import JsonRpcChain
from core.errors import ChainUnavailable
from core.testing import SetClock
from core.town import Chain
from tests.world.chains import FINALITY_DEPTH, Anvil, anvil
from tests.world.reading import CHAIN, Reader
from tests.world.rpc import Rpc

STRICT = Chain(id=31337, name="anvil", finalized_within_minutes=30)


def claims(number: int, node: Anvil, *, seconds: int = 0) -> Callable[[Any], Any]:
    """Says that this number is the finalized block, with everything else of the true one."""

    def answer(question: Any) -> Any:
        block = node.ask("eth_getBlockByNumber", *question["params"])
        if question["params"][0] == "finalized":
            block["number"] = hex(number)
            block["timestamp"] = hex(int(block["timestamp"], 16) + seconds)
        return block

    return answer


async def test_the_finalized_block_lies_behind_the_newest(rpcs: list[Rpc], reader: Reader) -> None:
    chain = reader(rpcs[:2])
    with anvil() as node:
        for rpc in rpcs:
            rpc.serve(node.url)
        node.mine(100)
        latest, finalized = await chain.head("latest"), await chain.head("finalized")
        assert (latest.number, finalized.number) == (100, 100 - FINALITY_DEPTH)
        assert finalized.hash == await chain.block_hash(finalized.number)
        assert finalized.hash == node.ask("eth_getBlockByNumber", "finalized", False)["hash"]
        assert finalized.timestamp <= latest.timestamp


async def test_a_block_that_nobody_knows_has_no_hash(
    rpcs: list[Rpc], reader: Reader, node: Anvil
) -> None:
    assert await reader(rpcs).block_hash(node.height + 1_000) is None


async def test_a_reorganisation_changes_the_hash(
    rpcs: list[Rpc], reader: Reader, node: Anvil
) -> None:
    chain = reader(rpcs[:2])
    node.mine(5)
    node.send("0x", to="0x" + "1" * 40)  # an empty block would be made again just as it was
    before = await chain.head("latest")
    node.reorganise(3)
    assert await chain.block_hash(before.number) != before.hash
    assert await chain.block_hash(before.number - 4) is not None


async def test_one_frozen_endpoint_among_others_does_not_stop_the_town(
    rpcs: list[Rpc], client: aiohttp.ClientSession, node: Anvil
) -> None:
    newest = node.ask("eth_getBlockByNumber", "latest", False)
    clock = SetClock(datetime.fromtimestamp(int(newest["timestamp"], 16), UTC))
    chain = JsonRpcChain(STRICT, [each.url for each in rpcs], client, now=clock)
    await rpcs[0].freeze()
    node.mine(FINALITY_DEPTH + 10)
    clock.advance(timedelta(minutes=31))
    node.ask("evm_increaseTime", 31 * 60)
    node.mine(FINALITY_DEPTH + 10)
    assert (await chain.head("finalized")).number == node.height - FINALITY_DEPTH
    reasons = [each.last_reason for each in chain.health()]
    assert "stands still" in str(reasons[0])

    for rpc in rpcs[1:]:
        await rpc.freeze()
    clock.advance(timedelta(minutes=31))
    with pytest.raises(ChainUnavailable, match="stands still"):
        await chain.head("finalized")


async def test_a_newest_block_that_stands_still_lets_nobody_in(
    rpcs: list[Rpc], client: aiohttp.ClientSession, node: Anvil
) -> None:
    newest = node.ask("eth_getBlockByNumber", "latest", False)
    clock = SetClock(datetime.fromtimestamp(int(newest["timestamp"], 16), UTC))
    chain = JsonRpcChain(STRICT, [rpcs[0].url], client, now=clock)
    clock.advance(timedelta(minutes=5))
    assert (await chain.head("latest")).number == node.height
    clock.advance(timedelta(seconds=1))
    with pytest.raises(ChainUnavailable, match="newest block stands still"):
        await chain.head("latest")
    with pytest.raises(ChainUnavailable, match="newest block stands still"):
        await chain.is_valid_signature("0x" + "1" * 40, bytes(32), b"\x01")
    assert await chain.head("finalized")

    clock.advance(timedelta(days=-1))
    with pytest.raises(ChainUnavailable, match="newest block lies in the future"):
        await chain.head("latest")

    idle = STRICT.model_copy(update={"latest_within_minutes": 0})
    clock.advance(timedelta(days=365))
    chain = JsonRpcChain(idle, [rpcs[0].url], client, now=clock)
    assert (await chain.head("latest")).number == node.height


async def test_of_two_endpoints_the_frozen_one_does_not_hold_up_who_wants_in(
    rpcs: list[Rpc], client: aiohttp.ClientSession, node: Anvil
) -> None:
    rpcs[0].override["eth_getBlockByNumber"] = node.ask("eth_getBlockByNumber", "0x0", False)
    rpcs[0].override["eth_getBlockByNumber"]["timestamp"] = "0x1"
    node.mine(1)
    newest = node.ask("eth_getBlockByNumber", "latest", False)
    clock = SetClock(datetime.fromtimestamp(int(newest["timestamp"], 16), UTC))
    chain = JsonRpcChain(STRICT, [each.url for each in rpcs[:2]], client, now=clock)
    assert (await chain.head("latest")).number == node.height


@pytest.mark.parametrize("count", [2, 3])
async def test_no_endpoint_lies_the_town_forward_beyond_what_another_knows(
    rpcs: list[Rpc], reader: Reader, node: Anvil, count: int
) -> None:
    node.mine(FINALITY_DEPTH + 5)
    rpcs[0].override["eth_getBlockByNumber"] = claims(node.height + 1_000, node)
    head = await reader(rpcs[:count]).head("finalized")
    assert head.number == node.height - FINALITY_DEPTH


async def test_an_endpoint_that_lags_slows_the_town_and_does_not_stop_it(
    rpcs: list[Rpc], reader: Reader, node: Anvil
) -> None:
    node.finalize()
    chain = reader(rpcs[:2])
    await rpcs[0].freeze()
    at_first = await chain.head("finalized")
    node.mine(10)
    assert await chain.head("finalized") == at_first
    rpcs[0].behave()
    assert (await chain.head("finalized")).number == at_first.number + 10


async def test_a_finalized_block_that_goes_back_is_no_answer(
    rpcs: list[Rpc], reader: Reader, node: Anvil
) -> None:
    node.finalize()
    chain = reader(rpcs[:1])
    head = await chain.head("finalized")
    rpcs[0].override["eth_getBlockByNumber"] = claims(head.number - 1, node)
    with pytest.raises(ChainUnavailable, match="goes back"):
        await chain.head("finalized")
    rpcs[0].behave()
    assert await chain.head("finalized") == head


async def test_a_finalized_block_of_the_future_is_no_answer(
    rpcs: list[Rpc], client: aiohttp.ClientSession, node: Anvil
) -> None:
    node.ask("evm_increaseTime", 1)
    chain = JsonRpcChain(STRICT, [rpcs[0].url], client)
    rpcs[0].override["eth_getBlockByNumber"] = claims(5, node, seconds=10**6)
    with pytest.raises(ChainUnavailable, match="future"):
        await chain.head("finalized")


async def test_two_hashes_for_one_finalized_block_are_an_outage(
    rpcs: list[Rpc], reader: Reader, node: Anvil
) -> None:
    def forged(question: Any) -> Any:
        block = node.ask("eth_getBlockByNumber", *question["params"])
        return block | {"hash": "0x" + "ab" * 32}

    rpcs[0].override["eth_getBlockByNumber"] = forged
    with pytest.raises(ChainUnavailable, match="contradict"):
        await reader(rpcs[:2]).head("finalized")
    with pytest.raises(ChainUnavailable, match="contradict"):
        await reader(rpcs[:2]).block_hash(0)


async def test_another_block_than_asked_for_is_no_answer(
    rpcs: list[Rpc], reader: Reader, node: Anvil
) -> None:
    rpcs[0].override["eth_getBlockByNumber"] = node.ask("eth_getBlockByNumber", "0x0", False)
    node.mine(3)
    with pytest.raises(ChainUnavailable, match="another block"):
        await reader(rpcs[:1]).block_hash(2)


@pytest.mark.parametrize(
    "block",
    [
        pytest.param({}, id="empty"),
        pytest.param({"number": "0x1", "timestamp": "0x1", "hash": "0x12"}, id="short hash"),
        pytest.param({"number": 1, "timestamp": "0x1", "hash": "0x" + "0" * 64}, id="a number"),
        pytest.param("0x1", id="text"),
        pytest.param(
            {"number": "0x1", "timestamp": "0x" + "f" * 300, "hash": "0x" + "0" * 64},
            id="a time beyond every clock",
        ),
        pytest.param(
            {"number": hex(2**63), "timestamp": "0x1", "hash": "0x" + "0" * 64},
            id="a number that no database keeps",
        ),
        pytest.param(
            {"number": "0x_1", "timestamp": "0x1", "hash": "0x" + "0" * 64}, id="underscores"
        ),
        pytest.param({"number": "1", "timestamp": "0x1", "hash": "0x" + "0" * 64}, id="without 0x"),
        pytest.param(None, id="null"),
    ],
)
async def test_what_is_no_block_is_no_answer(
    rpcs: list[Rpc], reader: Reader, block: object
) -> None:
    rpcs[0].override["eth_getBlockByNumber"] = block
    with pytest.raises(ChainUnavailable):
        await reader(rpcs[:1]).head("latest")


async def test_a_chain_without_an_endpoint_is_an_outage(client: aiohttp.ClientSession) -> None:
    with pytest.raises(ChainUnavailable, match="no endpoint"):
        await JsonRpcChain(CHAIN, [], client).head("finalized")
