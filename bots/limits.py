"""How often one person may ask for something: token buckets, bounded in number."""

import time
from collections import OrderedDict
from collections.abc import Callable

from core.errors import KankeiError

MAX_KEPT = 10_000


class TooMany(KankeiError):
    """Too often in too short a time; a little later it works again."""

    code = "too-many"


class Buckets:
    """One bucket a key: `burst` at once, then `rate` a second."""

    def __init__(
        self, *, rate: float, burst: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._rate = rate
        self._burst = burst
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, key: str) -> None:
        """Take one token. Raises `TooMany` when there is none."""
        now = self._clock()
        tokens, since = self._buckets.pop(key, (float(self._burst), now))
        tokens = min(self._burst, tokens + (now - since) * self._rate)
        self._buckets[key] = (max(tokens - 1, 0.0) if tokens >= 1 else tokens, now)
        if len(self._buckets) > MAX_KEPT:
            self._buckets.popitem(last=False)
        if tokens < 1:
            raise TooMany
