"""When an announcement starts, from what a clock on a wall in the town shows.

Twice a year a wall's clock is put forward or back where there is daylight-saving time (PEP 495):

* a time that is left out starts as much later as the clock was put forward: 02:30 becomes 03:30
* a time that comes twice starts the first time
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class Start:
    """A moment, and what staff should know of the time they named."""

    at: datetime  # UTC
    left_out: bool = False  # the clock jumps over it; `at` is as much later
    twice: bool = False  # it comes twice; `at` is the first


def start_of(day: date, clock: time, *, zone: str) -> Start:
    """The moment at which a clock in `zone` (IANA) shows this time on this day."""
    place = ZoneInfo(zone)
    local = datetime.combine(day, clock.replace(tzinfo=None, fold=0), place)
    at = local.astimezone(UTC)
    if at.astimezone(place).replace(tzinfo=None) != local.replace(tzinfo=None):
        return Start(at, left_out=True)
    return Start(at, twice=local.replace(fold=1).utcoffset() != local.utcoffset())
