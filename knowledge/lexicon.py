"""Lexicon: the concepts visitors ask about, recognised in six languages.

A concept links a question in one language to a fact in another without translating either: both
「入洞料」 and "how much is it" are about `price`. The words are data, in ``lexicon.toml``.
"""

import re
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files

from knowledge.figures import FigureKind, figures
from knowledge.kana import fold_reading
from knowledge.text import clean, fold, is_kana

_EXPECTED = {
    "money": FigureKind.MONEY,
    "time": FigureKind.TIME,
    "phone": FigureKind.PHONE,
    "duration": FigureKind.DURATION,
    "length": FigureKind.LENGTH,
}
_WORD = re.compile(r"[a-z0-9]")
_SHORTEST_SPOKEN = 3  # kana
_FREE = re.compile(
    r"無料|タダ|かかりません|いりません|不要|free|no charge|무료|免费|免費|要確認|半額|割引|円引き",
    re.IGNORECASE,
)


ON_THE_WAY = frozenset({"access", "bus", "train", "car", "taxi", "walk", "duration"})
"""Concepts of the way between two sights: both must be in what answers."""
BY_MODE = frozenset({"bus", "train", "car", "taxi", "walk"})
"""Ways to travel: whoever asks about one is not told of another."""
AGES = frozenset({"adult", "junior", "primary", "preschool", "child"})
"""Qualifiers for whom alone a fee is asked: 「小学生は?」"""
PRICE = "price"
MEMBERSHIP = "digital"
"""The concept of the town's membership, which a question may be about as about a sight."""

RECOMMENDING = "highlight"
"""The concept of asking what is worth seeing."""


class Scope(StrEnum):
    """Of what a concept can be asked."""

    SIGHT = "sight"  # of one sight: its price
    AROUND = "around"  # of one sight, or else of the town: a place to eat
    TOWN = "town"  # never of a sight: a hospital


@dataclass(frozen=True, slots=True)
class Concept:
    """One thing that can be asked about."""

    name: str
    cues: re.Pattern[str]
    ask: re.Pattern[str] | None
    main: re.Pattern[str] | None
    expects: FigureKind | None
    includes: frozenset[str] = frozenset()  # access is also answered by bus, train and car
    scope: Scope = Scope.SIGHT
    words: tuple[str, ...] = ()  # the cues as written

    def answered_by(self, value: str) -> bool:
        """Whether a value has the form that an answer to a question of this kind needs."""
        if self.expects is None:
            return True
        if self.expects is FigureKind.MONEY and _FREE.search(value):
            return True
        return any(each.kind is self.expects for each in figures(value))


class Cues:
    """Finds the cues of all concepts in one pass over a text, at each place the longest.

    A guide of a thousand passages is read in a tenth of the time that one expression a concept
    would take.
    """

    def __init__(self, cues: Iterable[tuple[str, str]]) -> None:
        names: defaultdict[tuple[str, bool], set[str]] = defaultdict(set)
        for cue, name in cues:
            names[fold(cue.removesuffix("*")), cue.endswith("*")].add(name)
        self._by_first: defaultdict[str, list[tuple[str, bool, frozenset[str]]]] = defaultdict(list)
        for (stem, open_ended), concepts in sorted(
            names.items(), key=lambda each: -len(each[0][0])
        ):
            self._by_first[stem[0]].append((stem, open_ended, frozenset(concepts)))

    def find(self, folded: str) -> frozenset[str]:
        """Return the names whose cues a folded text holds."""
        found: set[str] = set()
        position = 0
        while position < len(folded):
            for stem, open_ended, names in self._by_first.get(folded[position], ()):
                end = position + len(stem)
                if folded.startswith(stem, position) and (
                    not stem.isascii() or _whole(folded, position, end, open_ended=open_ended)
                ):
                    found |= names
                    position = end - 1
                    break
            position += 1
        return frozenset(found)


def _whole(text: str, start: int, end: int, *, open_ended: bool) -> bool:
    """Whether Latin letters stand as a word of their own, or begin one if that is enough."""
    before, after = text[start - 1 : start], text[end : end + 1]
    return not _WORD.match(before) and (open_ended or not _WORD.match(after))


@dataclass(frozen=True, slots=True)
class Lexicon:
    """All of ``lexicon.toml``, compiled."""

    concepts: Mapping[str, Concept]
    cues: "Cues"
    qualifiers: Mapping[str, re.Pattern[str]]
    narrower: Mapping[str, frozenset[str]]
    past: re.Pattern[str]
    pointing: re.Pattern[str]
    function: re.Pattern[str]
    circumstance: re.Pattern[str]  # in all languages but Japanese
    circumstances: frozenset[str]  # in Japanese, as whole words
    greetings: frozenset[str]
    farewells: frozenset[str]
    personal: tuple[re.Pattern[str], ...]
    harmful: tuple[re.Pattern[str], ...]
    emergencies: Mapping[str, tuple[re.Pattern[str], frozenset[str]]]
    definitions: tuple[re.Pattern[str], ...]
    orders: tuple[re.Pattern[str], ...]
    same: Mapping[str, frozenset[str]]  # terms, as the dictionary normalises them
    spoken: "Cues"  # the cues in kana alone, as they are read

    @property
    def topics(self) -> frozenset[str]:
        """The words that name concepts, folded."""
        words = (cue.removesuffix("*") for each in self.concepts.values() for cue in each.words)
        return frozenset(map(fold, words))

    def named(self, text: str) -> frozenset[str]:
        """Return the concepts that a text names; a cue inside a longer one names nothing.

        "Entrance fee" is a price and no entrance, 花火 an event and no flower.
        """
        return self.cues.find(fold(text))

    def heard(self, kana: str) -> frozenset[str]:
        """Return the concepts that a question in romaji names, read as katakana."""
        return self.spoken.find(fold_reading(kana))

    def asked(self, question: str) -> frozenset[str]:
        """Return the concepts that a question names, and those it asks for without a name."""
        shown = fold(question)
        return self.named(question) | frozenset(
            name
            for name, concept in self.concepts.items()
            if concept.ask is not None and concept.ask.search(shown)
        )

    def main(self, text: str) -> frozenset[str]:
        """Return the concepts of which a text names the main fact: of prices, the entrance fee."""
        shown = fold(text)
        return frozenset(
            name
            for name, concept in self.concepts.items()
            if concept.main is not None and concept.main.search(shown)
        )

    def qualified(self, text: str) -> frozenset[str]:
        """Return who or when a text speaks of: adult, child, winter."""
        shown = fold(text)
        return frozenset(n for n, words in self.qualifiers.items() if words.search(shown))

    def spans(self, text: str) -> tuple[tuple[int, int], ...]:
        """Return where in a folded text words of the lexicon stand."""
        patterns = [each.cues for each in self.concepts.values()]
        patterns += [each.ask for each in self.concepts.values() if each.ask is not None]
        patterns += [*self.qualifiers.values(), self.past, self.pointing, self.function]
        return tuple(match.span() for each in patterns for match in each.finditer(text))


@cache
def lexicon() -> Lexicon:
    """Read the lexicon; the second call returns the first one's."""
    raw = tomllib.loads(files("knowledge").joinpath("lexicon.toml").read_text("utf-8"))
    concepts = {
        name: Concept(
            name,
            _pattern(entry["cues"]),
            _pattern(entry["ask"]) if "ask" in entry else None,
            _pattern(entry["main"]) if "main" in entry else None,
            _EXPECTED.get(entry.get("expects", "")),
            frozenset(entry.get("includes", ())),
            Scope(entry.get("scope", Scope.SIGHT)),
            tuple(entry["cues"]),
        )
        for name, entry in raw["concept"].items()
    }
    return Lexicon(
        concepts=concepts,
        cues=Cues((cue, name) for name, entry in raw["concept"].items() for cue in entry["cues"]),
        qualifiers={name: _pattern(words) for name, words in raw["qualifier"].items()},
        narrower={name: frozenset(each) for name, each in raw["narrower"].items()},
        past=_pattern(raw["phrase"]["past"]),
        pointing=_pattern(raw["phrase"]["pointing"]),
        function=_pattern(raw["phrase"]["function"]["words"]),
        circumstance=_pattern(raw["phrase"]["circumstance"]["other"]),
        circumstances=frozenset(raw["phrase"]["circumstance"]["ja"]),
        greetings=frozenset(fold(each) for each in raw["phrase"]["greeting"]),
        farewells=frozenset(fold(each) for each in raw["phrase"]["farewell"]),
        personal=_expressions(raw["personal"]["patterns"]),
        harmful=_expressions(raw["harmful"]["patterns"]),
        definitions=_expressions(raw["definition"]["patterns"]),
        orders=_expressions(raw["order"]["patterns"]),
        same={
            term: frozenset(group.split()) - {term}
            for group in raw["same"]["groups"]
            for term in group.split()
        },
        spoken=Cues(
            (fold_reading(fold(cue)), name)
            for name, entry in raw["concept"].items()
            for cue in (*entry["cues"], *entry.get("ask", ()))
            if all(map(is_kana, cue)) and len(cue) >= _SHORTEST_SPOKEN
        ),
        emergencies={
            name: (
                re.compile("|".join(entry["sure"]), re.IGNORECASE),
                frozenset(clean(each).casefold() for each in entry["likely"]),
            )
            for name, entry in raw["emergency"].items()
        },
    )


def _expressions(patterns: Iterable[str]) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(each, re.IGNORECASE) for each in patterns)


def _pattern(cues: Iterable[str]) -> re.Pattern[str]:
    """Compile cues: whole words where they are Latin, anywhere in a run elsewhere."""
    return re.compile("|".join(_cue(each) for each in sorted(cues, key=len, reverse=True)))


def _cue(cue: str) -> str:
    stem = fold(cue.removesuffix("*"))
    escaped = re.escape(stem)
    if not stem.isascii():
        return rf"(?<!\d){escaped}" if stem[0].isdigit() else escaped  # 1月 is not in 11月
    return rf"(?<![a-z0-9]){escaped}" + (r"[a-z]*" if cue.endswith("*") else r"(?![a-z0-9])")
