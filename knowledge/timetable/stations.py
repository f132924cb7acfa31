"""Stations: the stops of a feed, put together as passengers think of them.

Platforms of one station (parent_station) and poles (標柱) of one name are one; two stops of one
name more than a kilometre apart are two.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from knowledge.language import Language
from knowledge.text import clean
from knowledge.timetable.archive import Report, Tables
from knowledge.timetable.cells import KANA_TAG, coordinates, language, metres, same_name
from knowledge.timetable.feed import Numbers, Station

APART = 1_000.0  # metres
MAX_STOPS = 100_000
STATION = "1"
NO_STOPS = frozenset({"2", "3", "4"})  # entrances, nodes and boarding areas are nowhere to board


@dataclass(slots=True)
class Translations:
    """What translations.txt says: of records by table and id, and of texts as they stand."""

    of_record: dict[tuple[str, str, str], dict[str, str]] = field(default_factory=dict)
    of_text: dict[str, dict[str, str]] = field(default_factory=dict)

    @classmethod
    def read(cls, tables: Tables, report: Report) -> "Translations":
        """Read both editions: by table, field and record, or the first edition's by text."""
        found = cls()
        for line, row in tables.rows(
            "translations.txt", "table_name", "field_name", "language", "lang", "translation!",
            "record_id", "field_value", "trans_id",
        ):  # fmt: skip
            table, name, new, old, text, record, value, first = row
            tag, text = (new or old).casefold(), clean(text)
            if not tag or not (record or value or first):
                what = "a translation names no language or nothing that it translates"
                report.say("translations.txt", line, what, "fill in language and record_id")
            elif text and record:
                found.of_record.setdefault((table, name, record), {})[tag] = text
            elif text:
                found.of_text.setdefault(clean(value or first), {})[tag] = text
        return found

    def of(self, table: str, name: str, record: str, text: str) -> Mapping[str, str]:
        """Return translations by language tag in lower case."""
        return {**self.of_text.get(text, {}), **self.of_record.get((table, name, record), {})}


def names(tags: Mapping[str, str]) -> dict[Language, str]:
    """Return translations in the languages that are ours."""
    ours = ((language(tag), text) for tag, text in sorted(tags.items(), reverse=True))
    return {each: text for each, text in ours if each is not None}


@dataclass(slots=True)
class _Stop:
    id: str
    name: str
    kana: str
    at: tuple[float, float] | None
    zone: str
    parent: str
    station: bool


@dataclass(frozen=True, slots=True, eq=False)
class Stops:
    """The stops of a feed by number, and the stations that they belong to."""

    number: Mapping[str, int]  # by stop_id
    stations: tuple[Station, ...]
    station_of: Numbers
    zone_of: Numbers
    zones: Mapping[str, int]


def read_stops(tables: Tables, translations: Translations, report: Report) -> Stops:
    """Read stops.txt and group its stops."""
    stops = _stops(tables, report)
    by_id = {each.id: each for each in stops}
    zones = {zone: at for at, zone in enumerate(sorted({each.zone for each in stops} - {""}))}
    groups: list[list[_Stop]] = []
    of_name: defaultdict[str, list[int]] = defaultdict(list)
    station_of = np.zeros(len(stops), dtype=np.int32)
    for at, stop in enumerate(stops):
        head = by_id.get(stop.parent, stop)
        key = same_name(head.name)
        number = next((each for each in of_name[key] if _near(groups[each], head)), None)
        if number is None:
            number = len(groups)
            groups.append([])
            of_name[key].append(number)
        groups[number].append(stop)
        if head is not stop and head not in groups[number]:
            groups[number].append(head)
        station_of[at] = number
    return Stops(
        number={each.id: at for at, each in enumerate(stops)},
        stations=tuple(_station(each, by_id, translations) for each in groups),
        station_of=station_of,
        zone_of=np.array([zones.get(each.zone, -1) for each in stops], dtype=np.int32),
        zones=zones,
    )


def _stops(tables: Tables, report: Report) -> list[_Stop]:
    stops: dict[str, _Stop] = {}
    for line, row in tables.rows(
        "stops.txt", "stop_id!", "stop_name!", "stop_lat", "stop_lon", "zone_id",
        "location_type", "parent_station", "tts_stop_name",
    ):  # fmt: skip
        identifier, name, latitude, longitude, zone, kind, parent, kana = row
        if kind in NO_STOPS:
            continue
        if not identifier or not name:
            report.say("stops.txt", line, "a stop has no id or no name", "fill in both")
        elif identifier in stops:
            what = f"stop_id {identifier[:40]!r} stands here for the second time"
            report.say("stops.txt", line, what, "give each stop an id of its own")
        elif len(stops) == MAX_STOPS:
            what = f"more than {MAX_STOPS:,} stops; the rest is left out"
            report.say("stops.txt", line, what, "publish the feed by operator or area")
            break
        else:
            at = coordinates(latitude, longitude)
            if at is None:
                what = f"stop {identifier[:40]!r} has no usable stop_lat and stop_lon"
                report.say("stops.txt", line, what, "write degrees, the latitude first")
            stops[identifier] = _Stop(
                identifier, clean(name), clean(kana), at, zone, parent, kind == STATION
            )
    return list(stops.values())


def _near(group: list[_Stop], stop: _Stop) -> bool:
    known = next((each.at for each in group if each.at is not None), None)
    return known is None or stop.at is None or metres(known, stop.at) <= APART


def _station(group: list[_Stop], by_id: Mapping[str, _Stop], translations: Translations) -> Station:
    head = by_id.get(group[0].parent, group[0])
    tags: dict[str, str] = {}
    for each in (*group, head):
        tags |= translations.of("stops", "stop_name", each.id, each.name)
    kana = tags.get(KANA_TAG) or next((each.kana for each in group if each.kana), None)
    at = next((each.at for each in (head, *group) if each.at is not None), None)
    return Station(
        name=head.name,
        kana=kana,
        names=names(tags),
        latitude=at[0] if at else None,
        longitude=at[1] if at else None,
    )
