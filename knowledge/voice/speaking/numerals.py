"""Figures in English words, as a voice says them."""

import re
from typing import Final

_SMALL: Final = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    *("eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen"),
    "nineteen",
)
_TENS: Final = (
    *("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"),
)
_ORDINALS: Final = {
    "one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth",
    "nine": "ninth", "twelve": "twelfth",
}  # fmt: skip
_SCALES: Final = ((10**12, "trillion"), (10**9, "billion"), (10**6, "million"), (1_000, "thousand"))
_YEARS: Final = (*range(1100, 2000), *range(2010, 2100))
_CLOCK: Final = re.compile(r"(\d{1,2}):(\d{2})")
_LONGEST: Final = 15
_TWO: Final = 2
_LINE: Final = 4  # figures with which a telephone number ends


def in_words(figures: str) -> str:
    """Return how a number, a year, a time of day, an ordinal or a telephone number is said."""
    if clock := _CLOCK.fullmatch(figures):
        return _clock(int(clock[1]), clock[2])
    if ordinal := re.fullmatch(r"([\d,]+)(?:st|nd|rd|th)", figures):
        return _ordinal(in_words(ordinal[1]))
    plain = re.sub(r",(?=\d{3}(?!\d))", "", figures)
    if re.fullmatch(r"\d+(?:\.\d+)?", plain) is None or (
        plain[0] == "0" and len(plain) > 1 and "." not in plain
    ):
        if pair := _pair(figures):
            return ", ".join(map(in_words, pair))
        return ", ".join(_digits(each) for each in re.split(r"\D+", figures) if each)
    whole, _, decimals = plain.partition(".")
    if len(whole) > _LONGEST:
        return _digits(whole)
    if not decimals and "," not in figures and int(whole) in _YEARS:
        return _year(int(whole))
    said = _cardinal(int(whole))
    return f"{said} point {_digits(decimals)}" if decimals else said


def _pair(figures: str) -> list[str]:
    """Return two numbers of a range or an address; nothing for a telephone number."""
    parts = re.split(r"[^\d,.]+", figures)
    local = len(parts[-1]) == _LINE and parts[-1].isdigit() and len(parts[0]) < _LINE
    if len(parts) != _TWO or local or any(re.match(r"0\d|$", each) for each in parts):
        return []
    return parts


def _digits(figures: str) -> str:
    return " ".join(_SMALL[int(each)] for each in figures)


def _clock(hour: int, minutes: str) -> str:
    if minutes == "00":
        return _cardinal(hour)
    said = f"oh {_SMALL[int(minutes)]}" if minutes[0] == "0" else _cardinal(int(minutes))
    return f"{_cardinal(hour)} {said}"


def _year(year: int) -> str:
    century, rest = divmod(year, 100)
    if rest == 0:
        return f"{_cardinal(century)} hundred"
    return f"{_cardinal(century)} {_cardinal(rest) if rest > 9 else 'oh ' + _SMALL[rest]}"  # noqa: PLR2004


def _ordinal(words: str) -> str:
    head, _, last = words.rpartition(" ")
    said = last[:-1] + "ieth" if last.endswith("y") else _ORDINALS.get(last, last + "th")
    return f"{head} {said}".strip()


def _cardinal(number: int) -> str:
    for scale, name in _SCALES:
        if number >= scale:
            high, low = divmod(number, scale)
            return f"{_cardinal(high)} {name}" + (f" {_cardinal(low)}" if low else "")
    if number >= 100:  # noqa: PLR2004
        high, low = divmod(number, 100)
        return f"{_SMALL[high]} hundred" + (f" {_cardinal(low)}" if low else "")
    if number < len(_SMALL):
        return _SMALL[number]
    tens, ones = divmod(number, 10)
    return _TENS[tens] + (f" {_SMALL[ones]}" if ones else "")
