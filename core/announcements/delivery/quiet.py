"""Quiet hours: when no announcement disturbs a member, by the clock on their own wall."""

from bisect import bisect_left
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


@dataclass(frozen=True, slots=True)
class QuietHours:
    """From a time of day until another; over midnight where `until` is the earlier."""

    start: time
    until: time
    zone: str  # IANA, of members who told us none

    def end(self, now: datetime, zone: str | None) -> datetime | None:
        """When the quiet ends that reigns now in `zone`, in UTC; ``None`` if it does not.

        On the day of a daylight-saving change the hours stand on the wall's clock: a time that
        is left out ends the quiet when the clock has jumped over it, and of a time that comes
        twice the first that lies ahead counts.
        """
        place = _zone(zone or self.zone) or _zone(self.zone) or UTC
        local = now.astimezone(place)
        clock, over_midnight = local.time(), self.until <= self.start
        late, early = clock >= self.start, clock < self.until
        if not (late or early if over_midnight else late and early):
            return None
        day = local.date() + timedelta(days=1 if over_midnight and late else 0)
        ends = datetime.combine(day, self.until, place)
        first, second = (ends.replace(fold=fold).astimezone(UTC) for fold in (0, 1))
        if second < first:  # left out: from 02:00 the clock goes on at 03:00
            return _jump(second, first, place)
        return first if first > now else max(second, now + timedelta(minutes=1))


def _jump(early: datetime, late: datetime, place: tzinfo) -> datetime:
    """The first second between two times, in UTC, at which the clocks of a place are put on."""
    after = late.astimezone(place).utcoffset()
    seconds = range(int((late - early).total_seconds()))
    at = bisect_left(
        seconds,
        True,
        key=lambda n: (early + timedelta(seconds=n)).astimezone(place).utcoffset() == after,
    )
    return early + timedelta(seconds=at)


@lru_cache(maxsize=512)
def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
