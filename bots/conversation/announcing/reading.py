"""What staff write, understood: heading and text, a link, a time on the town's clock."""

import re
import unicodedata
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from bots.maps import read_place
from core.announcements.schedule import Start, start_of

_DAYS: Final = {
    "今日": 0, "きょう": 0, "本日": 0, "today": 0,
    "明日": 1, "あす": 1, "あした": 1, "tomorrow": 1,
    "明後日": 2, "あさって": 2,
}  # fmt: skip
_DATE: Final = re.compile(
    r"(?:(?P<year>\d{4})\s*[-/年.]\s*)?(?P<month>\d{1,2})\s*[-/月.]\s*(?P<day>\d{1,2})\s*日?"
)
_CLOCK: Final = re.compile(
    r"(?P<half>午前|午後)?\s*(?P<hour>\d{1,2})\s*"
    r"(?:(?:[:時]\s*(?P<minute>\d{1,2}|半)?\s*分?)\s*(?P<after>am|pm)?|(?P<bare>am|pm))$"
)
NOON: Final = 12


def words_of(text: str) -> dict[str, str]:
    """The first line is the heading, the rest the text."""
    heading, _, body = text.strip().partition("\n")
    return {"heading": heading.strip(), "body": body.strip()}


def link_of(text: str, label: str) -> tuple[str, str]:
    """The words of a button and its address; an address alone gets `label`."""
    *before, last = [line.strip() for line in text.strip().splitlines() if line.strip()] or [""]
    return " ".join(before) or label, last


def place_of(text: str) -> tuple[str, tuple[float, float] | None]:
    """The name of a place, and its latitude and longitude where a line says them."""
    lines = [line.strip() for line in text.strip().splitlines() if line.strip()]
    where = next((line for line in lines if read_place(line) is not None), "")
    name = " ".join(line for line in lines if line is not where)
    return name, read_place(where) if where else None


def moment_of(text: str, *, now: datetime, zone: str) -> Start | None:
    """The moment that is meant, on the clock of the town; `None` if it cannot be read.

    A day without a year is the next such day; Japanese, English and ISO 8601 ways of writing.
    """
    plain = unicodedata.normalize("NFKC", text).strip().casefold()
    plain = re.sub(r"(?<=\d)t(?=\d)", " ", plain)
    local = now.astimezone(ZoneInfo(zone))
    found = _day(plain, local.date())
    if found is None:
        return None
    day, rest = found
    clock = _clock(re.sub(r"^(at|の|に|、|,|\s)+", "", rest))
    if clock is None:
        return None
    return start_of(day, clock, zone=zone)


def _day(text: str, today: date) -> tuple[date, str] | None:
    for word, days in _DAYS.items():
        if text.startswith(word):
            return today + timedelta(days=days), text.removeprefix(word)
    if (found := _DATE.match(text)) is None:
        return None
    try:
        day = date(int(found["year"] or today.year), int(found["month"]), int(found["day"]))
        if found["year"] is None and day < today:
            day = day.replace(year=today.year + 1)
    except ValueError:
        return None
    return day, text[found.end() :]


def _clock(text: str) -> time | None:
    if (found := _CLOCK.match(text)) is None:
        return None
    hour = int(found["hour"])
    minute = 30 if found["minute"] == "半" else int(found["minute"] or 0)
    if {found["half"], found["after"], found["bare"]} & {"午後", "pm"} and hour < NOON:
        hour += NOON
    try:
        return time(hour, minute)
    except ValueError:
        return None
