"""How fast an announcement goes while somebody watches it."""

from collections import OrderedDict, deque
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from core.announcements import Announcement
from core.clock import Clock


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast it goes now, and when it would be done so."""

    per_second: float
    rate: str
    ends_at: datetime


class Paces:
    """What was done when, for the few announcements that somebody watches."""

    KEPT: Final = 20
    SPAN: Final = timedelta(seconds=30)
    LEAST: Final = timedelta(seconds=2)

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._seen: OrderedDict[int, deque[tuple[datetime, int]]] = OrderedDict()

    def of(self, each: Announcement) -> Pace | None:
        """The pace since somebody began to look, or over the last half minute."""
        now, done = self._clock(), each.total - each.waiting
        seen = self._seen.setdefault(each.id, deque())
        self._seen.move_to_end(each.id)
        while len(self._seen) > self.KEPT:
            self._seen.popitem(last=False)
        seen.append((now, done))
        while seen[0][0] < now - self.SPAN:
            seen.popleft()
        began, before = seen[0]
        time = (now - began).total_seconds()
        if now - began < self.LEAST or done <= before or each.waiting <= 0:
            return None
        per_second = (done - before) / time
        shown = per_second if per_second >= 1 else per_second * 60
        rate = f"{shown:,.0f}" if shown >= 10 else f"{shown:.1f}"  # noqa: PLR2004
        return Pace(per_second, rate, now + timedelta(seconds=each.waiting / per_second))
