"""Weekdays: whether a sight is closed on Mondays as such, and what a public holiday changes."""

from dataclasses import dataclass
from datetime import date, timedelta

from knowledge.computed.days import EVERY_DAY, Closure, Days, Moved, public_holiday
from knowledge.computed.hours import Opening, State
from knowledge.passage import Passage

WEEKS = 52


@dataclass(frozen=True, slots=True)
class Weekly:
    """What holds on one weekday, all through the year."""

    weekday: int  # 0 is Monday
    closed: bool
    moved: Moved  # what happens to a closing day that is a public holiday
    passages: tuple[Passage, ...]


def weekly(opening: Opening, first: date) -> Weekly | None:
    """Say what holds on the weekday of `first`; None if the rows make no plain rule of it."""
    if opening.irregular or not opening.closings_known:
        return None
    if any(_whole_year(days) for days, _ in opening.doubts):
        return None
    number = first.weekday()
    rules = [each for each in opening.closings if _by_weekday(each.rule, number)]
    if any(not _plain(each.rule) for each in rules):
        return None
    if rules:
        moved = {each.rule.moved for each in rules} - {Moved.NO}
        if len(moved) > 1 or opening.never_closed:
            return None
        stated = tuple(dict.fromkeys(each.passage for each in rules))
        return Weekly(number, closed=True, moved=next(iter(moved), Moved.NO), passages=stated)
    if opening.hours and not all(_open(opening, each) for each in _through_the_year(first)):
        return None
    moving = [each for each in opening.closings if each.rule.moved is not Moved.NO]
    passages = (*(each.passage for each in opening.closings), *opening.never_closed)
    moved_to = {each.rule.moved for each in moving}
    shown = moved_to.pop() if len(moved_to) == 1 and opening.closed_by(first) else Moved.NO
    return Weekly(number, closed=False, moved=shown, passages=tuple(dict.fromkeys(passages)))


def _by_weekday(rule: Closure, number: int) -> bool:
    days = rule.days
    return not days.periods and days.weekdays != EVERY_DAY and number in days.weekdays


def _plain(rule: Closure) -> bool:
    """Whether a rule closes that weekday every week and for the whole day."""
    return not (rule.days.nth or rule.never or rule.morning or rule.days.on_holidays is False)


def _whole_year(days: Days) -> bool:
    return not days.periods


def _through_the_year(first: date) -> tuple[date, ...]:
    days = (first + timedelta(weeks=each) for each in range(WEEKS))
    return tuple(each for each in days if not public_holiday(each))


def _open(opening: Opening, day: date) -> bool:
    return bool(opening.closed_by(day)) or opening.state(day) is State.OPEN
