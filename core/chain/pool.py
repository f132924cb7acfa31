"""The endpoints of one chain together: what counts as an answer, and what as an outage.

A question is put to all endpoints at once. Those that rest, fail, or are still silent two seconds
(or twice as long as it took) after the others had enough, do not answer. At least half of the
configured endpoints must answer, and all who do must say the same. One lying endpoint among several
can stop a reading, not bend it.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import TypeVar

from core.chain.endpoints import Endpoint
from core.chain.faults import NoAnswer, Stalled
from core.errors import ChainUnavailable

logger = logging.getLogger(__name__)

STRAGGLER_SECONDS = 2.0
"""How long the others are waited for at least once half of the endpoints have answered."""

WOKEN_SECONDS = 3.0
"""How long somebody waits to find out whether a resting endpoint is back."""

Answer = TypeVar("Answer")
Ask = Callable[[Endpoint], Awaitable[Answer]]


class Pool:
    """The endpoints of one chain."""

    def __init__(self, chain_id: int, endpoints: Sequence[Endpoint]) -> None:
        self.chain_id = chain_id
        self.endpoints = tuple(endpoints)
        self._trying: set[asyncio.Task[None]] = set()

    @property
    def quorum(self) -> int:
        """How many must answer: half of those configured, and at least one."""
        return max(1, -(-len(self.endpoints) // 2))

    async def every(self, ask: Ask[Answer], *, live: bool = False) -> list[tuple[Endpoint, Answer]]:
        """What the endpoints answer. Raises `ChainUnavailable` if fewer than half do.

        `live`: somebody waits for it. Where too many rest, each is tried once nevertheless, for a
        short while and not more often than every two seconds.
        """
        resting = [each for each in self.endpoints if each.resting_seconds > 0]
        short = live and len(self.endpoints) - len(resting) < self.quorum
        woken = {each for each in resting if short and each.wake()}
        answers: list[tuple[Endpoint, Answer]] = []
        faults: list[str] = []

        async def one(endpoint: Endpoint) -> None:
            try:
                async with asyncio.timeout(WOKEN_SECONDS if endpoint in woken else None):
                    answers.append((endpoint, await ask(endpoint)))
            except TimeoutError:
                endpoint.failed(Stalled("still silent"))
                faults.append("still silent")
            except NoAnswer as error:
                endpoint.note(error)
                faults.append(str(error))

        tasks = {asyncio.create_task(one(each)): each for each in self.endpoints}
        trying = {task for task, endpoint in tasks.items() if endpoint.failures}
        waited_for = set(tasks)
        try:
            waited_for -= await self._settle(tasks, trying, answers)
        finally:
            for task in waited_for:
                task.cancel()
            await asyncio.gather(*waited_for, return_exceptions=True)
        for task in waited_for:
            if not task.cancelled() and (error := task.exception()):
                raise error
        if len(answers) < self.quorum:
            raise self.unavailable(faults)
        return list(answers)  # an endpoint that is tried may still add to the other one

    async def agreed(self, ask: Ask[Answer], *, live: bool = False) -> Answer:
        """The one answer of all who answer. Raises `ChainUnavailable`."""
        answers = await self.every(ask, live=live)
        return self.same([answer for _, answer in answers])

    def same(self, answers: Sequence[Answer]) -> Answer:
        """The one answer that all of these are. Raises `ChainUnavailable` if they are not."""
        if any(answer != answers[0] for answer in answers):
            raise self.unavailable(["the endpoints contradict each other"])
        return answers[0]

    def ranked(self) -> list[Endpoint]:
        """Those that are well first, else in the order configured."""
        return sorted(self.endpoints, key=lambda each: (each.resting_seconds > 0, each.failures))

    def unavailable(self, faults: Sequence[str]) -> ChainUnavailable:
        """The outage, said in the log."""
        reason = "; ".join(dict.fromkeys(faults)) or "no endpoint is configured"
        logger.warning("chain-unavailable", extra={"chain": self.chain_id, "reason": reason})
        return ChainUnavailable(f"chain {self.chain_id}: {reason}")

    async def _settle(
        self,
        tasks: Mapping[asyncio.Task[None], Endpoint],
        trying: AbstractSet[asyncio.Task[None]],
        answers: Sequence[object],
    ) -> set[asyncio.Task[None]]:
        """Wait for all; once half have answered, not much longer for the rest.

        Least for those that failed last time: nobody should wait at a desk to find out whether
        they are back. They find out by themselves, and are returned.
        """
        pending = set(tasks)
        began = time.monotonic()
        while pending and len(answers) < self.quorum:
            _, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
        patience = 2 * (time.monotonic() - began)
        if pending - trying:
            await asyncio.wait(pending - trying, timeout=max(STRAGGLER_SECONDS, patience))
        elif pending:
            await asyncio.wait(pending, timeout=patience)
        pending = {task for task in pending if not task.done()}
        for task in pending - trying:
            tasks[task].failed(Stalled("slower than the others"))
        for task in pending & trying:
            self._trying.add(task)
            task.add_done_callback(self._tried)
        return pending & trying

    def _tried(self, task: asyncio.Task[None]) -> None:
        self._trying.discard(task)
        if not task.cancelled() and (error := task.exception()):
            logger.info("endpoint-still-away", extra={"reason": type(error).__name__})
