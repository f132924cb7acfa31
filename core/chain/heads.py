"""The newest block, and the newest one that stays.

A newest block that is minutes old says what was, not what is: its endpoint does not answer either.
What is final neither stands still for long nor goes back: an endpoint that shows such a thing does
not answer. Of the others, the block counts that at least two of them have reached, so that none can
lie the town forward beyond what another knows; where only one answers, its own counts.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from core.chain.endpoints import Endpoint
from core.chain.faults import NoAnswer
from core.chain.pool import Pool
from core.chain.values import BlockRef, Finality
from core.town import Chain

CLOCK_SKEW = timedelta(minutes=15)
"""A block this far in the future is no block of ours."""


class Heads:
    """Reads block references through the endpoints of one chain."""

    def __init__(self, chain: Chain, pool: Pool, *, now: Callable[[], datetime]) -> None:
        self._chain, self._pool, self._now = chain, pool, now

    async def head(self, finality: Finality) -> BlockRef:
        """Raises `ChainUnavailable` if none is known, or none that can be believed."""
        answers = await self._pool.every(lambda endpoint: self.seen(endpoint, finality))
        heads = sorted((head for _, head in answers), key=lambda each: -each.number)
        head = heads[min(1, len(heads) - 1)]
        if finality == "finalized":
            same = [each.hash for each in heads if each.number == head.number]
            if any(each != head.hash for each in same):
                raise self._pool.unavailable(["the endpoints contradict each other"])
            if len(same) < len(heads) and await self.hash_of(head.number) != head.hash:
                raise self._pool.unavailable(["the endpoints contradict each other"])
        return head

    async def hash_of(self, number: int) -> str | None:
        """The hash of a block, as all who know it agree; `None`: nobody knows it.

        Raises `ChainUnavailable` if too few answer, or too few of those know it.
        """
        answers = await self._pool.every(lambda endpoint: endpoint.block(hex(number)))
        known = [block.hash for _, block in answers if block is not None]
        if not known:
            return None
        if len(known) < self._pool.quorum:
            raise self._pool.unavailable(["too few endpoints know the block"])
        return self._pool.same(known)

    async def seen(self, endpoint: Endpoint, finality: Finality) -> BlockRef:
        """What one endpoint shows. Raises `NoAnswer` if that cannot be believed."""
        block = await endpoint.block(finality)
        if block is None:
            raise NoAnswer(f"knows no {finality} block")
        final = finality == "finalized"
        name = "finalized" if final else "newest"
        minutes = (
            self._chain.finalized_within_minutes if final else self._chain.latest_within_minutes
        )
        age = self._now().timestamp() - block.timestamp
        if minutes and age > minutes * 60:
            raise NoAnswer(f"the {name} block stands still since {int(age)} seconds")
        if minutes and age < -CLOCK_SKEW.total_seconds():
            raise NoAnswer(f"the {name} block lies in the future")
        if final:
            if block.number < (endpoint.finalized or 0):
                raise NoAnswer("the finalized block goes back")
            endpoint.finalized = block.number
        return block
