"""Ways: how long it takes from one named place to another, as rows of the guides state it.

Read are rows of Japanese documents, in the forms in which towns write them:

* item 「車で 秋吉台ICから秋芳洞まで」, value 「約5分」
* item 「別府弁天池 秋芳洞・秋吉台から」, value 「車で約15分」
* value or note 「美祢ICから車で約6分」, of the sight that the row is about

The longest time of a range counts. A way is taken to be as long in the other direction, and ways
may be joined at a place that both name; a plan says so where it rests on that.
"""

import heapq
import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from knowledge.figures import FigureKind
from knowledge.forms import read
from knowledge.language import Language
from knowledge.names import squeeze
from knowledge.passage import Kind, Passage, Status
from knowledge.retrieval.index import Index
from knowledge.text import clean, is_han, without_ruby

MOST_JOINED = 3  # ways in a row that make one
LONGEST = 360  # minutes; what takes longer is no way within a town
UNSURE = 5  # minutes by which a way to be confirmed counts as longer than it is said to be


class Mode(StrEnum):
    """How people move."""

    CAR = "car"
    WALK = "walk"
    BUS = "bus"
    TRAIN = "train"
    TAXI = "taxi"


@dataclass(frozen=True, slots=True)
class Place:
    """An end of a way: a sight of the guides, or a station, junction or the like."""

    key: str  # the facility's name, or the squeezed text
    name: str  # as written


@dataclass(frozen=True, slots=True)
class Way:
    """One stated way."""

    origin: Place
    destination: Place
    minutes: int
    mode: Mode
    passage: Passage
    turned: bool = False  # stated in the other direction

    @property
    def unconfirmed(self) -> bool:
        """Whether the row is to be confirmed."""
        return self.passage.status is Status.UNCONFIRMED


_MODES = (
    (Mode.TAXI, re.compile(r"タクシー")),
    (Mode.WALK, re.compile(r"徒歩|歩いて")),
    (Mode.BUS, re.compile(r"バス")),
    (Mode.TRAIN, re.compile(r"電車|列車|特急|鉄道|新幹線|JR")),
    (Mode.CAR, re.compile(r"(?<!駐)車|IC|インター|自動車道|ドライブ")),
)
_ASIDE = re.compile(r"\((?:平日|要確認|以前|\d|土日)[^()]*\)")
_BRACKETS = re.compile(r"(.+?)\(([^()]+)\)\Z")
_BY = re.compile(r"\A(?:自動車|自家用車|車|徒歩|バス|タクシー)で\s*")
_ITEM = re.compile(
    r"(?P<origin>[^、。]+?)から(?P<destination>[^、。]*?)(?:まで|へ|\Z)(?P<rest>.*)\Z"
)
_CLAUSE = re.compile(
    r"(?P<origin>[^、。,;()約]+?)から(?:は)?(?P<by>[^、。,\d]{0,8}?)約?(?P<time>\d[^、。,()]*)"
)
_BY_AFTER = re.compile(r"(?:自動車|自家用車|車|徒歩|バス|タクシー)で?\Z")
_SERVICE = re.compile(r"\A.*(?:タクシー|バス)(?=.)")
_BESIDE = re.compile(r"\A(?:[\s の(へをはから]|\Z)")
_TAIL = re.compile(r"の(?:間|道|行き方|アクセス|時間|所要時間)*\Z|までの時間\Z")


def longest(text: str) -> int | None:
    """Return the longest duration that a text states, in whole minutes."""
    found = [
        float(figure.value.removeprefix("minute "))
        for figure, _ in read(text)
        if figure.kind is FigureKind.DURATION and figure.value.startswith("minute ")
    ]
    return round(max(found)) if found else None


class Ways:
    """All ways that one library states, and the quickest of them joined."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self._same: dict[str, str] = {}
        stated = [way for each in _rows(index) for way in self._read(each)]
        self.stated = tuple(self._united(each) for each in stated)
        self.places = {
            end.key: end for each in self.stated for end in (each.origin, each.destination)
        }
        self._from: defaultdict[str, list[Way]] = defaultdict(list)
        for each in self.stated:
            back = replace(
                each, origin=each.destination, destination=each.origin, turned=not each.turned
            )
            for way in (each, back):
                self._from[way.origin.key].append(way)

    def between(
        self, origin: str, destination: str, modes: Collection[Mode]
    ) -> tuple[Way, ...] | None:
        """Return the quickest way between two places, by key; None if none is stated."""
        queue: list[tuple[float, int, str, tuple[Way, ...]]] = [(0.0, 0, origin, ())]
        seen: set[str] = set()
        tie = 0
        while queue:
            cost, _, at, ways = heapq.heappop(queue)
            if at == destination:
                return ways
            if at in seen or len(ways) == MOST_JOINED:
                continue
            seen.add(at)
            for way in self._from[at]:
                if way.mode in modes and way.destination.key not in seen:
                    tie += 1
                    further = cost + way.minutes + UNSURE * way.unconfirmed
                    heapq.heappush(queue, (further, tie, way.destination.key, (*ways, way)))
        return None

    def named(self, text: str) -> tuple[Place, ...]:
        """Return the ends of ways in a text that are no sights of the guides: stations."""
        squeezed = squeeze(text)
        found = [
            each
            for key, each in self.places.items()
            if squeeze(each.name) in squeezed and key not in self._index.sights
        ]
        return tuple(sorted(found, key=lambda each: -len(each.name)))

    def _read(self, passage: Passage) -> Iterator[Way]:
        item, value, note = (
            clean(without_ruby(each or "")) for each in (passage.item, passage.value, passage.note)
        )
        item = _ASIDE.sub("", item)
        subject = self._subject(item, passage)
        found = False
        for text in (value, note):
            for match in _CLAUSE.finditer(text) if subject is not None else ():
                minutes = longest(match["time"])
                mode = _mode(match["by"], value, item, match["origin"], *passage.headings)
                if minutes is not None and subject is not None and mode is not None:
                    found = found or text is value
                    yield from self._ways([match["origin"]], subject, minutes, mode, passage)
        if not found:
            yield from self._stated_by_item(item, value, passage)

    def _stated_by_item(self, item: str, value: str, passage: Passage) -> Iterator[Way]:
        match = _ITEM.match(_BY.sub("", item))
        minutes = longest(value)
        mode = _mode(value, item, passage.note or "", *passage.headings)
        if match is None or minutes is None or mode is None:
            return
        destination = _TAIL.sub("", _BY_AFTER.sub("", match["destination"].strip()))
        head, _, origin = match["origin"].strip().rpartition(" ")
        if not destination:
            destination = head
        if destination:
            for each in self._split(destination):
                yield from self._ways(self._split(origin), each, minutes, mode, passage)

    def _ways(
        self, origins: Sequence[str], destination: str, minutes: int, mode: Mode, passage: Passage
    ) -> Iterator[Way]:
        end = self._place(destination)
        for origin in origins:
            begin = self._place(origin.rpartition(" ")[2])
            if begin.key != end.key and 0 < minutes <= LONGEST:
                yield Way(begin, end, minutes, mode, passage)

    def _split(self, text: str) -> list[str]:
        """Split 「秋芳洞・秋吉台」 where all parts are known; 「萩・石見空港」 is one."""
        parts = text.split("・")
        known = all(self._facility(each) for each in parts)
        return parts if known else [text]

    def _subject(self, item: str, passage: Passage) -> str | None:
        """Return what a row is about: the sight that its item begins with, or its document's."""
        for end in range(len(item), 0, -1):
            if _BESIDE.match(item[end:]) and (facility := self._facility(item[:end])):
                return facility
        held = self._index.names.held(item)
        return passage.facility if not held or passage.facility != passage.place else None

    def _facility(self, text: str) -> str | None:
        """Return the sight that goes by a name; an alias for something beside it is none.

        An alias in kanji that shares nothing with the facility's name may be another thing that
        the same document speaks of: a station beside an airport.
        """
        squeezed = squeeze(text)
        held = self._index.names.held(text)
        facility = self._index.names.subject(held) if squeezed in held else None
        if facility is None or squeezed == self._index.names.town:
            return None
        own = squeeze(facility)
        alike = any(own[at : at + 2] in squeezed for at in range(len(own) - 1))
        return facility if alike or not any(map(is_han, squeezed)) else None

    def _place(self, text: str) -> Place:
        """Return the place that a text names; 「公園(洞)」 says that the two are one."""
        text = re.sub("[「」]", "", text).strip()
        if match := _BRACKETS.match(text):
            outer, inner = self._place(match[1]), self._place(match[2])
            if self._facility(match[2]):
                self._same[outer.key] = inner.key
                return inner
            return outer
        facility = self._facility(text) or self._facility(_SERVICE.sub("", text))
        return Place(facility or squeeze(text), facility or text)

    def _united(self, way: Way) -> Way:
        """Put the place that another name was said to stand for in its stead."""

        def of(place: Place) -> Place:
            key = self._same.get(place.key, place.key)
            return place if key == place.key else Place(key, key)

        return replace(way, origin=of(way.origin), destination=of(way.destination))


def _mode(*texts: str) -> Mode | None:
    """Return how one moves, by the first text that says so."""
    for text in texts:
        for mode, words in _MODES:
            if words.search(text):
                return mode
    return None


def _rows(index: Index) -> Iterator[Passage]:
    for each in index.library.passages:
        if (
            each.kind is Kind.FACT
            and each.language is Language.JA
            and each.status is not Status.OLD
        ):
            yield each
