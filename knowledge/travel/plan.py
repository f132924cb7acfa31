"""Plans: an order of visits whose times add up, made of what the guides state and nothing else.

A visit takes the longest time that the guides state for it, lies within the opening hours of its
day and begins before the last entry; a way takes the longest time stated for it. What the guides
leave open is either left out, or assumed and said (`Assumption`).
"""

from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from enum import StrEnum

from knowledge.computed import Computed
from knowledge.passage import Passage
from knowledge.travel.sights import Need
from knowledge.travel.ways import Mode, Place


class StepKind(StrEnum):
    """What a part of a plan is."""

    VISIT = "visit"
    MOVE = "move"
    WAIT = "wait"  # until a sight opens
    MEAL = "meal"


class Assumption(StrEnum):
    """What a plan rests on without a fact."""

    DATE = "date"  # no day was named
    START = "start"  # no time was named
    BUDGET = "budget"  # how long a half or a whole day is, or that a half day is meant
    MODE = "mode"  # how one moves was not said
    LONGEST = "longest"  # of each range the longest time counts
    TURNED = "turned"  # a way takes as long in the other direction
    JOINED = "joined"  # ways were joined at a place between
    NO_APPROACH = "no-approach"  # the way to the first place is not counted
    TAXI = "taxi"  # a taxi takes as long as a car
    NO_WAITING = "no-waiting"  # waiting for a bus or taxi is not counted
    LUNCH = "lunch"  # how long a meal takes
    NO_LUNCH = "no-lunch"  # no time for a meal is counted
    HOURS_UNKNOWN = "hours-unknown"  # of some places the guides do not say when they are open
    MAY_CLOSE = "may-close"  # of some places the guides leave open whether they close that day
    UNCONFIRMED = "unconfirmed"  # it rests on rows to be confirmed


@dataclass(frozen=True, slots=True)
class Step:
    """One part of a plan; each begins when the one before ends."""

    kind: StepKind
    name: str  # the sight, or where the way leads
    begin: datetime  # aware
    end: datetime
    passages: tuple[Passage, ...] = ()
    mode: Mode | None = None
    via: tuple[str, ...] = ()  # places at which ways were joined
    note: Passage | None = None  # the row on what the plan had to suit
    local: str | None = None  # the name in the asker's language
    hours_known: bool = True
    last_entry: int | None = None  # minutes after midnight, where the hours state one


@dataclass(frozen=True, slots=True)
class Plan(Computed):
    """A plan for one day."""

    steps: tuple[Step, ...]
    minutes: int  # what there was time for
    needs: tuple[Need, ...]
    mode: Mode
    origin: str | None
    assumptions: tuple[Assumption, ...]
    cautions: tuple[Passage, ...] = ()  # rows that warn of what was asked for: heavy rain
    missing: tuple[str, ...] = ()  # sights that would suit, of which a time or a way is not stated
    missing_local: tuple[str, ...] = ()  # in the asker's language, in the same order


@dataclass(frozen=True, slots=True)
class NoPlan(Computed):
    """What was to be part of a plan does not fit together by what the guides state."""

    names: tuple[str, ...]
    local: tuple[str | None, ...]  # in the asker's language, in the same order
    minutes: int
    mode: Mode
    quotes: tuple[Passage, ...]  # what the guides say of visits and ways


@dataclass(frozen=True, slots=True)
class Wish:
    """What a plan is asked for."""

    day: date
    zone: tzinfo | None  # the town's
    start: int  # minutes after midnight
    minutes: int
    modes: frozenset[Mode]
    mode: Mode  # what is named for them all
    needs: tuple[Need, ...] = ()
    origin: Place | None = None
    wanted: frozenset[str] = frozenset()  # sights that must be part of it
    assumed: tuple[Assumption, ...] = ()
    hired: bool = False  # ways stated for a car are gone by taxi
