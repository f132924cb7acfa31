"""Days: of which days a row speaks, by season, weekday and Japanese public holiday.

Public holidays are those of the 国民の祝日に関する法律 with substitute holidays (振替休日) and the
days between two of them, as the `holidays` package holds them.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from functools import cache

DAY = timedelta(days=1)
SATURDAY = 5
EVERY_DAY = frozenset(range(7))
LONGEST_RUN = 14
"""Days in a row that can be public holidays at most; the law's longest run is far shorter."""


@cache
def _calendar(year: int) -> frozenset[date]:
    import holidays

    return frozenset(holidays.country_holidays("JP", years=year))


def public_holiday(day: date) -> bool:
    """Whether a day is a public holiday in Japan, substitute holidays included."""
    return day in _calendar(day.year)


@dataclass(frozen=True, slots=True)
class Period:
    """Part of every year, by month and day, both ends included; it may go over New Year."""

    first: tuple[int, int]
    last: tuple[int, int]

    def __contains__(self, day: date) -> bool:
        at = (day.month, day.day)
        if self.first <= self.last:
            return self.first <= at <= self.last
        return at >= self.first or at <= self.last


@dataclass(frozen=True, slots=True)
class Days:
    """Days of the year: within any of the periods, and of the weekdays or holidays named."""

    weekdays: frozenset[int] = EVERY_DAY  # 0 is Monday
    nth: frozenset[int] = frozenset()  # of the month: the second and fourth; empty for all
    on_holidays: bool | None = None  # True: these too; False: never on these; None: like others
    periods: tuple[Period, ...] = ()  # empty for the whole year

    def __contains__(self, day: date) -> bool:
        if self.periods and not any(day in each for each in self.periods):
            return False
        if self.on_holidays is not None and public_holiday(day):
            return self.on_holidays
        if day.weekday() not in self.weekdays:
            return False
        return not self.nth or (day.day - 1) // 7 + 1 in self.nth

    @property
    def narrow(self) -> int:
        """How much narrower than "every day" this is: the narrower of two rows counts."""
        return bool(self.periods) + (self.weekdays != EVERY_DAY or self.on_holidays is not None)


class Moved(StrEnum):
    """What happens to a closing day that falls on a public holiday."""

    NO = "no"  # closed all the same
    NEXT = "next"  # open; closed the day after instead
    WORKDAY = "workday"  # open; closed on the next day that is neither weekend nor holiday
    ALSO = "also"  # closed, and the day after as well
    OPEN = "open"  # open, nothing instead


class Answer(StrEnum):
    """What a rule says of a day."""

    CLOSED = "closed"
    OPEN = "open"
    MOVED = "moved"  # open, because the closing day is taken on another day
    UNSURE = "unsure"


@dataclass(frozen=True, slots=True)
class Closure:
    """One rule of closing days."""

    days: Days
    moved: Moved = Moved.NO
    never: tuple[Period, ...] = ()  # 1月と8月を除く
    morning: bool = False  # only half a day, the rows do not say until when

    @property
    def weekly(self) -> bool:
        """Whether only the weekday decides: such a rule may give way to a holiday."""
        return not self.days.periods and self.days.on_holidays is None

    def on(self, day: date) -> Answer:
        """Say whether the rule closes a day."""
        if self._due(day):
            if public_holiday(day) and self.moved not in {Moved.NO, Moved.ALSO}:
                return Answer.MOVED
            return Answer.UNSURE if self.morning else Answer.CLOSED
        return self._instead(day)

    def _due(self, day: date) -> bool:
        return day in self.days and not any(day in each for each in self.never)

    def _moving(self, day: date) -> bool:
        """Whether a day is a regular closing weekday and a public holiday."""
        return self._due(day) and day.weekday() in self.days.weekdays and public_holiday(day)

    def _instead(self, day: date) -> Answer:
        """Look back for a closing day that a holiday has moved here.

        Where the day after is a holiday too, offices differ in what they call the next day: then
        every day up to the first plain one is unsure.
        """
        if self.moved in {Moved.NO, Moved.OPEN}:
            return Answer.OPEN
        before, plain, workday = day - DAY, self._plain(day), self.moved is Moved.WORKDAY
        if workday and not plain:
            return Answer.OPEN
        if self._moving(before):
            return Answer.CLOSED if plain else Answer.UNSURE
        for _ in range(LONGEST_RUN):
            if self._plain(before):
                return Answer.OPEN
            before -= DAY
            if self._moving(before):
                return Answer.CLOSED if workday else Answer.UNSURE
        return Answer.OPEN

    def _plain(self, day: date) -> bool:
        if self.moved is Moved.WORKDAY and day.weekday() >= SATURDAY:
            return False
        return not public_holiday(day)
