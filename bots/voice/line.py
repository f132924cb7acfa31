"""A line: so many at once, so many who wait, and everybody is told how many are ahead."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from bots.voice.faults import VoiceBusy

logger = logging.getLogger(__name__)

Tell = Callable[[int], Awaitable[None]]
"""Told how many are ahead; only where somebody has to wait."""


class Line:
    """First come, first served."""

    def __init__(self, *, at_once: int, longest: int) -> None:
        self._turns = asyncio.Semaphore(at_once)
        self._at_once = at_once
        self._longest = longest
        self._here = 0

    @property
    def waiting(self) -> int:
        """How many wait for their turn."""
        return max(self._here - self._at_once, 0)

    @property
    def taken(self) -> bool:
        """Whether it is anybody's turn."""
        return self._here > 0

    @asynccontextmanager
    async def turn(self, tell: Tell | None = None) -> AsyncIterator[None]:
        """Wait for one's turn. Raises `VoiceBusy` where the line is full."""
        before = self._here if self._here >= self._at_once else 0
        if self.waiting >= self._longest:
            raise VoiceBusy(before)
        self._here += 1
        try:
            async with _telling(tell, before), self._turns:
                yield
        finally:
            self._here -= 1


@asynccontextmanager
async def _telling(tell: Tell | None, before: int) -> AsyncIterator[None]:
    """Tell meanwhile; all told before the answer, which would else arrive first."""
    if tell is None or not before:
        yield
        return
    telling = asyncio.create_task(_told(tell, before))
    try:
        yield
    except asyncio.CancelledError:
        telling.cancel()
        raise
    except Exception:
        await telling
        raise
    await telling


async def _told(tell: Tell, before: int) -> None:
    """A courtesy: where it does not arrive, the question is answered all the same."""
    try:
        await tell(before)
    except Exception as error:  # noqa: BLE001 - whatever a platform raises
        logger.warning("voice-wait-not-told", extra={"reason": type(error).__name__})
