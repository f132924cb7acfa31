"""The endpoints of one chain together: what counts as an answer, and what as an outage.

A question is put to all endpoints at once. Those that rest, fail, or are still silent two seconds
(or twice as long as it took) after the others had enough, do not answer. At least half of the
configured endpoints must answer, and all who do must say the same. One lying endpoint among several
can stop a reading, not bend it.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from core.chain.endpoints import Endpoint
from core.chain.faults import NoAnswer, Stalled
from core.errors import ChainUnavailable

logger = logging.getLogger(__name__)

STRAGGLER_SECONDS = 2.0
"""How long the others are waited for at least once half of the endpoints have answered."""

Answer = TypeVar("Answer")
Ask = Callable[[Endpoint], Awaitable[Answer]]


class Pool:
    """The endpoints of one chain."""

    def __init__(self, chain_id: int, endpoints: Sequence[Endpoint]) -> None:
        self.chain_id = chain_id
        self.endpoints = tuple(endpoints)

    @property
    def quorum(self) -> int:
        """How many must answer: half of those configured, and at least one."""
        return max(1, -(-len(self.endpoints) // 2))

    async def every(self, ask: Ask[Answer]) -> list[tuple[Endpoint, Answer]]:
        """What the endpoints answer. Raises `ChainUnavailable` if fewer than half do."""
        answers: list[tuple[Endpoint, Answer]] = []
        faults: list[str] = []

        async def one(endpoint: Endpoint) -> None:
            try:
                answers.append((endpoint, await ask(endpoint)))
            except NoAnswer as error:
                endpoint.note(error)
                faults.append(str(error))

        tasks = {asyncio.create_task(one(each)): each for each in self.endpoints}
        try:
            await self._settle(tasks, answers)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        for task in tasks:
            if not task.cancelled() and (error := task.exception()):
                raise error
        if len(answers) < self.quorum:
            raise self.unavailable(faults)
        return answers

    async def agreed(self, ask: Ask[Answer]) -> Answer:
        """The one answer of all who answer. Raises `ChainUnavailable`."""
        answers = await self.every(ask)
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
        tasks: dict[asyncio.Task[None], Endpoint],
        answers: Sequence[object],
    ) -> None:
        """Wait for all; once half have answered, not much longer for the rest."""
        pending = set(tasks)
        began = time.monotonic()
        while pending and len(answers) < self.quorum:
            _, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
        if pending:
            _, pending = await asyncio.wait(
                pending, timeout=max(STRAGGLER_SECONDS, 2 * (time.monotonic() - began))
            )
        for task in pending:
            tasks[task].failed(Stalled("slower than the others"))
