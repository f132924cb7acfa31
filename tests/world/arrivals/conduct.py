"""How the platform behaves: its pace, its limits, and what goes wrong."""

import random
from collections import deque
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, Final

UNKNOWING: Final = 0.02
"""Seconds after a 429 has left in which its sender can hardly have read it yet."""


@dataclass(frozen=True, slots=True)
class Conduct:
    """What the platform does from now on. Shares are from 0 to 1, drawn with `seed`."""

    latency: float = 0.0  # seconds from a request's arrival to its answer
    per_second: int = 0  # the most in any second before a ban of everything; 0: no limit
    retry_after: int = 3  # seconds of that ban
    blocked_every: int = 0  # every so many-th chat has blocked the bot (by its number)
    gone_every: int = 0  # every so many-th chat does not exist
    cut: float = 0.0  # share: counted, then the connection is cut without an answer
    unread: float = 0.0  # share: the connection is cut, and nothing was done
    broken: float = 0.0  # share: 502, and nothing was done
    lying: float = 0.0  # share: 502, although it was counted
    stalled: float = 0.0  # share: counted, and answered `stall` seconds late
    stall: float = 0.0
    seed: int = 0

    def json(self) -> dict[str, Any]:
        return asdict(self)


class Fate(StrEnum):
    """What becomes of one request that no limit stopped."""

    FINE = "fine"
    CUT = "cut"
    UNREAD = "unread"
    BROKEN = "broken"
    LYING = "lying"
    STALLED = "stalled"


@dataclass(slots=True)
class Limits:
    """The ban: everything is refused until it ends, as Telegram does with one bot."""

    conduct: Conduct
    refused: int = 0  # every 429
    while_banned: int = 0  # those of them whose sender had been told
    banned_until: float = 0.0
    _told_at: float = 0.0
    _window: deque[float] = field(default_factory=deque)

    def ban(self, now: float, seconds: float) -> None:
        """Refuse everything from now on; the first who asks is told."""
        self.banned_until, self._told_at = now + seconds, 0.0

    def seconds_to_wait(self, now: float) -> float:
        """What a request that arrives now is refused with; 0 if it may pass."""
        if now >= self.banned_until:
            if not self.conduct.per_second:
                return 0.0
            while self._window and self._window[0] <= now - 1:
                self._window.popleft()
            if len(self._window) < self.conduct.per_second:
                self._window.append(now)
                return 0.0
            self.ban(now, self.conduct.retry_after)
        if not self._told_at:
            self._told_at = now + self.conduct.latency + UNKNOWING
        self.refused += 1
        self.while_banned += now > self._told_at
        return self.banned_until - now


class Fates:
    """Draws what becomes of each request."""

    def __init__(self, conduct: Conduct) -> None:
        shares = (conduct.cut, conduct.unread, conduct.broken, conduct.lying, conduct.stalled)
        fates = (Fate.CUT, Fate.UNREAD, Fate.BROKEN, Fate.LYING, Fate.STALLED)
        self._shares = [(fate, share) for fate, share in zip(fates, shares, strict=True) if share]
        self._random = random.Random(conduct.seed)

    def draw(self) -> Fate:
        if not self._shares:
            return Fate.FINE
        drawn = self._random.random()
        for fate, share in self._shares:
            if drawn < share:
                return fate
            drawn -= share
        return Fate.FINE
