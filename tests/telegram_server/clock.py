"""The world's clock, and the one condition that tells of every change."""

import asyncio
import time


class Clock:
    """Unix time in seconds, which a test can move forward."""

    def __init__(self) -> None:
        self._ahead = 0.0
        self.changed = asyncio.Condition()

    def now(self) -> float:
        return time.time() + self._ahead

    async def advance(self, seconds: float) -> None:
        """Move the clock: links and bans expire, floods are forgiven."""
        self._ahead += seconds
        await self.announce()

    async def announce(self) -> None:
        """Wake everyone who waits for the world to change."""
        async with self.changed:
            self.changed.notify_all()
