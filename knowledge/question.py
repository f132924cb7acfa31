"""Questions: what is asked, of which sight, for whom, and what of it the guides have never heard.

A short follow-up (「それは何時まで?」, "how about children?") keeps the subject of the turn before.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from knowledge.index import Index
from knowledge.language import Language
from knowledge.lexicon import lexicon
from knowledge.names import Name
from knowledge.text import clean, fold, is_han, is_kana
from knowledge.words import stem

_RUN = re.compile(
    r"[가-힣]{2,}?(?=(?:은|는|이|가|을|를|에|의|로|도|와|과)?(?![가-힣]))|[一-鿿]{2,}|[a-z]{3,}"
)
_LONGEST_FOLLOW_UP = 40  # characters


@dataclass(frozen=True, slots=True)
class Asked:
    """One question, understood as far as words go."""

    text: str
    language: Language
    names: tuple[Name, ...]
    concepts: frozenset[str]  # named in the question
    implied: frozenset[str]  # only asked for: いくら, where
    qualifiers: frozenset[str]
    past: bool
    terms: tuple[str, ...]  # all content terms
    rest: tuple[str, ...]  # terms that are neither names nor in the lexicon
    unknown: tuple[str, ...] = field(default=())  # names among them that no passage holds

    @property
    def all_concepts(self) -> frozenset[str]:
        """Everything asked for, named or not."""
        return self.concepts | self.implied


def understand(question: str, language: Language, index: Index) -> Asked:
    """Read one question on its own."""
    known = lexicon()
    shown = clean(question)
    names = index.names.find(shown)
    folded = fold(shown)
    plain = _blanked(folded, _name_spans(folded, names))
    concepts = known.named(plain)
    rest, unknown = _rest(shown, language, names, index)
    return Asked(
        text=shown,
        language=language,
        names=names,
        concepts=concepts,
        implied=known.asked(plain) - concepts,
        qualifiers=known.qualified(shown),
        past=known.past.search(fold(shown)) is not None,
        terms=tuple(index.words.terms(shown, language)),
        rest=rest,
        unknown=unknown,
    )


def in_conversation(asked: Asked, before: Sequence[Asked]) -> Asked:
    """Give a follow-up the subject of the last turn that had one, and its topic if it has none.

    A question is a follow-up if it names no sight and either points back (それ, there) or says
    nothing beyond what and whom it asks about. One that names a sight and nothing else
    (「じゃあ景清洞は?」) asks of it what was asked before.
    """
    if not before or asked.unknown or len(asked.text) > _LONGEST_FOLLOW_UP:
        return asked
    last = before[-1]
    if asked.names:
        if asked.all_concepts or asked.rest:
            return asked
        return replace(asked, concepts=last.concepts, implied=last.implied)
    pointing = lexicon().pointing.search(fold(asked.text)) is not None
    if asked.rest and not pointing:
        return asked
    subject = next((each for each in reversed(before) if each.names), None)
    if subject is None:
        return asked
    concepts, implied = asked.concepts, asked.implied
    if not asked.all_concepts:
        concepts, implied = last.concepts, last.implied
    return replace(asked, names=subject.names, concepts=concepts, implied=implied)


def search_text(asked: Asked, before: Sequence[Asked]) -> str:
    """Return what to search for: a follow-up together with the question it follows."""
    if not before or not asked.names or any(n in _squeezed(asked.text) for n in _spellings(asked)):
        return asked.text
    if asked.language.japanese and asked.concepts:
        return f"{asked.names[0].facility} {asked.text}"
    return f"{before[-1].text} {asked.text}"


def _spellings(asked: Asked) -> frozenset[str]:
    return frozenset(each for name in asked.names for each in name.others)


def _squeezed(text: str) -> str:
    return fold(text).replace(" ", "")


def _rest(
    shown: str, language: Language, names: tuple[Name, ...], index: Index
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the terms beyond names and lexicon, and those names that no passage holds."""
    folded = fold(shown)
    covered = [*lexicon().spans(folded), *_name_spans(folded, names)]
    if language.japanese:
        return _japanese_rest(shown, covered, index)
    left = _blanked(shown, covered)
    if language is Language.EN:
        rest = index.words.terms(left, language)
        named = {stem(each.casefold()) for each in re.findall(r"(?<=[a-z,] )[A-Z][A-Za-z']+", left)}
        return _unique(rest), _unique(
            each for each in rest if each in named and not index.knows(each)
        )
    rest, unknown = [], []
    for run in _RUN.findall(left.casefold()):
        pairs = index.words.pairs(run)
        known = [each for each in pairs if index.knows(each)]
        rest += known
        unknown += [run] if len(known) < len(pairs) / 2 else []
    return _unique(rest), _unique(unknown)


def _blanked(text: str, spans: Sequence[tuple[int, int]]) -> str:
    """Return the text with spaces where the spans are."""
    return "".join(
        " " if any(start <= position < end for start, end in spans) else character
        for position, character in enumerate(text)
    )


def _unique(terms: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(terms))


def _japanese_rest(
    shown: str, covered: Sequence[tuple[int, int]], index: Index
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Only nouns count: verbs and adjectives vary too freely to be looked for in a passage."""
    rest, unknown = [], []
    previous = False
    for word in index.words.morphemes(shown):
        known = any(start < word.end and word.begin < end for start, end in covered)
        suffix = word.part_of_speech[0] == "接尾辞" and previous
        previous = known or suffix
        if previous or not (word.noun or word.part_of_speech[0] == "接尾辞"):
            continue
        if word.content and any(each.isalnum() for each in word.term):
            term = stem(word.term) if word.term.isascii() else word.term
            rest.append(term)
            if not index.knows(term) and (word.proper or _foreign(word.surface)):
                unknown.append(term)
    return _unique(rest), _unique(unknown)


def _foreign(surface: str) -> bool:
    """Whether a Japanese noun is written as names and loanwords are: katakana or Latin."""
    return (
        len(surface) > 1
        and not any(is_han(each) or "ぁ" <= each <= "ゖ" for each in surface)
        and (surface.isascii() or any(is_kana(each) for each in surface))
    )


def _name_spans(text: str, names: tuple[Name, ...]) -> list[tuple[int, int]]:
    """Return where names stand; Latin and hangul names may be spaced differently."""
    positions = [at for at, character in enumerate(text) if character not in " -・'"]
    squeezed = fold("".join(text[at] for at in positions))
    spans = []
    if len(squeezed) == len(positions):
        for name in names:
            start = squeezed.find(name.surface)
            if start >= 0:
                spans.append((positions[start], positions[start + len(name.surface) - 1] + 1))
            elif all(is_kana(each) for each in squeezed):
                spans.append((0, len(text)))
    return spans
