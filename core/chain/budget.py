"""How often one endpoint is asked: so many requests a second, and so many a day."""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, date, datetime

from core.chain.faults import Resting

BURST_SECONDS = 1.0
"""What was not used within this long may be used at once."""

LONGEST_WAIT = 5.0
"""Seconds that a question waits for its turn; after that the endpoint counts as resting."""

BACKGROUND_SHARE = 0.8
"""Of a day's requests, what reading logs may use; the rest is kept for people who wait."""


class Budget:
    """A token bucket a second and a count a day (UTC). ``None``: no limit."""

    def __init__(
        self,
        per_second: float | None = None,
        a_day: int | None = None,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._interval = 1 / per_second if per_second else 0.0
        self.a_day = a_day or None
        self._now, self._monotonic = now, monotonic
        self._next = 0.0
        self._day: date | None = None
        self._used = 0

    @property
    def used_today(self) -> int:
        """Requests since the day began, or since this process did."""
        today = self._now().astimezone(UTC).date()
        if today != self._day:
            self._day, self._used = today, 0
        return self._used

    async def take(self, *, background: bool = False) -> None:
        """Wait for the turn of one request. Raises `Resting` if it would not come soon."""
        used = self.used_today
        if self.a_day and used >= self.a_day * (BACKGROUND_SHARE if background else 1):
            raise Resting("the day's requests are used up")
        now = self._monotonic()
        turn = max(self._next, now - BURST_SECONDS)
        wait = turn - now
        if wait > LONGEST_WAIT:
            raise Resting("too many questions wait for it")
        self._next = turn + self._interval
        self._used = used + 1
        if wait > 0:
            await asyncio.sleep(wait)
