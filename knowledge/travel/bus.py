"""Buses as answers: the next ones, the last one, or that the timetable has run out.

Everything stated is a row of the feed, made a passage of its own so that it can be cited.
"""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from knowledge.computed import Computed
from knowledge.passage import Passage


class Which(StrEnum):
    """Which departures are told."""

    NEXT = "next"
    FIRST = "first"
    LAST = "last"


@dataclass(frozen=True, slots=True)
class Named:
    """A stop or sight with its name in the asker's language."""

    name: str
    local: str | None = None


@dataclass(frozen=True, slots=True)
class Leg:
    """One ride."""

    route: Named
    headsign: Named | None
    board: Named
    alight: Named
    departs: datetime  # aware
    arrives: datetime


@dataclass(frozen=True, slots=True)
class Departure:
    """One journey, with a change if it has two legs."""

    legs: tuple[Leg, ...]
    fare: tuple[Decimal, str] | None  # amount and ISO 4217 currency; None: the feed does not say
    approximate: bool  # about so often
    on_request: bool

    @property
    def departs(self) -> datetime:
        """When it leaves."""
        return self.legs[0].departs

    @property
    def arrives(self) -> datetime:
        """When it arrives."""
        return self.legs[-1].arrives


@dataclass(frozen=True, slots=True)
class Buses(Computed):
    """The departures asked for."""

    origin: Named | None  # None: only where it goes to was asked
    destination: Named | None
    which: Which
    day: date
    after: datetime
    departures: tuple[Departure, ...]  # by departure, three at most
    waiting: int | None  # whole minutes until the first; None if not asked for now
    over: bool = False  # nothing more runs on the day asked for: these are the next day's first
    gone: bool = False  # the last one was asked for and has left
    last_of_day: datetime | None = None  # when the day's last one leaves


@dataclass(frozen=True, slots=True)
class NoBus(Computed):
    """The timetable knows both places and nothing that runs between them on the day."""

    origin: Named | None
    destination: Named | None
    day: date


@dataclass(frozen=True, slots=True)
class Expired(Computed):
    """The timetable is not published for the day; nothing is worked out from it."""

    start: date
    end: date
    day: date
    quotes: tuple[Passage, ...]  # what the guides say about the buses meant
