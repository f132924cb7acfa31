"""Conflicts: the same item of the same facility with different current values in two documents.

Precise rather than complete, so that staff read the list: only facts are compared, and two values
conflict only if they differ in their figures, or as yes and no, while everything else about them
(item, wording, conditions) is the same. Values of which one says all that the other does agree.
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

from knowledge.figures import figures
from knowledge.forms import read
from knowledge.library import Library
from knowledge.passage import Kind, Passage, Status
from knowledge.text import fold, without_ruby

_YES = ("アリ", "有", "可", "デキマス", "yes", "available")
_NO = ("ナシ", "無シ", "不可", "デキマセン", "アリマセン", "no", "none", "not available")
_FILLING = re.compile(r"[\d\s、。,.・:()「」~〜\-ー約オヨソデスマスハノがヲ円/]+")
_WEEKDAY = re.compile("([月火水木金土日])曜日?")
_JOINTS = re.compile(r"[\sノハ・、,:/()「」『』]+")
_PHONE = "電話番号"
_SAME = {"電話": _PHONE, "tel": _PHONE, "デンワ": _PHONE, "デンワバンゴウ": _PHONE}
_SHORTEST = 4  # characters of an item and its facility: "fee" says of nothing in particular


@dataclass(frozen=True, slots=True)
class Statement:
    """One document's value."""

    value: str
    document: str
    as_of: str | None
    passage: str  # its id


@dataclass(frozen=True, slots=True)
class Conflict:
    """Documents disagree, and none of them says that its value is old."""

    facility: str | None
    item: str
    statements: tuple[Statement, ...]  # one a document, the newest first


@dataclass(frozen=True, slots=True)
class _Fact:
    item: str
    value: str
    note: str | None
    passage: Passage


def conflicts(library: Library) -> tuple[Conflict, ...]:
    """List what documents say differently, in the order in which it was read."""
    groups: dict[tuple[str, str], list[_Fact]] = defaultdict(list)
    for fact in _facts(library):
        item = _item(fact.item, fact.passage.facility or "")
        if len(item) >= _SHORTEST:
            language = "ja" if fact.passage.language.japanese else fact.passage.language
            groups[language, item].append(fact)
    return tuple(found for facts in groups.values() if (found := _compared(facts)) is not None)


def _facts(library: Library) -> Iterator[_Fact]:
    for passage in library.passages:
        current = passage.status is Status.CURRENT and passage.kind is Kind.FACT
        if current and passage.item and passage.value:
            yield _Fact(passage.item, passage.value, passage.note, passage)
    by_id = {each.id: each for each in library.passages}
    for place in library.places:
        if place.phone and (stated := by_id.get(place.passage)) is not None:
            yield _Fact(f"{place.name} {_PHONE}", place.phone, None, stated)


def _item(item: str, facility: str) -> str:
    """Name an item with its facility: 大人の入洞料 of 水城洞 and 水城洞 大人の入洞料 are one."""
    folded, name = fold(without_ruby(item)), fold(facility)
    bare = _JOINTS.sub("", folded.replace(name, "") if len(name) > 1 else folded)
    for word, usual in _SAME.items():
        if bare.endswith(word):
            bare = bare.removesuffix(word) + usual
            break
    return bare and _JOINTS.sub("", name) + bare


def _compared(facts: list[_Fact]) -> Conflict | None:
    differing: dict[str, _Fact] = {}
    for one, other in combinations(facts, 2):
        if one.passage.document != other.passage.document and _differ(one, other):
            differing.setdefault(one.passage.document, one)
            differing.setdefault(other.passage.document, other)
    if not differing:
        return None
    newest = sorted(differing.values(), key=lambda each: each.passage.as_of or "", reverse=True)
    return Conflict(
        facility=newest[0].passage.facility,
        item=newest[0].item,
        statements=tuple(
            Statement(each.value, each.passage.document, each.passage.as_of, each.passage.id)
            for each in newest
        ),
    )


def _differ(one: _Fact, other: _Fact) -> bool:
    if one.note and other.note and fold(one.note) != fold(other.note):
        return False  # each holds under a condition of its own
    first, second = _figures(one.value), _figures(other.value)
    if not first and not second:
        said = _answer(one.value), _answer(other.value)
        return None not in said and said[0] != said[1]
    if _kinds(first) != _kinds(second) or first <= second or second <= first:
        return False
    return _wording(one.value) == _wording(other.value)


def _figures(value: str) -> frozenset[tuple[str, str]]:
    """Take the figures of a value, its weekdays with them; what is free costs 0 yen."""
    text = _plain(value)
    found = {(figure.kind.value, figure.value) for figure in figures(text)}
    return frozenset(found | {("weekday", each) for each in _WEEKDAY.findall(text)})


def _kinds(found: frozenset[tuple[str, str]]) -> list[str]:
    return sorted(kind for kind, _ in found)


def _wording(value: str) -> str:
    """What a value says besides its figures."""
    text = _plain(value)
    for _, written in read(text):
        text = text.replace(written, "", 1)
    return _FILLING.sub("", fold(_WEEKDAY.sub("", text)))


def _plain(value: str) -> str:
    return without_ruby(value).replace("無料", "0円")


def _answer(value: str) -> bool | None:
    said = fold(without_ruby(value)).strip("。 ")
    if said.startswith(_NO):
        return False
    return True if said.startswith(_YES) else None
