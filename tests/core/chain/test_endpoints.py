"""Endpoints one by one and together: rest, recovery, budgets, quorum and contradiction."""

import asyncio
from datetime import timedelta

import aiohttp
import pytest

from core.chain import endpoints, pool, provider
from core.chain.client import JsonRpcChain
from core.errors import ChainUnavailable
from core.testing import SetClock
from tests.world.chains import Anvil, anvil
from tests.world.reading import CHAIN, Reader, Ticks
from tests.world.rpc import Rpc

# Rest and recovery


async def test_an_endpoint_that_fails_is_left_alone_longer_each_time_and_recovers(
    rpcs: list[Rpc], reader: Reader, ticks: Ticks
) -> None:
    (rpc,) = rpcs[:1]
    chain = reader([rpc])
    rpc.status = 503
    rests = []
    for _ in range(12):
        with pytest.raises(ChainUnavailable, match="HTTP 503"):
            await chain.head("latest")
        (health,) = chain.health()
        rests.append(health.resting_seconds)
        asked = len(rpc.asked)
        with pytest.raises(ChainUnavailable, match="rests"):
            await chain.head("latest")
        assert len(rpc.asked) == asked, "a resting endpoint is not asked"
        ticks.advance(health.resting_seconds)
    assert health.consecutive_failures == 12
    for place, rest in enumerate(rests):
        full = min(60, 0.5 * 2**place)
        assert full / 2 <= rest <= full

    rpc.behave()
    await chain.head("latest")
    (health,) = chain.health()
    assert (health.consecutive_failures, health.resting_seconds) == (0, 0)
    assert health.last_success is not None


async def test_when_the_rest_is_over_one_question_tries_for_all(
    rpcs: list[Rpc], reader: Reader, ticks: Ticks
) -> None:
    (rpc,) = rpcs[:1]
    chain = reader([rpc])
    rpc.status = 500
    with pytest.raises(ChainUnavailable):
        await chain.head("latest")
    ticks.advance(60)
    rpc.behave()
    rpc.delay = 0.05
    answers = await asyncio.gather(
        *(chain.head("latest") for _ in range(10)), return_exceptions=True
    )
    assert sum(not isinstance(each, BaseException) for each in answers) == 1
    assert rpc.counts["eth_getBlockByNumber"] == 1


async def test_who_asks_just_after_an_outage_does_not_wait_for_the_rest_to_end(
    rpcs: list[Rpc], reader: Reader, ticks: Ticks
) -> None:
    chain = reader(rpcs[:2])
    for rpc in rpcs[:2]:
        rpc.status = 503
    for _ in range(12):
        with pytest.raises(ChainUnavailable):
            await chain.head("latest")
        ticks.advance(max(each.resting_seconds for each in chain.health()))
    with pytest.raises(ChainUnavailable):
        await chain.head("latest")
    asked = [len(rpc.asked) for rpc in rpcs[:2]]
    ticks.advance(1.9)
    with pytest.raises(ChainUnavailable, match="rests"):
        await chain.head("latest")
    assert [len(rpc.asked) for rpc in rpcs[:2]] == asked, "a dead endpoint is not hammered"
    ticks.advance(0.1)
    for rpc in rpcs[:2]:
        rpc.behave()
    with pytest.raises(ChainUnavailable, match="rests"):
        await chain.head("finalized")  # nobody waits for it
    assert await chain.head("latest")
    assert {each.consecutive_failures for each in chain.health()} == {0}


async def test_a_silent_endpoint_keeps_nobody_waiting_long_who_asks_in_an_outage(
    rpcs: list[Rpc], reader: Reader, ticks: Ticks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "WOKEN_SECONDS", 0.1)
    (rpc,) = rpcs[:1]
    chain = reader([rpc])
    rpc.status = 503
    for _ in range(8):
        with pytest.raises(ChainUnavailable):
            await chain.head("latest")
        ticks.advance(2)
    rpc.behave()
    rpc.stalled = True
    async with asyncio.timeout(5):
        with pytest.raises(ChainUnavailable, match="still silent"):
            await chain.head("latest")
    (health,) = chain.health()
    assert health.resting_seconds > 0


async def test_an_endpoint_that_asked_for_its_rest_gets_it_whoever_asks(
    rpcs: list[Rpc], reader: Reader, ticks: Ticks
) -> None:
    (rpc,) = rpcs[:1]
    chain = reader([rpc])
    rpc.limit_rate(retry_after=30)
    with pytest.raises(ChainUnavailable):
        await chain.head("latest")
    asked = len(rpc.asked)
    ticks.advance(29)
    with pytest.raises(ChainUnavailable, match="rests"):
        await chain.head("latest")
    assert len(rpc.asked) == asked


async def test_failures_of_one_moment_count_once(rpcs: list[Rpc], reader: Reader) -> None:
    (rpc,) = rpcs[:1]
    chain = reader([rpc])
    await chain.head("latest")
    rpc.status, rpc.delay = 502, 0.05
    await asyncio.gather(*(chain.head("latest") for _ in range(16)), return_exceptions=True)
    (health,) = chain.health()
    assert health.consecutive_failures == 1


@pytest.mark.parametrize(
    ("words", "data"),
    [
        ("daily request count exceeded, request rate limited", {"rate": {"backoff_seconds": 30}}),
        ("limit exceeded", {"backoff_seconds": 30}),
        ("Too many requests", {"rate": {"backoff_seconds": 30}}),
    ],
)
async def test_a_rate_limit_said_in_json_rpc_is_respected(
    rpcs: list[Rpc], reader: Reader, ticks: Ticks, words: str, data: object
) -> None:
    (rpc,) = rpcs[:1]
    chain = reader([rpc])
    rpc.errors["eth_getBlockByNumber"] = {"code": -32005, "message": words, "data": data}
    with pytest.raises(ChainUnavailable, match="rate-limited"):
        await chain.head("latest")
    (health,) = chain.health()
    assert health.resting_seconds == 30
    rpc.behave()
    ticks.advance(30)
    assert await chain.head("latest")


@pytest.mark.parametrize(("header", "rest"), [(120, 120.0), (86_400, 3_600.0)])
async def test_retry_after_is_respected_up_to_an_hour(
    rpcs: list[Rpc], reader: Reader, header: int, rest: float
) -> None:
    (rpc,) = rpcs[:1]
    chain = reader([rpc])
    rpc.limit_rate(retry_after=header)
    with pytest.raises(ChainUnavailable, match="rate-limited"):
        await chain.head("latest")
    (health,) = chain.health()
    assert health.resting_seconds == rest


@pytest.mark.parametrize("header", ["²", "٣", "-5", "1e9", "9" * 400, "Fri, 99 Foo 2026", ""])
async def test_a_retry_after_that_is_no_time_is_still_a_rate_limit(
    rpcs: list[Rpc], reader: Reader, header: str
) -> None:
    (rpc,) = rpcs[:1]
    chain = reader([rpc])
    rpc.limit_rate()
    rpc.headers = {"Retry-After": header}
    with pytest.raises(ChainUnavailable, match="rate-limited"):
        await chain.head("latest")
    (health,) = chain.health()
    assert 1 <= health.resting_seconds <= 3_600


async def test_a_chain_id_of_any_length_is_no_more_than_the_wrong_one(
    rpcs: list[Rpc], reader: Reader
) -> None:
    rpcs[0].override["eth_chainId"] = "0x" + "f" * 10_000
    with pytest.raises(ChainUnavailable, match="no chain id"):
        await reader(rpcs[:1]).head("latest")


async def test_a_rate_limit_without_a_time_rests_at_least_a_second(
    rpcs: list[Rpc], reader: Reader
) -> None:
    (rpc,) = rpcs[:1]
    chain = reader([rpc])
    rpc.limit_rate()
    with pytest.raises(ChainUnavailable):
        await chain.head("latest")
    (health,) = chain.health()
    assert health.resting_seconds >= 1


async def test_a_refusal_of_one_question_rests_nobody(rpcs: list[Rpc], reader: Reader) -> None:
    (rpc,) = rpcs[:1]
    chain = reader([rpc])
    rpc.errors["eth_getBlockByNumber"] = {"code": -32000, "message": "header not found"}
    with pytest.raises(ChainUnavailable, match="error -32000"):
        await chain.head("latest")
    rpc.behave()
    assert await chain.head("latest")


async def test_a_second_later_the_slow_endpoint_no_longer_holds_up_the_others(
    rpcs: list[Rpc], reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "STRAGGLER_SECONDS", 0.2)
    good, slow = rpcs[:2]
    chain = reader([good, slow])
    slow.stalled = True
    assert await chain.head("latest")
    asked = len(slow.asked)
    assert await chain.head("latest")
    assert len(slow.asked) == asked, "it rests"
    health = {each.consecutive_failures for each in chain.health()}
    assert health == {0, 1}


async def test_nobody_waits_to_find_out_whether_an_endpoint_is_back(
    rpcs: list[Rpc], reader: Reader, ticks: Ticks
) -> None:
    good, bad = rpcs[:2]
    chain = reader([good, bad])
    bad.status = 503
    await chain.head("latest")
    ticks.advance(60)
    bad.behave()
    bad.stalled = True
    async with asyncio.timeout(1):
        await chain.head("latest")
    assert bad.counts["eth_chainId"] == 2, "it is being tried"
    bad.behave()
    async with asyncio.timeout(5):
        while any(each.consecutive_failures for each in chain.health()):
            await chain.head("latest")
    asked = bad.counts["eth_getBlockByNumber"]
    await chain.head("latest")
    assert bad.counts["eth_getBlockByNumber"] == asked + 1, "it takes part again"


async def test_whoever_waits_for_the_chain_id_does_not_ask_a_dead_endpoint_in_turn(
    rpcs: list[Rpc], reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(provider, "TIMEOUT", timedelta(seconds=0.1))
    for rpc in rpcs[:2]:
        rpc.stalled = True
    chain = reader(rpcs[:1])
    await asyncio.gather(*(chain.head("latest") for _ in range(16)), return_exceptions=True)
    assert len(rpcs[0].asked) == 1
    chain = reader(rpcs[1:2])
    signed = (chain.is_valid_signature("0x" + "1" * 40, bytes(32), b"\x01") for _ in range(16))
    await asyncio.gather(*signed, return_exceptions=True)
    assert len(rpcs[1].asked) == 1


async def test_a_wallet_that_burns_gas_until_the_endpoint_is_silent_rests_nobody(
    rpcs: list[Rpc], reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(provider, "TIMEOUT", timedelta(seconds=0.1))
    chain = reader(rpcs[:1])
    await chain.head("latest")
    rpcs[0].stalls_on = "eth_call"
    with pytest.raises(ChainUnavailable):
        await chain.is_valid_signature("0x" + "1" * 40, bytes(32), b"\x01")
    rpcs[0].behave()
    assert await chain.head("latest")


# What staff see


async def test_health_names_the_host_and_never_the_key(
    rpcs: list[Rpc], client: aiohttp.ClientSession
) -> None:
    url = rpcs[0].url.replace("http://", "http://user:pass@") + "v2/SECRET?key=SECRET"
    chain = JsonRpcChain(CHAIN, [url], client)
    with pytest.raises(ChainUnavailable) as refused:
        await chain.head("latest")
    (health,) = chain.health()
    assert health.host == "127.0.0.1"
    assert "SECRET" not in f"{health}{refused.value}"
    assert "pass" not in f"{health}{refused.value}"


# Budgets


async def test_requests_a_second_are_spread(rpcs: list[Rpc], client: aiohttp.ClientSession) -> None:
    chain = JsonRpcChain(CHAIN, [rpcs[0].url], client, requests_per_second=50)
    began = asyncio.get_running_loop().time()
    await asyncio.gather(*(chain.head("latest") for _ in range(74)))  # and one for the chain id
    assert asyncio.get_running_loop().time() - began >= 0.48, "50 at once, then 25 in half a second"


async def test_a_day_has_an_end_and_people_come_before_logs(
    rpcs: list[Rpc], client: aiohttp.ClientSession
) -> None:
    (rpc,) = rpcs[:1]
    clock = SetClock()
    chain = JsonRpcChain(CHAIN, [rpc.url], client, now=clock, requests_a_day=10)
    for _ in range(7):
        await chain.head("latest")
    with pytest.raises(ChainUnavailable, match="used up"):
        await chain.logs(["0x" + "1" * 40], [], 0, 0)
    await chain.head("latest")
    await chain.head("latest")
    with pytest.raises(ChainUnavailable, match="used up"):
        await chain.head("latest")
    (health,) = chain.health()
    assert (health.requests_today, health.requests_a_day, len(rpc.asked)) == (10, 10, 10)
    clock.advance(timedelta(days=1))
    assert await chain.head("latest")


# Agreement


@pytest.mark.parametrize(
    ("endpoints_", "away", "answers"),
    [(1, 1, False), (2, 1, True), (2, 2, False), (3, 1, True), (3, 2, False)],
)
async def test_half_of_the_configured_endpoints_must_answer(
    rpcs: list[Rpc], reader: Reader, endpoints_: int, away: int, answers: bool
) -> None:
    used = rpcs[:endpoints_]
    chain = reader(used)
    for rpc in used[:away]:
        rpc.status = 503
    if answers:
        assert await chain.head("latest")
        assert await chain.head("finalized"), "a resting endpoint is one that does not answer"
    else:
        with pytest.raises(ChainUnavailable):
            await chain.head("latest")


async def test_an_endpoint_of_another_chain_is_not_believed(
    rpcs: list[Rpc], reader: Reader
) -> None:
    with anvil(chain_id=1) as other:
        rpcs[0].serve(other.url)
        with pytest.raises(ChainUnavailable, match="serves chain 1, not 31337"):
            await reader(rpcs[:1]).head("latest")
        assert await reader(rpcs[:2]).head("latest")


async def test_an_endpoint_that_changes_its_chain_is_noticed(
    rpcs: list[Rpc], reader: Reader, ticks: Ticks
) -> None:
    chain = reader(rpcs[:1])
    await chain.head("latest")
    with anvil(chain_id=1) as other:
        rpcs[0].serve(other.url)
        ticks.advance(endpoints.CHAIN_CHECK_SECONDS)
        with pytest.raises(ChainUnavailable, match="serves chain 1"):
            await chain.head("latest")


@pytest.mark.parametrize("answer", [{"jsonrpc": "2.0", "id": 0, "result": "0x7a69"}, {"id": 1}, 7])
async def test_the_answer_to_another_question_is_none(
    rpcs: list[Rpc], reader: Reader, answer: object
) -> None:
    rpcs[0].body = repr(answer).replace("'", '"').encode()
    with pytest.raises(ChainUnavailable, match="not a JSON-RPC answer"):
        await reader(rpcs[:1]).head("latest")


async def test_an_answer_that_breaks_off_is_none(rpcs: list[Rpc], reader: Reader) -> None:
    rpcs[0].truncate = 20
    with pytest.raises(ChainUnavailable):
        await reader(rpcs[:1]).head("latest")
    assert await reader(rpcs[:2]).head("latest")


async def test_the_same_endpoint_twice_confirms_nothing(
    node: Anvil, client: aiohttp.ClientSession
) -> None:
    chain = JsonRpcChain(CHAIN, [node.url, node.url], client)
    assert len(chain.health()) == 1
