"""When: the day and the time of day that a question names, in six languages.

A weekday is the next one from today on, today included. A date without a year is the next such
date. "About" three o'clock is three o'clock.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from knowledge.figures import FigureKind
from knowledge.forms import read
from knowledge.travel.words import says

_WEEK = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_AHEAD = (("after_tomorrow", 2), ("tomorrow", 1), ("today", 0))
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
    for word, ahead in _AHEAD:
        if says("when", word, question):
            return today + timedelta(days=ahead)
    for figure, _ in read(question):
        if figure.kind is FigureKind.DATE and (named := _date(figure.value, today)):
            return named
    for number, word in enumerate(_WEEK):
        if says("when", word, question):
            return today + timedelta(days=(number - today.weekday()) % 7)
    if says("when", "weekday", question):
        return next(each for each in _following(today) if each.weekday() < SATURDAY)
    return None


def _following(today: date) -> tuple[date, ...]:
    return tuple(today + timedelta(days=each) for each in range(7))


def _date(value: str, today: date) -> date | None:
    """Read 2026-11-25, or --11-25 as the next such day; None for a month or a year alone."""
    try:
        if not value.startswith("--"):
            return date.fromisoformat(value)
        month, day = (int(each) for each in value.removeprefix("--").split("-"))
        this = date(today.year, month, day)
    except ValueError:
        return None
    try:
        return this if this >= today else this.replace(year=today.year + 1)
    except ValueError:  # 29 February
        return None
