"""Journeys: the next trips from one place to another, with one change at most.

Times are counted from the midnight of the day asked for, so that a trip of the day before at 24:30
leaves at half past midnight, and one of that day at 25:10 after its end.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from knowledge.timetable.feed import UNTIMED, Timetable

DAY = 86_400  # seconds
CHANGE = 300  # seconds that changing takes at least
LONGEST_WAIT = 5_400  # seconds at a change; nobody is sent to wait longer
LONGEST_RIDE = 4 * 3_600  # seconds a journey with a change may take
NO = 1
ON_REQUEST = 2

Calls = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Ride:
    """From boarding one vehicle to leaving it."""

    trip: int
    board: int  # calls: rows of `Trips`
    alight: int
    departs: int  # seconds after the midnight of the day asked for
    arrives: int


@dataclass(frozen=True, slots=True)
class Journey:
    """One or two rides."""

    rides: tuple[Ride, ...]

    @property
    def departs(self) -> int:
        """When the first ride begins."""
        return self.rides[0].departs

    @property
    def arrives(self) -> int:
        """When the last ride ends."""
        return self.rides[-1].arrives


def journeys(
    timetable: Timetable, origins: Sequence[int], destinations: Sequence[int], on: date
) -> tuple[Journey, ...]:
    """Return all sensible journeys of one day between stations, by departure.

    Both the trips of that service day and those of the day before that still run are searched. A
    journey that leaves no later and arrives no earlier than another one is left out.
    """
    found = []
    for back in (1, 0):
        day = on - timedelta(days=back)
        if timetable.covers(day):
            search = _Search(timetable, day, -back * DAY)
            found += [*search.direct(origins, destinations)]
            found += [*search.changing(origins, destinations)]
    return tuple(_best([each for each in found if each.departs >= 0]))


def departures(timetable: Timetable, stations: Sequence[int], on: date) -> tuple[Journey, ...]:
    """Return all rides of a day from stations to the last stop of each trip, by departure."""
    return _to_ends(timetable, stations, on, leaving=True)


def arrivals(timetable: Timetable, stations: Sequence[int], on: date) -> tuple[Journey, ...]:
    """Return all rides of a day to stations from the first stop of each trip, by departure."""
    return _to_ends(timetable, stations, on, leaving=False)


def price(timetable: Timetable, journey: Journey) -> tuple[Decimal, str] | None:
    """Return what a journey costs, ride by ride; None if the feed does not say it of each."""
    total, currency = Decimal(0), None
    trips = timetable.trips
    for ride in journey.rides:
        zones = [int(timetable.zone_of[trips.stop[each]]) for each in (ride.board, ride.alight)]
        fare = timetable.fares.between(int(trips.route[ride.trip]), *zones)
        if fare is None or currency not in {None, fare[1]}:
            return None
        total, currency = total + Decimal(fare[0]), fare[1]
    return (total, currency) if currency is not None else None


def on_request(timetable: Timetable, journey: Journey) -> bool:
    """Whether a vehicle comes or stops only for those who asked for it before."""
    trips = timetable.trips
    return any(
        trips.board[each.board] >= ON_REQUEST or trips.alight[each.alight] >= ON_REQUEST
        for each in journey.rides
    )


def _to_ends(
    timetable: Timetable, stations: Sequence[int], on: date, *, leaving: bool
) -> tuple[Journey, ...]:
    found = []
    for back in (1, 0):
        day = on - timedelta(days=back)
        if timetable.covers(day):
            search = _Search(timetable, day, -back * DAY)
            found += [*search.to_ends(stations, leaving=leaving)]
    seen = {(each.departs, each.arrives, each.rides[0].trip): each for each in found}
    return tuple(seen[key] for key in sorted(seen) if seen[key].departs >= 0)


class _Search:
    """The trips of one service day."""

    def __init__(self, timetable: Timetable, day: date, offset: int) -> None:
        self._timetable = timetable
        self._trips = timetable.trips
        self._offset = offset
        self._running = timetable.running(day)
        self._station = timetable.station_of[self._trips.stop]

    def direct(self, origins: Sequence[int], destinations: Sequence[int]) -> Iterator[Journey]:
        """Yield the rides without a change: of each trip the last boarding before the first stop.

        A trip that calls twice at the origin is boarded at the later call.
        """
        boards = self._by_trip(self._boarding(origins))
        for trip, alights in self._by_trip(self._alighting(destinations)).items():
            for board in reversed(boards.get(trip, ())):
                alight = next((each for each in alights if each > board), None)
                if alight is not None:
                    yield Journey((self._ride(trip, board, alight),))
                    break

    def changing(self, origins: Sequence[int], destinations: Sequence[int]) -> Iterator[Journey]:
        """Yield journeys with one change, at a station where both trips call."""
        onward = self._onward(destinations)
        ends = {*origins, *destinations}
        boards = self._boarding(origins)
        for board, trip in zip(boards.tolist(), self._of(boards).tolist(), strict=True):
            best: Journey | None = None
            for alight in self._later(trip, board):
                station = int(self._station[alight])
                if station in ends or station not in onward:
                    continue
                first = self._ride(trip, board, alight)
                ride = _connecting(onward[station], first)
                if ride is not None and (best is None or ride.arrives < best.arrives):
                    best = Journey((first, ride))
            if best is not None and best.arrives - best.departs <= LONGEST_RIDE:
                yield best

    def to_ends(self, stations: Sequence[int], *, leaving: bool) -> Iterator[Journey]:
        """Yield rides from stations to the end of each trip, or from its beginning to them."""
        calls = self._boarding(stations) if leaving else self._alighting(stations)
        of_call = self._of(calls)
        for call, trip in zip(calls.tolist(), of_call.tolist(), strict=True):
            first, last = int(self._trips.first[trip]), int(self._trips.first[trip + 1]) - 1
            board, alight = (call, last) if leaving else (first, call)
            stays = self._station[board] != self._station[alight]
            if stays and self._trips.departure[board] != UNTIMED != self._trips.arrival[alight]:
                yield Journey((self._ride(trip, board, alight),))

    def _onward(self, destinations: Sequence[int]) -> dict[int, list[Ride]]:
        """Return by station the rides that reach a destination, by departure.

        For each station and departure, an earlier arrival later on makes a ride useless: only
        rides that no later one overtakes are kept.
        """
        rides: dict[int, list[Ride]] = {}
        alights = self._alighting(destinations)
        for alight, trip in zip(alights.tolist(), self._of(alights).tolist(), strict=True):
            for board in self._earlier(trip, alight):
                ride = self._ride(trip, board, alight)
                rides.setdefault(int(self._station[board]), []).append(ride)
        for station, found in rides.items():
            kept: list[Ride] = []
            for ride in sorted(found, key=lambda each: (-each.departs, each.arrives)):
                if not kept or ride.arrives < kept[-1].arrives:
                    kept.append(ride)
            rides[station] = kept[::-1]
        return rides

    def _boarding(self, stations: Sequence[int]) -> Calls:
        calls = self._calls(stations)
        allowed = self._trips.board[calls] != NO
        times = self._trips.departure[calls]
        return np.asarray(calls[allowed & (times != UNTIMED) & (times + self._offset >= 0)])

    def _alighting(self, stations: Sequence[int]) -> Calls:
        calls = self._calls(stations)
        allowed = self._trips.alight[calls] != NO
        times = self._trips.arrival[calls]
        return np.asarray(calls[allowed & (times != UNTIMED) & (times + self._offset >= 0)])

    def _calls(self, stations: Sequence[int]) -> Calls:
        calls = self._timetable.calls_of(stations)
        return calls[self._running[self._of(calls)]]

    def _of(self, calls: Calls) -> NDArray[np.int64]:
        """Return the trip of each call."""
        return np.searchsorted(self._trips.first, calls, side="right").astype(np.int64) - 1

    def _by_trip(self, calls: Calls) -> dict[int, list[int]]:
        found: dict[int, list[int]] = {}
        for call, trip in zip(calls.tolist(), self._of(calls).tolist(), strict=True):
            found.setdefault(trip, []).append(call)
        return found

    def _later(self, trip: int, board: int) -> Iterator[int]:
        """Yield the calls of a trip after one at which people may leave."""
        for call in range(board + 1, int(self._trips.first[trip + 1])):
            if self._trips.alight[call] != NO and self._trips.arrival[call] != UNTIMED:
                yield call

    def _earlier(self, trip: int, alight: int) -> Iterator[int]:
        """Yield the calls of a trip before one at which people may board."""
        for call in range(int(self._trips.first[trip]), alight):
            if self._trips.board[call] != NO and self._trips.departure[call] != UNTIMED:
                yield call

    def _ride(self, trip: int, board: int, alight: int) -> Ride:
        return Ride(
            trip=trip,
            board=board,
            alight=alight,
            departs=int(self._trips.departure[board]) + self._offset,
            arrives=int(self._trips.arrival[alight]) + self._offset,
        )


def _connecting(rides: Sequence[Ride], first: Ride) -> Ride | None:
    """Return the first of some rides, by departure, that one changes to in time."""
    ready = first.arrives + CHANGE
    for at in range(bisect_left(rides, ready, key=lambda each: each.departs), len(rides)):
        if rides[at].departs > first.arrives + LONGEST_WAIT:
            return None
        if rides[at].trip != first.trip:
            return rides[at]
    return None


def _best(found: Sequence[Journey]) -> Iterator[Journey]:
    """Yield by departure the journeys that no other one betters; a direct one wins a tie."""
    kept: list[Journey] = []
    for each in sorted(found, key=lambda one: (-one.departs, one.arrives, len(one.rides))):
        if not kept or each.arrives < kept[-1].arrives:
            kept.append(each)
    yield from reversed(kept)
