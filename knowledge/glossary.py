"""Glossary: how names and terms of the guides read in the languages of visitors.

Terms that every town shares are in ``knowledge/glossary.toml``; a town adds its own names and
terms, and overrides the shared ones, in ``glossary.toml`` beside its guides. An entry is a word, or
a template whose slots stand for what varies::

    "入口" = { en = "entrance", zh-Hant = "入口", zh-Hans = "入口", ko = "입구" }
    "{n}円" = { en = "{n} yen", zh-Hant = "{n}日圓", zh-Hans = "{n}日元", ko = "{n}엔" }

Slots ``n m k`` hold a number, ``y z`` a year, ``t u`` a time of day, ``p q`` a month, all others
any phrase that is itself covered. A name may have its `reading`, for ruby.

What is wrong with an entry is returned as a problem with its line; the entry is left out, and a row
that needs it is quoted in Japanese.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from knowledge.figures import Figure, FigureKind, figures
from knowledge.language import Language
from knowledge.passage import Problem
from knowledge.text import clean, is_kana

FOREIGN: Final = (Language.EN, Language.ZH_HANT, Language.ZH_HANS, Language.KO)
"""The languages into which rows are put, in the order of `Words`."""
Words = tuple[str, str, str, str]
"""The same words in each language of `FOREIGN`."""

FILE: Final = "glossary.toml"
MAX_BYTES: Final = 500_000
MAX_ENTRIES: Final = 5_000
MAX_CHARACTERS: Final = 200
NAMES, TERMS = "names", "terms"
SLOT: Final = re.compile(r"\{(\w+)\}")
_KANA: Final = re.compile("[ぁ-ゖァ-ヺ]")
_KINDS: Final = {
    **dict.fromkeys("nmk", r"\d[\d,]*(?:\.\d+)?"),
    **dict.fromkeys("yz", r"\d{4}"),
    **dict.fromkeys("tu", r"\d{1,2}:\d{2}"),
    **dict.fromkeys("pq", r"1[0-2]|[1-9]"),
}
MONTHS: Final = "pq"
VERBATIM: Final = frozenset("nmkyztupq")
"""Slots whose content is taken over as it is; months are named in English."""


@dataclass(frozen=True, slots=True)
class Template:
    """An entry with slots; `shortest` and `longest` differ in how much a first phrase takes."""

    literals: tuple[str, ...]  # what must stand in a text for the template to fit
    shortest: re.Pattern[str]
    longest: re.Pattern[str]
    words: Words


@dataclass(frozen=True, slots=True)
class Glossary:
    """The entries of the product and of one town."""

    names: Mapping[str, Words]
    terms: Mapping[str, Words]
    templates: tuple[Template, ...]  # in the order of the files, a town's first
    readings: Mapping[str, str]  # of names, in hiragana
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class _Read:
    names: Mapping[str, Words]
    terms: Mapping[str, Words]
    readings: Mapping[str, str]
    problems: tuple[Problem, ...]


def glossary(folder: Path | None = None) -> Glossary:
    """Read the product's glossary and that of the town in `folder`, if it has one."""
    shared = _shared()
    path = folder / FILE if folder is not None else None
    own = _file(path) if path is not None and path.is_file() else _Read({}, {}, {}, ())
    terms = {**own.terms, **{k: v for k, v in shared.terms.items() if k not in own.terms}}
    return Glossary(
        names={**shared.names, **own.names},
        terms={key: words for key, words in terms.items() if "{" not in key},
        templates=tuple(_template(key, words) for key, words in terms.items() if "{" in key),
        readings={**shared.readings, **own.readings},
        problems=(*shared.problems, *own.problems),
    )


@cache
def _shared() -> _Read:
    return _entries(files("knowledge").joinpath(FILE).read_text("utf-8"), FILE)


def _file(path: Path) -> _Read:
    if path.stat().st_size > MAX_BYTES:
        remedy = f"keep it below {MAX_BYTES:,} bytes"
        return _Read({}, {}, {}, (Problem(path.name, 1, "the glossary is too large", remedy),))
    try:
        return _entries(path.read_text("utf-8"), path.name)
    except UnicodeDecodeError:
        what, remedy = "the glossary is not UTF-8", "save it as UTF-8 without BOM"
        return _Read({}, {}, {}, (Problem(path.name, 1, what, remedy),))


def _entries(text: str, file: str) -> _Read:
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        where = re.search(r"line (\d+)", str(error))
        remedy = 'write entries as "入口" = { en = "entrance", … }, each on one line'
        line = int(where[1]) if where else 1
        return _Read({}, {}, {}, (Problem(file, line, f"not TOML: {error}", remedy),))
    problems: list[Problem] = []
    tables: dict[str, dict[str, Words]] = {NAMES: {}, TERMS: {}}
    readings: dict[str, str] = {}
    for table, key, entry in _listed(raw, file, problems):
        if wrong := _wrong(table, key, entry):
            problems.append(Problem(file, _line(text, key), f"{key}: {wrong[0]}", wrong[1]))
            continue
        en, hant, hans, ko = (str(entry[each]) for each in FOREIGN)
        tables[table][clean(key)] = (en, hant, hans, ko)
        if "reading" in entry:
            readings[clean(key)] = entry["reading"]
    return _Read(tables[NAMES], tables[TERMS], readings, tuple(problems))


def _listed(
    raw: Mapping[str, Any], file: str, problems: list[Problem]
) -> Iterator[tuple[str, str, Any]]:
    """Yield table, key and entry, as far as the file holds what a glossary may hold."""
    count = 0
    for table, entries in raw.items():
        if table not in {NAMES, TERMS} or not isinstance(entries, Mapping):
            remedy = f"put every entry below [{NAMES}] or [{TERMS}]"
            problems.append(Problem(file, 1, f"unknown table: {table}", remedy))
            continue
        for key, entry in entries.items():
            count += 1
            if count > MAX_ENTRIES:
                remedy = "leave out what no guide mentions"
                problems.append(Problem(file, 1, f"more than {MAX_ENTRIES:,} entries", remedy))
                return
            yield table, key, entry


def _wrong(table: str, key: str, entry: Any) -> tuple[str, str] | None:
    """Return what is wrong with an entry, and its remedy."""
    example = f'write "{key}" = {{ en = "…", zh-Hant = "…", zh-Hans = "…", ko = "…" }}'
    if not isinstance(entry, Mapping):
        return "no translations", example
    if unknown := sorted(set(entry) - {*FOREIGN, "reading"}):
        return f"unknown language {', '.join(unknown)}", example
    for language in FOREIGN:
        words = entry.get(language)
        if not isinstance(words, str) or not clean(words):
            return f"{language} is missing", example
        if wrong := _wrong_words(key, language, words):
            return f"{language} {wrong[0]}", wrong[1]
    reading = entry.get("reading")
    if reading is not None and not (isinstance(reading, str) and all(map(is_kana, reading))):
        return "the reading is not kana", 'write it in hiragana: reading = "あきよしどう"'
    if table == NAMES and "{" in key:
        return "a name has no slots", f"move it below [{TERMS}]"
    return None


def _wrong_words(key: str, language: Language, words: str) -> tuple[str, str] | None:
    if len(words) > MAX_CHARACTERS or len(key) > MAX_CHARACTERS:
        return f"is longer than {MAX_CHARACTERS} characters", "shorten it"
    if sorted(SLOT.findall(words)) != sorted(SLOT.findall(key)):
        return "has other slots than the Japanese", "use each {slot} of the Japanese once"
    if _KANA.search(words):
        return "holds kana", "write it in the letters of the language"
    if stated(_sample(words, english=language is Language.EN)) != stated(_sample(key)):
        return "states other figures than the Japanese", "write the same figures"
    return None


_SAMPLES: Final = {
    "n": "12",
    "m": "14",
    "k": "16",
    "y": "2019",
    "z": "2021",
    "t": "8:30",
    "u": "9:45",
    "p": "3",
    "q": "5",
}


def _sample(text: str, *, english: bool = False) -> str:
    """Fill the slots, so that the figures of the whole can be compared."""

    def fill(slot: re.Match[str]) -> str:
        words = _SAMPLES.get(slot[1], "X")
        return month(words) if english and slot[1] in MONTHS else words

    return SLOT.sub(fill, text)


_MONTH: Final = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)
_LONE_MONTH: Final = re.compile(rf"(?<!\d )\b({'|'.join(_MONTH)})\b(?!\s+\d)")


def month(number: str) -> str:
    """Return the English name of a month: "3" is March."""
    return _MONTH[int(number) - 1]


def stated(text: str) -> frozenset[Figure]:
    """Return the figures of a text as far as translations have to agree in them.

    An English month alone counts as a date. A year alone is a number in English, 2日券 a 2-day
    pass, and what follows a number differs between languages; "a day" is 1日, so a bare 1 is left
    out.
    """
    spread = _MONTHS_TOGETHER.sub(r"\1月・", text)
    numbered = _LONE_MONTH.sub(lambda found: f"{_MONTH.index(found[1]) + 1}月 ", spread)
    return frozenset(map(_bare, figures(numbered))) - {Figure(FigureKind.NUMBER, "1")}


_MONTHS_TOGETHER: Final = re.compile(r"(?<!\d)(\d{1,2})[・·、](?=\d{1,2}[月월])")


def _bare(figure: Figure) -> Figure:
    """Make a number of what only its unit tells from one: a year, days, things counted."""
    year = figure.kind is FigureKind.DATE and figure.value.isdigit()
    long = figure.kind is FigureKind.DURATION and not figure.value.startswith("minute")
    if year or long or figure.kind is FigureKind.COUNT:
        return Figure(FigureKind.NUMBER, figure.value.rpartition(" ")[2])
    return figure


def _line(text: str, key: str) -> int:
    for number, line in enumerate(text.splitlines(), start=1):
        if line.lstrip().startswith((f'"{key}"', f"'{key}'", f"{key} ")):
            return number
    return 1


def _template(key: str, words: Words) -> Template:
    parts = SLOT.split(key)
    literals = tuple(each for each in parts[::2] if each)
    return Template(literals, _expression(parts, ".+?"), _expression(parts, ".+"), words)


def _expression(parts: list[str], phrase: str) -> re.Pattern[str]:
    return re.compile(
        "".join(
            f"(?P<{part}>{_KINDS.get(part, phrase)})" if position % 2 else re.escape(part)
            for position, part in enumerate(parts)
        )
    )
