"""Logs page by page: every limit of the field, every way to lie, and what a page promises."""

import hashlib
import random
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.chain import LogPage, logs, provider
from core.chain.client import JsonRpcChain
from core.chain.faults import NoAnswer
from core.chain.logs import checked, query_of
from core.errors import ChainUnavailable
from tests.world.chains import Anvil
from tests.world.reading import TRANSFER, Pages, Reader, Ticks, wallet
from tests.world.rpc import FIELD, LogLimit, Rpc

Log = dict[str, Any]
WORDS = [TRANSFER, "0x" + "0" * 64, "0x" + wallet(5)[2:].zfill(64)]


@pytest.fixture(scope="module")
def cards(node: Anvil) -> str:
    """A collection whose 60 mints lie here and there in 300 blocks."""
    contract = node.deploy("collection721", ["bool"], [False])
    for count in (1, 20, 3, 30, 6):
        node.do(contract, "mint(address,uint256)", wallet(7), count)
        node.mine(60)
    return contract


CONTRACT, LENGTH, EVERY = wallet(0xC0FFEE), 40_000, 661


def hash_of(block: int) -> str:
    return "0x" + hashlib.sha256(str(block).encode()).hexdigest()


def serve_long_chain(rpc: Rpc) -> None:
    """A chain of 40,000 blocks that no node had to mine: token n is minted in block 661 n."""

    def block(question: Any) -> Any:
        number = int(question["params"][0], 16)
        return {"number": hex(number), "hash": hash_of(number), "timestamp": hex(number)}

    def answer(question: Any) -> Any:
        asked = question["params"][0]
        first, last = int(asked["fromBlock"], 16), int(asked["toBlock"], 16)
        return [
            {
                "address": CONTRACT,
                "topics": [*WORDS, f"0x{number // EVERY:064x}"],
                "data": "0x",
                "blockNumber": hex(number),
                "blockHash": hash_of(number),
                "transactionHash": hash_of(-number),
                "logIndex": "0x0",
            }
            for number in range(first, last + 1)
            if number and number % EVERY == 0
        ]

    rpc.override["eth_getBlockByNumber"] = block
    rpc.override["eth_getLogs"] = answer


async def everything(chain: JsonRpcChain, contract: str, last: int) -> list[LogPage]:
    """All pages from the first block on, as the index reads them."""
    pages = []
    first = 0
    while first <= last:
        pages.append(await chain.logs([contract], [[TRANSFER]], first, last))
        assert pages[-1].first == first <= pages[-1].last <= last
        first = pages[-1].last + 1
    return pages


def token_ids(pages: Sequence[LogPage]) -> list[int]:
    return [int(str(log["topics"][3]), 16) for page in pages for log in page.logs]  # type: ignore[index]


# Pages


async def test_a_page_names_the_hash_of_its_last_block(
    node: Anvil, cards: str, rpcs: list[Rpc], reader: Reader
) -> None:
    page = await reader(rpcs[:1]).logs([cards], [[TRANSFER]], 0, 100)
    assert (page.first, page.last, len(page.logs)) == (0, 100, 21)
    assert page.last_hash == node.ask("eth_getBlockByNumber", hex(100), False)["hash"]
    assert (
        page.logs[0]
        == node.ask("eth_getLogs", {"address": cards, "fromBlock": "0x0", "toBlock": hex(100)})[0]
    )


@pytest.mark.parametrize("name", FIELD)
async def test_every_limit_of_the_field_is_learnt_and_remembered(
    name: str, rpcs: list[Rpc], reader: Reader
) -> None:
    rpc, limit = rpcs[0], FIELD[name]
    if limit.results is not None:  # as dense for this chain as 10,000 for a busy one
        limit = LogLimit(results=13, code=limit.code, words=limit.words, status=limit.status)
    serve_long_chain(rpc)
    rpc.limit = limit
    memory = Pages()
    last = LENGTH if limit.blocks is None or limit.blocks >= 1_000 else limit.blocks * 100
    found = await everything(reader([rpc], pages=memory), CONTRACT, last)
    assert token_ids(found) == list(range(1, last // EVERY + 1))
    assert found[-1].last_hash == hash_of(last)
    assert rpc.counts["eth_getLogs"] - len(found) <= 12, "refusals"
    if limit.blocks is not None:
        assert len(found) <= 1.5 * last / limit.blocks + 6
        (kept,) = memory.kept.values()
        assert limit.blocks / 2 < kept <= limit.blocks
        asked = rpc.counts["eth_getLogs"]
        await reader([rpc], pages=memory).logs([CONTRACT], [[TRANSFER]], 0, last)
        assert rpc.counts["eth_getLogs"] == asked + 1, "the next start begins with what it knows"


async def test_a_page_grows_again_slowly_after_a_dense_stretch(
    cards: str, rpcs: list[Rpc], reader: Reader
) -> None:
    memory = Pages()
    chain = reader(rpcs[:1], pages=memory)
    rpcs[0].limit = LogLimit(results=4, code=-32005, words="query returned more than 4 results")
    await chain.logs([cards], [[TRANSFER]], 0, 150)
    (health,) = chain.health()
    narrow = health.log_page
    assert narrow < 10_000
    rpcs[0].limit = None
    for first in [*range(0, 250, narrow)] * 3:
        await chain.logs([cards], [[TRANSFER]], first, first + narrow - 1)
        if chain.health()[0].log_page > narrow:
            break
    else:
        raise AssertionError("it never grew")


async def test_an_answer_too_large_is_asked_for_in_smaller_pages(
    cards: str, rpcs: list[Rpc], reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "PAGE_BYTES", 25_000)
    pages = await everything(reader(rpcs[:1]), cards, 300)
    assert token_ids(pages) == list(range(1, 61))
    assert len(pages) > 1


async def test_a_list_cut_off_at_a_round_number_is_read_again_in_halves(
    cards: str, rpcs: list[Rpc], reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "SUSPICIOUS", 10)
    rpcs[0].limit = LogLimit(results=40, silent=True)
    pages = await everything(reader(rpcs[:1]), cards, 300)
    assert token_ids(pages) == list(range(1, 61))


async def test_silence_narrows_the_page_and_in_the_end_rests_the_endpoint(
    cards: str, rpcs: list[Rpc], reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(provider, "TIMEOUT", timedelta(seconds=0.1))
    rpc = rpcs[0]
    chain = reader([rpc])
    await chain.head("latest")
    rpc.stalled = True
    with pytest.raises(ChainUnavailable):
        await chain.logs([cards], [[TRANSFER]], 0, 300)
    (health,) = chain.health()
    assert rpc.counts["eth_getLogs"] == logs.SILENT_ATTEMPTS
    assert health.log_page < 300
    assert health.resting_seconds > 0


async def test_an_endpoint_that_lags_behind_does_not_pass_off_what_it_has_as_all(
    node: Anvil, cards: str, rpcs: list[Rpc], reader: Reader
) -> None:
    with pytest.raises(ChainUnavailable, match="does not know the block"):
        await reader(rpcs[:1]).logs([cards], [[TRANSFER]], 0, node.height + 5)


async def test_what_no_log_could_match_is_a_fault_of_the_caller(
    cards: str, rpcs: list[Rpc], reader: Reader
) -> None:
    chain = reader(rpcs[:1])
    for contracts, topics, first, last in (
        ([], [], 0, 1),
        (["0x12"], [], 0, 1),
        ([cards], [["0x12"]], 0, 1),
        ([cards], [None] * 5, 0, 1),
        ([cards], [], 2, 1),
        ([cards], [], -1, 1),
    ):
        with pytest.raises(ValueError):
            await chain.logs(contracts, topics, first, last)
    assert rpcs[0].asked == []


# Lies


def spoilt(node: Anvil, spoil: Callable[[list[Log]], object]) -> Callable[[Any], Any]:
    """The true logs, after `spoil` has had its way with them."""

    def answer(question: Any) -> Any:
        true: list[Log] = node.ask("eth_getLogs", *question["params"])
        changed = spoil(true)
        return true if changed is None else changed

    return answer


def set_first(name: str, value: object) -> Callable[[list[Log]], object]:
    def spoil(true: list[Log]) -> object:
        if true:
            true[0][name] = value
        return true

    return spoil


SPOILT: dict[str, Callable[[list[Log]], object]] = {
    "another contract": set_first("address", wallet(9)),
    "another event": set_first("topics", ["0x" + "1" * 64] * 4),
    "too few topics": set_first("topics", []),
    "a short topic": set_first("topics", [TRANSFER, "0x12", "0x", "0x"]),
    "a topic of spaces": set_first("topics", [TRANSFER, "0x" + "11" * 31 + "  "]),
    "five topics": set_first("topics", [TRANSFER] * 5),
    "topics that are none": set_first("topics", TRANSFER),
    "taken back": set_first("removed", True),
    "another block": set_first("blockNumber", "0xffffff"),
    "a pending block": set_first("blockNumber", None),
    "a block in decimal": set_first("blockNumber", 3),
    "a negative block": set_first("blockNumber", "-0x1"),
    "underscores": set_first("blockNumber", "0x0_1"),
    "no hash": set_first("blockHash", "0x12"),
    "odd data": set_first("data", "0x123"),
    "data that is none": set_first("data", "hello"),
    "a huge index": set_first("logIndex", "0x" + "f" * 40),
    "an index that no database keeps": set_first("logIndex", hex(2**31 - 1)),
    "no index": set_first("logIndex", ""),
    "a list": lambda _: [[1, 2]],
    "a text": lambda _: "0x",
    "an object": lambda _: {},
    "one twice": lambda true: true + true[:1],
    "two hashes": lambda true: [*true[:-1], true[-1] | {"blockHash": "0x" + "ab" * 32}],
}


@pytest.mark.parametrize("name", SPOILT)
async def test_a_log_out_of_shape_is_no_answer_and_another_endpoint_is_asked(
    name: str, node: Anvil, cards: str, rpcs: list[Rpc], reader: Reader
) -> None:
    rpcs[0].override["eth_getLogs"] = spoilt(node, SPOILT[name])
    last = 150
    with pytest.raises(ChainUnavailable):
        await reader(rpcs[:1]).logs([cards], [[TRANSFER]], 0, last)
    assert token_ids([await reader(rpcs[:2]).logs([cards], [[TRANSFER]], 0, last)]) == list(
        range(1, 25)
    )


async def test_order_and_case_are_the_endpoint_s_own_affair(
    node: Anvil, cards: str, rpcs: list[Rpc], reader: Reader
) -> None:
    def shuffle(true: list[Log]) -> object:
        random.Random(4).shuffle(true)
        return [
            each
            | {
                "blockHash": "0x" + each["blockHash"][2:].upper(),
                "logIndex": "0x0" + each["logIndex"][2:],
            }
            for each in true
        ]

    honest = await reader(rpcs[1:2]).logs([cards], [[TRANSFER]], 0, 300)
    rpcs[0].override["eth_getLogs"] = spoilt(node, shuffle)
    assert await reader(rpcs[:1]).logs([cards], [[TRANSFER]], 0, 300) == honest
    assert await reader(rpcs[:2]).logs([cards], [[TRANSFER]], 0, 300) == honest


@pytest.mark.parametrize("liar", [0, 1])
@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda true: true[:-1], id="leaves one out"),
        pytest.param(lambda _: [], id="leaves all out"),
        pytest.param(
            lambda true: [*true[:-1], true[-1] | {"topics": [*WORDS, "0x" + "9" * 64]}],
            id="another token",
        ),
        pytest.param(
            lambda true: [*true[:-1], true[-1] | {"topics": [*WORDS, true[-1]["topics"][3]]}],
            id="another owner",
        ),
    ],
)
async def test_a_second_endpoint_confirms_every_log(
    liar: int,
    spoil: Callable[[list[Log]], object],
    node: Anvil,
    cards: str,
    rpcs: list[Rpc],
    reader: Reader,
) -> None:
    rpcs[liar].override["eth_getLogs"] = spoilt(node, spoil)
    with pytest.raises(ChainUnavailable, match="contradict"):
        await reader(rpcs[:2]).logs([cards], [[TRANSFER]], 0, 300)


async def test_a_page_of_another_fork_is_not_taken(
    node: Anvil, cards: str, rpcs: list[Rpc], reader: Reader
) -> None:
    def forged(question: Any) -> Any:
        return node.ask("eth_getBlockByNumber", *question["params"]) | {"hash": "0x" + "ab" * 32}

    rpcs[1].override["eth_getBlockByNumber"] = forged
    with pytest.raises(ChainUnavailable, match="contradict"):
        await reader(rpcs[:2]).logs([cards], [[TRANSFER]], 0, 300)


async def test_a_very_narrow_second_endpoint_confirms_a_part_and_the_last_block(
    cards: str, rpcs: list[Rpc], reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    rpcs[1].limit = FIELD["QuickNode free"]
    monkeypatch.setattr(logs, "CHECK_PAGES", 8)
    chain = reader(rpcs[:2])
    first = await chain.logs([cards], [[TRANSFER]], 0, 300)
    spent = rpcs[1].counts["eth_getLogs"]
    again = await chain.logs([cards], [[TRANSFER]], 0, 300)
    assert token_ids([first]) == token_ids([again]) == list(range(1, 61))
    assert rpcs[1].counts["eth_getLogs"] - spent == logs.CHECK_PAGES + 1


def without(topics: object) -> Callable[[list[Log]], object]:
    return lambda true: [each for each in true if each["topics"] != topics]


async def test_a_second_endpoint_with_narrower_pages_confirms_the_whole_page(
    node: Anvil, cards: str, rpcs: list[Rpc], reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also while it only learns, refusal by refusal, how narrow they are."""
    true = await reader(rpcs[2:]).logs([cards], [[TRANSFER]], 0, 300)
    monkeypatch.setattr(logs, "CHECK_PAGES", 80)
    for left_out in (0, 30, 59):
        chain = reader(rpcs[:2])
        rpcs[1].limit = FIELD["QuickNode free"]
        assert await chain.logs([cards], [[TRANSFER]], 0, 300) == true
        gone = true.logs[left_out]["topics"]
        rpcs[0].override["eth_getLogs"] = spoilt(node, without(gone))
        with pytest.raises(ChainUnavailable, match="contradict"):
            await reader(rpcs[:2]).logs([cards], [[TRANSFER]], 0, 300)
        with pytest.raises(ChainUnavailable, match="contradict"):
            await chain.logs([cards], [[TRANSFER]], 0, 300)
        rpcs[0].behave()
        rpcs[1].behave()


@pytest.mark.parametrize("method", ["eth_getLogs", "eth_getBlockByNumber"])
async def test_of_two_endpoints_one_is_enough_while_the_other_is_away(
    method: str, cards: str, rpcs: list[Rpc], reader: Reader
) -> None:
    for away in (0, 1):
        chain = reader(rpcs[:2])
        rpcs[away].errors[method] = {"code": -32603, "message": "internal error"}
        page = await chain.logs([cards], [[TRANSFER]], 0, 300)
        assert token_ids([page]) == list(range(1, 61))
        rpcs[away].behave()


async def test_of_three_endpoints_two_must_stand_for_a_page(
    cards: str, rpcs: list[Rpc], reader: Reader, ticks: Ticks
) -> None:
    chain = reader(rpcs)
    rpcs[0].status = 503
    page = await chain.logs([cards], [[TRANSFER]], 0, 300)
    assert token_ids([page]) == list(range(1, 61))
    rpcs[1].status = 503
    with pytest.raises(ChainUnavailable):
        await chain.logs([cards], [[TRANSFER]], 0, 300)
    rpcs[0].behave()
    ticks.advance(60)
    assert await chain.logs([cards], [[TRANSFER]], 0, 300) == page


async def test_a_reorganisation_between_logs_and_block_is_noticed(
    node: Anvil, cards: str, rpcs: list[Rpc], reader: Reader
) -> None:
    node.do(cards, "mint(address,uint256)", wallet(8), 1)
    last = node.height

    def before(question: Any) -> Any:
        true = node.ask("eth_getLogs", *question["params"])
        node.reorganise(1)
        return true

    rpcs[0].override["eth_getLogs"] = before
    with pytest.raises(ChainUnavailable, match="changed while it was read"):
        await reader(rpcs[:1]).logs([cards], [[TRANSFER]], last - 1, last)


def test_a_topic_may_be_any_of_several_or_whatever() -> None:
    shouted = "0x" + TRANSFER[2:].upper()
    query = query_of([wallet(1)], [None, [shouted]])
    assert query.params(1, 255) == {
        "address": [wallet(1)],
        "topics": [None, [TRANSFER]],
        "fromBlock": "0x1",
        "toBlock": "0xff",
    }


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.just("0x" + "1" * 64),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)
NAMES = ("address", "data", "topics", "blockNumber", "blockHash", "transactionHash", "logIndex")


@given(st.lists(st.fixed_dictionaries(dict.fromkeys(NAMES, JSON)) | JSON, min_size=1))
def test_whatever_stands_in_a_log_is_refused_and_never_more_than_that(answer: list[object]) -> None:
    with pytest.raises(NoAnswer):
        checked(answer, query_of([wallet(1)], [[TRANSFER]]), 0, 10)
