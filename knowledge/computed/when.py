"""When: the day and the time that a question asks about, as seen from now in the town.

今度の日曜, 12/31, お正月, "tomorrow at 4:45 pm", 下周二: relative words become dates, which the
answer states, so that a reading that was not meant is seen at once.
"""

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from knowledge.computed.days import public_holiday
from knowledge.computed.notation import CLOCK, canonical, minutes
from knowledge.computed.words import expressions, words
from knowledge.text import clean, without_ruby

WEEK = 7
FAR = 366
"""Days ahead within which a date without a year lies."""
MORNING = 7
"""Up to this hour a time without 午前 or 午後 is meant as one of the afternoon."""
NOON = 12
LONGEST_PERIOD = 14  # days of a season such as お正月 that one answer tells apart


@dataclass(frozen=True, slots=True)
class When:
    """What a question asks about."""

    days: tuple[date, ...]  # in order; one, or those of a weekend or of a short season
    minute: int | None  # after midnight, of the first day; None: the whole day
    now: bool  # the time is the present one
    today: date  # when it was asked
    rest: str = ""  # what the question says besides
    weekday: int | None = None  # 0 is Monday: a weekday as such is meant, `days` is the next one


def asked_when(question: str, now: datetime) -> When | None:
    """Return when a question asks about; None if about no time, or about one that is past."""
    text = without_ruby(clean(question)).casefold()
    if re.search(words("ask", "past-day"), text):
        return None
    text = re.sub(words("ask", "closing-days"), " ", text)
    today = now.date()
    shown, moment = _moment(text)
    found, shown = _days(shown, today)
    if found is None:
        return None
    if moment is not None and found in {(), (today,)}:
        at = now + moment
        present = not moment
        return When((at.date(),), at.hour * 60 + at.minute, present, today, shown)
    shown, minute = _clock(shown)
    if not found and minute is None:
        return None
    every = _every(text, found) if minute is None else None
    return When(found or (today,), minute, now=False, today=today, rest=shown, weekday=every)


def asked_days(question: str, today: date) -> tuple[date, ...]:
    """Return the days that a question names, in order; none if it names none that is to come."""
    return _days(without_ruby(clean(question)).casefold(), today)[0] or ()


def _moment(text: str) -> tuple[str, timedelta | None]:
    """Read 今 and 1時間後. A time of day beside 今 (いま行けば16時) counts more than it."""
    for expression in expressions("ask", "later"):
        if found := re.search(expression, text):
            part = {name.partition("_")[0]: value for name, value in found.groupdict().items()}
            ahead = timedelta(
                hours=int(part.get("hours") or 0), minutes=int(part.get("minutes") or 0)
            )
            return text.replace(found.group(), " "), ahead
    shown = re.sub(words("ask", "now"), " ", text)
    if shown == text or _clock(shown)[1] is not None:
        return shown, None
    return shown, timedelta()


def _clock(text: str) -> tuple[str, int | None]:
    for found in CLOCK.finditer(text):
        minute = minutes(found)
        part = found.groupdict()
        half = any(part[each] for each in ("pm", "am", "late", "early", "late3", "early3"))
        if minute is None or text[found.end() :].startswith(("間", "间", "間")):
            continue
        if not half and minute < (MORNING + 1) * 60 and minute >= 60:  # noqa: PLR2004
            minute += NOON * 60
        return text.replace(found.group(), " "), minute
    if bare := re.search(r"\b(?:at|by|around) (\d{1,2})(?: o'clock)?\b(?![:/])", text):
        hour = int(bare[1])
        if 0 < hour < 24:  # noqa: PLR2004 - hours of a day
            minute = (hour + (NOON if hour <= MORNING else 0)) * 60
            return text.replace(bare.group(), " "), minute
    return text, None


def _days(text: str, today: date) -> tuple[tuple[date, ...] | None, str]:
    """Return the days named, and the text without them; None for days that are past."""
    for name, ahead in (("after-tomorrow", 2), ("tomorrow", 1), ("today", 0)):
        if re.search(words("ask", name), text):
            return (today + timedelta(ahead),), re.sub(words("ask", name), " ", text)
    if later := re.search(
        r"(\d{1,2})\s{0,3}(?:日後|days? (?:later|from now)|天[后後]|일 ?[뒤후])", text
    ):
        return (today + timedelta(int(later[1])),), text.replace(later.group(), " ")
    if found := _DATE_WITH_YEAR.search(text):
        return _dated(found, today), text.replace(found.group(), " ")
    if re.search(words("ask", "christmas"), text):
        return _next(12, 25, today), re.sub(words("ask", "christmas"), " ", text)
    symbols = canonical(text)
    if re.search(r"<N\d>", symbols):
        return None, text  # 第2水曜: of which month?
    if "年末" in text:
        symbols = symbols.replace("<NY>", "<P1229-0103>")
    if found := re.search(r"<P(\d\d)(\d\d)-(\d\d)(\d\d)>|<NY>", symbols):
        return _season(found, today), _without_symbols(symbols)
    if found := _DAY_OF_MONTH.search(text):
        return _of_month(int(found[1]), today), text.replace(found.group(), " ")
    return _weekly(text, symbols, today)


_DATE_WITH_YEAR = re.compile(
    r"(?P<y>20\d\d)(?:年|[-/.]|년)\s{0,3}(?P<m>\d{1,2})(?:月|[-/.]|월)\s{0,3}(?P<d>\d{1,2})(?:日|号|號|일)?"
)
_DAY_OF_MONTH = re.compile(
    r"(?<![\d月월/第:])(\d{1,2})(?:日|号|號|일)(?![間目本曜前])|\bon the (\d{1,2})(?:st|nd|rd|th)\b"
)


def _dated(found: re.Match[str], today: date) -> tuple[date, ...] | None:
    try:
        day = date(int(found["y"]), int(found["m"]), int(found["d"]))
    except ValueError:
        return None
    return (day,) if today <= day else None


def _next(month: int, day: int, today: date) -> tuple[date, ...] | None:
    """Return the next day of that date, this year's or a later one's: 29 February waits."""
    for year in range(today.year, today.year + 9):
        try:
            found = date(year, month, day)
        except ValueError:
            continue
        if found >= today:
            return (found,)
    return None


def _season(found: re.Match[str], today: date) -> tuple[date, ...] | None:
    """Return the days of a date or of a short season: お正月 is the first three days of January.

    Of a longer season (冬, 3〜11月) no day in particular is asked about.
    """
    if found[1] is None:
        first = _next(1, 1, today) if today.month > 1 or today.day > 3 else (today,)  # noqa: PLR2004
        start = first[0] if first else today
        return tuple(
            day
            for day in map(start.__add__, map(timedelta, range(3)))
            if day.day <= 3  # noqa: PLR2004
        )
    start_month, start_day, end_month, end_day = (int(each) for each in found.groups())
    ends = _next(end_month, end_day, today)
    if ends is None:
        return None
    starts = date(
        ends[0].year - (start_month > end_month),
        start_month,
        min(start_day, 28 if start_month == 2 else start_day),  # noqa: PLR2004
    )
    starts = max(starts, today)
    length = (ends[0] - starts).days + 1
    if not 0 < length <= LONGEST_PERIOD:
        return None
    return tuple(starts + timedelta(each) for each in range(length))


def _of_month(day: int, today: date) -> tuple[date, ...] | None:
    """23日 is of this month, or of the next one that has it."""
    for ahead in range(62):
        each = today + timedelta(ahead)
        if each.day == day:
            return (each,)
    return None


def _every(text: str, found: tuple[date, ...]) -> int | None:
    """Return the weekday of a day that only its weekday names: 月曜は, "on Mondays"."""
    symbols = canonical(text)
    if len(found) != 1 or (named := re.search(r"<W(\d)>", symbols)) is None:
        return None
    before = symbols[: named.start()]
    if int(named[1]) != found[0].weekday() or re.search(rf"{_WHICH}\s{{0,3}}$", before):
        return None
    return None if re.search(_DATED, text) else int(named[1])


_DATED = r"\d\s{0,3}(?:日|号|號|일|/)|\d(?:st|nd|rd|th)\b|" + "|".join(
    words("ask", name) for name in ("today", "tomorrow", "after-tomorrow", "christmas")
)


def _weekly(text: str, symbols: str, today: date) -> tuple[tuple[date, ...] | None, str]:
    if re.search(words("ask", "weekend"), text) or "<W5><W6>" in symbols:
        shown = re.sub(f"{_WHICH}?{words('ask', 'weekend')}", " ", text)
        return _weekend(text, today), _without_symbols(canonical(shown))
    shown = _without_symbols(symbols)
    if len(set(re.findall(r"<W\d>", symbols))) > 1:
        return None, shown  # 月曜と火曜
    if found := re.search(r"<W(\d)>", symbols):
        day = _weekday(int(found[1]), symbols[: found.start()], today)
        return None if day is None else (day,), shown
    if "<H>" in symbols:
        ahead = (today + timedelta(each) for each in range(1, FAR))
        return (next(each for each in ahead if public_holiday(each)),), shown
    return (), text


_WHICH = "(?:{})".format(
    "|".join(words("ask", name) for name in ("week-after", "next-week", "this-week", "coming"))
)


def _weekday(number: int, before: str, today: date) -> date | None:
    """Return the day that a weekday means; of this week perhaps a past one, which is no answer."""
    monday = today - timedelta(today.weekday())
    for name, weeks in (("week-after", 2), ("next-week", 1), ("this-week", 0)):
        if re.search(rf"{words('ask', name)}\s{{0,3}}$", before):
            day = monday + timedelta(weeks * WEEK + number)
            return day if day >= today else None
    ahead = (number - today.weekday()) % WEEK
    if ahead == 0 and re.search(rf"{words('ask', 'coming')}\s{{0,3}}$", before):
        ahead = WEEK
    return today + timedelta(ahead)


def _weekend(text: str, today: date) -> tuple[date, ...]:
    saturday = _weekday(5, "", today) or today
    if today.weekday() == 6:  # noqa: PLR2004 - Sunday
        saturday = today - timedelta(1)
    if re.search(words("ask", "next-week"), text):
        saturday += timedelta(WEEK)
    both = (saturday, saturday + timedelta(1))
    return tuple(each for each in both if each >= today)


def _without_symbols(symbols: str) -> str:
    """Take the days out, and keep the times as they are told on a clock."""

    def told(match: re.Match[str]) -> str:
        return f" {int(match[1]) // 60:02d}:{int(match[1]) % 60:02d} "

    plain = re.sub(r"<T(\d+)>", told, symbols)
    return re.sub(rf"{_WHICH}?<[A-Z]+[\d-]*>", " ", plain)
