"""Wishes: whether a question asks for a plan, and for what: time, weather, company, no car.

A plan is asked for by a length of time or a need (rain, wheelchair, children, no car) together
with a word of going around. What the question leaves open is assumed, and the plan says so.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from knowledge.computed import Situation
from knowledge.figures import FigureKind
from knowledge.forms import read
from knowledge.question import Asked
from knowledge.text import fold
from knowledge.travel.plan import Assumption, Wish
from knowledge.travel.sights import Need, named
from knowledge.travel.ways import Mode, Place, Ways
from knowledge.travel.when import When, when
from knowledge.travel.words import pattern, says

HALF_DAY = 240  # minutes
WHOLE_DAY = 480
SHORTEST = 30
START = 9 * 60
AFTERNOON = 13 * 60
LAST_START = 17 * 60
SHORT = 180  # minutes; who has so little is on the spot already
ROUND = 5  # minutes

_ABOUT = frozenset(
    {
        "highlight", "rain", "wheelchair", "stroller", "car", "bus", "train", "walk", "taxi",
        "access", "duration", "hiking", "forecast", "hours", "food", "season", "address",
    }
)  # fmt: skip
"""What a question for a plan may name; anything else asks about that."""
_FACTS = frozenset({"hours", "duration", "season", "access"})
"""What a question about one sight names that asks for a fact and no plan."""
_OWN = ("own", "asked", "half_day", "whole_day", "children")
"""Entries whose words no guide needs to hold."""


@dataclass(frozen=True, slots=True)
class _Time:
    minutes: int
    assumed: bool


def wish(situation: Situation, ways: Ways) -> Wish | None:
    """Return what a question wishes; None if it asks for no plan."""
    asked = situation.asked
    text = asked.text
    needs = tuple(need for need in Need if named(need, text))
    time = _time(text)
    if not _asks(situation, needs, time):
        return None
    moment = when(text, situation.now)
    modes, mode, mode_assumed = _modes(text)
    wanted = frozenset(
        each.facility for each in asked.names if each.facility in situation.index.sights
    )
    origin = _origin(situation, ways)
    budget = time or _Time(HALF_DAY, assumed=True)
    start, assumed = _start(text, moment, situation.now, budget.minutes)
    if mode_assumed:
        assumed.append(Assumption.MODE)
    if budget.assumed:
        assumed.append(Assumption.BUDGET)
    return Wish(
        day=start.date(),
        zone=situation.now.tzinfo,
        start=start.hour * 60 + start.minute,
        minutes=budget.minutes,
        modes=modes,
        mode=mode,
        needs=needs,
        origin=origin,
        wanted=wanted,
        assumed=tuple(assumed),
    )


def _asks(situation: Situation, needs: tuple[Need, ...], time: _Time | None) -> bool:
    asked = situation.asked
    text = asked.text
    known = all(any(says("plan", each, one) for each in _OWN) for one in asked.unknown)
    if asked.past or not known or not asked.all_concepts <= _ABOUT:
        return False
    moving = says("plan", "without_car", text) or says("plan", "by_car", text)
    strong, around = says("plan", "strong", text), says("plan", "asked", text)
    if any(each.facility in situation.index.sights for each in asked.names):
        return strong or (time is not None and time.assumed and around and not _asks_fact(asked))
    if time is not None:
        return strong or around or moving or bool(needs)
    return strong and (bool(needs) or moving)


def _asks_fact(asked: Asked) -> bool:
    return bool(asked.all_concepts & _FACTS)


def _time(text: str) -> _Time | None:
    """Return how much time there is, if a question says so."""
    stated = [
        float(figure.value.removeprefix("minute "))
        for figure, _ in read(text)
        if figure.kind is FigureKind.DURATION and figure.value.startswith("minute ")
    ]
    if stated and SHORTEST <= stated[0] <= WHOLE_DAY + HALF_DAY:
        return _Time(round(stated[0]), assumed=False)
    if says("plan", "half_day", text):
        return _Time(HALF_DAY, assumed=True)
    if says("plan", "whole_day", text):
        return _Time(WHOLE_DAY, assumed=True)
    return None


def _modes(text: str) -> tuple[frozenset[Mode], Mode, bool]:
    """Return the modes of ways that may be used, what to call them, and whether that was said."""
    carless = frozenset(Mode) - {Mode.CAR}
    if says("plan", "without_car", text):
        if says("plan", "on_foot", text):
            return frozenset({Mode.WALK}), Mode.WALK, False
        return carless, Mode.BUS, False
    driving = frozenset({Mode.CAR, Mode.WALK})
    if says("plan", "by_car", text):
        return driving, Mode.CAR, False
    return driving, Mode.CAR, True


def _origin(situation: Situation, ways: Ways) -> Place | None:
    """Return the station or the like that the plan begins at, if a stated way leads there."""
    text = fold(situation.asked.text)
    for place in ways.named(text):
        start = text.find(fold(place.name))
        end = start + len(fold(place.name))
        leaving = pattern("from", "after").search(text[end:]) or pattern("from", "before").search(
            text[:start]
        )
        if start >= 0 and leaving:
            return place
    return None


def _start(
    text: str, moment: When, now: datetime, minutes: int
) -> tuple[datetime, list[Assumption]]:
    """Return when the plan begins, and what of it was assumed."""
    soon = _rounded(now)
    if says("plan", "now", text) and moment.minute is None:
        return soon, []
    start = moment.minute
    assumed = [] if start is not None else [Assumption.START]
    if start is None:
        late = says("plan", "afternoon", text) and not says("plan", "morning", text)
        start = AFTERNOON if late else START
    if moment.day is not None:
        begin = _at(now, moment.day.toordinal() - now.date().toordinal(), start)
        return (soon, assumed) if begin < now and moment.minute is None else (begin, assumed)
    assumed = [Assumption.DATE, *assumed]
    if minutes <= SHORT and moment.minute is None and START - 60 <= _minute(soon) <= LAST_START:
        return soon, assumed
    today = _at(now, 0, start)
    return (today if today >= now else _at(now, 1, start)), assumed


def _minute(at: datetime) -> int:
    return at.hour * 60 + at.minute


def _at(now: datetime, days: int, minute: int) -> datetime:
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + timedelta(days=days, minutes=minute)


def _rounded(now: datetime) -> datetime:
    """Return the next full five minutes."""
    whole = now.replace(second=0, microsecond=0)
    return whole + timedelta(minutes=-whole.minute % ROUND)
