"""Rows: the fact rows about one sight, each with what its item says besides the sight's name.

A row of a table on 秋芳洞 may be about its car park or its restaurant. What is left of the item
once the name is taken out tells: 「受付時間」 is the sight's own, 「レストランの時間」 is not.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import wraps
from typing import TypeVar
from weakref import WeakKeyDictionary

from knowledge.language import Language
from knowledge.names import Name, squeeze
from knowledge.passage import Kind, Passage, Status
from knowledge.retrieval.index import Index
from knowledge.text import clean, hiragana_to_katakana, is_han, without_ruby

T = TypeVar("T")
_OPTIONAL = " -・'"  # as `squeeze` leaves out


@dataclass(frozen=True, slots=True)
class Row:
    """One fact about a sight."""

    passage: Passage
    subject: str  # as the item names it: "Akiyoshido Cave (秋芳洞)"
    rest: str  # what else the item says, without readings in brackets

    @property
    def unconfirmed(self) -> bool:
        return self.passage.status is Status.UNCONFIRMED


def kept(read: Callable[[Index, Name, Language], T]) -> Callable[[Index, Name, Language], T]:
    """Read each sight once in each language. An index that is replaced takes its readings along."""
    memory: WeakKeyDictionary[Index, dict[tuple[Name, Language], T]] = WeakKeyDictionary()

    @wraps(read)
    def once(index: Index, name: Name, language: Language = Language.JA) -> T:
        known = memory.setdefault(index, {})
        if (name, language) not in known:
            known[name, language] = read(index, name, language)
        return known[name, language]

    return once


@kept
def rows(index: Index, name: Name, language: Language) -> tuple[Row, ...]:
    """Return the rows about a sight in one language, without those of the past."""
    found = (_row(index, name, each) for each in _facts(index, language))
    return tuple(each for each in found if each is not None)


def _facts(index: Index, language: Language) -> Iterator[Passage]:
    for each in index.library.passages:
        if each.kind is Kind.FACT and each.language is language and each.status is not Status.OLD:
            yield each


def _row(index: Index, name: Name, passage: Passage) -> Row | None:
    """Return the row if its item begins with the sight, or its table is the sight's own."""
    item = clean(without_ruby(passage.item or ""))
    squeezed = squeeze(item)
    if passage.facility != name.facility and not any(each in squeezed for each in name.others):
        return None
    held = index.names.held(item)
    spans = list(_spans(item, name, passage.language, held))
    if not spans:
        bare = passage.facility == name.facility and not held
        return Row(passage, name.facility, item) if bare else None
    if _beside(name, held, passage.language):
        return None
    start = spans[0][0]
    before = squeeze(item[:start])
    foreign = passage.language not in {Language.JA, Language.JA_EASY}
    if before not in {"", index.names.town} and not (foreign and item[: start + 1].endswith("(")):
        return None
    end = _after_brackets(item, spans)
    rest = item[end:]
    others = held - name.others - {name.surface}
    if any(squeeze(each) in others for each in re.findall(r"\(([^()]*)\)", rest)):
        return None  # a longer name begins with this one: 秋吉臺科學博物館(秋吉台科学博物館)
    subject = item[:end].strip()
    if passage.language is Language.JA_EASY:
        subject = _with_ruby(passage.item or "", subject)
    return Row(passage, subject, re.sub(r"^\s{0,3}[:：の]\s{0,3}", "", rest).strip())


def _beside(name: Name, held: frozenset[str], language: Language) -> bool:
    """Whether an item adds in kanji which thing at the same place it means: Kiku no Yu (菊の湯)."""
    if language.japanese or language.chinese or name.surface in held:
        return False
    own = squeeze(name.facility)
    written = {each for each in held & name.others if any(map(is_han, each))}
    return bool(written) and not any(own in each or each in own for each in written)


def _with_ruby(item: str, subject: str) -> str:
    """Return the beginning of an item that reads as the subject, with its readings."""
    shown = clean(item)
    ends = (end for end in range(len(shown), 0, -1) if without_ruby(shown[:end]) == subject)
    return shown[: next(ends, 0)].strip() or subject


def _after_brackets(item: str, spans: list[tuple[int, int]]) -> int:
    """Return where the name ends, with its spelling in another script: カルスター(Karstar)."""
    end = spans[0][1]
    for start, stop in spans[1:]:
        bracketed = item[start - 1] == "(" and item[stop : stop + 1] == ")"
        if bracketed or set(item[end:start]) <= {" ", "(", ")", "/", "・"}:
            end = stop
    return end + 1 if item[end : end + 1] == ")" and "(" in item[:end] else end


def _spans(
    item: str, name: Name, language: Language, held: frozenset[str]
) -> Iterator[tuple[int, int]]:
    """Yield where the sight's names stand, in reading order, none inside another.

    `held` are the names in the item, of which the longer hides the shorter at the same place.
    """
    folded = hiragana_to_katakana(item.casefold())
    if len(folded) != len(item):
        return
    positions = [at for at, each in enumerate(folded) if each not in _OPTIONAL]
    squeezed = "".join(folded[at] for at in positions)
    taken: list[tuple[int, int]] = []
    for surface in sorted(held.intersection(_surfaces(name, language)), key=len, reverse=True):
        start = squeezed.find(surface)
        while start >= 0:
            stop = start + len(surface)
            if all(stop <= first or last <= start for first, last in taken):
                taken.append((start, stop))
            start = squeezed.find(surface, stop)
    for start, stop in sorted(taken):
        yield positions[start], positions[stop - 1] + 1


def _surfaces(name: Name, language: Language) -> Iterator[str]:
    """Yield the names that mean the sight itself.

    An alias in kanji that shares nothing with the facility's name may be another thing at the same
    place (a bath in a roadside station): it counts only if it is what the asker called it.
    """
    own = squeeze(name.facility)
    yield own
    for each in name.others | {name.surface}:
        written_elsewhere = not any(map(is_han, each)) or language not in {
            Language.JA,
            Language.JA_EASY,
        }
        if each == name.surface or own in each or each in own or written_elsewhere:
            yield each
