"""How the page of an endpoint is learnt: from words, from silence, and again after a change."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.chain.pages import GROW_AFTER, NARROWEST_GUESS, START, WIDEST, PageSize, named_blocks
from tests.world.reading import Pages

INFURA = "query returned more than 10000 results. Try with this block range [0x9b6b9a, 0x9b6c0e]."
ALCHEMY = (
    "Log response size exceeded. You can make eth_getLogs requests with up to a 2K block range "
    "and no limit on the response size, or you can request any block range with a cap of 10K logs "
    "in the response. Based on your parameters and the response size limit, this block range "
    "should work: [0x0, 0x7f]"
)
ALCHEMY_FREE = (
    "Under the Free tier plan, you can make eth_getLogs requests with up to a 10 block range. "
    "Based on your parameters, this block range should work: [0x1, 0xa]."
)


@pytest.mark.parametrize(
    ("words", "blocks"),
    [
        ("eth_getLogs is limited to a 5 range", 5),
        ("eth_getLogs is limited to a 10,000 range", 10_000),
        ("eth_getLogs is limited to 0 - 50 blocks range", 50),
        ("exceed maximum block range: 5000", 5_000),
        ("block range is larger than max block range: is 50000, maximum 5000", 5_000),
        ("range 50000 exceeds limit of 10000", 10_000),
        ("invalid params range 50000 is bigger than range limit 2000", 2_000),
        ("requested too many blocks from 0 to 49999, maximum is set to 2048", 49_999),
        ("ranges over 10000 blocks are not supported on freetier", 10_000),
        ("maximin block range 5000", 5_000),
        (INFURA, 117),
        ("query exceeds max results 20000, retry with the range 100-199", 100),
        (ALCHEMY, 128),
        ("with up to a 2K block range, or any block range with a cap of 10K logs", 2_000),
        (ALCHEMY_FREE, 10),
        ("query returned more than 10000 results", None),
        ("Query duration must not exceed 10 seconds", None),
        ("Block range limit exceeded. See the documentation.", None),
        ("query timeout exceeded", None),
        ("block range is too wide", None),
        ("", None),
        ("9" * 5_000, None),
    ],
)
def test_a_refusal_may_name_the_range(words: str, blocks: int | None) -> None:
    assert named_blocks(words, 50_000) == blocks


def crawl(page: PageSize, blocks: int, limit: int, words: str) -> int:
    """Read so many blocks of an endpoint with this limit; how many requests that took."""
    at = requests = 0
    while at < blocks:
        asked = page.blocks
        requests += 1
        if asked > limit:
            page.refused(asked, words)
        else:
            page.granted(asked)
            at += asked
        assert 1 <= page.blocks <= WIDEST
        assert requests < 100_000
    return requests


@given(limit=st.integers(1, 3 * START), named=st.booleans())
def test_any_limit_is_found_with_few_requests(limit: int, named: bool) -> None:
    words = f"exceed maximum block range: {limit}" if named else "block range is too wide"
    memory = Pages()
    page = PageSize(memory, "key")
    blocks = limit * 200
    least = blocks // limit
    spent = crawl(page, blocks, limit, words)
    assert spent <= (least + 25 if named else least * 1.5 + 40)
    assert limit / 2 < memory.kept["key"] <= limit

    again = crawl(PageSize(memory, "key"), blocks, limit, words)
    assert again <= least * 2 + 25


def test_a_number_that_is_not_the_limit_does_not_mislead_for_long() -> None:
    page = PageSize(Pages(), "key")
    tries = 0
    while page.blocks > 2_048:
        page.refused(page.blocks, f"too many blocks from 0 to {page.blocks - 1}, maximum 2048")
        tries += 1
    assert tries <= 4


def test_a_page_that_was_given_often_is_widened_a_little() -> None:
    page = PageSize(Pages(), "key")
    for _ in range(GROW_AFTER):
        assert page.blocks == START
        page.granted(START)
    assert page.blocks == START * 3 // 2


def test_the_short_page_at_the_head_of_the_chain_says_nothing() -> None:
    memory = Pages()
    page = PageSize(memory, "key")
    for _ in range(100):
        page.granted(7)
    assert (page.blocks, memory.kept) == (START, {})


def test_silence_alone_does_not_narrow_for_ever_and_is_forgotten_at_once() -> None:
    page = PageSize(Pages(), "key")
    page.granted(START)
    for _ in range(50):
        page.silent(page.blocks)
    assert page.blocks == NARROWEST_GUESS
    steps = 0
    while page.blocks < START:
        page.granted(page.blocks)
        steps += 1
    assert steps == 8


@pytest.mark.parametrize("kept", [0, -5, 10**12])
def test_nonsense_in_the_memory_is_bounded(kept: int) -> None:
    memory = Pages()
    memory.kept["key"] = kept
    assert 1 <= PageSize(memory, "key").blocks <= WIDEST
