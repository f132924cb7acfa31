"""Rendering: a Japanese fact row, in the words of a visitor's language, by the glossary alone.

Nothing is generated: a text is taken apart into entries, numbers and the punctuation between them,
and only if every part is covered is it put together again in the other language. A rendering that
does not state exactly the figures of the original is thrown away. So a row reads right or stays
Japanese.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from knowledge.glossary import (
    FOREIGN,
    MONTHS,
    SLOT,
    VERBATIM,
    Glossary,
    Template,
    Words,
    month,
    stated,
)
from knowledge.language import Language
from knowledge.passage import Passage
from knowledge.text import clean

LONGEST: Final = 300  # characters of one cell
MOST_STEPS: Final = 4_000  # texts looked at while one cell is taken apart
REMEMBERED: Final = 5_000  # cells

_OPEN, _BESIDE, _CLOSE = "\ue000", "\ue001", "\ue002"
_MARKED: Final = re.compile(f"{_OPEN}([^{_OPEN}-{_CLOSE}]*){_BESIDE}([^{_OPEN}-{_CLOSE}]*){_CLOSE}")
_PLAIN: Final = re.compile(r"[\x20-\x7e〜~×°℃²³–〒%]+")
_TILDES: Final = str.maketrans({"~": "〜", "～": "〜"})
_PREFIX_SHORTEST: Final = 2
_SUFFIXES: Final = {"km2": "km²", "m2": "m²", "m3": "m³"}

_SENTENCE: Final[Words] = ("; ", "；", "；", ". ")
_COMMA: Final[Words] = (", ", "、", "、", ", ")
_DOT: Final[Words] = (", ", "、", "、", ", ")
_SPACE: Final[Words] = (" ", " ", " ", " ")
_TOPIC: Final[Words] = (" – ", " ", " ", " ")
_JUXTAPOSED: Final[Words] = (" ", "", "", " ")
_BRACKETS: Final = ((" (", ")"), ("（", "）"), ("（", "）"), ("(", ")"))


@dataclass(frozen=True, slots=True)
class Rendered:
    """A fact row in another language; a cell that the glossary does not cover is None."""

    item: str | None
    value: str | None
    note: str | None
    noted: bool  # the row has a note

    @property
    def whole(self) -> bool:
        """Whether nothing of the row is left in Japanese."""
        return bool(self.item and self.value and (self.note or not self.noted))


class Renderer:
    """Puts rows of one town into the languages of its visitors."""

    def __init__(self, glossary: Glossary) -> None:
        self._glossary = glossary
        self._first = max((len(each) for each in (*glossary.names, *glossary.terms)), default=0)
        self._cells: dict[tuple[str, bool], Words | None] = {}

    def row(self, passage: Passage, language: Language, seen: set[str]) -> Rendered:
        """Render one fact row; `seen` holds the names already given with the Japanese beside."""
        item = self.cell(passage.item or "", language, topic=True)
        value = self.cell(passage.value or "", language)
        note = self.cell(passage.note or "", language)
        return Rendered(
            item=named(item, language, seen) if item else None,
            value=named(value, language, seen) if value else None,
            note=named(note, language, seen) if note else None,
            noted=bool(passage.note),
        )

    def cell(self, text: str, language: Language, *, topic: bool = False) -> str | None:
        """Render one cell, names marked; None if anything in it is not covered."""
        shown = _prepared(text)
        if not shown or len(shown) > LONGEST:
            return None
        key = (shown, topic)
        if key not in self._cells:
            if len(self._cells) >= REMEMBERED:
                self._cells.clear()
            self._cells[key] = _Reading(self._glossary, self._first).cell(shown, topic=topic)
        words = self._cells[key]
        if words is None:
            return None
        rendered = words[FOREIGN.index(language)]
        if language is Language.KO:
            rendered = with_particles(rendered)
        if stated(bare(rendered)) != stated(text):
            return None
        return rendered

    def name(self, text: str, language: Language) -> str | None:
        """Return a proper name in another language, without the Japanese; None if unknown."""
        words = self._glossary.names.get(clean(text))
        return words[FOREIGN.index(language)] if words else None


def named(rendered: str, language: Language, seen: set[str]) -> str:
    """Give each name its Japanese beside it the first time: Akiyoshido Cave (秋芳洞)."""

    def beside(found: re.Match[str]) -> str:
        shown, japanese = found.groups()
        if japanese in seen or shown == japanese:
            return shown
        seen.add(japanese)
        opens, closes = _BRACKETS[FOREIGN.index(language)]
        return f"{shown}{opens}{japanese}{closes}"

    return _MARKED.sub(beside, rendered)


def bare(rendered: str) -> str:
    """Return a rendering with the names in its own language alone."""
    return _MARKED.sub(lambda found: found[1], rendered)


_PARTICLES: Final = re.compile(
    f"(?P<last>.)(?P<beside>{_BESIDE}[^{_CLOSE}]*{_CLOSE})?(?P<bracket>\\([^()]*\\))?"
    r"(?P<pair>와\(과\)|은\(는\)|이\(가\)|을\(를\)|\(이\)(?=라고|면))"
)
_AFTER_CONSONANT: Final = {
    "와(과)": "과",
    "은(는)": "은",
    "이(가)": "이",
    "을(를)": "을",
    "(이)": "이",
}
_AFTER_VOWEL: Final = {"와(과)": "와", "은(는)": "는", "이(가)": "가", "을(를)": "를", "(이)": ""}
_CLOSED_DIGITS: Final = frozenset("013678LMNRlmnr")
"""Digits and letters whose Korean names end in a consonant."""


_FINALS: Final = 28  # final consonants of a hangul syllable, none included (Unicode 3.12)


def with_particles(korean: str) -> str:
    """Choose between particles by how the word before ends: 역과, 버스와."""

    def chosen(found: re.Match[str]) -> str:
        last, pair = found["last"], found["pair"]
        syllable = ord(last) - ord("가")
        hangul = 0 <= syllable <= ord("힣") - ord("가")
        closed = bool(syllable % _FINALS) if hangul else last in _CLOSED_DIGITS
        particle = (_AFTER_CONSONANT if closed else _AFTER_VOWEL)[pair]
        return f"{last}{found['beside'] or ''}{found['bracket'] or ''}{particle}"

    return _PARTICLES.sub(chosen, korean)


def _prepared(text: str) -> str:
    return re.sub(f"[{_OPEN}-{_CLOSE}]", "", clean(text)).translate(_TILDES).strip(" 。")


class _Reading:
    """One cell being taken apart; what was tried once is not tried again."""

    def __init__(self, glossary: Glossary, first: int) -> None:
        self._glossary = glossary
        self._first = first
        self._known: dict[str, Words | None] = {}

    def cell(self, text: str, *, topic: bool) -> Words | None:
        if topic and (words := self._topic(text)):
            return words
        return self._phrase(text)

    def _topic(self, text: str) -> Words | None:
        """An item opens with the name of what it is about: 秋芳洞 所在地, 秋芳洞の位置."""
        for at, character in enumerate(text):
            if character not in " の" or not _balanced(text[:at]):
                continue
            about = self._phrase(text[:at])
            if about is None or not (about[0].startswith(_OPEN) or text[at - 1] == ")"):
                continue
            if (rest := self._phrase(text[at + 1 :])) is not None:
                return _joined([about, rest], _TOPIC)
        return None

    def _phrase(self, text: str) -> Words | None:
        text = text.strip()
        if not text or len(self._known) > MOST_STEPS:
            return None
        if text not in self._known:
            self._known[text] = None
            self._known[text] = self._read(text)
        return self._known[text]

    def _read(self, text: str) -> Words | None:
        if (words := self._entry(text)) is not None:
            return words
        for separator, joiner in (("。", _SENTENCE), ("、", _COMMA)):
            if (words := self._split(text, separator, joiner)) is not None:
                return words
        return (
            self._bracketed(text)
            or self._by_template(text)
            or self._split(text, "・", _DOT)
            or self._split(text, " ", _SPACE)
            or self._compound(text)
        )

    def _entry(self, text: str) -> Words | None:
        if (name := self._glossary.names.get(text)) is not None:
            return _words(lambda at: f"{_OPEN}{name[at]}{_BESIDE}{text}{_CLOSE}")
        if (term := self._glossary.terms.get(text)) is not None:
            return term
        if _PLAIN.fullmatch(text) and (text[0] != "〜" and text[-1] != "〜"):
            shown = _SUFFIXES.get(text, text)
            return _words(lambda at: shown.replace("〜", "~" if at else "–"))
        return None

    def _split(self, text: str, separator: str, joiner: Words) -> Words | None:
        parts = list(_top_level(text, separator))
        if len(parts) == 1:
            return None
        found = [self._phrase(each) for each in parts if each.strip()]
        known = [each for each in found if each is not None]
        return _joined(known, joiner) if known and len(known) == len(found) else None

    def _bracketed(self, text: str) -> Words | None:
        """X(Y) at the end."""
        if not text.endswith(")"):
            return None
        start = _opening(text)
        head, inside = self._phrase(text[:start]), self._phrase(text[start + 1 : -1])
        if head is None or inside is None:
            return None
        return _words(lambda at: f"{head[at]}{_BRACKETS[at][0]}{inside[at]}{_BRACKETS[at][1]}")

    def _by_template(self, text: str) -> Words | None:
        for template in self._glossary.templates:
            if not all(each in text for each in template.literals):
                continue
            for expression in (template.shortest, template.longest):
                found = expression.fullmatch(text)
                if found and (words := self._filled(template, found.groupdict())) is not None:
                    return words
        return None

    def _filled(self, template: Template, slots: dict[str, str]) -> Words | None:
        if not all(_balanced(each) for each in slots.values()):
            return None
        filled: dict[str, Words] = {}
        for slot, text in slots.items():
            words = _verbatim(slot, text) if slot in VERBATIM else self._phrase(text)
            if words is None:
                return None
            filled[slot] = words
        return _words(lambda at: SLOT.sub(lambda slot: filled[slot[1]][at], template.words[at]))

    def _compound(self, text: str) -> Words | None:
        """Two covered words that stand beside one another: 秋芳洞商店街."""
        longest = min(len(text) - 1, self._first)
        for length in range(longest, _PREFIX_SHORTEST - 1, -1):
            head = text[:length]
            if head not in self._glossary.names and head not in self._glossary.terms:
                continue
            words, rest = self._entry(head), self._phrase(text[length:])
            if words is not None and rest is not None:
                return _joined([words, rest], _JUXTAPOSED)
        return None


def _verbatim(slot: str, text: str) -> Words:
    return (month(text), text, text, text) if slot in MONTHS else (text, text, text, text)


def _words(make: Callable[[int], str]) -> Words:
    """Make the words of each language by its place in `FOREIGN`."""
    return make(0), make(1), make(2), make(3)


def _joined(parts: Sequence[Words], joiner: Words) -> Words:
    return _words(lambda at: joiner[at].join(each[at] for each in parts))


def _balanced(text: str) -> bool:
    return text.count("(") == text.count(")") and text.count("「") == text.count("」")


def _opening(text: str) -> int:
    """Return where the bracket opens that closes at the end."""
    depth = 0
    for at in range(len(text) - 1, -1, -1):
        depth += (text[at] == ")") - (text[at] == "(")
        if depth == 0:
            return at
    return 0


def _top_level(text: str, separator: str) -> Iterator[str]:
    """Yield the parts between separators that stand in no bracket."""
    depth, start = 0, 0
    for at, character in enumerate(text):
        depth += (character in "(「") - (character in ")」")
        if character == separator and depth == 0:
            yield text[start:at]
            start = at + 1
    yield text[start:]
