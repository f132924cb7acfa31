"""Forms: the ways in which people write figures, in Japanese, English, Chinese and Korean.

One entry a form: an expression, and what it makes of a match. At each place of a text the first
form that fits is taken, so the most specific stand first: 2026-02-11 is a date, no house number.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from knowledge.numerals import ERAS, MONTHS, arabic, number


class FigureKind(StrEnum):
    """What a figure measures."""

    MONEY = "money"  # the currency and its amount
    TIME = "time"  # minutes since midnight
    DATE = "date"  # ISO 8601, "--" for a year left out: "--02-11"
    DURATION = "duration"  # minutes, or days and longer with their unit
    LENGTH = "length"  # millimetres
    QUANTITY = "quantity"  # percent, hectares, kilograms, degrees: value and unit
    PHONE = "phone"  # digits only, national form
    CODE = "code"  # digit groups joined by hyphens: house numbers, postal codes
    URL = "url"
    COUNT = "count"  # a number with some other counter: 6種類, 6 species
    NUMBER = "number"  # a number with nothing beside it


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure; equal figures mean the same however they were written."""

    kind: FigureKind
    value: str


MOST_DIGITS = 15  # of a number that is reckoned with: so many a float holds exactly
_N = rf"\d{{1,{MOST_DIGITS}}}(?:\.\d{{1,{MOST_DIGITS}}})?(?!\d)"
_LONG = rf"\d{{{MOST_DIGITS + 1},}}"
_TILDE = r"\s{0,3}(?:[~〜～–—―]|-|から|to|至|到|에서|부터)\s{0,3}"
_LENGTHS = (
    (
        r"km(?![a-z²2])|キロメートル|キロ(?!グラム)|kilomet(?:er|re)s?|公里|千米|킬로미터|킬로",
        "mm",
        1e6,
    ),
    (
        r"cm(?![a-z²2])|センチメートル|センチ|centimet(?:er|re)s?|公分|厘米|센티미터|센티",
        "mm",
        10.0,
    ),
    (r"mm(?![a-z²2])|ミリメートル|ミリ(?!リットル)|millimet(?:er|re)s?|毫米|밀리미터", "mm", 1.0),
    (r"m(?![a-z²2])|メートル|met(?:er|re)s?(?![a-z])|公尺|米(?!飯)|미터", "mm", 1e3),
)
_QUANTITIES = (
    (r"%|パーセント|percent|per cent|퍼센트|프로", "percent", 1.0),
    (r"割(?!引)", "percent", 10.0),
    (r"ha(?![a-z])|ヘクタール|hectares?|公顷|公頃|헥타르", "ha", 1.0),
    (
        r"km2|平方キロメートル|平方キロ|square kilomet(?:er|re)s?|sq\.? ?km|平方公里|제곱킬로미터",
        "km2",
        1.0,
    ),
    (r"m2|平方メートル|square met(?:er|re)s?|平方米|平方公尺|제곱미터", "m2", 1.0),
    (r"kg(?![a-z])|キログラム|kilograms?|公斤|킬로그램", "kg", 1.0),
    (r"g(?![a-z])|グラム|grams?|그램", "g", 1.0),
    (r"l(?![a-z])|リットル|lit(?:er|re)s?|公升|升|리터", "l", 1.0),
    (r"°C|℃|度(?![々目])|degrees?(?: celsius)?|°|도(?!착|로)", "degree", 1.0),
    (r"人|名(?!所|物|水|前|産)|people|persons?|人|位|명", "person", 1.0),
)
_DURATIONS = (
    (r"時間|hours?|hrs?|小时|小時|个小时|個小時|시간", "minute", 60.0),
    (r"分(?:間|钟|鐘)?(?!の\d)|min(?:ute)?s?(?![a-z])|分钟|分鐘|분", "minute", 1.0),
    (r"秒|seconds?|초", "second", 1.0),
    (r"日間|days?|泊|天|일간", "day", 1.0),
    (r"週間|weeks?|周|週|주", "week", 1.0),
    (r"[かヶカケ箇]月|months?|个月|個月|개월", "month", 1.0),
    (r"年[間前]|years?|년간|년 전", "year", 1.0),
)
_MONEY = (
    (r"円|yen|JPY|日元|日圆|日圓|엔", "JPY"),
    (r"ドル|dollars?|USD|美元|달러", "USD"),
    (r"ウォン|won|KRW|韩元|韓元|원", "KRW"),
    (r"台湾ドル|元|NT\$|TWD", "TWD"),
)


def _alternatives(words: Iterable[str]) -> str:
    return "|".join(words)


_RANGE_END = re.compile(
    rf"(?<!\d)(?P<from>{_N})(?P<link>{_TILDE})(?P<to>{_N})(?P<unit>\s*(?:"
    + _alternatives(
        (
            *(each[0] for each in _MONEY),
            *(each[0] for each in _DURATIONS),
            *(each[0] for each in _QUANTITIES),
            *(each[0] for each in _LENGTHS),
            r"月|월|時(?!間)|时(?!间)|点|點|시(?!간)|年(?!間)",
        )
    )
    + r"))",
    re.IGNORECASE,
)


_LONG_NUMBER = re.compile(f"({_LONG})")


def _spread_units(text: str) -> str:
    """Give the first number of a range the unit of the second: 60〜70分 reads 60分〜70分."""

    def spread(match: re.Match[str]) -> str:
        before = text[match.start() - 1] if match.start() else ""
        if before in {":", "-", "/", "."} or before.isdigit():
            return match.group()
        return "{from}{unit}〜{to}{unit}".format(**match.groupdict())

    return _RANGE_END.sub(spread, text)


def read(text: str) -> Iterator[tuple[Figure, str]]:
    """Yield each figure of a text with the words that state it, in reading order."""
    shown = unicodedata.normalize("NFKC", text).replace("−", "-")
    pieces = _LONG_NUMBER.split(shown)  # every second one is a number of too many digits
    pieces[::2] = map(arabic, pieces[::2])
    prepared = _spread_units("".join(pieces))
    position = 0
    while start := _START.search(prepared, position):
        position = start.start() + 1
        for expression, make in _FORMS:
            if match := expression.match(prepared, start.start()):
                yield make(match), match.group().strip()
                position = match.end()
                break


def _is(written: str, words: str) -> bool:
    return re.fullmatch(words, written, re.IGNORECASE) is not None


def _date(year: str | None, month: str | None, day: str | None) -> Figure:
    value = year or "-"
    for part in (month, day):
        if part:
            value += f"-{int(part):02d}"
    return Figure(FigureKind.DATE, value)


_NOON = 12


def _time(hour: str, minute: str | None, afternoon: str | None, forenoon: str | None) -> Figure:
    hours = int(hour)
    if afternoon and hours < _NOON:
        hours += _NOON
    elif forenoon and hours == _NOON:
        hours = 0
    return Figure(FigureKind.TIME, str(hours * 60 + int(minute or 0)))


Make = Callable[[re.Match[str]], Figure]
_MONTH_NAME = "|".join(MONTHS)
_AFTERNOON = r"午後|下午|晚上|傍晚|夜|오후|저녁|p\.?m\.?"
_FORENOON = r"午前|朝|上午|早上|凌晨|오전|아침|a\.?m\.?"
_HALF_DAY = rf"(?:(?:(?P<pm>{_AFTERNOON})|(?P<am>{_FORENOON}))\s{{0,3}}の?\s{{0,3}})?"
_LATER = r"(?:\s*(?:(?P<late>p\.?m\.?)|(?P<early>a\.?m\.?))(?![a-z]))"
_DAY = r"(?P<day>\d{1,2})\s*(?:日|号|號|일)"
_MONTH = r"(?P<month>\d{1,2})\s*(?:月|월)"
_ENGLISH_MONTH = rf"(?P<name>{_MONTH_NAME})\b\.?"
_ENGLISH_DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?\b"
_ENGLISH_YEAR = r"(?:,?\s+(?P<year>\d{4}))"


def _any(words: Iterable[tuple[str, ...] | tuple[str, str, float]]) -> str:
    return "|".join(str(each[0]) for each in words)


def _url(match: re.Match[str]) -> Figure:
    return Figure(FigureKind.URL, match.group().rstrip(".,/"))


def _day(match: re.Match[str]) -> Figure:
    """Read the groups year, era, month, name and day, as far as the form has them."""
    part = match.groupdict()
    year, month = part.get("year"), part.get("month")
    if era := part.get("era"):
        year = str(ERAS[era] + int(part["number"].replace("元", "1")))
    if name := part.get("name"):
        month = str(MONTHS[name.casefold()])
    return _date(year, month, part.get("day"))


def _clock(match: re.Match[str]) -> Figure:
    """Read the groups hour, minute, half, pm, am, late and early, as far as the form has them."""
    part = match.groupdict()
    minute = "30" if part.get("half") else part.get("minute")
    afternoon = part.get("pm") or part.get("late")
    return _time(match["hour"], minute, afternoon, part.get("am") or part.get("early"))


def _phone(match: re.Match[str]) -> Figure:
    digits = re.sub(r"\D", "", match.group())
    return Figure(FigureKind.PHONE, re.sub(r"\A810?", "0", digits))


def _code(match: re.Match[str]) -> Figure:
    return Figure(FigureKind.CODE, match.group())


_SIGNS = {"¥": "JPY", "$": "USD", "₩": "KRW", "NT$": "TWD"}


def _signed(match: re.Match[str]) -> Figure:
    currency = _SIGNS.get(match["sign"].upper(), match["sign"].upper())
    return Figure(FigureKind.MONEY, f"{currency} {number(match['value'])}")


def _hours_and_minutes(match: re.Match[str]) -> Figure:
    minutes = 30.0 if match["half"] else float(match["minute"])
    return Figure(FigureKind.DURATION, f"minute {number(float(match['value']) * 60 + minutes)}")


def _money(match: re.Match[str]) -> Figure:
    currency = next(name for words, name in _MONEY if _is(match["unit"], words))
    return Figure(FigureKind.MONEY, f"{currency} {number(match['value'])}")


def _scaled(kind: FigureKind, units: Iterable[tuple[str, str, float]]) -> Make:
    """Return the reader of a measure whose units are multiples of one another."""

    def make(match: re.Match[str]) -> Figure:
        unit, factor = next((u, f) for words, u, f in units if _is(match["unit"], words))
        return Figure(kind, f"{unit} {number(float(match['value']) * factor)}")

    return make


def _plain(match: re.Match[str]) -> Figure:
    following = match.string[match.end() : match.end() + 2].lstrip()
    counted = bool(following) and (following[0].isalpha() or following[0] in "〜~–—―")
    return Figure(FigureKind.COUNT if counted else FigureKind.NUMBER, number(match.group()))


def _long(match: re.Match[str]) -> Figure:
    """A number of more digits than a float holds counts by its digits alone."""
    return Figure(FigureKind.NUMBER, match.group().lstrip("0") or "0")


def _form(expression: str, make: Make) -> tuple[re.Pattern[str], Make]:
    return re.compile(expression, re.IGNORECASE), make


_GROUP = rf"\d{{1,{MOST_DIGITS}}}+"
_FORMS = (
    _form(r"https?://[^\s<>\"'。、)」）]+", _url),
    # dates
    _form(r"(?P<year>\d{4})[-/.](?P<month>\d{1,2})(?:[-/.](?P<day>\d{1,2}))?(?![\d-])", _day),
    _form(
        rf"(?:(?P<era>{'|'.join(ERAS)})(?P<number>\d{{1,2}}|元)|(?P<year>\d{{4}}))\s*(?:年度?|년)"
        rf"(?![間前])(?:\s*{_MONTH}(?:\s*{_DAY})?)?",
        _day,
    ),
    _form(rf"{_MONTH}\s*{_DAY}", _day),
    _form(rf"\b{_ENGLISH_MONTH}\s+{_ENGLISH_DAY}(?!:){_ENGLISH_YEAR}?", _day),
    _form(rf"{_ENGLISH_DAY}\s+(?:of\s+)?{_ENGLISH_MONTH}{_ENGLISH_YEAR}?", _day),
    _form(rf"\b{_ENGLISH_MONTH},?\s+(?P<year>\d{{4}})", _day),
    _form(r"(?P<month>1[0-2]|[1-9])\s*(?:月|월)", _day),
    _form(r"(?P<month>1[0-2]|0?[1-9])/(?P<day>[12]\d|3[01]|0?[1-9])(?![\d/])", _day),
    # telephone numbers
    _form(
        r"(?:\+81[\s-]?\(?0?\)?|\(?0)\d{1,4}\)?[\s-]?\d{1,4}[\s-]\d{3,4}(?!\d)|0\d{9,10}(?!\d)|"
        r"#\d{4}(?!\d)",
        _phone,
    ),
    # times of day
    _form(rf"{_HALF_DAY}(?P<hour>[012]?\d):(?P<minute>[0-5]\d)(?!\d){_LATER}?", _clock),
    _form(
        rf"{_HALF_DAY}(?P<hour>[012]?\d)\s*(?:時(?!間)|时(?!间)|點|点|시(?!간))"
        r"(?:\s*(?:(?P<minute>[0-5]?\d)\s*分?|(?P<half>半|반))(?!間|钟|鐘|\d)(?:\s*분)?)?",
        _clock,
    ),
    _form(rf"(?P<hour>1[0-2]|0?[1-9]){_LATER}", _clock),
    # house numbers and postal codes, but no ranges such as 2-3 minutes
    _form(rf"{_GROUP}(?:-{_GROUP})+(?!\d)(?![\d,.]*(?:%|円|yen|km|分|m\b|人|名|min))", _code),
    _form(_LONG, _long),
    # amounts with a unit
    _form(rf"(?P<sign>[¥$₩]|JPY|USD|NT\$)\s*(?P<value>{_N})", _signed),
    _form(
        rf"(?P<value>{_N})\s*(?:{_DURATIONS[0][0]})\s*(?:and\s*)?"
        rf"(?:(?P<minute>\d{{1,{MOST_DIGITS}}})\s*(?:{_DURATIONS[1][0]})|(?P<half>半))",
        _hours_and_minutes,
    ),
    _form(rf"(?P<value>{_N})\s*-?(?P<unit>{_any(_MONEY)})", _money),
    _form(
        rf"(?P<value>{_N})\s*-?(?P<unit>{_any(_DURATIONS)})",
        _scaled(FigureKind.DURATION, _DURATIONS),
    ),
    _form(
        rf"(?P<value>{_N})\s*-?(?P<unit>{_any(_QUANTITIES)})",
        _scaled(FigureKind.QUANTITY, _QUANTITIES),
    ),
    _form(
        rf"(?P<value>{_N})\s*-?(?P<unit>{_any(_LENGTHS)})",
        _scaled(FigureKind.LENGTH, _LENGTHS),
    ),
    _form(_N, _plain),
)
_START = re.compile(
    rf"https?://|(?:{'|'.join(ERAS)})(?=[\d元])|\b(?:{_MONTH_NAME})\b|{_AFTERNOON}|{_FORENOON}|"
    r"[¥$₩]|\b(?:JPY|USD|NT\$)|[+#(]?\d",
    re.IGNORECASE,
)
