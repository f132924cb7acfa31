"""Clusters: which questions ask the same, in any language, so that one answer serves all.

A new question joins the cluster of the question most like it, or starts one; those before it stay
where they are, so a cluster's number never changes. The same questions in the same order always
make the same clusters. Wrongly apart costs staff a second line, wrongly together gives somebody a
wrong answer: every rule here leans to apart.

Likeness is the cosine of sentence vectors, and within one language also of content terms. Two
questions that name different places, or different figures, never ask the same. Neither do two whose
remaining words mean different things (洞窟に犬は / 洞窟に車いすは). Without an encoder only terms
count, weighed as BM25 weighs them.
"""

import re
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from knowledge.encoders import Encoder, Vectors
from knowledge.language import Language, detect
from knowledge.text import clean, fold
from knowledge.words import Words

ALIKE: Final = 1.05  # cosine of meaning plus cosine of terms, within one language
MEANING: Final = 0.45  # cosine of meaning that terms alone cannot make up for
ALIKE_FOREIGN: Final = 0.57  # cosine of meaning between languages, where it is lower
REMAINDER: Final = 0.42  # cosine of what only one has with what only the other has
ALIKE_TERMS: Final = 0.66  # cosine of terms, where there is no encoder
CANDIDATES: Final = 8
COMPARED: Final = 6
"""So many questions of a cluster, the first, stand for all of it."""
CHAINED: Final = 0.5  # likeness to the first question of a cluster, so that no chain leads away
REMAINDERS_KEPT: Final = 5_000
_BATCH: Final = 64
_FIGURE: Final = re.compile(r"\d+")

NamesOf = Callable[[str], frozenset[str]]
"""The places that a text names, however each is written."""

Weight = Callable[[str], float]
"""How much a term says: its inverse document frequency."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question with its number and its cluster's."""

    id: int
    cluster: int
    text: str
    language: str


@dataclass(frozen=True, slots=True)
class _Known:
    id: int
    cluster: int
    script: Language  # what it is written in, whatever the asker reads
    terms: dict[str, float]
    names: frozenset[str]
    figures: frozenset[str]
    folded: str


class Clusters:
    """What has been asked, and where a new question belongs. Not safe between threads."""

    def __init__(
        self,
        words: Words,
        *,
        encoder: Encoder | None = None,
        names: NamesOf = lambda _: frozenset(),
        weight: Weight = lambda _: 1.0,
    ) -> None:
        self._words = words
        self._encoder = encoder
        self._names = names
        self._weight = weight
        self._known: list[_Known] = []
        self._sizes: Counter[int] = Counter()
        self._first: dict[int, int] = {}
        self._by_text: dict[str, int] = {}
        self._holding: defaultdict[str, list[int]] = defaultdict(list)
        self._vectors = np.zeros((0, 0), dtype=np.float32)
        self._remainders: OrderedDict[str, Vectors] = OrderedDict()
        self._latest: tuple[str, Vectors] | None = None  # what is looked for is added next

    def __len__(self) -> int:
        return len(self._known)

    def load(self, questions: Iterable[Asked]) -> None:
        """Begin anew with questions whose clusters are decided, the oldest first."""
        kept = {each.folded: self._vectors[row] for row, each in enumerate(self._compared())}
        self._known, self._first, self._by_text = [], {}, {}
        self._sizes, self._holding = Counter(), defaultdict(list)
        self._vectors = np.zeros((0, 0), dtype=np.float32)
        taken = list(questions)
        new = [each.text for each in taken if fold(each.text) not in kept]
        for start in range(0, len(new) if self._encoder else 0, _BATCH):
            batch = new[start : start + _BATCH]
            kept |= zip(map(fold, batch), self._encode(batch), strict=True)
        for each in taken:
            self._add(each, kept.get(fold(each.text)))

    def add(self, question: Asked) -> None:
        """Remember a question in the cluster where it was put."""
        known = self._encoder is None or self._sizes[question.cluster] >= COMPARED
        self._add(question, None if known else self._vector(question.text))

    def find(self, text: str, language: str) -> int | None:
        """Return the cluster that asks the same, or None: it is the first of its kind."""
        if (row := self._by_text.get(fold(text))) is not None:
            return self._known[row].cluster
        asked = self._understood(Asked(0, 0, text, language))
        meaning = self._meaning(text)
        for row, _ in self._candidates(asked, meaning):
            known = self._known[row]
            first = self._first[known.cluster]
            near = meaning is None or float(meaning[first]) >= CHAINED
            if near and self._same(asked, known, meaning, row):
                return known.cluster
        return None

    # What is known

    def _compared(self) -> Sequence[_Known]:
        return self._known[: len(self._vectors)]

    def _add(self, question: Asked, vector: Vectors | None) -> None:
        self._sizes[question.cluster] += 1
        self._by_text.setdefault(fold(question.text), len(self._known))
        if self._sizes[question.cluster] > COMPARED:
            self._by_text.pop(fold(question.text), None)
            return
        row = len(self._known)
        known = self._understood(question)
        self._known.append(known)
        self._first.setdefault(question.cluster, row)
        for term in known.terms:
            self._holding[term].append(row)
        if vector is not None:
            if row >= len(self._vectors):
                grown = np.zeros((max(64, 2 * row), len(vector)), dtype=np.float32)
                grown[: len(self._vectors)] = self._vectors if row else 0
                self._vectors = grown
            self._vectors[row] = vector

    def _understood(self, question: Asked) -> _Known:
        shown = clean(question.text)
        script = detect(shown, Language(question.language))
        script = Language.JA if script.japanese else script
        terms = {
            term: self._weight(term) for term in dict.fromkeys(self._words.terms(shown, script))
        }
        return _Known(
            question.id,
            question.cluster,
            script,
            terms,
            self._names(shown),
            frozenset(_FIGURE.findall(shown)),
            fold(shown),
        )

    def _encode(self, texts: Sequence[str]) -> Vectors:
        assert self._encoder is not None  # noqa: S101 - asked only where there is one
        return self._encoder.passages(texts)

    def _vector(self, text: str) -> Vectors:
        if self._latest is None or self._latest[0] != text:
            self._latest = (text, self._encode([text])[0])
        return self._latest[1]

    def _meaning(self, text: str) -> Vectors | None:
        """Return the cosine with every known question, shape ``(n_known,)``."""
        if self._encoder is None or not self._known:
            return None
        vector = self._vector(text)
        return np.asarray(self._vectors[: len(self._known)] @ vector, dtype=np.float32)

    # Likeness

    def _candidates(self, asked: _Known, meaning: Vectors | None) -> list[tuple[int, float]]:
        """Return the most similar questions, the best first; of equals the older."""
        if meaning is not None:
            best = np.argsort(-meaning, kind="stable")[:CANDIDATES]
            scored = [(int(row), float(meaning[row])) for row in best]
        else:
            shared = {row for term in asked.terms for row in self._holding.get(term, ())}
            scored = [(row, _terms(asked, self._known[row])) for row in shared]
        return sorted(scored, key=lambda each: (-each[1], each[0]))[:CANDIDATES]

    def _same(self, asked: _Known, known: _Known, meaning: Vectors | None, row: int) -> bool:
        if asked.figures != known.figures:
            return False
        if asked.names and known.names and asked.names.isdisjoint(known.names):
            return False
        terms = _terms(asked, known)
        if meaning is None:
            return asked.script is known.script and terms >= ALIKE_TERMS
        alike = float(meaning[row])
        if asked.script is not known.script:
            return alike >= ALIKE_FOREIGN
        return alike >= MEANING and alike + terms >= ALIKE and self._remainder_fits(asked, known)

    def _remainder_fits(self, asked: _Known, known: _Known) -> bool:
        """Whether what only one of two questions says means what only the other says."""
        mine, theirs = asked.terms.keys() - known.terms.keys(), known.terms.keys() - asked.terms
        if not mine or not theirs:
            return True
        return float(self._of_terms(mine) @ self._of_terms(theirs)) >= REMAINDER

    def _of_terms(self, terms: Iterable[str]) -> Vectors:
        joined = " ".join(sorted(terms))
        vector = self._remainders.get(joined)
        if vector is None:
            vector = self._remainders[joined] = self._encode([joined])[0]
            if len(self._remainders) > REMAINDERS_KEPT:
                self._remainders.popitem(last=False)
        return vector


def _terms(one: _Known, other: _Known) -> float:
    """Return the cosine of two bags of terms, each weighed by how much it says."""
    shared = sum(one.terms[term] ** 2 for term in one.terms.keys() & other.terms.keys())
    lengths = [sum(weight**2 for weight in each.terms.values()) for each in (one, other)]
    return shared / (lengths[0] * lengths[1]) ** 0.5 if all(lengths) else 0.0
