"""Places and their time, from the IANA time zone database that is installed.

``zone.tab`` names the zones of every country, ``zonenow.tab`` one zone for each clock that goes
differently from now on, ``iso3166.tab`` the countries in English. Zones of one country whose clocks
agree all through the coming year are one choice to a person.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import Final
from zoneinfo import ZoneInfo

from babel import Locale
from babel.core import get_global
from babel.dates import get_timezone_name

from bots import texts
from core.identity import PREFECTURES, is_area

REGIONS: Final[dict[str, tuple[str, ...]]] = {
    "hokkaido-tohoku": PREFECTURES[0:7],
    "kanto": PREFECTURES[7:14],
    "chubu": PREFECTURES[14:23],
    "kinki": PREFECTURES[23:30],
    "chugoku-shikoku": PREFECTURES[30:39],
    "kyushu-okinawa": PREFECTURES[39:47],
}
"""The prefectures as a form of a town office groups them; every one stands in one region."""

ABROAD: Final = (
    *("KR", "TW", "CN", "HK", "SG", "TH", "VN", "PH", "ID", "MY", "IN", "NP"),
    *("AU", "US", "CA", "BR", "PE", "GB", "FR", "DE", "IT", "ES"),
)
"""Countries that are offered by name in every language; the others are found in English."""

JAPAN: Final = "JP"


def _rows(table: str) -> Iterator[list[str]]:
    text = (files("tzdata") / "zoneinfo" / table).read_text(encoding="utf-8")
    for line in text.splitlines():
        if line and not line.startswith("#"):
            yield line.split("\t")


@cache
def clocks() -> tuple[str, ...]:
    """One zone for each clock that goes differently, by name."""
    return tuple(sorted(row[2] for row in _rows("zonenow.tab")))


@cache
def english_names() -> dict[str, str]:
    """Every country's name in English, by its code."""
    return {row[0]: row[1] for row in _rows("iso3166.tab")}


def country_of(area: str) -> str:
    return area.partition("-")[0]


def zones_of(area: str, now: datetime) -> tuple[str, ...]:
    """The zones of an area's country, without those whose clocks agree with another's."""
    named = [row[2] for row in _rows("zone.tab") if row[0] == country_of(area)]
    months = [now + timedelta(days=30 * month) for month in range(12)]
    found: dict[tuple[timedelta | None, ...], str] = {}
    for zone in named:
        offsets = tuple(each.astimezone(ZoneInfo(zone)).utcoffset() for each in months)
        if offsets not in found or zone in clocks():
            found[offsets] = zone
    return tuple(sorted(found.values(), key=lambda zone: _east(zone, now), reverse=True))


def _east(zone: str, now: datetime) -> timedelta:
    return now.astimezone(ZoneInfo(zone)).utcoffset() or timedelta()


def city(zone: str, language: str) -> str:
    """The place that a zone is named after, such as ``New York`` or ニューヨーク (Unicode CLDR)."""
    named = _locale(language).time_zones
    for each in (zone, *_older_names().get(zone, ())):
        if found := named.get(each, {}).get("city"):
            return str(found)
    return zone.rpartition("/")[2].replace("_", " ")


@cache
def _older_names() -> dict[str, list[str]]:
    """By a zone's name those that the CLDR goes on using, such as ``Asia/Calcutta``."""
    found: dict[str, list[str]] = {}
    for older, zone in get_global("zone_aliases").items():
        found.setdefault(zone, []).append(older)
    return found


def local_time(zone: str, now: datetime) -> str:
    return now.astimezone(ZoneInfo(zone)).strftime("%H:%M")


def area_named(text: str) -> str | None:
    """The area that is meant by its name in any of our languages, in English, or by its code."""
    wanted = " ".join(text.split()).casefold()
    if is_area(wanted.upper()):
        return wanted.upper()
    exact = {code for name, code in _names() if name == wanted}
    begun = {code for name, code in _names() if len(wanted) > 1 and name.startswith(wanted)}
    found = exact or begun
    return found.pop() if len(found) == 1 else None


@cache
def _names() -> tuple[tuple[str, str], ...]:
    named = [(name, code) for code, name in english_names().items()]
    for language in texts.LANGUAGES:
        territories = _locale(language).territories
        named += [(territories[code], code) for code in english_names() if code in territories]
    for language in texts.LANGUAGES:
        for key, name in texts.catalogue(language).items():
            if key.startswith("areas.area."):
                named.append((name.partition("(")[0], key.rpartition(".")[2]))
    return tuple((name.casefold(), code) for name, code in named)


def area_name(area: str, language: str) -> str:
    """An area in the reader's language: in our words, or else as the Unicode CLDR names it."""
    key = f"areas.area.{area}"
    if texts.knows(key):
        return texts.say(key, language)
    return _locale(language).territories.get(area) or english_names().get(area, area)


def zone_name(zone: str, language: str) -> str:
    """A clock in words: 日本時間, Japan Time, アメリカ東部時間 (Unicode CLDR)."""
    named = get_timezone_name(
        ZoneInfo(zone), width="long", locale=_locale(language), zone_variant="generic"
    )
    if language != "ja-easy":
        return named
    return named.replace("日本", "日本（にほん）").replace("時間", "時間（じかん）")


@cache
def _locale(language: str) -> Locale:
    """Easy Japanese has the names of Japanese."""
    return Locale.parse("ja" if language == "ja-easy" else language, sep="-")
