"""Stops: which stations of a timetable a question means, and whether it leaves or arrives there.

A station is found by its name, its kana or a translation, with or without what follows in its name
(前, 入口, バスセンター); a sight by stations that are called after it or lie within 800 metres.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from knowledge.language import Language
from knowledge.names import Name, squeeze
from knowledge.places import Place
from knowledge.retrieval.index import Index
from knowledge.text import fold
from knowledge.timetable import Station, Timetable
from knowledge.timetable.cells import metres
from knowledge.travel.words import pattern

NEAR = 800.0  # metres that people walk from a stop to a sight
_SHORTEST = 2
_SHORTEST_CUT = 3  # characters that are left of a longer name
_OPTIONAL = " -・'"
_BEHIND = re.compile(
    r"(?:バスセンター|バスターミナル|バスノリバ|バス停|停留所|入口|前"
    r"|駅|站|역|\s*(?:station|bus (?:center|centre|terminal|stop)))\Z"
)
_ASIDE = re.compile(r"\([^()]*\)\Z")


class Role(StrEnum):
    """What a question does at a place."""

    FROM = "from"
    TO = "to"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class Meant:
    """A place that a question names, as stations of one timetable."""

    name: str  # as the timetable or the guides call it
    stations: tuple[int, ...]
    role: Role
    sight: str | None = None  # the facility, if a sight was named
    local: str | None = None  # its name in the asker's language
    span: tuple[int, int] = (0, 0)  # where it stands in the folded question


class Finder:
    """Finds the stations of one timetable in questions."""

    def __init__(self, timetable: Timetable, index: Index) -> None:
        self._timetable = timetable
        self._index = index
        self._by_surface = _surfaces(timetable.stations)
        self._by_first: defaultdict[str, list[str]] = defaultdict(list)
        for surface in sorted(self._by_surface, key=len, reverse=True):
            self._by_first[surface[0]].append(surface)

    def find(self, question: str, names: Iterable[Name], language: Language) -> list[Meant]:
        """Return the places in the order of the question; those of `names` alone come last."""
        text = fold(question)
        sights = {each: name for name in names for each in (*name.others, name.surface)}
        found: list[tuple[int, Meant]] = []
        for start, end, surface in self._spans(text, sights):
            meant = self._meant(surface, sights, _role(text, start, end), language)
            if meant is not None:
                found.append((start, replace(meant, span=(start, end))))
        told = {each.sight for _, each in found}
        for name in names:
            if name.facility not in told and not found:
                unsaid = self._sight(name.facility, Role.OPEN)
                found += [(len(text), unsaid)] if unsaid is not None else []
        return [each for _, each in sorted(found, key=lambda each: each[0])]

    def _spans(self, text: str, sights: Mapping[str, Name]) -> Iterator[tuple[int, int, str]]:
        """Yield where names stand in a folded text, at each place the longest."""
        positions = [at for at, each in enumerate(text) if each not in _OPTIONAL]
        squeezed = "".join(text[at] for at in positions)
        at = 0
        while at < len(squeezed):
            here = [each for each in self._by_first[squeezed[at]] if squeezed.startswith(each, at)]
            here += [each for each in sights if squeezed.startswith(each, at)]
            surface = max(here, key=len, default=None)
            if surface is None or not _whole(text, positions, at, at + len(surface)):
                at += 1
                continue
            yield positions[at], positions[at + len(surface) - 1] + 1, surface
            at += len(surface)

    def _meant(
        self, surface: str, sights: Mapping[str, Name], role: Role, language: Language
    ) -> Meant | None:
        stations = self._by_surface.get(surface)
        if stations is None:
            return self._sight(sights[surface].facility, role)
        station = self._timetable.stations[stations[0]]
        return Meant(station.name, stations, role, local=local_name(station, language))

    def _sight(self, facility: str, role: Role) -> Meant | None:
        own = squeeze(facility)
        near = {
            number
            for place in places_of(self._index, facility)
            for number, each in enumerate(self._timetable.stations)
            if _distance(place, each) <= NEAR
        }
        called = {
            number
            for number, each in enumerate(self._timetable.stations)
            if squeeze(each.name).startswith(own)
        }
        if not (stations := tuple(sorted(near | called))):
            return None
        return Meant(facility, stations, role, sight=facility)


def local_name(station: Station, language: Language) -> str | None:
    """Return a station's name in a language: in easy Japanese, its kana."""
    return station.kana if language is Language.JA_EASY else station.names.get(language)


def places_of(index: Index, facility: str) -> tuple[Place, ...]:
    """Return the rows of open data about a sight that state where it is."""
    surfaces = index.names.of(facility).others | {squeeze(facility)}
    return tuple(
        each
        for each in index.library.places
        if each.latitude is not None
        and each.longitude is not None
        and (squeeze(each.name) in surfaces or squeeze(each.kana or "") in surfaces)
    )


def leaves_unknown(text: str, found: Iterable[Meant]) -> bool:
    """Whether a question leaves from or goes to a place that the timetable does not know."""
    folded = fold(text)
    roles = {each.role for each in found}
    return any(
        pattern(role.value, "marker").search(folded) is not None and role not in roles
        for role in (Role.FROM, Role.TO)
    )


def _surfaces(stations: tuple[Station, ...]) -> dict[str, tuple[int, ...]]:
    """Return stations by any way to write them; shortened names only where nothing else is so."""
    whole: defaultdict[str, list[int]] = defaultdict(list)
    short: defaultdict[str, list[int]] = defaultdict(list)
    for number, each in enumerate(stations):
        for name in (each.name, each.kana, *each.names.values()):
            if not name:
                continue
            folded = fold(name)
            whole[squeeze(folded)].append(number)
            for less in (_BEHIND.sub("", folded), _ASIDE.sub("", folded)):
                if len(less) >= _SHORTEST_CUT:
                    short[squeeze(less)].append(number)
    merged = {**short, **whole}
    return {
        surface: tuple(dict.fromkeys(numbers))
        for surface, numbers in merged.items()
        if len(surface) >= _SHORTEST
    }


def _whole(text: str, positions: list[int], start: int, end: int) -> bool:
    """Whether a name in Latin letters stands as words of its own."""
    first, last = positions[start], positions[end - 1]
    if not text[first].isascii():
        return True
    before, after = text[first - 1 : first], text[last + 1 : last + 2]
    return not (before.isascii() and before.isalnum()) and not (after.isascii() and after.isalnum())


def _role(text: str, start: int, end: int) -> Role:
    for role in (Role.FROM, Role.TO):
        after = text[end:].lstrip()
        if pattern(role.value, "after").search(after):
            return role
    for role in (Role.FROM, Role.TO):
        if pattern(role.value, "before").search(text[:start]):
            return role
    return Role.OPEN


def _distance(place: Place, station: Station) -> float:
    if place.latitude is None or place.longitude is None:
        return float("inf")
    if station.latitude is None or station.longitude is None:
        return float("inf")
    return metres((place.latitude, place.longitude), (station.latitude, station.longitude))
