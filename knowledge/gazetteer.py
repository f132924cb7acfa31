"""Gazetteer: what a town's people and visitors call its places, beside the names in the guides.

A file ``gazetteer.toml`` in the town's folder, which may be missing::

    [[name]]
    name = "青山洞"                # as the guides call it, or a place that they only mention
    reading = "あおやまどう"        # kana, as it is said here
    also = ["青山の洞窟"]          # other names, in Japanese
    romaji = ["Aoyama-do"]
    en = ["Aoyama Cave"]
    zh-Hant = ["青山洞窟"]
    zh-Hans = ["青山洞窟"]
    ko = ["아오야마 동굴"]

    [readings]                     # of words that nobody asks by name, for voices
    "青山町" = "あおやまちょう"

    [[synonym]]
    words = ["役場", "市役所"]     # mean the same in this town; a question with one finds both

The names of ``glossary.toml`` beside it are heard as well, in every language that they have there.

A mistake never stops the rest: it becomes a `Problem` with file, line and remedy.
"""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from knowledge.glossary import glossary
from knowledge.lexicon import lexicon
from knowledge.passage import Problem
from knowledge.places import Place
from knowledge.text import clean, fold, is_kana

MAX_BYTES = 1_000_000
MAX_ENTRIES = 10_000
LONGEST = 100  # characters of a name or word
_LISTS = ("also", "romaji", "en", "zh-Hant", "zh-Hans", "ko")
_ERROR_LINE = re.compile(r"\(at line (\d+)")


@dataclass(frozen=True, slots=True)
class Entry:
    """One place with all that it is called."""

    name: str
    reading: str | None
    others: tuple[str, ...]
    told: bool = False  # it is from the glossary, which also holds what guides only mention


@dataclass(frozen=True, slots=True)
class Gazetteer:
    """The names of one town, and the words that mean the same there."""

    entries: tuple[Entry, ...] = ()
    synonyms: tuple[tuple[str, ...], ...] = ()
    problems: tuple[Problem, ...] = ()
    readings: tuple[tuple[str, str], ...] = ()
    """Words and their kana, which are only said: they lead to no passage."""


def read_gazetteer(path: Path) -> Gazetteer:
    """Read a gazetteer and the names of the glossary beside it; either may be missing.

    What the glossary holds wrongly is reported where the glossary is read for its own sake.
    """
    own = _read(path)
    named = {each.name for each in own.entries}
    told = (each for each in _told(path.parent) if each.name not in named)
    return replace(own, entries=(*own.entries, *told))


def with_places(gazetteer: Gazetteer, places: Iterable[Place]) -> Gazetteer:
    """Return a gazetteer with the facilities of open-data tables; its own entries win.

    One called after what can be asked about (トイレ, 駐車場) is left out: as a name it would hide
    the question.
    """
    named = {each.name for each in gazetteer.entries}
    topics = lexicon().topics
    entries = {
        each.name: Entry(each.name, each.kana, tuple(each.names.values()))
        for each in places
        if each.name not in named and fold(each.name) not in topics
    }
    return replace(gazetteer, entries=(*gazetteer.entries, *entries.values()))


def _told(folder: Path) -> Iterator[Entry]:
    """Yield the names of the glossary but for addresses, which nobody asks by name."""
    known = glossary(folder)
    for name, words in known.names.items():
        if not any(each.isdecimal() for each in name):
            yield Entry(name, known.readings.get(name), tuple(dict.fromkeys(words)), told=True)


def _read(path: Path) -> Gazetteer:
    reader = _Reader(path.name)
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return Gazetteer()
    except OSError as error:
        reader.problem(1, f"the file cannot be read: {error.strerror}", "check its permissions")
        return reader.gazetteer({})
    if len(content) > MAX_BYTES:
        reader.problem(1, f"the file is larger than {MAX_BYTES:,} bytes", "keep names only")
        return reader.gazetteer({})
    try:
        reader.lines = (text := content.decode("utf-8-sig")).splitlines()
        return reader.gazetteer(tomllib.loads(text))
    except UnicodeDecodeError:
        reader.problem(1, "the file is not UTF-8", "save it as UTF-8")
    except tomllib.TOMLDecodeError as error:
        at = _ERROR_LINE.search(str(error))
        line = int(at[1]) if at else max(len(reader.lines), 1)
        reader.problem(line, f"this is no TOML: {error}", 'write name = "…" below [[name]]')
    return reader.gazetteer({})


class _Reader:
    def __init__(self, file: str) -> None:
        self.file = file
        self.lines: list[str] = []
        self.problems: list[Problem] = []
        self._heads: dict[str, int] = {}

    def problem(self, line: int, message: str, remedy: str) -> None:
        self.problems.append(Problem(self.file, line, message, remedy))

    def gazetteer(self, tables: Mapping[str, object]) -> Gazetteer:
        for key in tables.keys() - {"name", "synonym", "readings"}:
            remedy = "write [[name]], [[synonym]] or [readings]"
            self.problem(self._line_of(key), f"unknown table {key}", remedy)
        entries: dict[str, Entry] = {}
        for line, table in self._tables(tables, "name"):
            if (entry := self._entry(table, line)) is None:
                continue
            if entry.name in entries:
                what = f"{entry.name} stands here a second time"
                self.problem(line, what, "put all its names below one [[name]]")
                continue
            entries[entry.name] = entry
        readings = tuple(self._readings(tables.get("readings", {})))
        synonyms = [self._synonym(table, line) for line, table in self._tables(tables, "synonym")]
        return Gazetteer(
            tuple(entries.values()),
            tuple(each for each in synonyms if each is not None),
            tuple(self.problems),
            readings,
        )

    def _readings(self, table: object) -> Iterator[tuple[str, str]]:
        if not isinstance(table, Mapping):
            self.problem(self._line_of("readings"), "readings is no table", "write [readings]")
            return
        for word, kana in list(table.items())[:MAX_ENTRIES]:
            said, reading = self._text(word), self._text(kana)
            if said and reading and all(map(is_kana, fold(reading))):
                yield said, reading
            else:
                what = f"{word}: the reading is not kana"
                self.problem(self._line_of(str(word)), what, "write it in hiragana")

    def _tables(
        self, tables: Mapping[str, object], key: str
    ) -> Iterator[tuple[int, Mapping[str, object]]]:
        """Yield the tables of an array with the lines on which they begin."""
        found = tables.get(key, [])
        if not isinstance(found, list):
            self.problem(self._line_of(key), f"{key} is no list", f"write [[{key}]]")
            return
        begin = re.compile(rf"\s*\[\[\s*{key}\s*\]\]")
        lines = [number for number, each in enumerate(self.lines, 1) if begin.match(each)]
        for number, table in enumerate(found[:MAX_ENTRIES]):
            line = lines[number] if number < len(lines) else 1
            if isinstance(table, dict):
                yield line, table
        if len(found) > MAX_ENTRIES:
            what = f"more than {MAX_ENTRIES:,} entries; the rest is left out"
            self.problem(1, what, "keep the names that people use")

    def _entry(self, table: Mapping[str, object], line: int) -> Entry | None:
        name = self._text(table.get("name"))
        if not name:
            self.problem(line, "an entry has no name", 'write name = "…"')
            return None
        for key in table.keys() - {"name", "reading", *_LISTS}:
            known = ", ".join(("name", "reading", *_LISTS))
            self.problem(line, f"{name}: unknown key {key}", f"write one of {known}")
        reading = self._text(table.get("reading"))
        if reading is not None and not all(map(is_kana, fold(reading))):
            self.problem(line, f"{name}: the reading is not kana", "write it in hiragana")
            reading = None
        others = [each for key in _LISTS for each in self._texts(table, key, name, line)]
        return Entry(name, reading, tuple(dict.fromkeys(others)))

    def _synonym(self, table: Mapping[str, object], line: int) -> tuple[str, ...] | None:
        words = tuple(dict.fromkeys(self._texts(table, "words", "synonym", line)))
        if len(words) > 1:
            return words
        self.problem(line, "a synonym needs two words", 'write words = ["…", "…"]')
        return None

    def _texts(self, table: Mapping[str, object], key: str, name: str, line: int) -> Iterator[str]:
        values = table.get(key, [])
        for each in values if isinstance(values, list) else [values]:
            if text := self._text(each):
                yield text
            else:
                what = f"{name}: {key} holds what is no name of at most {LONGEST} characters"
                self.problem(line, what, f'write {key} = ["…"]')

    @staticmethod
    def _text(value: object) -> str | None:
        if not isinstance(value, str):
            return None
        text = clean(value)
        return text if 0 < len(text) <= LONGEST else None

    def _line_of(self, key: str) -> int:
        return next((number for number, each in enumerate(self.lines, 1) if key in each), 1)
