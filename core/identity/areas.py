"""What a person may name as theirs: a prefecture of Japan, or a country, and a time zone.

* ISO 3166-2:JP, ``JP-01`` (Hokkaido) to ``JP-47`` (Okinawa); the numbers are those of JIS X 0401
* ISO 3166-1 alpha-2, such as ``KR``; ``JP`` for who names no prefecture
"""

from functools import cache
from importlib.resources import files
from typing import Final
from zoneinfo import available_timezones

PREFECTURES: Final = tuple(f"JP-{number:02}" for number in range(1, 48))


@cache
def countries() -> frozenset[str]:
    """The codes of ISO 3166-1, as the time zone database lists them."""
    table = (files("tzdata") / "zoneinfo" / "iso3166.tab").read_text(encoding="utf-8")
    return frozenset(
        line.split("\t")[0] for line in table.splitlines() if line and not line.startswith("#")
    )


def is_area(code: str) -> bool:
    return code in PREFECTURES or code in countries()


@cache
def zones() -> frozenset[str]:
    """The names of the IANA time zone database, without those that are no place's time."""
    return frozenset(each for each in available_timezones() if "/" in each or each == "UTC")
