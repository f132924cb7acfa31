"""Cells: one value of a table read for what it means, repaired only where the repair is proven.

Every function returns what was made of the cell, and the code of a remark where the cell had to be
repaired or is doubtful. The rules of proof:

* 全国地方公共団体コード: six digits, the last a check digit (weights 6 to 2, modulo 11).
* telephone numbers: the Japanese numbering plan has no number of nine digits, or of ten that begin
  with 50, 70, 80 or 90, without the 0 before it.
* co-ordinates: swapped only if the pair lies outside Japan and the swapped pair inside.
* dates: an Excel serial number (days since 1899-12-30) only in a column of dates.
"""

import re
from dataclasses import dataclass
from datetime import date, time, timedelta
from typing import Final, Generic, TypeVar

from knowledge.text import clean

T_co = TypeVar("T_co", covariant=True)

JAPAN_LATITUDES: Final = (20.0, 46.0)  # 沖ノ鳥島 to 択捉島
JAPAN_LONGITUDES: Final = (122.0, 154.5)  # 与那国島 to 南鳥島
_SERIALS: Final = range(36_526, 54_790)  # 2000-01-01 to 2050-01-01
_EPOCH: Final = date(1899, 12, 30)  # Excel counts a 29 February 1900 that never was
_ERAS: Final = {
    "令和": 2018, "R": 2018, "平成": 1988, "H": 1988, "昭和": 1925, "S": 1925,
    "大正": 1911, "T": 1911, "明治": 1867, "M": 1867,
}  # fmt: skip
_ERA_DATE = re.compile(
    r"(令和|平成|昭和|大正|明治|[RHSTM])\s*(\d{1,2}|元)\s*[年./-]\s*(\d{1,2})\s*[月./-]\s*(\d{1,2})日?",
    re.IGNORECASE,
)
_WESTERN_DATE = re.compile(r"(\d{4})\s*[年/.-]\s*(\d{1,2})\s*[月/.-]\s*(\d{1,2})日?(?![\d/-])")
_MONTH = re.compile(r"(\d{4})\s*[年/.-]\s*(\d{1,2})月?\Z")
_COMPACT_DATE = re.compile(r"(?:19|20)\d{6}\Z")
_WEEKDAY = re.compile(r"\s*[(（][月火水木金土日・祝]+[)）]")


@dataclass(frozen=True, slots=True)
class Read(Generic[T_co]):
    """A cell's meaning, None if it has none, and what staff are told about it."""

    value: T_co | None
    repair: str | None = None
    doubt: str | None = None


# Municipality codes


def check_digit(five: str) -> str:
    """Return the sixth digit of a 全国地方公共団体コード (総務省, 検査数字)."""
    total = sum(int(digit) * weight for digit, weight in zip(five, range(6, 1, -1), strict=True))
    return str((11 - total % 11) % 10)


_PREFECTURES_WITH_ZERO: Final = {
    "北海道": "01", "青森県": "02", "岩手県": "03", "宮城県": "04", "秋田県": "05",
    "山形県": "06", "福島県": "07", "茨城県": "08", "栃木県": "09",
}  # fmt: skip
_LAST_PREFECTURE: Final = 47
_CODE_LENGTH: Final = 6


def municipality_code(text: str, prefecture: str) -> Read[str]:
    """Read a code; a lost leading zero comes back if check digit and prefecture both say so."""
    code = clean(text).removesuffix(".0")
    if not code.isdigit():
        return Read(code or None, doubt="code-form" if code else None)
    if len(code) == _CODE_LENGTH:
        right = check_digit(code[:5]) == code[5]
        return Read(code, doubt=None if right else "code-check")
    if len(code) == _CODE_LENGTH - 1:
        whole = f"0{code}"
        fits = check_digit(whole[:5]) == whole[5]
        known = _PREFECTURES_WITH_ZERO.get(prefecture) == whole[:2]
        unlike = not 1 <= int(code[:2]) <= _LAST_PREFECTURE  # it cannot be five digits of another
        if fits and (known or (unlike and not prefecture)):
            return Read(whole, repair="code-zero")
        return Read(code, doubt="code-short")
    return Read(code, doubt="code-form")


# Telephone numbers

_PHONE = re.compile(r"\d[\d-]{5,14}\Z")
_MOBILE: Final = ("50", "70", "80", "90")
_FIXED_DIGITS: Final = 10
_MOBILE_DIGITS: Final = 11
_SHORT: Final = 4  # 119, #7119, 188


def phone(text: str, siblings: frozenset[str]) -> Read[str]:
    """Read a telephone number; `siblings` are the area codes of the column that kept their 0."""
    shown = clean(text).removesuffix(".0")
    number = re.sub(r"[‐‑–—―−ー－]", "-", shown).replace(" ", "")
    bare = re.sub(r"[()]", "-", number).strip("-")
    if not _PHONE.match(bare) or bare.startswith("0"):
        return Read(shown or None)
    digits = bare.replace("-", "")
    if len(digits) <= _SHORT:
        return Read(shown)
    lost = (len(digits) == _FIXED_DIGITS - 1 and digits[1] != "0") or (
        len(digits) == _MOBILE_DIGITS - 1 and digits.startswith(_MOBILE)
    )
    area = f"0{bare.partition('-')[0]}"
    if lost and (bare == digits or area in siblings):
        return Read(f"0{bare}", repair="phone-zero")
    return Read(shown, doubt="phone-short")


def area_code(text: str) -> str | None:
    """Return the first group of a hyphenated number that kept its zero."""
    number = re.sub(r"[‐‑–—―−ー－(]", "-", clean(text))
    first, hyphen, _ = number.partition("-")
    return first if hyphen and first.isdigit() and first.startswith("0") else None


# Co-ordinates

_DEGREES = re.compile(
    r"[NE北南東西緯経]*\s*(\d{1,3})\s*[°度]\s*(\d{1,2})\s*[′'’分]\s*(\d{1,2}(?:\.\d+)?)\s*"
    r"(?:[″\"”秒]|''|′′)?\s*[NE]?\Z"
)
_MINUTES: Final = 60


@dataclass(frozen=True, slots=True)
class Point:
    """Degrees, WGS 84."""

    latitude: float
    longitude: float


def coordinates(latitude: str, longitude: str) -> Read[Point]:
    """Read a pair of co-ordinates."""
    written = clean(latitude), clean(longitude)
    if not any(written):
        return Read(None)
    first, second = _degrees(written[0]), _degrees(written[1])
    if first is None or second is None:
        return Read(None, doubt="coordinates-form")
    sexagesimal = not all(_decimal(each) for each in written)
    if _inside(first, second):
        return Read(Point(first, second), repair="coordinates-dms" if sexagesimal else None)
    if _inside(second, first):
        return Read(Point(second, first), repair="coordinates-swapped")
    return Read(None, doubt="coordinates-abroad")


def _inside(latitude: float, longitude: float) -> bool:
    south, north = JAPAN_LATITUDES
    west, east = JAPAN_LONGITUDES
    return south <= latitude <= north and west <= longitude <= east


def _decimal(text: str) -> bool:
    return re.fullmatch(r"-?\d{1,3}(?:\.\d+)?", text) is not None


def _degrees(text: str) -> float | None:
    if _decimal(text):
        return float(text)
    if (found := _DEGREES.match(text)) is None:
        return None
    degrees, minutes, seconds = (float(each) for each in found.groups())
    if minutes >= _MINUTES or seconds >= _MINUTES:
        return None
    return degrees + minutes / 60 + seconds / 3600


# Dates and times


def day(text: str) -> Read[date]:
    """Read a cell of a column of dates."""
    written = _WEEKDAY.sub("", clean(text))
    if not written:
        return Read(None)
    try:
        if found := _WESTERN_DATE.match(written):
            return Read(date(*(int(each) for each in found.groups())))
        if found := _ERA_DATE.match(written):
            era, year, month, number = found.groups()
            first = _ERAS[era if era in _ERAS else era.upper()]
            years = 1 if year == "元" else int(year)
            return Read(date(first + years, int(month), int(number)), repair="date-era")
        if _COMPACT_DATE.match(written):
            whole = date(int(written[:4]), int(written[4:6]), int(written[6:]))
            return Read(whole, repair="date-compact")
    except ValueError:
        return Read(None, doubt="date-form")
    serial = written.removesuffix(".0")
    if serial.isascii() and serial.isdigit() and int(serial) in _SERIALS:
        return Read(_EPOCH + timedelta(days=int(serial)), repair="date-serial")
    return Read(None, doubt="date-form")


def partial_date(text: str) -> str | None:
    """Return a day or month as ISO 8601 writes it, or None."""
    written = clean(text)
    if (found := day(written).value) is not None:
        return found.isoformat()
    if (month := _MONTH.match(written)) and 1 <= int(month[2]) <= 12:  # noqa: PLR2004
        return f"{month[1]}-{int(month[2]):02}"
    return None


_TIME = re.compile(
    r"(午前|午後|AM|PM)?\s*(\d{1,2})\s*(?::|時)\s*(\d{2})?\s*分?(?::00)?\Z", re.IGNORECASE
)
_NOON: Final = 12
_LAST_HOUR: Final = 24
_DAY_MINUTES: Final = 1_440


def clock(text: str) -> Read[time]:
    """Read a cell of a column of times; 24:00 is `time.max`."""
    written = clean(text)
    if not written:
        return Read(None)
    if found := _TIME.match(written):
        half, hour, minute = found[1], int(found[2]), int(found[3] or 0)
        if half and half.upper() in {"午後", "PM"} and hour < _NOON:
            hour += _NOON
        if hour == _LAST_HOUR and minute == 0:
            return Read(time.max)
        if hour < _LAST_HOUR and minute < _MINUTES:
            return Read(time(hour, minute))
    fraction = re.fullmatch(r"0\.\d+", written)
    if fraction:
        minutes = float(written) * _DAY_MINUTES
        if abs(minutes - round(minutes)) < 0.01:  # noqa: PLR2004 - rounding of the fraction
            return Read(time(*divmod(round(minutes) % _DAY_MINUTES, 60)), repair="time-fraction")
    return Read(None, doubt="time-form")


def shown_time(value: time) -> str:
    """Write a time of day as timetables do."""
    return "24:00" if value == time.max else f"{value.hour}:{value.minute:02}"


def shown_day(value: date) -> str:
    """Write a day as Japanese tables do."""
    return f"{value.year}年{value.month}月{value.day}日"
