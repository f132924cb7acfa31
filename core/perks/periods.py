"""The periods in which uses are counted, by the calendar and the time zone of the town."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from core.town import Perk


@dataclass(frozen=True, slots=True)
class Period:
    """A stretch of the town's days. `label` is its name in the records."""

    label: str
    first: date | None  # `None`: since ever
    next: date | None  # the first day of the period after it; `None`: there is none

    def ends(self, zone: ZoneInfo) -> datetime | None:
        """The moment at which the next one begins, in UTC."""
        return midnight(self.next, zone) if self.next else None


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """When a day of the town begins, in UTC."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


def day_of(moment: datetime, zone: ZoneInfo) -> date:
    """Which day it is in the town."""
    return moment.astimezone(zone).date()


def period_of(perk: Perk, day: date) -> Period:
    """The period of a perk that a day of the town lies in.

    A year begins with the perk's `year_starts`: ``"04"`` is the 年度 of town offices.
    """
    match perk.per:
        case "day":
            return Period(f"d{day}", day, day + timedelta(days=1))
        case "month":
            return Period(f"m{day:%Y-%m}", day.replace(day=1), months_on(day, 1))
        case "year":
            months_in = (day.month - int(perk.year_starts)) % 12
            first = months_on(day, -months_in)
            return Period(f"y{first:%Y-%m}", first, months_on(first, 12))
        case "ever":
            return Period("ever", None, None)


def periods_between(perk: Perk, since: date, until: date) -> int:
    """How many periods the days from `since` to `until`, both included, touch."""
    if perk.valid_from:
        since = max(since, perk.valid_from)
    if perk.valid_until:
        until = min(until, perk.valid_until)
    if until < since:
        return 0
    if perk.per == "day":
        return (until - since).days + 1
    count, day = 1, period_of(perk, since).next
    while day is not None and day <= until:
        count, day = count + 1, period_of(perk, day).next
    return count


def months_on(day: date, months: int) -> date:
    """The first day of the month so many months later."""
    total = day.year * 12 + day.month - 1 + months
    return date(total // 12, total % 12 + 1, 1)
