"""Reading: a feed as a town publishes it to a `Timetable`, and what is wrong with it."""

import hashlib
import re
import zipfile
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from knowledge.language import Language
from knowledge.passage import Kind, Passage, Problem, Status
from knowledge.text import clean
from knowledge.timetable.archive import Report, Tables, open_folder, open_zip
from knowledge.timetable.calls import read_trips
from knowledge.timetable.cells import day
from knowledge.timetable.feed import Fares, Route, Service, Timetable
from knowledge.timetable.stations import Stops, Translations, names, read_stops

REQUIRED = ("stops.txt", "routes.txt", "trips.txt", "stop_times.txt")
TABLES = frozenset(
    (
        *REQUIRED,
        "agency.txt",
        "calendar.txt",
        "calendar_dates.txt",
        "fare_attributes.txt",
        "fare_rules.txt",
        "feed_info.txt",
        "frequencies.txt",
        "translations.txt",
    )
)
MAX_FARE_RULES = 200_000
MAX_ARCHIVE_BYTES = 100_000_000
_WEB_ADDRESS = re.compile(r"https?://[^\s/]+\S*\Z")
_WEEK = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_ADDED = "1"
_REMOVED = "2"


def read_feed(path: Path) -> tuple[Timetable | None, tuple[Problem, ...]]:
    """Read a feed from a folder or a .zip.

    Returns None, and why, if nothing of it can be used. Nothing is raised for what a file holds.
    """
    report = Report(path.name)
    if path.is_dir():
        return _timetable(open_folder(path, report), report), report.all()
    try:
        if path.stat().st_size > MAX_ARCHIVE_BYTES:
            what = f"the archive has more than {MAX_ARCHIVE_BYTES:,} bytes"
            report.say("", 1, what, "publish the feed by operator or area")
            return None, report.all()
        with zipfile.ZipFile(path) as archive:
            tables = open_zip(archive, TABLES, report)
            timetable = _timetable(tables, report) if tables is not None else None
    except (OSError, zipfile.BadZipFile, NotImplementedError) as error:
        what = f"the archive cannot be opened: {error}"
        report.say("", 1, what, "download the feed again")
        return None, report.all()
    return timetable, report.all()


def _timetable(tables: Tables, report: Report) -> Timetable | None:
    absent = [each for each in REQUIRED if each not in tables]
    if absent or ("calendar.txt" not in tables and "calendar_dates.txt" not in tables):
        what = f"the feed has no {', '.join(absent or ['calendar.txt'])}"
        report.say("", 1, what, "publish all tables that GTFS requires")
        return None
    translations = Translations.read(tables, report)
    stops = read_stops(tables, translations, report)
    agencies = {
        row[0]: clean(row[1]) for _, row in tables.rows("agency.txt", "agency_id", "agency_name!")
    }
    routes = _routes(tables, agencies, translations)
    services = _services(tables, report)
    trips, headsigns = read_trips(tables, routes.number, services.number, stops.number, report)
    if not len(trips.stop):
        report.say("stop_times.txt", 1, "no trip of the feed can be used", "mend the faults above")
        return None
    info = _info(tables, services, report)
    return Timetable(
        name=report.name,
        start=info.start,
        end=info.end,
        stations=stops.stations,
        station_of=stops.station_of,
        zone_of=stops.zone_of,
        routes=tuple(routes.found),
        services=tuple(services.found),
        headsigns=headsigns,
        headsign_names={
            each: named
            for each in headsigns
            if (named := names(translations.of("trips", "trip_headsign", "", each)))
        },
        trips=trips,
        fares=_fares(tables, routes.number, stops, report),
        passage=_passage(report.name, info, tuple(agencies.values())),
    )


@dataclass(slots=True)
class _Routes:
    number: dict[str, int] = field(default_factory=dict)
    found: list[Route] = field(default_factory=list)


def _routes(tables: Tables, agencies: Mapping[str, str], translations: Translations) -> _Routes:
    routes = _Routes()
    only = next(iter(agencies.values())) if len(agencies) == 1 else ""
    for _, row in tables.rows(
        "routes.txt", "route_id!", "agency_id", "route_short_name", "route_long_name"
    ):
        identifier, agency, short, long = row
        if identifier and identifier not in routes.number:
            named = "route_short_name" if short else "route_long_name"
            shown = clean(short or long)
            routes.number[identifier] = len(routes.found)
            tags = translations.of("routes", named, identifier, shown)
            routes.found.append(Route(shown, agencies.get(agency, only), names(tags)))
    return routes


@dataclass(slots=True)
class _Services:
    number: dict[str, int] = field(default_factory=dict)
    found: list[Service] = field(default_factory=list)

    def span(self) -> tuple[date, date]:
        """Return the first and the last day on which anything could run."""
        days = [each for one in self.found for each in (one.start, one.end, *one.added)]
        return min(days), max(days)


def _services(tables: Tables, report: Report) -> _Services:
    weeks: dict[str, tuple[tuple[bool, ...], date, date]] = {}
    for line, row in tables.rows(
        "calendar.txt", "service_id!", *(f"{each}!" for each in _WEEK), "start_date!", "end_date!"
    ):
        start, end = day(row[8]), day(row[9])
        if not row[0] or start is None or end is None:
            what = f"service {row[0][:40]!r} has no id or no dates; it is left out"
            report.say("calendar.txt", line, what, "write dates as 20260401")
            continue
        weeks[row[0]] = (tuple(each == "1" for each in row[1:8]), start, end)
    added, removed = _exceptions(tables, report)
    services = _Services()
    for identifier in dict.fromkeys((*weeks, *added, *removed)):
        extra = added.get(identifier, set())
        days = extra | removed.get(identifier, set())
        week, start, end = weeks.get(
            identifier, ((False,) * 7, min(days, default=date.min), max(days, default=date.min))
        )
        services.number[identifier] = len(services.found)
        services.found.append(
            Service(week, start, end, frozenset(extra), frozenset(removed.get(identifier, ())))
        )
    return services


def _exceptions(
    tables: Tables, report: Report
) -> tuple[dict[str, set[date]], dict[str, set[date]]]:
    added: defaultdict[str, set[date]] = defaultdict(set)
    removed: defaultdict[str, set[date]] = defaultdict(set)
    for line, row in tables.rows("calendar_dates.txt", "service_id!", "date!", "exception_type!"):
        identifier, written, kind = row
        on = day(written)
        if not identifier or on is None or kind not in {_ADDED, _REMOVED}:
            what = f"{written[:12]!r}, {kind[:12]!r}: no date and exception_type 1 or 2"
            report.say("calendar_dates.txt", line, what, "write dates as 20260503")
        else:
            (added if kind == _ADDED else removed)[identifier].add(on)
    return added, removed


@dataclass(frozen=True, slots=True)
class _Info:
    publisher: str
    url: str | None
    version: str
    start: date
    end: date


def _info(tables: Tables, services: _Services, report: Report) -> _Info:
    """Return who publishes the feed for which days; without that, those of its calendars."""
    first, last = services.span()
    rows = tables.rows(
        "feed_info.txt", "feed_publisher_name", "feed_publisher_url", "feed_version",
        "feed_start_date", "feed_end_date",
    )  # fmt: skip
    for line, (publisher, url, version, start, end) in rows:
        begins, ends = day(start), day(end)
        if (start and begins is None) or (end and ends is None):
            what = f"{start[:12]!r} or {end[:12]!r} is no date; the calendars' dates are used"
            report.say("feed_info.txt", line, what, "write dates as 20260401")
        address = url if _WEB_ADDRESS.match(url) else None
        return _Info(clean(publisher), address, clean(version), begins or first, ends or last)
    what = "the feed does not say for which days it holds; the calendars' dates are used"
    report.say("feed_info.txt", 1, what, "add feed_info.txt with feed_start_date, feed_end_date")
    return _Info("", None, "", first, last)


def _fares(tables: Tables, routes: Mapping[str, int], stops: Stops, report: Report) -> Fares:
    amounts: dict[str, int] = {}
    found: list[tuple[str, str]] = []
    for line, (identifier, price, currency) in tables.rows(
        "fare_attributes.txt", "fare_id!", "price!", "currency_type"
    ):
        if not re.fullmatch(r"\d{1,7}(?:\.\d{1,2})?", price):
            what = f"{price[:12]!r} is no price; the fare is left out"
            report.say("fare_attributes.txt", line, what, "write digits alone: 500")
            continue
        amounts.setdefault(identifier, len(found))
        found.append((re.sub(r"\.0+\Z", "", price), currency or "JPY"))
    rules: dict[tuple[int, int, int], int] = {}
    for line, (identifier, route, origin, destination) in tables.rows(
        "fare_rules.txt", "fare_id!", "route_id", "origin_id", "destination_id"
    ):
        known = (not route or route in routes) and all(
            not each or each in stops.zones for each in (origin, destination)
        )
        if identifier not in amounts or not known or len(rules) == MAX_FARE_RULES:
            what = f"fare {identifier[:40]!r}: unknown fare, route or zone; the row is left out"
            report.say("fare_rules.txt", line, what, "list it in the other tables")
            continue
        zones = (stops.zones.get(origin, -1), stops.zones.get(destination, -1))
        rules.setdefault((routes.get(route, -1), *zones), amounts[identifier])
    if not rules and len(found) == 1 and "fare_rules.txt" not in tables:
        rules[-1, -1, -1] = 0  # one fare and no rules: it holds everywhere
    return Fares(tuple(found), rules)


def _passage(name: str, info: _Info, agencies: tuple[str, ...]) -> Passage:
    """Make the statement that is cited when the feed is used."""
    who = "・".join(dict.fromkeys(each for each in (*agencies, info.publisher) if each)) or name
    days = f"{info.start.isoformat()}〜{info.end.isoformat()}"
    text = f"{who}の時刻表(GTFS-JP): 有効期間 {days}"
    digest = hashlib.sha256(f"{name}\0{info.version}\0{text}".encode()).hexdigest()
    return Passage(
        id=digest[:20],
        document=name,
        title=f"{who}の時刻表",
        headings=(),
        text=text,
        kind=Kind.FACT,
        language=Language.JA,
        item=f"{who}の時刻表(GTFS-JP)",
        value=f"有効期間 {days}",
        as_of=info.start.isoformat(),
        status=Status.CURRENT,
        source=info.url,
        source_title=f"{who}の時刻表",
    )
