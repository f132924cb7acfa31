"""Subjects: what a thing is, which sights a town has, and where help is.

These questions have no topic for `knowledge.extract` to weigh ("what is Akiyoshido?"). What answers
is the sentence that has the thing for its subject (「秋芳洞は、…鍾乳洞です。」), or the row whose
item or value it is; a list of sights is one such sentence for each.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from knowledge.extract import Extract
from knowledge.figures import FigureKind, figures
from knowledge.kana import romaji_to_kana
from knowledge.language import Language
from knowledge.lexicon import MEMBERSHIP, lexicon
from knowledge.names import squeeze
from knowledge.passage import Kind, Passage, Status
from knowledge.question import Asked
from knowledge.retrieval.index import Index
from knowledge.retrieval.retrieve import READABLE
from knowledge.text import clean, sentences, without_ruby

MOST_SENTENCES = 2
MOST_SIGHTS = 4
MOST_PLACES = 3
LONGEST_PREFIX = {Language.EN: 24}
"""Squeezed characters before a name that is still the subject: "the real", 見本の."""
LONGEST_PREFIX_ELSEWHERE = 8

SENTENCE = 2.0  # what has the thing for its subject
PREDICATE = 1.8  # what says at its end that something is the thing: 「マスコットはミネドンです」
ROW = 1.6
ABOUT = 1.5  # the beginning of a section whose heading or title is the thing
OWN_OPENING = 0.5  # the beginning of a document about the thing, if nothing else defines it
OWN_DOCUMENT = 1.0  # the document is about the thing
OPENING = 0.5  # it stands before the first heading
ASKED_ABOVE = 0.5  # the heading or the title asks what the thing is

_TOPIC = {
    Language.JA: re.compile(r"^(.{1,40}?)(?:とは|は|、)"),
    Language.JA_EASY: re.compile(r"^(.{1,40}?)(?:とは|は|、)"),
    Language.EN: re.compile(r"^(.{1,80}?),? (?:is|are|was|were|lies)\b"),
    Language.ZH_HANT: re.compile(r"^(.{1,40}?)(?:是|為|位於)"),
    Language.ZH_HANS: re.compile(r"^(.{1,40}?)(?:是|为|位于)"),
    Language.KO: re.compile(r"^(.{1,40}?)(?:이란|란|은|는) "),
}
_ABOUT = re.compile(r"(?:について|に関する|の案内|の実際の制度|とは|の手引き).*$")
_PREDICATE = re.compile(r"で[、す]|です|といい|と呼|[,.、。,]|(?:이|입니)다")
_ASIDE = re.compile(r"\([^()]*\)|「[^「」]*」")
_RELATION = re.compile(r"\b(?:of|at|in|near|to|from|for|by|with|around)\b")
_IS = re.compile(r"(?:とは|[:：は])\s*$")


class Subjects:
    """Answers from one index what things are."""

    def __init__(self, index: Index) -> None:
        self.index = index

    def define(self, asked: Asked) -> tuple[Extract, ...]:
        """Say what the subject of a question is; nothing if no passage does."""
        if not (asked.subject or asked.bare):
            return ()
        for language in READABLE[asked.language]:
            best = max(self._candidates(asked, language), key=lambda each: each[0], default=None)
            if best is not None:
                return (best[1],)
        return ()

    def sights(self, language: Language) -> tuple[Extract, ...]:
        """Say of the town's main sights what they are, in one language."""
        for each in READABLE[language]:
            found = tuple(self._sights(each))
            if len(found) > 1:
                return found[:MOST_SIGHTS]
        return ()

    def places(self, concept: str, language: Language) -> tuple[Extract, ...]:
        """Return the rows with a telephone number that name a concept: the hospitals."""
        passages = self.index.library.passages
        rows = [
            each
            for number, each in enumerate(passages)
            if each.kind is Kind.FACT
            and concept in self.index.concepts[number]
            and each.status is Status.CURRENT
            and any(figure.kind is FigureKind.PHONE for figure in figures(each.value or ""))
        ]
        for tongue in READABLE[language]:
            if own := [Extract(each.text, each) for each in rows if each.language is tongue]:
                return tuple(own[:MOST_PLACES])
        return ()

    def _sights(self, language: Language) -> Iterator[Extract]:
        for facility in self.index.sights:
            name = self.index.names.of(facility)
            asked = Asked(
                facility, language, (name,), frozenset(), frozenset(), frozenset(),
                past=False, terms=(), rest=(), subject=facility,
            )  # fmt: skip
            best = max(self._candidates(asked, language), key=lambda each: each[0], default=None)
            if best is not None and best[1].passage.kind is Kind.PROSE:
                first = next(iter(sentences(best[1].text)))
                yield replace(best[1], text=first)

    def _candidates(self, asked: Asked, language: Language) -> Iterator[tuple[float, Extract]]:
        """Yield what could define the subject, with its score; earlier passages win a tie."""
        wanted = _Wanted.of(asked, self.index.names.town)
        about = frozenset[str]().union(*(each.documents for each in asked.names))
        for number, passage in enumerate(self.index.library.passages):
            if passage.language is not language or passage.status is Status.OLD:
                continue
            if asked.names and not wanted.surfaces & self.index.bodies[number]:
                continue
            for worth, text in (*self._said(wanted, passage), *_opens(wanted, passage, about)):
                worth += OWN_DOCUMENT * (passage.document in about)  # noqa: PLW2901
                worth += OPENING * (not passage.headings)  # noqa: PLW2901
                worth += ASKED_ABOVE * wanted.is_asked_above(passage)  # noqa: PLW2901
                yield worth, Extract(text, passage)

    def _said(self, wanted: "_Wanted", passage: Passage) -> Iterator[tuple[float, str]]:
        if passage.kind is Kind.FACT:
            item = _IS.sub("", _without_asides(passage.item or ""))
            if wanted.is_exactly(item) or wanted.is_exactly(_without_asides(passage.value or "")):
                yield ROW, passage.text
            return
        parts = list(sentences(passage.text))
        for number, sentence in enumerate(parts):
            topic = _TOPIC[passage.language].match(_without_asides(sentence))
            if topic is None:
                continue
            stretch = _stretch(passage.text, parts[number : number + MOST_SENTENCES])
            if wanted.is_subject(topic[1], passage.language):
                yield SENTENCE, stretch
            elif wanted.is_exactly(_PREDICATE.split(topic.string[topic.end() :])[0]):
                yield PREDICATE, stretch


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What is to be defined: a sight by any of its names, some words, or the membership."""

    surfaces: frozenset[str]  # squeezed
    named: bool  # a sight, which may be called 見本の秋芳洞
    member: bool  # the membership by whatever name the town gives it
    town: str  # squeezed

    @classmethod
    def of(cls, asked: Asked, town: str) -> "_Wanted":
        if asked.names and not asked.rest:
            first = asked.names[0]
            return cls(first.others | {first.surface}, named=True, member=False, town=town)
        subject = asked.subject or ""
        return cls(
            frozenset(
                {
                    squeeze(subject),
                    squeeze(subject).removeprefix(town).removeprefix("ノ"),
                    romaji_to_kana(subject) or "",
                }
            )
            - {""},
            named=False,
            town=town,
            member=MEMBERSHIP in asked.concepts and not asked.rest,
        )

    def is_exactly(self, text: str) -> bool:
        return bool({squeeze(text), self.short(text)} & self.surfaces)

    def ends(self, title: str) -> bool:
        """Whether a title names the thing last: KASHIMA Colorful Base."""
        return any(squeeze(title).endswith(each) for each in self.surfaces)

    def short(self, text: str) -> str:
        """Squeeze a text and take the town's name off: 西川町のデジタル住民票."""
        whole = squeeze(text)
        return whole.removeprefix(self.town).removeprefix("ノ") or whole

    def is_asked_above(self, passage: Passage) -> bool:
        """Whether the heading, or the title above the opening, asks what the thing is."""
        above = clean(without_ruby(passage.headings[-1] if passage.headings else passage.title))
        held = squeeze(above)
        return any(each in held for each in self.surfaces) and any(
            each.search(above) for each in lexicon().definitions
        )

    def is_subject(self, topic: str, language: Language) -> bool:
        """Whether a sentence's topic is the thing itself and not something about it."""
        topic = topic.casefold()
        if language is Language.EN and _RELATION.search(topic):
            return False
        whole = squeeze(topic) if self.named else self.short(topic)
        longest = LONGEST_PREFIX.get(language, LONGEST_PREFIX_ELSEWHERE) if self.named else 0
        before = [len(whole) - len(each) for each in self.surfaces if whole.endswith(each)]
        if any(each <= longest for each in before):
            return True
        return self.member and lexicon().named(topic) == {MEMBERSHIP}


def _opens(wanted: _Wanted, passage: Passage, about: frozenset[str]) -> Iterator[tuple[float, str]]:
    """Yield how a section begins that is about the thing, whatever the subject of its sentences."""
    if passage.kind is not Kind.PROSE:
        return
    begins = _stretch(passage.text, list(sentences(passage.text))[:MOST_SENTENCES])
    title = _ABOUT.sub("", _without_asides(passage.title))
    if wanted.is_asked_above(passage) or (not passage.headings and wanted.ends(title)):
        yield ABOUT, begins
    elif not passage.headings and passage.document in about:
        yield OWN_OPENING, begins


def _without_asides(text: str) -> str:
    """Take out readings, other names and quotations: 秋芳洞(あきよしどう)は is 秋芳洞は."""
    return _ASIDE.sub("", clean(without_ruby(text))).strip()


def _stretch(text: str, parts: Sequence[str]) -> str:
    """Return the sentences of a text from the first of `parts` to the last, verbatim."""
    begin = text.index(parts[0])
    end = text.index(parts[-1], begin) + len(parts[-1])
    return text[begin:end]
