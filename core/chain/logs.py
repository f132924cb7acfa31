"""Logs of contracts, page by page, as plain JSON.

A log costs about 5 µs to parse and 3 µs to check here, against some 300 µs through a contract
library. Every field is checked for its shape and against the question; an answer that is cut off,
holds too much or does not fit is no answer. The endpoint must afterwards know the page's last block
(one that lags behind gives the logs it has, without a word), and where there are several endpoints
another one must confirm the page.
"""

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from core.chain.endpoints import Endpoint
from core.chain.faults import NoAnswer, Refused, Stalled, TooLarge
from core.chain.pages import PageSize
from core.chain.pool import Pool
from core.chain.values import LogPage, PageMemory

PAGE_BYTES, BLOCK_BYTES = 8_000_000, 32_000_000
"""The most that is read of a page, and of a page of one block, which cannot be narrowed."""

ATTEMPTS, SILENT_ATTEMPTS = 24, 3
"""Pages tried in one reading, and those among them that ended in silence."""

SUSPICIOUS: Final = 1_000
"""Some endpoints cut a list off at a round number without saying so: then it is read in halves."""

MOST_LOGS: Final = 2**31 - 1
"""No block has so many; what is stored by the index of a log ends below it."""

CHECK_PAGES = 4
"""So many pages of a second endpoint are spent to confirm one of the first; beyond, it confirms a
part chosen by chance, and the last block."""

_LIMIT = re.compile(
    r"range|blocks|results?|limit|exceed|too (?:many|large|big|wide|long)|max|size|time",
    re.IGNORECASE,
)
_ADDRESS = re.compile(r"0x[0-9a-f]{40}")
_WORD = re.compile(r"0x[0-9a-f]{64}")
_QUANTITY = re.compile(r"0x[0-9a-f]{1,16}")
_BLOCK_HEX = 18  # 0x and 16 digits

Log = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked for, in lower case."""

    contracts: frozenset[str]
    topics: tuple[frozenset[str] | None, ...]

    def params(self, first: int, last: int) -> dict[str, object]:
        """The filter object of ``eth_getLogs``."""
        return {
            "address": sorted(self.contracts),
            "topics": [None if each is None else sorted(each) for each in self.topics],
            "fromBlock": hex(first),
            "toBlock": hex(last),
        }


def query_of(contracts: Sequence[str], topics: Sequence[Sequence[str] | None]) -> Query:
    """Raises `ValueError` for what no log could match: that is a fault of the caller."""
    addresses = frozenset(each.lower() for each in contracts)
    words = tuple(
        None if each is None else frozenset(word.lower() for word in each) for each in topics
    )
    if not addresses or not all(_ADDRESS.fullmatch(each) for each in addresses):
        raise ValueError("logs are read of one contract or more")
    if len(words) > 4 or not all(  # noqa: PLR2004 - an EVM log has at most four
        _WORD.fullmatch(word) for each in words if each is not None for word in each
    ):
        raise ValueError("a topic is 0x and 64 hex digits")
    return Query(addresses, words)


class LogReader:
    """Reads logs through the endpoints of one chain."""

    def __init__(self, pool: Pool, memory: PageMemory) -> None:
        self._pool = pool
        self._sizes = {each.key: PageSize(memory, each.key) for each in pool.endpoints}

    def page_of(self, endpoint: Endpoint) -> int:
        """Blocks that it is asked for at once."""
        return self._sizes[endpoint.key].blocks

    async def read(self, query: Query, first: int, last: int) -> LogPage:
        """The logs of `first` and as many blocks up to `last` as come at once.

        Raises `ChainUnavailable` when no endpoint gives a page that enough others confirm.
        """
        if not 0 <= first <= last:
            raise ValueError("logs are read forwards")
        faults: list[str] = []
        for endpoint in self._widest_first():
            try:
                page = await self._page(endpoint, query, first, last)
            except NoAnswer as error:
                endpoint.note(error)
                faults.append(str(error))
                continue
            await self._confirm(query, page, endpoint)
            return page
        raise self._pool.unavailable(faults)

    def _widest_first(self) -> list[Endpoint]:
        well = self._pool.ranked()
        return sorted(well, key=lambda each: (each.resting_seconds > 0, -self.page_of(each)))

    async def _page(self, endpoint: Endpoint, query: Query, first: int, last: int) -> LogPage:
        size = self._sizes[endpoint.key]
        silent = 0
        for _ in range(ATTEMPTS):
            until = min(last, first + size.blocks - 1)
            blocks = until - first + 1
            try:
                logs = await _logs(endpoint, query, first, until)
                if blocks > 1 and logs and len(logs) % SUSPICIOUS == 0:
                    raise Refused(0, f"{len(logs)} results, which may not be all")
            except Refused as error:
                if blocks == 1 or not _LIMIT.search(error.words):
                    raise
                size.refused(blocks, error.words)
            except (Stalled, TooLarge) as error:
                silent += 1
                size.silent(blocks)
                if blocks == 1 or silent == SILENT_ATTEMPTS:
                    endpoint.failed(error)
                    raise
            else:
                size.granted(blocks)
                return await self._ended(endpoint, logs, first, until)
        raise NoAnswer("refuses every range of logs")

    async def _ended(
        self, endpoint: Endpoint, logs: list[dict[str, object]], first: int, last: int
    ) -> LogPage:
        """The page, once the endpoint has shown that it knows its last block."""
        block = await endpoint.block(hex(last), background=True)
        if block is None:
            raise NoAnswer("does not know the block that its logs should reach")
        if logs and logs[-1]["blockNumber"] == hex(last) and logs[-1]["blockHash"] != block.hash:
            raise NoAnswer("the chain changed while it was read")
        return LogPage(tuple(logs), first, last, block.hash)

    async def _confirm(self, query: Query, page: LogPage, source: Endpoint) -> None:
        """Let others look at the page too: as many as must answer, and one if there is one."""
        others = [each for each in self._pool.ranked() if each is not source]
        wanted = max(self._pool.quorum - 1, 1)
        confirmed, faults = 0, []
        for endpoint in others:
            if confirmed == wanted:
                break
            try:
                agrees = await self._agrees(endpoint, query, page)
            except NoAnswer as error:
                endpoint.note(error)
                faults.append(str(error))
                continue
            if not agrees:
                raise self._pool.unavailable(["the endpoints contradict each other"])
            confirmed += 1
        if confirmed + 1 < self._pool.quorum:
            raise self._pool.unavailable(faults)

    async def _agrees(self, endpoint: Endpoint, query: Query, page: LogPage) -> bool:
        block = await endpoint.block(hex(page.last), background=True)
        if block is None:
            raise NoAnswer("does not know that block yet")
        if block.hash != page.last_hash:
            return False
        return all(
            [
                await self._same(endpoint, query, page, first, last)
                for first, last in self._samples(endpoint, page)
            ]
        )

    def _samples(self, endpoint: Endpoint, page: LogPage) -> list[tuple[int, int]]:
        """The whole page in a few steps, or one step of it somewhere."""
        step = self.page_of(endpoint)
        starts = range(page.first, page.last + 1, step)
        if len(starts) > CHECK_PAGES:
            starts = range(start := random.choice(starts), start + 1)  # noqa: S311 - a sample
        return [(start, min(start + step - 1, page.last)) for start in starts]

    async def _same(
        self, endpoint: Endpoint, query: Query, page: LogPage, first: int, last: int
    ) -> bool:
        seen = await self._page(endpoint, query, first, last)
        expected = [log for log in page.logs if first <= _number(log) <= seen.last]
        return [_essence(log) for log in seen.logs] == [_essence(log) for log in expected]


def _number(log: Log) -> int:
    return int(str(log["blockNumber"]), 16)


def _essence(log: Log) -> tuple[object, ...]:
    """What two endpoints must say alike; some add fields of their own."""
    names = ("blockHash", "logIndex", "address", "topics", "data", "transactionHash")
    return tuple(log[name] for name in names)


async def _logs(endpoint: Endpoint, query: Query, first: int, last: int) -> list[dict[str, object]]:
    answer = await endpoint.ask(
        "eth_getLogs",
        [query.params(first, last)],
        limit=PAGE_BYTES if first < last else BLOCK_BYTES,
        background=True,
        forgiving=True,
    )
    if not isinstance(answer, list):
        raise NoAnswer("not a list of logs")
    return checked(answer, query, first, last)


def checked(answer: list[object], query: Query, first: int, last: int) -> list[dict[str, object]]:
    """The logs of an answer, in the order of the chain. Raises `NoAnswer` if one does not fit."""
    logs: list[dict[str, object]] = []
    places: list[int] = []
    hashes: dict[int, object] = {}
    for log in answer:
        try:
            number, index = _check(log, query)
        except (TypeError, KeyError, ValueError, AttributeError) as error:
            raise NoAnswer("a log without its shape") from error
        assert isinstance(log, dict)  # noqa: S101 - `_check` has subscripted it by name
        if not first <= number <= last:
            raise NoAnswer("a log of another block than asked for")
        if hashes.setdefault(number, log["blockHash"]) != log["blockHash"]:
            raise NoAnswer("two hashes for one block")
        places.append(number << 32 | index)
        logs.append(log)
    if any(here >= there for here, there in pairwise(places)):
        if len(set(places)) != len(places):
            raise NoAnswer("one log twice")
        order = sorted(range(len(places)), key=places.__getitem__)
        logs = [logs[position] for position in order]
    return logs


_TEXTS = ("address", "data", "blockNumber", "blockHash", "transactionHash", "logIndex")


def _check(log: object, query: Query) -> tuple[int, int]:
    """Number of the block and index in it. Raises one of what its callers expect."""
    if not isinstance(log, dict) or log.get("removed"):
        raise ValueError("not a log that stands")
    topics = log["topics"]
    text = "".join([log[name] for name in _TEXTS] + topics)
    if text != text.lower():
        _lower(log)
        topics = log["topics"]
    if log["address"] not in query.contracts or len(topics) < len(query.topics):
        raise ValueError("not asked for")
    for topic, asked in zip(topics, query.topics, strict=False):
        if asked is not None and topic not in asked:
            raise ValueError("not asked for")
    from_hex = bytes.fromhex  # skips white space, hence the length of what it returns
    for word in (log["blockHash"], log["transactionHash"], *topics):
        if len(word) != 66 or word[:2] != "0x" or len(from_hex(word[2:])) != 32:  # noqa: PLR2004
            raise ValueError("not a word")
    data = log["data"]
    if data[:2] != "0x" or len(from_hex(data[2:])) * 2 != len(data) - 2 or len(topics) > 4:  # noqa: PLR2004
        raise ValueError("not data")
    index = _integer(log, "logIndex")
    if index >= MOST_LOGS:
        raise ValueError("not an index")
    return _integer(log, "blockNumber"), index


def _integer(log: dict[str, object], name: str) -> int:
    text = log[name]
    if not isinstance(text, str) or len(text) > _BLOCK_HEX:
        raise ValueError("not a number")
    number = int(text, 16)
    if text != hex(number):  # leading zeros, or what no number in JSON-RPC looks like
        if not _QUANTITY.fullmatch(text):
            raise ValueError("not a number")
        log[name] = hex(number)
    if number < 0:
        raise ValueError("not a number")
    return number


def _lower(log: dict[str, object]) -> None:
    for name in _TEXTS:
        log[name] = str(log[name]).lower()
    topics = log["topics"]
    if isinstance(topics, list):
        log["topics"] = [str(each).lower() for each in topics]
