"""Sights: how long a visit takes, whom and what weather a sight suits, as the guides state it.

A sight suits a need only if a row or a sentence says so without a warning; what is said of it
beyond that (「約400mは段差なし」) is quoted with the plan.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from knowledge.figures import FigureKind, figures
from knowledge.language import Language
from knowledge.lexicon import lexicon
from knowledge.passage import Kind, Passage, Status
from knowledge.retrieval.index import Index
from knowledge.text import clean, fold, sentences, without_ruby
from knowledge.travel.ways import longest
from knowledge.travel.words import pattern, says

MOST_MINUTES = 300  # of one visit; what takes longer is a day of its own


class Need(StrEnum):
    """What a plan has to suit."""

    RAIN = "rain"
    WHEELCHAIR = "wheelchair"
    STROLLER = "stroller"
    CHILDREN = "children"


@dataclass(frozen=True, slots=True)
class Stay:
    """How long a visit takes: the longest time of the range that the guides state."""

    facility: str
    minutes: int
    passage: Passage


@dataclass(frozen=True, slots=True)
class Sights:
    """What one library says of its sights."""

    stays: Mapping[str, Stay]
    suits: Mapping[Need, Mapping[str, Passage]]
    cautions: Mapping[Need, Mapping[str, Passage]]  # rows that warn: 大雨のときの規制
    food: Mapping[str, Passage] = field(default_factory=dict)  # rows about eating at a sight


def read_sights(index: Index) -> Sights:
    """Read all of it from the Japanese passages, which the other languages' are made from."""
    readers = {need: _Reader(index, need) for need in Need}
    return Sights(
        stays=_stays(index),
        suits={need: each.suits() for need, each in readers.items()},
        cautions={need: each.cautions() for need, each in readers.items()},
        food=_food(index),
    )


def _passages(index: Index) -> Iterator[tuple[int, Passage]]:
    for number, each in enumerate(index.library.passages):
        if each.language is Language.JA and each.status is not Status.OLD:
            yield number, each


def _facility(index: Index, number: int) -> str | None:
    """Return the one sight that a row is about."""
    facility = index.names.subject(index.labels[number])
    return facility if facility in index.sights else None


def _stays(index: Index) -> dict[str, Stay]:
    """Return the stays by facility; a confirmed row goes before one that is not."""
    item, beside = pattern("stay", "item"), pattern("stay", "beside")
    stays: dict[str, Stay] = {}
    for number, each in _passages(index):
        facility = _facility(index, number)
        shown = fold(without_ruby(each.item or ""))
        if facility is None or not item.search(shown) or beside.search(shown):
            continue
        minutes = longest(each.value or "")
        if minutes is None or not 0 < minutes <= MOST_MINUTES:
            continue
        known = stays.get(facility)
        if known is None or (_unsure(known.passage), -known.minutes) > (_unsure(each), -minutes):
            stays[facility] = Stay(facility, minutes, each)
    return stays


def _unsure(passage: Passage) -> bool:
    return passage.status is Status.UNCONFIRMED


def _food(index: Index) -> dict[str, Passage]:
    found: dict[str, Passage] = {}
    for number, each in _passages(index):
        if each.kind is not Kind.FACT or each.status is Status.UNCONFIRMED:
            continue
        item = without_ruby(each.item or "")
        if "food" in lexicon().named(item) or "food" in lexicon().named(each.value or ""):
            facility = _facility(index, number)
            if facility is not None and index.names.held(item):
                found.setdefault(facility, each)
    return found


def _events(index: Index) -> set[str]:
    """Return what happens at some time of the year and is no place to go to on any day."""
    return {
        each.facility
        for each in index.library.documents
        if each.facility and "event" in lexicon().named(f"{each.facility} {each.title}")
    }


def named(need: Need, text: str) -> bool:
    """Whether a text names a need."""
    if need in {Need.CHILDREN, Need.RAIN}:
        return says("plan", need.value, text)
    return need.value in lexicon().named(text)


class _Reader:
    """Reads what suits one need."""

    def __init__(self, index: Index, need: Need) -> None:
        self._index = index
        self._need = need
        self._negative = pattern("suits", "negative")

    def suits(self) -> dict[str, Passage]:
        """Return by facility what says that it suits, rows before sentences."""
        found: defaultdict[str, list[tuple[int, Passage]]] = defaultdict(list)
        refused: set[str] = set()
        for number, each in _passages(self._index):
            if each.kind is Kind.FACT:
                worth = self._row(number, each)
                if (facility := _facility(self._index, number)) and worth is not None:
                    found[facility].append((worth, each))
                    if worth < 0:
                        refused.add(facility)
                continue
            for facility in self._said(each):
                found[facility].append((1, each))
        refused |= _events(self._index)
        return {
            facility: max(rows, key=lambda each: each[0])[1]
            for facility, rows in found.items()
            if facility not in refused
        }

    def cautions(self) -> dict[str, Passage]:
        """Return by facility a row that names the need and warns."""
        found: dict[str, Passage] = {}
        for number, each in _passages(self._index):
            facility = _facility(self._index, number)
            if each.kind is not Kind.FACT or not self._names(each.item or ""):
                continue
            if facility and self._warns(f"{each.value} {each.note or ''}"):
                found.setdefault(facility, each)
        return found

    def _row(self, number: int, passage: Passage) -> int | None:
        """Return how much a row says: 2 by itself, 1 by its heading, -1 against it."""
        by_itself = self._need in {Need.WHEELCHAIR, Need.STROLLER}
        if self._names(passage.item or ""):
            if not by_itself or "parking" in self._index.concepts[number]:
                return None
            return -1 if self._warns(passage.value or "") else 2
        if by_itself or "price" in self._index.concepts[number] or not self._asked_above(passage):
            return None
        return None if self._warns(passage.value or "") else 1

    def _said(self, passage: Passage) -> Iterator[str]:
        """Yield the sights of sentences that say that they suit."""
        above = self._asked_above(passage)
        for sentence in sentences(without_ruby(passage.text)):
            priced = "price" in lexicon().named(sentence) or any(
                each.kind is FigureKind.MONEY for each in figures(sentence)
            )
            if priced or self._warns(sentence) or not self._names(sentence):
                continue
            surfaces = self._index.names.held(sentence)
            facilities = {self._index.names.subject(frozenset({each})) for each in surfaces}
            if above or passage.facility in facilities:
                yield from (each for each in facilities if each in self._index.sights)

    def _asked_above(self, passage: Passage) -> bool:
        above = passage.headings[-1] if passage.headings else passage.title
        return self._names(above)

    def _names(self, text: str) -> bool:
        return named(self._need, clean(without_ruby(text)))

    def _warns(self, text: str) -> bool:
        return self._negative.search(fold(text)) is not None
