"""When: the day and the time of day that a question about a journey names, in six languages.

Days are read as for opening hours (`knowledge.computed.when`), so that both mean the same by 祝日
and 来週の火曜. "About" three o'clock is three o'clock.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from knowledge.computed.days import public_holiday
from knowledge.computed.when import asked_days
from knowledge.figures import FigureKind
from knowledge.forms import read
from knowledge.travel.words import says

SATURDAY = 5


@dataclass(frozen=True, slots=True)
class When:
    """What a question says about time; None for what it leaves open."""

    day: date | None
    minute: int | None  # after midnight
    until: int | None = None  # a second time of day


def when(question: str, now: datetime) -> When:
    """Read a question asked at `now` in the town's zone."""
    times = [int(figure.value) for figure, _ in read(question) if figure.kind is FigureKind.TIME]
    return When(
        _day(question, now.date()),
        times[0] if times else None,
        times[1] if len(times) > 1 and times[1] > times[0] else None,
    )


def _day(question: str, today: date) -> date | None:
    if says("when", "weekday", question):
        ahead = (today + timedelta(days=each) for each in range(14))
        return next(each for each in ahead if _working(each))
    days = asked_days(question, today)
    return days[0] if days else None


def _working(day: date) -> bool:
    return day.weekday() < SATURDAY and not public_holiday(day)
