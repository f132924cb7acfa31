"""Distances: how far two sights are apart, from co-ordinates and from what the guides state.

The distance is that of the straight line, by the haversine formula on a sphere of the WGS 84 mean
radius; it differs from the geodesic by half a percent at most. A walk is estimated from it only
where the guides state none, with both assumptions said.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import asin, cos, radians, sin, sqrt

from knowledge.computed import Computed, Situation
from knowledge.language import Language
from knowledge.names import squeeze
from knowledge.passage import Passage
from knowledge.places import Place
from knowledge.retrieval.index import Index
from knowledge.travel.naming import called
from knowledge.travel.plans import Library
from knowledge.travel.stops import places_of
from knowledge.travel.ways import Mode, Way
from knowledge.travel.words import says

RADIUS = 6_371_008.8  # metres
DETOUR = 1.3  # a walk is so much longer than the straight line
PACE = 80  # metres a minute, by which Japanese notices reckon walks
LONGEST_WALK = 5_000  # metres; beyond that nobody is told to walk
_ABOUT = frozenset(
    {"access", "walk", "car", "length", "duration", "highlight", "bicycle", "address"}
)


@dataclass(frozen=True, slots=True)
class Stated:
    """A way that the guides state."""

    minutes: int
    mode: Mode
    passage: Passage
    turned: bool  # stated in the other direction


@dataclass(frozen=True, slots=True)
class Distance(Computed):
    """How far two sights are apart."""

    origin: str
    destination: str
    origin_local: str | None
    destination_local: str | None
    metres: int  # in a straight line, rounded to what co-ordinates bear
    walk: int | None  # minutes, estimated; None if the guides state one, or if it is far
    stated: tuple[Stated, ...]
    link: str  # a map with the way


class Distances:
    """Answers 「秋芳洞から秋吉台までどのくらい離れていますか」 where co-ordinates are known."""

    def __init__(self, library: Library) -> None:
        self._library = library

    def answer(self, situation: Situation) -> Distance | None:
        """Return the distance; None without two sights and their co-ordinates."""
        asked = situation.asked
        if asked.past or asked.unknown or not asked.all_concepts <= _ABOUT:
            return None
        if not says("far", "asked", asked.text) or says("other", "asked", asked.text):
            return None
        sights = list(dict.fromkeys(each.facility for each in asked.names))
        if len(sights) != 2:  # noqa: PLR2004 - from the one to the other
            return None
        index = situation.index
        first, second = sorted(sights, key=lambda each: _position(situation, each))
        ends = [next(iter(places_of(index, each)), None) for each in (first, second)]
        if ends[0] is None or ends[1] is None:
            return None
        return self._distance(index, asked.language, (first, second), (ends[0], ends[1]))

    def _distance(
        self,
        index: Index,
        language: Language,
        names: tuple[str, str],
        ends: tuple[Place, Place],
    ) -> Distance:
        length = straight(*ends)
        stated = tuple(_stated(self._library.of(index).ways.stated, *names))
        walks = any(each.mode is Mode.WALK for each in stated)
        near = length <= LONGEST_WALK and not walks
        rows = [each for each in index.library.passages if each.id in {e.passage for e in ends}]
        return Distance(
            passages=tuple(dict.fromkeys([*(each.passage for each in stated), *rows])),
            origin=names[0],
            destination=names[1],
            origin_local=called(index, names[0], language),
            destination_local=called(index, names[1], language),
            metres=rounded(length),
            walk=max(1, round(length * DETOUR / PACE)) if near else None,
            stated=stated,
            link=link(*ends, walking=near or walks),
        )


def straight(one: Place, other: Place) -> float:
    """Return the length of the great circle between two places, in metres."""
    north, east = radians(one.latitude or 0.0), radians(one.longitude or 0.0)
    north2, east2 = radians(other.latitude or 0.0), radians(other.longitude or 0.0)
    half = sin((north2 - north) / 2) ** 2
    half += cos(north) * cos(north2) * sin((east2 - east) / 2) ** 2
    return 2 * RADIUS * asin(min(1.0, sqrt(half)))


def rounded(metres: float) -> int:
    """Round to ten metres, and to a hundred beyond a kilometre."""
    step = 10 if metres < 1_000 else 100  # noqa: PLR2004
    return round(metres / step) * step


def link(one: Place, other: Place, *, walking: bool) -> str:
    """Return the address of a map with the way: OpenStreetMap, which needs no key."""
    engine = "fossgis_osrm_foot" if walking else "fossgis_osrm_car"
    ends = "%3B".join(f"{each.latitude:.6f}%2C{each.longitude:.6f}" for each in (one, other))
    return f"https://www.openstreetmap.org/directions?engine={engine}&route={ends}"


def _stated(ways: tuple[Way, ...], origin: str, destination: str) -> Iterator[Stated]:
    """Yield for each mode the first row that states the way, this direction before the other."""
    told: set[Mode] = set()
    for turned in (False, True):
        ends = (destination, origin) if turned else (origin, destination)
        for each in ways:
            if (each.origin.key, each.destination.key) == ends and each.mode not in told:
                told.add(each.mode)
                yield Stated(each.minutes, each.mode, each.passage, turned)


def _position(situation: Situation, facility: str) -> int:
    """Return where a question first names a sight."""
    text = squeeze(situation.asked.text)
    names = next(each for each in situation.asked.names if each.facility == facility)
    found = [text.find(each) for each in (*names.others, names.surface)]
    return min((each for each in found if each >= 0), default=len(text))
