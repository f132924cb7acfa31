"""English as it is said: ¥1,300 is 1,300 yen, 17:30 is 5:30 p.m."""

import re
from typing import Final

from knowledge.text import clean
from knowledge.voice.spoken.steps import step, taken

_TO: Final = "[〜~～–—―−-]"
_MONTHS: Final = (
    *("January", "February", "March", "April", "May", "June", "July", "August", "September"),
    *("October", "November", "December"),
)
_MONTH: Final = {each[:3]: each for each in _MONTHS} | {"Sept": "September"}
_SHORT: Final = "Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept|Sep|Oct|Nov|Dec"
_DAYS: Final = {
    "Mon": "Monday", "Tue": "Tuesday", "Tues": "Tuesday", "Wed": "Wednesday", "Thu": "Thursday",
    "Thur": "Thursday", "Thurs": "Thursday", "Fri": "Friday", "Sat": "Saturday", "Sun": "Sunday",
    "Hol": "holidays", "hol": "holidays",
}  # fmt: skip
_DAY: Final = "|".join(sorted(_DAYS, key=len, reverse=True))
_UNITS: Final = {
    "km/h": "kilometers per hour", "km2": "square kilometers", "m2": "square meters",
    "m3": "cubic meters", "km": "kilometers", "cm": "centimeters", "mm": "millimeters",
    "m": "meters", "kg": "kilograms", "g": "grams", "ha": "hectares", "°C": "degrees Celsius",
    "°F": "degrees Fahrenheit", "°": "degrees", "%": "percent", "min": "minutes", "mins": "minutes",
    "hr": "hours", "hrs": "hours", "h": "hours", "sec": "seconds", "ml": "milliliters",
    "L": "liters", "kW": "kilowatts",
}  # fmt: skip
_UNIT: Final = "|".join(map(re.escape, sorted(_UNITS, key=len, reverse=True)))
_ONE: Final = {"feet": "foot"}
_WORDS: Final = {
    r"Mt\.": "Mount", r"approx\.": "approximately", r"e\.g\.,?": "for example", r"vs\.": "versus",
    r"i\.e\.,?": "that is", r"etc\.": "and so on", r"No\.(?=\s?\d)": "number", r"Dr\.": "Doctor",
    r"St\.(?=\s[A-Z])": "Saint", r"w/": "with ", r"\bTel\.?": "telephone", r"Nos\.": "numbers",
    r"and\s?/\s?or\b": "or", r"c\.(?=\s?1\d{3}\b)": "around", r"[Cc]ont\.": "continued",
    r"incl\.": "including", r"excl\.": "excluding", r"hrs?\.": "hours", r"mins?\.": "minutes",
}  # fmt: skip
_CURRENCIES: Final = {"¥": "yen", "$": "dollars", "€": "euros", "£": "pounds", "₩": "won"}
_LAST_HOUR: Final = 29
_NOON: Final = 12
_LAST_MINUTE: Final = 59
_MOST_DAYS: Final = 31


def spoken_form(text: str) -> str:
    """Write one sentence of English as it is said."""
    said = clean(text.replace("，", ", "))
    ended = said.endswith(".")  # also where an abbreviation has the full stop
    said = taken(said, _STEPS).strip(" ,")
    return f"{said}." if ended and said[-1:].isalnum() else said


def _floors(found: re.Match[str]) -> str:
    *others, last = re.findall(r"\d+", found[0])
    return f"floors {', '.join(others)} and {last}"


def _date(found: re.Match[str]) -> str:
    year, month, day = (int(each) for each in found.groups())
    if not (1 <= month <= len(_MONTHS) and 1 <= day <= _MOST_DAYS):
        return found[0]
    return f"{_MONTHS[month - 1]} {day}, {year}"


def _year_month(found: re.Match[str]) -> str:
    year, month = int(found[1]), int(found[2])
    return f"{_MONTHS[month - 1]} {year}" if 1 <= month <= len(_MONTHS) else found[0]


def _clock(found: re.Match[str]) -> str:
    hour, minute = int(found["hour"]), int(found["minute"])
    if hour > _LAST_HOUR or minute > _LAST_MINUTE:
        return found[0]
    if found["half"]:
        half = found["half"].replace(".", "").casefold()
    else:
        half = "am" if hour % 24 < _NOON else "pm"
        hour = (hour - 1) % _NOON + 1 if hour else _NOON
    return f"{hour}" + (f":{minute:02}" if minute else "") + f" {half[0]}.m."


def _currency(found: re.Match[str]) -> str:
    many, more = (_amount(found[each]) for each in ("many", "more"))
    if found["to"]:
        return f"{found['from']}{many} to {found['to']}{more} {_CURRENCIES[found['sign']]}"
    return f"{found['from']}{many} {_CURRENCIES[found['sign']]}"


def _amount(written: str | None) -> str:
    written = (written or "").strip()
    return f" {_AMOUNTS.get(written, written)}" if written else ""


_AMOUNTS: Final = {"K": "thousand", "M": "million", "bn": "billion", "B": "billion"}


def _unit(found: re.Match[str]) -> str:
    number, unit = found[1], _UNITS[found[2]]
    if number == "1" and unit.endswith("s") and unit != "degrees Celsius":
        unit = unit.removesuffix("s") if "per" not in unit else unit
    return f"{number} {unit}"


def _latin_only(found: re.Match[str]) -> str:
    """Keep of a bracket what is not in Japanese letters and was not said just before it.

    (美祢市, Mine-shi) is Mine-shi; nothing is left of Edo IC (絵堂IC).
    """
    before = found.string[: found.start()]
    parts = (each.strip(" ,;/") for each in re.split(r"[぀-ヿ一-鿿々ー・]+", found[1]))
    rest = " ".join(
        each
        for each in parts
        if each and not re.search(rf"(?<![A-Za-z0-9]){re.escape(each)}(?![A-Za-z0-9])", before)
    )
    return f" ({rest})" if re.search("[A-Za-z0-9]", rest) else ""


_WORDS_TOO: Final = frozenset({"Mon", "Sat", "Sun", "Wed"})
_TIME_OF_DAY: Final = "mornings?|afternoons?|evenings?|nights?"
_ANOTHER: Final = rf"(?:{_DAY}|(?:(?:national|public)\s)?[Hh]olidays?)"
_DAY_AFTER: Final = re.compile(
    rf"(?:\s?(?:{_TO}|[/・&,])|\s(?:and|or|to|through))\s?{_ANOTHER}|[,:)]?\s?\(?\d|\)"
    rf"|[,:]\s?(?:[Cc]losed|[Oo]pen)|\s(?:only|{_TIME_OF_DAY})\b"
)
_DAY_BEFORE: Final = re.compile(
    r"(?:\d(?:st|nd|rd|th)|[Ff]irst|[Ss]econd|[Tt]hird|[Ff]ourth|[Ll]ast|\bif)\s$|"
    rf"(?:{_DAY})\.?(?:\s?(?:{_TO}|[/・&,])|\s(?:and|or|to|through))\s?$"
    r"|(?:[Cc]losed|[Oo]pen|[Oo]n|[Ee]very|[Ee]ach|[Ff]rom|[Uu]ntil|[Ee]xcept|days and)\s$"
)
_DAY_ENDS: Final = re.compile(
    rf"\s*$|[^\w\s]|\s\W|\s(?:and|or|to|through|only|from|until|in|at|if|except|of|is|{_TIME_OF_DAY})\b"
)


def _day(found: re.Match[str]) -> str:
    """Sun is a Sunday where days stand: not in Sun protection."""
    if found[1] in _WORDS_TOO:
        text, start, end = found.string, found.start(), found.end()
        told = _DAY_BEFORE.search(text, 0, start) and _DAY_ENDS.match(text, end)
        alone = not text[:start].strip() and not text[end:].strip()
        if not (told or alone or _DAY_AFTER.match(text, end)):
            return found[0]
    return _DAYS[found[1]]


def _month_range(found: re.Match[str]) -> str:
    return f"{_MONTH[found[1][:3]]} to {_MONTH[found[2][:3]]}"


_AT: Final = re.compile(r"(?:\b[Tt]el(?:ephone)?|\b[Pp]hone|\b[Cc]all)\b\W*$")
_NUMBERED: Final = re.compile(
    r"\b(?:Route|Highway|Road|Platform|Exit|Gate|Room|Line|Bus|[Nn]umbers?|Unit|Building|Lot)\s$"
)
_COUNTED_TRIPS: Final = re.compile(
    r"\s(?:times|(?:round |return )?trips|runs|services|departures|buses|trains)\b"
)
_MANY: Final = (  # not the letter of B&B, nor of a B course
    r"(?:\s?(?:thousand|million|billion|trillion|bn)\b"
    r"|[KMB]\b(?!\s?&)|\s[KMB]\b(?=\s*(?:$|[.,;)])))"
)
_FULL: Final = "|".join(_MONTHS)
_ANY_MONTH: Final = f"(?:{_FULL}|{_SHORT})"


def _range(found: re.Match[str]) -> str:
    """7-9 trips; not 4-29 Somebacho, an address, nor 62-0018, a telephone number."""
    low, high = found[1], found[2]
    counted = _COUNTED_TRIPS.match(found.string, found.end())
    if not counted and _NUMBERED.search(found.string, 0, found.start()):
        return found[0]
    ordered = float(low.replace(",", "")) < float(high.replace(",", ""))
    telephone = re.match(r"0\d", low) or re.match(r"0\d", high)
    if not ordered or telephone or _AT.search(found.string, 0, found.start()):
        return found[0]
    return f"{low} to {high}"


_NUMBER: Final = r"\d+(?:,\d{3})*(?:\.\d+)?"
_STEPS: Final = (
    step(r"(?<=\d)\s?[・·]\s?(?=\d)", ", "),
    step(r"(?<=\dF)\s?[・·]\s?(?=\d)", "/"),
    # the same name in Japanese letters
    step(r"\s*\(\s*(?=[^()]*[぀-ヿ一-鿿])([^()]*)\)",
          _latin_only),
    step(r"[぀-ヿ一-鿿々ー・]+", " "),
    *(step(rf"(?<![A-Za-z]){written}", said) for written, said in _WORDS.items()),
    step(r"(?<=\d)\s?[×xX✕]\s?(?=\d)", " by "),
    step(r"(?<![\d/])24/7(?:/365)?(?![\d/])", "24 hours a day, 7 days a week"),
    step(rf"(?<![\w-])(\d{{1,2}})F?\s?{_TO}\s?(\d{{1,2}})F\b", r"floors \1 to \2"),
    step(r"(?<![\w-])\d{1,2}F(?:\s?[/&]\s?\d{1,2}F)+\b", _floors),
    step(rf"(?<=\dF)\s?{_TO}\s?(?=B?\d{{1,2}}F\b)", " to "),
    step(r"(?<![\w-])B(\d{1,2})F\b", r"basement floor \1"),
    step(r"(?<![\w-])(\d{1,2})F\b", r"floor \1"),
    step(r"(?<=\d)\s?\+(?!\s?\d)", " or more"),
    step(r"(?<=\dth )c\.", "century"),
    step(r"(?<=[\dKMBn])\s*/\s*(?=(?:person|adult|child|day|night|car|hour|month|year|group)\b)",
          " per "),
    step(r"(?<=[A-Za-z0-9)])\s+/\s+(?=[A-Za-z0-9¥$])", ", "),
    step(rf"(?<=\S)\s*\((?!(?:{_DAY}|(?:Holi|[A-Z][a-z]+s?)day|{_ANY_MONTH})s?\b)"
          r"([A-Z][a-z]+ [a-z][^()]*)\)\s*\.?\s*$", r". \1."),
    # money
    step(rf"(?P<sign>[¥$€£₩])\s?(?P<from>{_NUMBER})(?P<many>{_MANY})?"
          rf"(?:\s?{_TO}\s?[¥$€£₩]?\s?(?P<to>{_NUMBER})(?P<more>{_MANY})?)?", _currency),
    step(rf"\bJPY\s?({_NUMBER})", r"\1 yen"),
    step(rf"({_NUMBER})\s?JPY\b", r"\1 yen"),
    step(r"(?<=[a-z])/(?=person|adult|child|day|night|car|hour|month|year|group)", " per "),
    # days and times
    step(r"(?<![\d/])(\d{4})[/.-](\d{1,2})[/.-](\d{1,2})(?![\d/])", _date),
    step(r"(?<![\d/.-])((?:19|20)\d{2})-(\d{2})(?![\d/-])", _year_month),
    step(r"(?<!\d)(?<!\d:)(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::\d{2})?(?![\d:])"
          r"(?:\s?(?P<half>[AaPp]\.?[Mm]\b\.?))?", _clock),
    step(r"(?<![\d:.])(\d{1,2})\s?([AaPp])\.?[Mm]\b\.?", lambda found:
          f"{found[1]} {found[2].casefold()}.m."),
    step(rf"\b({_DAY})\b\.?", _day),
    step(rf"\b({_ANY_MONTH})\b\.?(?:\s?{_TO}\s?|\s(?:to|through)\s)({_ANY_MONTH})\b\.?",
          _month_range),
    step(rf"\b({_SHORT})\b\.?(?=\s?\d|\s?[–—~〜-]\s?\d)", lambda found: _MONTH[found[1]]),
    step(rf"(?<=\d\s)({_SHORT})\b\.?", lambda found: _MONTH[found[1]]),
    step(rf"\b({_SHORT})\.", lambda found: _MONTH[found[1]]),
    step(rf"(?<=\d)\s?{_TO}\s?(?=(?:{_FULL})\b)", " to "),
    step(rf"\b({_FULL})\s?{_TO}\s?(?=\d{{1,2}}\s(?:{_FULL})\b)", r"\1 to "),
    step(rf"\b({_FULL})\s(\d{{1,2}})\s?{_TO}\s?(?=\d{{1,2}}(?![\d:/-]))", r"\1 \2 to "),
    step(rf"(?<=day)\s?{_TO}\s?(?=[A-Z][a-z]+day)", " to "),
    step(r"(?<=day)s?\s?[/・&]\s?(?=[A-Z][a-z]+day|holidays)", ", "),
    # from and to
    step(r"(?<=\d)\s?[–—―−~〜]\s?(?=\d)|(?<=m\.)\s?[–—―−~〜-]\s?(?=\d)", " to "),
    step(rf"(?<![\d-])(\d{{1,5}})-(?=\d{{1,5}}\s?(?:{_UNIT}|yen|people|years?|days?|minutes?|hours?"
          r"|nights?|persons?|meters|kilometers)\b)", r"\1 to "),
    step(rf"(?<![\w-])(?<!\d[.,])({_NUMBER})-({_NUMBER})(?=\s+(?:[a-z]|(?:{_FULL})\b)|\s?[%°])",
          _range),
    step(r"(?<=[A-Za-z])\s?[~〜]\s?(?=[A-Za-z\d])", " to "),
    step(r"\s[–—―]\s", ", "),
    step(r"(?<=[a-z])[–—](?=[A-Z])", " to "),
    step(r"[~〜](?=\s?\d)", "about "),
    step(r"[~〜]", " "),
    # units
    step(rf"({_NUMBER})\s?({_UNIT})(?![A-Za-z0-9])", _unit),
    step(r"(?<![\w.-])[-−](?=\d)", "minus "),
    step(r"\+(?=\d)", "plus "),
    step(r"\s?&\s?", " and "),
    step(r"\s?[→⇒➡]\s?", " to "),
    step(r"(?<=[A-Za-z])\s?/\s?(?=[A-Za-z])", " or "),
    step(r"[#*_`^|\\<>=\[\]{}“”„\"«»※★☆●○◎◆◇■□▲△▼▽♪♨†‡§¶©®™「」『』【】]+", " "),
    step(r"\s*[()]+\s*", ", "),
    step(r"\s*[:;](?!\d)\s*", ", "),
    step(r"(?:\.\.\.|…)+", ","),
    step(r"[、，]", ", "),
    step(r"。", ". "),
    step(r"\s+", " "),
    step(r"\s+(?=[,.!?])", ""),
    step(r",(?:\s*,)+", ","),
    step(r",\s*(?=[.!?]|$)", ""),
    step(r"\.{2,}", "."),
    step(r"(?<!\.m\.)(?<=[.!?])\s*,\s*", " "),
)  # fmt: skip
