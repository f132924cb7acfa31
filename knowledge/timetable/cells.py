"""Cells: the times, dates and places that a table holds, or why a cell holds none."""

import re
from datetime import date
from math import cos, hypot, radians

from knowledge.language import Language
from knowledge.text import fold

HOUR = 3_600
MOST_HOURS = 48  # a trip of the day before that still runs is before 30:00; more is a mistake
_TIME = re.compile(r"(\d{1,2}):([0-5]?\d)(?::([0-5]?\d))?\Z")
_DATE = re.compile(r"(\d{4})[-/]?(\d{2})[-/]?(\d{2})\Z")
_METRES_A_DEGREE = 111_195.0
_LANGUAGES = {
    "en": Language.EN,
    "ko": Language.KO,
    "zh": Language.ZH_HANS,
    "zh-hans": Language.ZH_HANS,
    "zh-cn": Language.ZH_HANS,
    "zh-sg": Language.ZH_HANS,
    "zh-hant": Language.ZH_HANT,
    "zh-tw": Language.ZH_HANT,
    "zh-hk": Language.ZH_HANT,
}
KANA_TAG = "ja-hrkt"
"""The tag by which GTFS-JP marks readings (``ja-Hrkt``)."""


def seconds(cell: str) -> int | None:
    """Read a time: 7:05:00, 25:10 or 9:00. None if it is no time; UNTIMED cells are empty."""
    match = _TIME.match(cell)
    if match is None or int(match[1]) >= MOST_HOURS:
        return None
    return int(match[1]) * HOUR + int(match[2]) * 60 + int(match[3] or 0)


def day(cell: str) -> date | None:
    """Read a date: 20260401, as GTFS writes it, or with hyphens or slashes."""
    if (match := _DATE.match(cell)) is None:
        return None
    try:
        return date(int(match[1]), int(match[2]), int(match[3]))
    except ValueError:
        return None


def coordinates(latitude: str, longitude: str) -> tuple[float, float] | None:
    """Read degrees; None if they are no place on earth, or 0, 0, which tools write for nothing."""
    try:
        north, east = float(latitude), float(longitude)
    except ValueError:
        return None
    if not (abs(north) <= 90 and abs(east) <= 180) or (north == 0 and east == 0):  # noqa: PLR2004
        return None
    return north, east


def language(tag: str) -> Language | None:
    """Return the language of a BCP 47 tag, if it is one of ours."""
    folded = tag.replace("_", "-").casefold()
    return _LANGUAGES.get(folded) or _LANGUAGES.get(folded.partition("-")[0])


def same_name(name: str) -> str:
    """Return what two spellings of one stop's name have in common."""
    return fold(name).replace(" ", "")


def metres(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Return about how far two near places are apart, on a plane."""
    north = (one[0] - other[0]) * _METRES_A_DEGREE
    east = (one[1] - other[1]) * _METRES_A_DEGREE * cos(radians((one[0] + other[0]) / 2))
    return hypot(north, east)
