"""The next bus: the calculator that reads a question and searches the timetables."""

import hashlib
import weakref
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta

from knowledge.computed import Computed, Situation
from knowledge.language import Language
from knowledge.lexicon import lexicon
from knowledge.passage import Kind, Passage, Status
from knowledge.retrieval.index import Index
from knowledge.text import fold
from knowledge.timetable import Timetable
from knowledge.timetable.journeys import (
    DAY,
    Journey,
    Ride,
    arrivals,
    departures,
    journeys,
    on_request,
    price,
)
from knowledge.travel.bus import Buses, Departure, Expired, Leg, Named, NoBus, Which
from knowledge.travel.naming import called
from knowledge.travel.stops import Finder, Meant, Role, leaves_unknown, local_name
from knowledge.travel.when import When, when
from knowledge.travel.words import says

MOST = 3
MOST_QUOTES = 3
DAYBREAK = 3 * 60  # minutes after midnight; what leaves before ends the day before
SOON = 12 * 60  # minutes until a departure that are worth telling
_RIDING = frozenset({"bus", "train"})
_ABOUT = _RIDING | {
    "access",
    "hours",
    "car",
    "walk",
    "highlight",
    "season",
    "event",
    "duration",
    "address",
}
"""What a question about departures may name besides."""


@dataclass(frozen=True, slots=True)
class _Wanted:
    origin: Meant | None
    destination: Meant | None
    which: Which
    day: date
    minute: int  # after the midnight of `day`
    now: bool
    by: int | None = None  # minutes after midnight by which to arrive


class NextBus:
    """Answers 「新水城駅から水城洞への次のバスは?」 from the town's timetables."""

    def __init__(self) -> None:
        self._finders: weakref.WeakKeyDictionary[Index, tuple[tuple[Timetable, Finder], ...]] = (
            weakref.WeakKeyDictionary()
        )

    def answer(self, situation: Situation) -> Computed | None:
        """Return departures, or that none are known; None if the guides are to answer."""
        index = situation.index
        if not index.library.timetables or not _asks(situation):
            return None
        expired: Computed | None = None
        nothing: Computed | None = None
        for timetable, finder in self._of(index):
            if (wanted := _wanted(situation, finder)) is None:
                continue
            if not timetable.covers(wanted.day):
                expired = _expired(situation, timetable, wanted)
                continue
            found = _Board(timetable, situation, wanted).answer()
            if isinstance(found, Buses):
                return found
            nothing = nothing or found
        return nothing or expired

    def _of(self, index: Index) -> tuple[tuple[Timetable, Finder], ...]:
        if (finders := self._finders.get(index)) is None:
            finders = tuple((each, Finder(each, index)) for each in index.library.timetables)
            self._finders[index] = finders
        return finders


def _asks(situation: Situation) -> bool:
    """Whether a question is about departures, and not about the fare or how long it takes."""
    asked = situation.asked
    text = asked.text
    if asked.past or (says("other", "asked", text) and not says("other", "bus", text)):
        return False
    riding = bool(asked.all_concepts & _RIDING) or says("bus", "asked", text)
    timed = any(says("bus", each, text) for each in ("timed", "last", "arrive"))
    return riding and timed and not says("bus", "instead", text)


def _wanted(situation: Situation, finder: Finder) -> _Wanted | None:
    """Return what is asked of one timetable; None if it does not know the places."""
    asked = situation.asked
    found = finder.find(asked.text, asked.names, asked.language)
    if not found or leaves_unknown(asked.text, found):
        return None
    if not lexicon().asked(_without(asked.text, found)) <= _ABOUT:
        return None
    origin, destination = _ends(found, back=says("bus", "back", asked.text))
    if origin is not None and destination is not None:
        shared = set(origin.stations) & set(destination.stations)
        if shared == set(origin.stations) or shared == set(destination.stations):
            return None
    moment = when(asked.text, situation.now)
    by = moment.minute if says("bus", "arrive", asked.text) else None
    if by is not None:
        moment = replace(moment, minute=None)
    which = Which.NEXT
    if says("bus", "last", asked.text):
        which = Which.LAST
    elif says("bus", "first", asked.text):
        which = Which.FIRST
    wanted = _at(moment, which, situation.now, origin, destination)
    return replace(wanted, by=by, now=wanted.now and by is None)


def _without(text: str, found: Sequence[Meant]) -> str:
    """Blank the names of stops: 「町役場」 in one asks nothing about the town hall."""
    shown = list(fold(text))
    for begin, end in (each.span for each in found):
        shown[begin:end] = " " * (end - begin)
    return "".join(shown)


def _ends(found: Sequence[Meant], *, back: bool) -> tuple[Meant | None, Meant | None]:
    """Tell where a journey begins and ends, by what stands beside the names, else by order."""
    origin = next((each for each in found if each.role is Role.FROM), None)
    destination = next((each for each in found if each.role is Role.TO), None)
    rest = [each for each in found if each.role is Role.OPEN]
    if origin is None and destination is None and rest:
        if len(rest) == 1:
            return rest[0], None
        origin, destination = (rest[1], rest[0]) if back else (rest[0], rest[1])
    elif origin is None and rest:
        origin = rest[0]
    elif destination is None and rest:
        destination = rest[0]
    return origin, destination


def _at(
    moment: When, which: Which, now: datetime, origin: Meant | None, destination: Meant | None
) -> _Wanted:
    minute = moment.minute
    day = moment.day or now.date()
    today = day == now.date()
    current = now.hour * 60 + now.minute
    if moment.day is None and minute is not None and minute < current and which is Which.NEXT:
        day, today = day + timedelta(days=1), False
    if minute is not None:
        start = minute
    else:
        start = current if today and which is not Which.FIRST else DAYBREAK
    return _Wanted(origin, destination, which, day, start, today and minute is None)


class _Board:
    """The departures that one timetable has for what is wanted."""

    def __init__(self, timetable: Timetable, situation: Situation, wanted: _Wanted) -> None:
        self._timetable = timetable
        self._language = situation.asked.language
        self._index = situation.index
        self._now = situation.now
        self._wanted = wanted

    def answer(self) -> Computed:
        wanted = self._wanted
        all_day = self._search(wanted.day)
        chosen, over = self._chosen(all_day), False
        day = wanted.day
        if not chosen and wanted.which is not Which.LAST and wanted.by is None:
            day = wanted.day + timedelta(days=1)
            if self._timetable.covers(day):
                chosen, over = self._search(day)[:1], True
        ends = self._named(wanted.origin), self._named(wanted.destination)
        if not chosen:
            return NoBus((self._timetable.passage,), *ends, wanted.day)
        shown = tuple(self._departure(each, day) for each in chosen)
        rows = tuple(self._row(each) for each in shown)
        first = round((shown[0].departs - self._now).total_seconds() // 60)
        last = self._moment(wanted.day, all_day[-1].departs) if all_day else None
        return Buses(
            passages=(*rows, self._timetable.passage),
            origin=ends[0],
            destination=ends[1],
            which=wanted.which,
            day=day,
            after=self._moment(wanted.day, wanted.minute * 60),
            departures=shown,
            waiting=first if wanted.now and 0 <= first <= SOON else None,
            over=over,
            gone=wanted.which is Which.LAST and shown[0].departs < self._now,
            last_of_day=None if over else last,
        )

    def _search(self, day: date) -> tuple[Journey, ...]:
        origin, destination = self._wanted.origin, self._wanted.destination
        if origin is not None and destination is not None:
            return journeys(self._timetable, origin.stations, destination.stations, day)
        if origin is not None:
            return departures(self._timetable, origin.stations, day)
        return arrivals(self._timetable, destination.stations if destination else (), day)

    def _chosen(self, all_day: tuple[Journey, ...]) -> tuple[Journey, ...]:
        if self._wanted.which is Which.LAST:
            return all_day[-1:]
        if self._wanted.which is Which.FIRST:
            early = [each for each in all_day if each.departs < DAY and not _of_yesterday(each)]
            return tuple(early[:1])
        after = tuple(each for each in all_day if each.departs >= self._wanted.minute * 60)
        if (by := self._wanted.by) is not None:
            return tuple(each for each in after if each.arrives <= by * 60)[-MOST:]
        return after[:MOST]

    def _departure(self, journey: Journey, day: date) -> Departure:
        trips = self._timetable.trips
        return Departure(
            legs=tuple(self._leg(each, day) for each in journey.rides),
            fare=price(self._timetable, journey),
            approximate=any(bool(trips.approximate[each.trip]) for each in journey.rides),
            on_request=on_request(self._timetable, journey),
        )

    def _leg(self, ride: Ride, day: date) -> Leg:
        timetable, trips = self._timetable, self._timetable.trips
        route = timetable.routes[trips.route[ride.trip]]
        sign = timetable.headsigns[trips.headsign[ride.trip]]
        signs = timetable.headsign_names.get(sign, {})
        return Leg(
            route=Named(route.name or route.agency, route.names.get(self._language)),
            headsign=Named(sign, signs.get(self._language)) if sign else None,
            board=self._stop(ride.board),
            alight=self._stop(ride.alight),
            departs=self._moment(day, ride.departs),
            arrives=self._moment(day, ride.arrives),
        )

    def _stop(self, call: int) -> Named:
        timetable = self._timetable
        station = timetable.stations[timetable.station_of[timetable.trips.stop[call]]]
        return Named(station.name, local_name(station, self._language))

    def _moment(self, day: date, seconds: int) -> datetime:
        midnight = datetime.combine(day, time(), self._now.tzinfo)
        return midnight + timedelta(seconds=seconds)

    def _named(self, meant: Meant | None) -> Named | None:
        if meant is None:
            return None
        local = meant.local
        if meant.sight is not None:
            local = called(self._index, meant.sight, self._language)
        return Named(meant.name, local)

    def _row(self, shown: Departure) -> Passage:
        """State one departure as the feed does, so that it can be cited."""
        rides = "、".join(
            f"{leg.board.name} {leg.departs:%H:%M}発 → {leg.alight.name} {leg.arrives:%H:%M}着"
            f"({leg.route.name}{f' {leg.headsign.name}' if leg.headsign else ''})"
            for leg in shown.legs
        )
        fare = f" 運賃{shown.fare[0]}{_unit(shown.fare[1])}" if shown.fare else ""
        text = f"{shown.departs:%Y-%m-%d} {rides}{fare}"
        feed = self._timetable.passage
        digest = hashlib.sha256(f"{feed.id}\0{text}".encode()).hexdigest()
        item, value = f"{shown.departs:%Y-%m-%d}の便", f"{rides}{fare}"
        return replace(feed, id=digest[:20], text=f"{item}: {value}", item=item, value=value)


def _of_yesterday(journey: Journey) -> bool:
    """Whether a journey is the end of the day before: nobody calls that the first of the day."""
    return journey.departs < DAYBREAK * 60


def _unit(currency: str) -> str:
    return "円" if currency == "JPY" else f" {currency}"


def _expired(situation: Situation, timetable: Timetable, wanted: _Wanted) -> Expired:
    quotes = tuple(_quotes(situation, wanted))
    return Expired(
        passages=(*quotes, timetable.passage),
        start=timetable.start,
        end=timetable.end,
        day=wanted.day,
        quotes=quotes,
    )


def _quotes(situation: Situation, wanted: _Wanted) -> Iterable[Passage]:
    """Return rows of the guides about buses that name the places, in the asker's language."""
    index = situation.index
    ends = [each.name for each in (wanted.origin, wanted.destination) if each is not None]
    language = situation.asked.language
    own = [each for each in _bus_rows(index) if each.language is language]
    rows = own or [each for each in _bus_rows(index) if each.language is Language.JA]
    naming = [each for each in rows if any(end in each.text for end in ends)]
    both = [each for each in naming if all(end in each.text for end in ends)]
    return (both or naming)[:MOST_QUOTES]


def _bus_rows(index: Index) -> Iterable[Passage]:
    for number, each in enumerate(index.library.passages):
        riding = _RIDING & index.concepts[number]
        if riding and each.kind is Kind.FACT and each.status is not Status.OLD:
            yield each
