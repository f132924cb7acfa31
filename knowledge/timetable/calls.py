"""Calls: the trips of a feed and where they stop when, from text to arrays.

A trip whose times run backwards, or whose route, service or stops are unknown, is no trip that
anybody should wait for: it is reported and left out, or the single call is.
"""

from array import array
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from knowledge.text import clean
from knowledge.timetable.archive import Report, Tables
from knowledge.timetable.cells import seconds
from knowledge.timetable.feed import UNTIMED, Numbers, Trips

MAX_CALLS = 2_000_000
MAX_TRIPS = 200_000
MAX_REPEATS = 1_000  # trips that one line of frequencies.txt may stand for
EXACT = "1"
_STOP_TIMES = "stop_times.txt"
_FREQUENCIES = "frequencies.txt"


@dataclass(slots=True)
class _Trips:
    number: dict[str, int] = field(default_factory=dict)
    route: list[int] = field(default_factory=list)
    service: list[int] = field(default_factory=list)
    headsign: list[int] = field(default_factory=list)
    headsigns: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class _Calls:
    """Columns of equal length."""

    trip: "array[int]" = field(default_factory=lambda: array("i"))
    sequence: "array[int]" = field(default_factory=lambda: array("i"))
    stop: "array[int]" = field(default_factory=lambda: array("i"))
    arrival: "array[int]" = field(default_factory=lambda: array("i"))
    departure: "array[int]" = field(default_factory=lambda: array("i"))
    board: "array[int]" = field(default_factory=lambda: array("B"))
    alight: "array[int]" = field(default_factory=lambda: array("B"))
    line: "array[int]" = field(default_factory=lambda: array("i"))


def read_trips(
    tables: Tables,
    routes: Mapping[str, int],
    services: Mapping[str, int],
    stops: Mapping[str, int],
    report: Report,
) -> tuple[Trips, tuple[str, ...]]:
    """Read trips.txt, stop_times.txt and frequencies.txt; also return the headsigns."""
    known = _trips(tables, routes, services, report)
    calls = _calls(tables, known.number, stops, report)
    trips = _ordered(known, calls, report)
    return _repeated(tables, known.number, trips, report), tuple(known.headsigns)


def _trips(
    tables: Tables, routes: Mapping[str, int], services: Mapping[str, int], report: Report
) -> _Trips:
    found = _Trips()
    for line, row in tables.rows(
        "trips.txt", "trip_id!", "route_id!", "service_id!", "trip_headsign"
    ):
        trip, route, service, headsign = row
        if not trip or trip in found.number:
            what = f"trip_id {trip[:40]!r} is empty or stands here for the second time"
            report.say("trips.txt", line, what, "give each trip an id of its own")
        elif route not in routes or service not in services:
            what = f"trip {trip[:40]!r} has an unknown route_id or service_id"
            report.say("trips.txt", line, what, "list it in routes.txt, calendar.txt")
        elif len(found.number) == MAX_TRIPS:
            what = f"more than {MAX_TRIPS:,} trips; the rest is left out"
            report.say("trips.txt", line, what, "publish the feed by operator or area")
            break
        else:
            found.number[trip] = len(found.number)
            found.route.append(routes[route])
            found.service.append(services[service])
            shown = clean(headsign)
            found.headsign.append(found.headsigns.setdefault(shown, len(found.headsigns)))
    return found


def _calls(
    tables: Tables, trips: Mapping[str, int], stops: Mapping[str, int], report: Report
) -> _Calls:
    calls = _Calls()
    times: dict[str, int | None] = {"": UNTIMED}
    for line, row in tables.rows(
        _STOP_TIMES, "trip_id!", "arrival_time!", "departure_time!", "stop_id!", "stop_sequence!",
        "pickup_type", "drop_off_type",
    ):  # fmt: skip
        trip, arrival, departure, stop, sequence, board, alight = row
        if len(calls.trip) == MAX_CALLS:
            what = f"more than {MAX_CALLS:,} stop times; the rest is left out"
            report.say(_STOP_TIMES, line, what, "publish the feed by operator or area")
            break
        for each in (arrival, departure):
            if each not in times:
                times[each] = seconds(each)
        arrives, departs = times[arrival], times[departure]
        if trip not in trips or stop not in stops:
            what = f"unknown trip_id {trip[:40]!r} or stop_id {stop[:40]!r}; the row is left out"
            report.say(_STOP_TIMES, line, what, "list it in trips.txt, stops.txt")
        elif arrives is None or departs is None or not sequence.isdecimal() or len(sequence) > 9:  # noqa: PLR2004
            what = f"{arrival[:12]!r}, {departure[:12]!r}, {sequence[:12]!r}: no times and number"
            report.say(_STOP_TIMES, line, what, "write 07:05:00, also past 24:00:00")
        else:
            calls.trip.append(trips[trip])
            calls.sequence.append(int(sequence))
            calls.stop.append(stops[stop])
            calls.arrival.append(departs if arrives == UNTIMED else arrives)
            calls.departure.append(arrives if departs == UNTIMED else departs)
            calls.board.append(_kind(board))
            calls.alight.append(_kind(alight))
            calls.line.append(line)
    return calls


def _kind(cell: str) -> int:
    """Read a pickup_type or drop_off_type; what is none means the ordinary."""
    return int(cell) if cell in {"1", "2", "3"} else 0


def _ordered(known: _Trips, calls: _Calls, report: Report) -> Trips:
    """Put the calls in the order of trip and sequence, and leave out trips that run backwards."""
    trip = np.frombuffer(calls.trip, dtype=np.int32) if calls.trip else np.zeros(0, np.int32)
    sequence = np.array(calls.sequence, dtype=np.int32)
    order = np.lexsort((sequence, trip))
    trip, line = trip[order], np.array(calls.line, dtype=np.int32)[order]
    arrival = np.array(calls.arrival, dtype=np.int32)[order]
    departure = np.array(calls.departure, dtype=np.int32)[order]
    good = ~_backwards(trip, arrival, departure, line, report)
    keep = good[trip] if len(trip) else np.zeros(0, dtype=np.bool_)
    order, count = order[keep], np.bincount(trip[keep], minlength=len(known.number))
    return Trips(
        route=np.array(known.route, dtype=np.int32),
        service=np.array(known.service, dtype=np.int32),
        headsign=np.array(known.headsign, dtype=np.int32),
        approximate=np.zeros(len(known.number), dtype=np.bool_),
        first=np.concatenate(([0], np.cumsum(count))).astype(np.int32),
        stop=np.array(calls.stop, dtype=np.int32)[order],
        arrival=arrival[keep],
        departure=departure[keep],
        board=np.array(calls.board, dtype=np.uint8)[order],
        alight=np.array(calls.alight, dtype=np.uint8)[order],
    )


def _backwards(
    trip: Numbers, arrival: Numbers, departure: Numbers, line: Numbers, report: Report
) -> NDArray[np.bool_]:
    """Return for each trip whether a call lies before the one it follows."""
    wrong = np.zeros(int(trip.max()) + 1 if len(trip) else 0, dtype=np.bool_)
    timed = np.flatnonzero(arrival != UNTIMED)
    same = trip[timed][1:] == trip[timed][:-1]
    early = same & (arrival[timed][1:] < departure[timed][:-1])
    inside = departure[timed] < arrival[timed]
    for at in (*timed[1:][early], *timed[inside]):
        if not wrong[trip[at]]:
            what = "the trip arrives before it left the stop before; the trip is left out"
            report.say(_STOP_TIMES, int(line[at]), what, "correct times or stop_sequence")
        wrong[trip[at]] = True
    return wrong


@dataclass(frozen=True, slots=True)
class _Repeat:
    trip: int
    start: int
    count: int
    headway: int
    approximate: bool


def _repeated(tables: Tables, number: Mapping[str, int], trips: Trips, report: Report) -> Trips:
    """Replace each trip of frequencies.txt by the trips that it stands for."""
    repeats: list[_Repeat] = []
    room = MAX_CALLS - len(trips.stop)
    for line, row in tables.rows(
        _FREQUENCIES, "trip_id!", "start_time!", "end_time!", "headway_secs!", "exact_times"
    ):
        trip, start, end, headway, exact = row
        begins, ends = seconds(start), seconds(end)
        if trip not in number or begins is None or ends is None or not headway.isdecimal():
            what = f"trip {trip[:40]!r} is unknown, or its times are none; the row is left out"
            report.say(_FREQUENCIES, line, what, "write 07:00:00, 09:00:00 and seconds")
            continue
        count = -(-(ends - begins) // max(int(headway), 60))
        calls = int(trips.first[number[trip] + 1] - trips.first[number[trip]])
        room -= count * calls
        if not 0 < count <= MAX_REPEATS or room < 0:
            what = f"the row stands for {max(count, 0):,} trips; it is left out"
            report.say(_FREQUENCIES, line, what, "check start_time, end_time and headway_secs")
            continue
        repeats.append(_Repeat(number[trip], begins, count, max(int(headway), 60), exact != EXACT))
    return _expanded(trips, repeats) if repeats else trips


def _expanded(trips: Trips, repeats: list[_Repeat]) -> Trips:
    """Copy trips at their times; the patterns themselves do not run."""
    patterns = {each.trip for each in repeats}
    source = [each for each in range(len(trips.route)) if each not in patterns]
    shift = [0] * len(source)
    approximate = [bool(trips.approximate[each]) for each in source]
    for each in repeats:
        begin = int(trips.departure[trips.first[each.trip]]) if _has_calls(trips, each.trip) else 0
        source += [each.trip] * each.count
        shift += [each.start + at * each.headway - begin for at in range(each.count)]
        approximate += [each.approximate] * each.count
    of = np.array(source, dtype=np.int32)
    length = np.diff(trips.first)[of]
    first = np.concatenate(([0], np.cumsum(length))).astype(np.int32)
    rows = np.repeat(trips.first[:-1][of] - first[:-1], length) + np.arange(first[-1])
    later = np.repeat(np.array(shift, dtype=np.int32), length)

    def moved(times: Numbers) -> Numbers:
        return np.where(times[rows] == UNTIMED, UNTIMED, times[rows] + later).astype(np.int32)

    return Trips(
        route=trips.route[of],
        service=trips.service[of],
        headsign=trips.headsign[of],
        approximate=np.array(approximate, dtype=np.bool_),
        first=first,
        stop=trips.stop[rows],
        arrival=moved(trips.arrival),
        departure=moved(trips.departure),
        board=trips.board[rows],
        alight=trips.alight[rows],
    )


def _has_calls(trips: Trips, trip: int) -> bool:
    return bool(trips.first[trip + 1] > trips.first[trip])
