"""One JSON-RPC endpoint: asked within its budget, left alone after a failure.

Answers are untrusted: their size, time and shape are limited, and an endpoint must serve the chain
it is configured for. After a failure it rests 0.5, 1, 2, 4 … up to 60 seconds (half of that to all
of it, by chance, so that several towns do not come back at once); when the rest is over, one
question goes ahead and tries. A rate limit rests it for as long as it asks.
"""

import asyncio
import hashlib
import random
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import aiohttp

from core.chain.budget import Budget
from core.chain.faults import (
    MAX_ANSWER_BYTES,
    Broken,
    NoAnswer,
    RateLimited,
    Resting,
    Reverted,
    Stalled,
)
from core.chain.values import BlockRef

if TYPE_CHECKING:
    from core.chain.provider import BoundedProvider

CONCURRENT_QUESTIONS = 16
FIRST_REST = 0.5  # seconds
LONGEST_REST = 60.0
LONGEST_ASKED_REST = 3_600.0
WAKE_SECONDS = 2.0
"""A person who waits may end a rest that is as old as this."""
CHAIN_CHECK_SECONDS = 300.0
"""After this long an endpoint is asked again which chain it serves."""

_HEX = re.compile(r"0x[0-9a-fA-F]*")
_QUANTITY = re.compile(r"0x[0-9a-fA-F]{1,16}")
_HASH = re.compile(r"0x[0-9a-f]{64}")


class Endpoint:
    """One endpoint of one chain."""

    def __init__(
        self,
        url: str,
        chain_id: int,
        session: aiohttp.ClientSession,
        *,
        budget: Budget,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._url, self._session, self._chain_id = url, session, chain_id
        self.key = hashlib.sha256(url.encode()).hexdigest()
        self.host = urlsplit(url).hostname or "?"
        self.budget = budget
        self._now, self._monotonic = now, monotonic
        self._slots = asyncio.Semaphore(CONCURRENT_QUESTIONS)
        self._chain_lock = asyncio.Lock()
        self._checked: float | None = None  # when the chain id was right
        self._rest_until = 0.0
        self._failed_at = 0.0
        self._asked_for_rest = False
        self._probing = False
        self._outages = 0  # counts failures, so that those of one moment count once
        self.failures = 0  # one after another
        self.last_success: datetime | None = None
        self.last_failure: datetime | None = None
        self.last_reason: str | None = None
        self.finalized: int | None = None  # the highest it has shown
        self.requests = 0  # since this process began
        self.request_seconds = 0.0  # of all of them together
        self.faults: Counter[str] = Counter()  # by the kind of `NoAnswer`

    @property
    def resting_seconds(self) -> float:
        """How long it will be left alone from now."""
        return max(0.0, self._rest_until - self._monotonic())

    async def ask(
        self,
        method: str,
        params: Sequence[object],
        *,
        limit: int = MAX_ANSWER_BYTES,
        nullable: bool = False,
        background: bool = False,
        forgiving: bool = False,
    ) -> object:
        """The ``result`` of one question.

        `limit` is in bytes. `nullable`: ``null`` is an answer. `background`: stop before the day's
        budget is gone. `forgiving`: a silence may be the fault of the question, so the endpoint
        does not rest for it.

        Raises `NoAnswer` when nothing usable comes.
        """
        async with self._slots:
            with self._attempt(forgiving=forgiving):
                await self._check_chain(background=background)
                await self.budget.take(background=background)
                result = await self._post(method, params, limit)
            if result is None and not nullable:
                raise NoAnswer("an empty answer")
            return result

    async def hex(self, method: str, params: Sequence[object], *, forgiving: bool = False) -> str:
        """A question that is answered with hex digits."""
        answer = await self.ask(method, params, forgiving=forgiving)
        if not isinstance(answer, str) or len(answer) % 2 or not _HEX.fullmatch(answer):
            raise NoAnswer("not a hex answer")
        return answer

    async def call(
        self, to: str | None, data: bytes, block: str, *, forgiving: bool = False
    ) -> bytes:
        """``eth_call``; without `to`, `data` is creation code whose result is what it returns."""
        transaction = {"data": "0x" + data.hex()}
        if to is not None:
            transaction["to"] = to
        answer = await self.hex("eth_call", [transaction, block], forgiving=forgiving)
        return bytes.fromhex(answer[2:])

    async def block(self, which: str, *, background: bool = False) -> BlockRef | None:
        """The block of a number or tag; `None` if the endpoint knows none."""
        answer = await self.ask(
            "eth_getBlockByNumber", [which, False], nullable=True, background=background
        )
        if answer is None:
            return None
        if not isinstance(answer, Mapping):
            raise NoAnswer("not a block")
        try:
            number, timestamp = _quantity(answer["number"]), _quantity(answer["timestamp"])
            block_hash = str(answer["hash"]).lower()
        except (TypeError, KeyError, ValueError) as error:
            raise NoAnswer("not a block") from error
        if not _HASH.fullmatch(block_hash):
            raise NoAnswer("not a block")
        if which.startswith("0x") and number != int(which, 16):
            raise NoAnswer("another block than the one asked for")
        return BlockRef(number, block_hash, timestamp)

    def note(self, error: NoAnswer) -> None:
        """Remember why it gave no answer, for staff."""
        if not isinstance(error, Resting):
            self.last_failure, self.last_reason = self._now(), str(error)

    def failed(self, error: NoAnswer) -> None:
        """Leave it alone for a while."""
        self._outages += 1
        self.failures += 1
        self._checked = None
        self.note(error)
        self._failed_at = self._monotonic()
        self._asked_for_rest = isinstance(error, RateLimited)
        rest = min(LONGEST_REST, FIRST_REST * 2 ** min(self.failures - 1, 10))
        rest *= random.uniform(0.5, 1)  # noqa: S311 - spreads load, guards nothing
        if isinstance(error, RateLimited):
            rest = max(rest, min(error.seconds or 1.0, LONGEST_ASKED_REST))
        self._rest_until = self._monotonic() + rest

    def wake(self) -> bool:
        """End its rest for somebody who waits; returns whether that was done.

        At most every two seconds, and never a rest that it asked for.
        """
        since = self._monotonic() - self._failed_at
        if self.resting_seconds <= 0 or self._asked_for_rest or since < WAKE_SECONDS:
            return False
        self._rest_until = self._monotonic()
        return True

    @contextmanager
    def _attempt(self, *, forgiving: bool) -> Iterator[None]:
        if self.resting_seconds > 0 or (self.failures and self._probing):
            raise Resting(f"rests: {self.last_reason}")
        probe, outages = bool(self.failures), self._outages
        self._probing = self._probing or probe
        try:
            yield
        except Resting:
            raise
        except Broken as error:
            self.note(error)
            if outages == self._outages and not (forgiving and isinstance(error, Stalled)):
                self.failed(error)
            raise
        except NoAnswer as error:
            if isinstance(error, Reverted):
                self._succeeded()
            else:
                self.note(error)
            raise
        else:
            self._succeeded()
        finally:
            if probe:
                self._probing = False

    def _succeeded(self) -> None:
        self.failures = 0
        self.last_success = self._now()

    async def _check_chain(self, *, background: bool) -> None:
        async with self._chain_lock:
            if self.resting_seconds > 0:  # it failed whoever asked before
                raise Resting(f"rests: {self.last_reason}")
            now = self._monotonic()
            if self._checked is not None and now - self._checked < CHAIN_CHECK_SECONDS:
                return
            await self.budget.take(background=background)
            try:
                answer = await self._post("eth_chainId", [], MAX_ANSWER_BYTES)
            except Stalled as error:  # such a short question is never to blame
                raise Broken(str(error)) from error
            try:
                served = _quantity(answer)
            except ValueError as error:
                raise Broken("no chain id") from error
            if served != self._chain_id:
                raise Broken(f"serves chain {served}, not {self._chain_id}")
            self._checked = now

    @cached_property
    def _provider(self) -> "BoundedProvider":
        """Made for the first question: to import web3 takes longer than to start a sender."""
        from core.chain.provider import BoundedProvider

        return BoundedProvider(self._url, self._session)

    async def _post(self, method: str, params: Sequence[object], limit: int) -> object:
        began = self._monotonic()
        try:
            return await self._provider.ask(method, params, limit=limit)
        except NoAnswer as error:
            self.faults[type(error).__name__] += 1
            raise
        finally:
            self.requests += 1
            self.request_seconds += self._monotonic() - began


def _quantity(text: object) -> int:
    """A number as JSON-RPC writes it. Raises `ValueError` if no database could keep it."""
    if not isinstance(text, str) or not _QUANTITY.fullmatch(text):
        raise ValueError("not a number")
    number = int(text, 16)
    if number >= 1 << 63:
        raise ValueError("too large a number")
    return number
