"""Feeds in memory: what one timetable says, kept in arrays.

A feed of 300,000 stop times takes about 6 MB here. Times are seconds after the midnight at which
the service day begins, so 25:10 is ten past one of the next calendar day.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from itertools import product

import numpy as np
from numpy.typing import NDArray

from knowledge.language import Language
from knowledge.passage import Passage

Numbers = NDArray[np.int32]

UNTIMED = -1
"""A call without a stated time: nobody is told to board or alight there."""


@dataclass(frozen=True, slots=True)
class Station:
    """All stops and platforms (標柱) of one name in one place."""

    name: str
    kana: str | None
    names: Mapping[Language, str]  # translations
    latitude: float | None  # degrees, WGS 84; of its first stop that has them
    longitude: float | None


@dataclass(frozen=True, slots=True)
class Route:
    """One line as passengers know it."""

    name: str
    agency: str
    names: Mapping[Language, str]


@dataclass(frozen=True, slots=True)
class Service:
    """The days on which trips run: a week within two dates, with exceptions."""

    weekdays: tuple[bool, ...]  # Monday first
    start: date
    end: date  # inclusive
    added: frozenset[date] = frozenset()
    removed: frozenset[date] = frozenset()

    def runs(self, day: date) -> bool:
        """Whether the service runs on a service day."""
        if day in self.removed:
            return False
        if day in self.added:
            return True
        return self.start <= day <= self.end and self.weekdays[day.weekday()]


@dataclass(frozen=True, slots=True, eq=False)
class Trips:
    """All trips, and the calls of each one after the other."""

    route: Numbers  # (n_trips,)
    service: Numbers  # (n_trips,)
    headsign: Numbers  # (n_trips,), into `Timetable.headsigns`
    approximate: NDArray[np.bool_]  # (n_trips,): runs about so often (frequencies.txt)
    first: Numbers  # (n_trips + 1,), where the calls of a trip begin
    stop: Numbers  # (n_calls,)
    arrival: Numbers  # (n_calls,), seconds, or UNTIMED
    departure: Numbers
    board: NDArray[np.uint8]  # (n_calls,): 0 yes, 1 no, 2 and 3 on request (GTFS pickup_type)
    alight: NDArray[np.uint8]

    def of_call(self) -> Numbers:
        """Return the trip of each call."""
        return np.repeat(np.arange(len(self.route), dtype=np.int32), np.diff(self.first))


@dataclass(frozen=True, slots=True, eq=False)
class Fares:
    """Prices by route and zones; a part that a rule leaves open is -1."""

    amounts: tuple[tuple[str, str], ...] = ()  # amount and ISO 4217 currency, as published
    rules: Mapping[tuple[int, int, int], int] = field(default_factory=dict)
    """(route, zone boarded, zone left) to the number of the amount."""

    def between(self, route: int, origin: int, destination: int) -> tuple[str, str] | None:
        """Return what a ride costs, by the most specific rule; None if the feed does not say."""
        for key in product((route, -1), (origin, -1), (destination, -1)):
            if (number := self.rules.get(key)) is not None:
                return self.amounts[number]
        return None


@dataclass(frozen=True, slots=True, eq=False)
class Timetable:
    """One feed."""

    name: str  # the file or folder it was read from
    start: date  # the first and the last day that it is published for
    end: date
    stations: tuple[Station, ...]
    station_of: Numbers  # (n_stops,)
    zone_of: Numbers  # (n_stops,), -1 without a zone
    routes: tuple[Route, ...]
    services: tuple[Service, ...]
    headsigns: tuple[str, ...]
    headsign_names: Mapping[str, Mapping[Language, str]]
    trips: Trips
    fares: Fares
    passage: Passage  # what is cited: publisher, address, validity

    def covers(self, day: date) -> bool:
        """Whether the feed is published for a day. It says nothing about any other."""
        return self.start <= day <= self.end

    def running(self, day: date) -> NDArray[np.bool_]:
        """Return for each trip whether it runs on a service day: shape ``(n_trips,)``."""
        return _running(self, day)

    def calls_of(self, stations: Sequence[int]) -> NDArray[np.int64]:
        """Return the calls at any of some stations, in the order of the arrays."""
        wanted = np.zeros(len(self.stations) + 1, dtype=np.bool_)
        wanted[list(stations)] = True
        return np.flatnonzero(wanted[self.station_of][self.trips.stop])


@lru_cache(maxsize=32)
def _running(timetable: Timetable, day: date) -> NDArray[np.bool_]:
    if not timetable.covers(day):
        return np.zeros(len(timetable.trips.route), dtype=np.bool_)
    services = np.array([each.runs(day) for each in timetable.services], dtype=np.bool_)
    return np.asarray(services[timetable.trips.service], dtype=np.bool_)
