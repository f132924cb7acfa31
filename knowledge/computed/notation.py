"""Notation: how towns write times, days and seasons, brought into one form in six languages.

`canonical` replaces what it knows by symbols in angle brackets and leaves all else as written, so
that a reader can tell what it has understood from what it has not:

* ``<T510>`` a time, in minutes after midnight; ``<M30>`` thirty minutes
* ``<P0301-1130>`` a part of every year; ``<NY>`` the turn of the year without its dates
* ``<W0>`` Monday to ``<W6>`` Sunday; ``<N2>`` the second of the month; ``<WD>`` Monday to Friday
  but no holidays; ``<H>`` public holidays; ``<ALL>`` every day
* a comma between two of these: the one as well as the other
* ``<Y>`` a date in one particular year, which is a report and no rule
"""

import calendar
import re
from collections.abc import Callable

from knowledge.computed.days import EVERY_DAY, Days, Period
from knowledge.computed.words import words
from knowledge.numerals import MONTHS
from knowledge.text import clean, without_ruby

NOON = 12 * 60
MIDNIGHT = 24 * 60
LATEST_HOUR = 30  # 26:00 is two in the morning of the next day
_LEAP_YEAR = 2024  # 29 February belongs to the season that ends with February

_TILDE = r"\s{0,3}(?:~|〜|～|–|—|―|−|-|から|至|to|through|until|부터)\s{0,3}"
_DIGIT_DAY = r"(?:日|号|號|일)"
_MONTH_NAMES = "|".join(sorted(MONTHS, key=len, reverse=True))
_PM = r"午後|下午|晚上|오후|夜"
_AM = r"午前|上午|早上|오전|朝"
_CLOCK = re.compile(
    rf"(?:(?P<pm>{_PM})|(?P<am>{_AM}))?\s{{0,3}}の?(?<!\d)(?P<next>翌日?)?\s{{0,3}}"
    r"(?:(?P<hour>[0-3]?\d):(?P<minute>[0-5]\d)(?!\d)"
    r"|(?P<hour2>[0-3]?\d)\s{0,3}(?:時(?!間)|时(?!间)|點|点|시(?!간))"
    r"(?:\s{0,3}(?:(?P<minute2>[0-5]?\d)\s{0,3}(?:分|분)|(?P<half>半|반)))?)"
    r"(?:\s{0,3}(?:(?P<late>p\.?m\.?)|(?P<early>a\.?m\.?))(?![a-z]))?"
    r"|(?<![\d:])(?P<hour3>1[0-2]|0?[1-9])\s{0,3}(?:(?P<late3>p\.?m\.?)|(?P<early3>a\.?m\.?))(?![a-z])",
    re.IGNORECASE,
)
_BARE_RANGE = re.compile(
    r"(?<![\d:/])([0-2]?\d)(\s{0,3}[~〜～–-]\s{0,3}[0-2]?\d\s{0,3}(?:時(?!間)|时(?!间)|시(?!간)))"
)
_WEEKDAYS = (
    (r"月曜日?", r"mon(?:day)?s?", r"(?:星期|周|週|礼拜|禮拜)一", r"월요일"),
    (r"火曜日?", r"tue(?:sday|s)?s?", r"(?:星期|周|週|礼拜|禮拜)二", r"화요일"),
    (r"水曜日?", r"wed(?:nesday)?s?", r"(?:星期|周|週|礼拜|禮拜)三", r"수요일"),
    (r"木曜日?", r"thu(?:rsday|rs|r)?s?", r"(?:星期|周|週|礼拜|禮拜)四", r"목요일"),
    (r"金曜日?", r"fri(?:day)?s?", r"(?:星期|周|週|礼拜|禮拜)五", r"금요일"),
    (r"土曜日?", r"sat(?:urday)?s?", r"(?:星期|周|週|礼拜|禮拜)六", r"토요일"),
    (r"日曜日?", r"sun(?:day)?s?", r"(?:星期|周|週|礼拜|禮拜)(?:日|天)", r"일요일"),
)
_KANJI_DAYS = "月火水木金土日"
_ORDINALS = {"first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5}
_ORDINALS |= {"첫째": 1, "둘째": 2, "셋째": 3, "넷째": 4, "다섯째": 5}
_ORDINALS |= {each: value for value, each in enumerate("一二三四五", start=1)}
_JOIN = r"\s{0,3}(?:・|、|,\s{0,3}and|,|と|や|및|과|와|和|与|與|及|또는|or|and|&|·|/)\s{0,3}"
SYMBOL = r"<[A-Z]+[\d-]*>"
DAY_SYMBOL = r"<(?:W\d|WD|H|ALL|N\d|P\d{4}-\d{4}|NY)>"


def canonical(text: str) -> str:
    """Return a text in lower case, its times, days and seasons as symbols."""
    shown = _SPACED.sub("", without_ruby(clean(text)).casefold())
    for step in (_seasons, _times, _weekdays):
        shown = step(shown)
    joined = re.sub(rf"({DAY_SYMBOL}){_JOIN}(?={DAY_SYMBOL})", r"\1,", shown)
    joined = re.sub(r"(<N\d>),(?=<N\d>)", r"\1", joined)
    joined = re.sub(r"<NY>\s{0,3}[(:]?\s{0,3}(<P\d{4}-\d{4}>)\)?", r"\1", joined)
    return re.sub(r"\s+", " ", joined).strip()


def minutes(match: re.Match[str]) -> int | None:
    """Return a matched time in minutes after midnight; None if no clock shows it."""
    part = match.groupdict()
    hour = int(part["hour"] or part["hour2"] or part["hour3"])
    minute = 30 if part["half"] else int(part["minute"] or part["minute2"] or 0)
    late = part["pm"] or part["late"] or part["late3"]
    early = part["am"] or part["early"] or part["early3"]
    if late and hour < 12:  # noqa: PLR2004 - on a clock
        hour += 12
    elif early and hour == 12:  # noqa: PLR2004
        hour = 0
    hour += 24 if part["next"] else 0
    return hour * 60 + minute if hour <= LATEST_HOUR + (6 if part["next"] else 0) else None


CLOCK = _CLOCK
_SPACED = re.compile(r"(?<=[ぁ-ゖァ-ー一-鿿々]) (?=[ぁ-ゖァ-ー一-鿿々])")  # やさしい日本語


def _times(text: str) -> str:
    text = _BARE_RANGE.sub(r"\1時\2", text)

    def symbol(match: re.Match[str]) -> str:
        value = minutes(match)
        return match.group() if value is None else f"<T{value}>"

    text = _CLOCK.sub(symbol, text)
    text = re.sub(r"正午|noon\b", "<T720>", text)
    text = re.sub(r"(<T(\d+)>)\s{0,3}\(<T\2>\)", r"\1", text)  # 午後5時30分(17:30)
    text = re.sub(r"(?<!\d)(\d{1,4})\s{0,3}(?:分|minutes?|mins?|분)(?:間|钟|鐘)?", r"<M\1>", text)
    return re.sub(rf"(<T\d+>){_TILDE}(<T\d+>)", r"\1~\2", text)


def _period(first: tuple[int, int], last: tuple[int, int]) -> str:
    return f"<P{first[0]:02d}{first[1]:02d}-{last[0]:02d}{last[1]:02d}>"


def _months(first: int, last: int) -> str:
    return _period((first, 1), (last, calendar.monthrange(_LEAP_YEAR, last)[1]))


def _valid(month: int, day: int = 1) -> bool:
    return 1 <= month <= 12 and 1 <= day <= calendar.monthrange(_LEAP_YEAR, month)[1]  # noqa: PLR2004


def _seasons(text: str) -> str:
    """Replace dates and months, those with a year first."""
    for expression, make in _SEASONS:
        text = expression.sub(make, text)
    return text


def _date_range(match: re.Match[str]) -> str:
    first, last = _pair(match["m1"], match["d1"]), _pair(match["m2"] or match["m1"], match["d2"])
    return _period(first, last) if _valid(*first) and _valid(*last) else match.group()


def _one_of(match: re.Match[str], month: str, on: str) -> str:
    day = _pair(month, on)
    return _period(day, day) if _valid(*day) else match.group()


def _month_range(match: re.Match[str]) -> str:
    first, last = _month(match["m1"]), _month(match["m2"])
    return _months(first, last) if _valid(first) and _valid(last) else match.group()


def _month_list(match: re.Match[str]) -> str:
    found = [_month(each) for each in re.findall(rf"\d+|{_MONTH_NAMES}", match.group())]
    return "".join(_months(each, each) for each in found) if all(map(_valid, found)) else "?"


def _pair(month: str, day: str) -> tuple[int, int]:
    return _month(month), int(day)


def _month(written: str) -> int:
    return int(written) if written.isdigit() else MONTHS[written]


def _fixed(symbol: str) -> Callable[[re.Match[str]], str]:
    return lambda _: symbol


_EN_DAY = r"(?:st|nd|rd|th)?\b"
_SEASONS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str]], ...] = (
    (
        re.compile(
            r"(?:20\d\d|令和\d{1,4}|平成\d{1,4})\s{0,3}(?:年度?|년)(?:\s{0,3}の?(?:春|夏|秋|冬))?(?:\s{0,3}\d{1,4}\s{0,3}(?:月|월)"
            rf"(?:\s{{0,3}}\d{{1,4}}\s{{0,3}}{_DIGIT_DAY})?)?|"
            rf"(?:(?<!\d)\d{{1,4}} )?(?:{_MONTH_NAMES}) (?:\d{{1,4}}, )?20\d\d|\b20\d\d\b"
        ),
        _fixed("<Y>"),
    ),
    (
        re.compile(
            rf"(?<!\d)(?P<m1>\d{{1,4}})(?:月|월|/)\s{{0,3}}(?P<d1>\d{{1,4}})\s{{0,3}}{_DIGIT_DAY}?{_TILDE}(?:翌年?の?)?"
            rf"(?:(?P<m2>\d{{1,4}})(?:月|월|/)\s{{0,3}})?(?P<d2>\d{{1,4}})(?![\d:時])\s{{0,3}}{_DIGIT_DAY}?"
        ),
        _date_range,
    ),
    (
        re.compile(
            rf"\b(?P<m1>{_MONTH_NAMES})\.? (?P<d1>\d{{1,4}}){_EN_DAY}{_TILDE}"
            rf"(?:(?P<m2>{_MONTH_NAMES})\.? )?(?P<d2>\d{{1,4}}){_EN_DAY}"
        ),
        _date_range,
    ),
    (
        re.compile(
            rf"\b(?P<d1>\d{{1,4}}){_EN_DAY} (?P<m1>{_MONTH_NAMES})\b{_TILDE}"
            rf"(?P<d2>\d{{1,4}}){_EN_DAY} (?P<m2>{_MONTH_NAMES})\b"
        ),
        _date_range,
    ),
    (
        re.compile(
            rf"\b(?P<m1>{_MONTH_NAMES})\.? (?P<d1>\d{{1,2}}){_EN_DAY}(?!:)"
            rf"|\b(?P<d2>\d{{1,2}}){_EN_DAY}(?: of)? (?P<m2>{_MONTH_NAMES})\b"
        ),
        lambda m: _one_of(m, m["m1"] or m["m2"], m["d1"] or m["d2"]),
    ),
    (
        re.compile(
            rf"(?<![\d:/])(?P<m1>\d{{1,4}})(?:月|월)\s{{0,3}}(?P<d1>\d{{1,4}})\s{{0,3}}{_DIGIT_DAY}"
            r"|(?<![\d:/])(?P<m3>\d{1,4})/(?P<d3>\d{1,4})(?![\d/])"
        ),
        lambda m: _one_of(m, m["m1"] or m["m3"], m["d1"] or m["d3"]),
    ),
    (
        re.compile(
            rf"(?<![\d:/])(?P<m1>\d{{1,4}})\s{{0,3}}(?:月|월)?{_TILDE}(?:翌年?の?)?(?P<m2>\d{{1,4}})\s{{0,3}}(?:月|월)(?!曜)"
        ),
        _month_range,
    ),
    (
        re.compile(rf"\b(?P<m1>{_MONTH_NAMES})\b{_TILDE}(?P<m2>{_MONTH_NAMES})\b"),
        _month_range,
    ),
    (
        re.compile(
            r"(?<![\d:/])\d{1,4}(?:\s{0,3}(?:月|월))?"
            r"(?:\s{0,3}[・、と,]\s{0,3}\d{1,4}(?:\s{0,3}(?:月|월))?){0,30}(?<=[月월])(?!曜)"
            rf"|\b(?:{_MONTH_NAMES})\b(?:(?:, | and |, and )(?:{_MONTH_NAMES})\b){{0,30}}"
        ),
        _month_list,
    ),
    (re.compile(r"元日|元旦|new year's day"), _fixed("<P0101-0101>")),
    (re.compile(r"大晦日|大みそか|new year's eve"), _fixed("<P1231-1231>")),
    (
        re.compile(words("days", "turn-of-year")),
        _fixed("<NY>"),
    ),
    (
        re.compile(
            r"ゴールデン[・ ]?ウ[イィ]ーク|golden week|\bgw\b|大型連休|黄金周|黃金週|골든위크"
        ),
        _fixed("<P0429-0506>"),
    ),
    (re.compile(words("days", "obon")), _fixed("<P0813-0816>")),
)


def _weekdays(text: str) -> str:
    for name, symbol in (
        ("weekends-and-holidays", "<W5><W6><H>"),
        ("weekends", "<W5><W6>"),
        ("workdays", "<WD>"),
        ("every-day", "<ALL>"),
    ):
        text = re.sub(words("days", name), symbol, text)
    text = text.replace("毎週", "")
    text = re.sub(
        rf"(?<![<\w])([{_KANJI_DAYS}](?:[・、,][{_KANJI_DAYS}]){{1,30}})(?=曜)", _spread, text
    )
    for number, forms in enumerate(_WEEKDAYS):
        for form in forms:
            bound = r"\b" if form[0].isascii() and form[0].isalpha() else ""
            text = re.sub(rf"{bound}{form}{bound}", f"<W{number}>", text)
    text = re.sub(
        r"第\s{0,3}([1-5一二三四五])(?=\s{0,3}(?:<W|[・、,と和]?\s{0,3}第))"
        r"|([1-5])(?:st|nd|rd|th)(?= (?:and [1-5](?:st|nd|rd|th) )?<W)"
        rf"|({'|'.join(each for each in _ORDINALS if len(each) > 1)})(?=(?: and \w+)? ?<W)",
        _nth,
        text,
    )
    text = re.sub(r"(?:毎月|every month|of (?:the|each|every) month|매월|每月)", "", text)
    text = re.sub(r"(<N\d>)\s{0,3}(?:[・、,と和]|and)?\s{0,3}(?=<[NW]\d>)", r"\1", text)
    return re.sub(words("days", "holidays"), "<H>", text)


def _spread(match: re.Match[str]) -> str:
    days = [each for each in match.group() if each in _KANJI_DAYS]
    return "".join(f"<W{_KANJI_DAYS.index(each)}>" for each in days[:-1]) + days[-1]


def _nth(match: re.Match[str]) -> str:
    written = next(each for each in match.groups() if each)
    return f"<N{written if written.isdigit() else _ORDINALS[written]}>"


def days(symbols: str) -> Days | None:
    """Return the days that a run of symbols names; None if they say it in no one way.

    A season beside weekdays narrows them: 3〜11月の土日. With a comma between them both are meant,
    which one `Days` cannot say.
    """
    found = re.findall(r"<([A-Z]+)([\d-]*)>", symbols)
    kinds = {kind for kind, _ in found}
    if re.search(r"<P[\d-]+>,<[WNH]|<(?:W\d|H|WD)>,<P", symbols) or "NY" in kinds:
        return None
    if "WD" in kinds and kinds & {"W", "H", "N", "ALL"}:
        return None
    periods = tuple(_read_period(value) for kind, value in found if kind == "P")
    named = frozenset(int(value) for kind, value in found if kind == "W")
    nth = frozenset(int(value) for kind, value in found if kind == "N")
    if (nth and not named) or (nth and "H" in kinds):
        return None
    if "WD" in kinds:
        return Days(frozenset(range(5)), on_holidays=False, periods=periods)
    if "H" in kinds:
        return Days(named, on_holidays=True, periods=periods)
    return Days(named or EVERY_DAY, nth, periods=periods)


def alternatives(symbols: str) -> tuple[Days, ...] | None:
    """Return what a list of days means where any of them counts: Mondays and 12/28 to 1/4."""
    groups: list[str] = []
    for each in symbols.split(","):
        weekly = not each.startswith("<P")
        if groups and weekly and re.fullmatch(r"(?:<W\d>|<H>)+", groups[-1] + each):
            groups[-1] += each
        else:
            groups.append(each)
    read = tuple(days(each) for each in groups)
    return tuple(each for each in read if each is not None) if all(read) else None


def _read_period(value: str) -> Period:
    first, last = value.split("-")
    return Period((int(first[:2]), int(first[2:])), (int(last[:2]), int(last[2:])))
