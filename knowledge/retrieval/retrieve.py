"""Retrieve: a question to ranked passages.

Scores of words, readings and meaning are brought to 0–1 for each question and summed (measured
better than reciprocal rank fusion at its best weights on three sets). Of the best encoder only the
nearer half counts: its cosines lie close together, and the far ones would press those together that
matter (nDCG +.015 on city bulletins, no loss on JSQuAD; see benchmarks/README.md). The weights
depend on how the question is written: dense models do not understand a question in kana alone, and
the words of a foreign question are not those of Japanese guides.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from knowledge.encoders import Scores
from knowledge.language import Language
from knowledge.lexicon import lexicon
from knowledge.names import Name
from knowledge.passage import Passage, Status
from knowledge.retrieval.index import Index
from knowledge.text import clean, fold, is_han, is_kana


@dataclass(frozen=True, slots=True)
class Weights:
    """How much each view counts; a view that does not run gives its share to the others."""

    words: float
    reading: float
    dense: float  # the best encoder: E5, or an endpoint in its place
    use: float

    def of(self, encoder: str) -> float:
        """The weight of an encoder by its name."""
        return self.use if encoder == "use" else self.dense


JAPANESE = Weights(words=0.4, reading=0.1, dense=0.4, use=0.2)
KANA_ONLY = Weights(words=0.25, reading=0.65, dense=0.0, use=0.1)
FOREIGN = Weights(words=0.2, reading=0.0, dense=0.4, use=0.4)

NEAR = 0.5
"""The share of the passages whose cosine by the best encoder counts."""
FEWEST_NEAR = 10

ABOUT_NAME = 0.6  # the passage is about the name asked for
LABELLED = 0.9  # the share of it for a passage whose heading or item holds the name
MENTIONED = 0.5  # the share of it for a passage that only mentions the name
NAMES_CONCEPT = 0.3  # its headings or item name a concept asked for
OWN_LANGUAGE = 0.1
OLD = 0.3  # taken off a statement that is no longer true

READABLE: dict[Language, tuple[Language, ...]] = {
    Language.JA: (Language.JA, Language.JA_EASY),
    Language.JA_EASY: (Language.JA_EASY, Language.JA),
    Language.EN: (Language.EN, Language.JA),
    Language.ZH_HANT: (Language.ZH_HANT, Language.ZH_HANS, Language.JA),
    Language.ZH_HANS: (Language.ZH_HANS, Language.ZH_HANT, Language.JA),
    Language.KO: (Language.KO, Language.JA),
}
"""The languages of passages worth showing to an asker, the best first."""


@dataclass(frozen=True, slots=True)
class Only:
    """Which passages may be found at all; what is not set leaves nothing out."""

    languages: frozenset[Language] | None = None
    statuses: frozenset[Status] | None = None
    as_of_from: date | None = None
    """States of this day or later; a passage without a date is no state of any day, and stays."""
    reviewed: date | None = None
    """Not those whose review date has passed by this day."""
    documents: frozenset[str] | None = None

    def allows(self, passage: Passage) -> bool:
        """Whether a passage may be found."""
        due = passage.review_by
        return (
            (self.languages is None or passage.language in self.languages)
            and (self.statuses is None or passage.status in self.statuses)
            and (self.documents is None or passage.document in self.documents)
            and (self.reviewed is None or due is None or due >= self.reviewed)
            and (self.as_of_from is None or _not_before(passage.as_of, self.as_of_from))
        )


EVERYTHING = Only()
VALID = frozenset({Status.CURRENT, Status.UNCONFIRMED, Status.TIMELESS})
"""The statuses of what may still be true."""


@dataclass(frozen=True, slots=True)
class Ranked:
    """A passage with what speaks for it."""

    passage: Passage
    number: int  # its place in the library
    score: float  # fused, with boosts; comparable within one question only
    dense: float | None  # raw cosine of the one encoder: see `_comparable`
    words: float  # raw BM25


class Retriever:
    """Ranks the passages of one index."""

    def __init__(self, index: Index) -> None:
        self.index = index

    def search(
        self,
        query: str,
        *,
        language: Language,
        k: int,
        names: tuple[Name, ...] | None = None,
        only: Only = EVERYTHING,
    ) -> tuple[Ranked, ...]:
        """Return the `k` best passages, the best first.

        `names` are the sights meant, if the caller knows more than the question says. `only`
        leaves passages out before the best are chosen. Passages in languages that the asker does
        not read (`READABLE`) are returned only where there are no others, or if `only` names
        languages.
        """
        index = self.index
        allowed = self._allowed(only, language)
        if not allowed.any():
            return ()
        names = index.names.find(query) if names is None else names
        words = index.word_scores(index.query_terms(query, language))
        asked = weights(query, language)
        dense = index.dense_scores(query, lambda encoder: asked.of(encoder) > 0)
        scores = self._fused(query, language, words, dense)
        scores = scores + self._boost(query, names, language)
        raw = _comparable(dense)
        passages = index.library.passages
        numbers = np.flatnonzero(allowed)
        order = numbers[_best(scores[numbers], k)]
        return tuple(
            Ranked(
                passages[each],
                each,
                float(scores[each]),
                None if raw is None or np.isnan(raw[each]) else float(raw[each]),
                float(words[each]),
            )
            for each in map(int, order)
        )

    def _allowed(self, only: Only, language: Language) -> NDArray[np.bool_]:
        passages = self.index.library.passages
        if only == EVERYTHING:
            allowed = np.ones(len(passages), dtype=np.bool_)
        else:
            allowed = np.array([only.allows(each) for each in passages], dtype=np.bool_)
        if only.languages is not None:
            return allowed
        readable = np.zeros(len(passages), dtype=np.bool_)
        for each in READABLE[language]:
            readable |= self.index.written_in(each).astype(np.bool_)
        return allowed & readable if (allowed & readable).any() else allowed

    def _fused(
        self, query: str, language: Language, words: Scores, dense: Mapping[str, Scores]
    ) -> Scores:
        chosen = weights(query, language)
        views = [(chosen.words, _min_max(words))]
        if chosen.reading:
            views.append((chosen.reading, _min_max(self.index.reading_scores(query))))
        for name, cosines in dense.items():
            near = cosines if name == "use" else _near(cosines)
            views.append((chosen.of(name), _min_max(near)))
        fused = np.zeros_like(words)
        total = np.zeros_like(words)
        for weight, normal in views:
            known = ~np.isnan(normal)
            fused[known] += weight * normal[known]
            total[known] += weight
        # Where an encoder has still to read a passage, the other views decide alone.
        return np.asarray(fused / np.maximum(total, 1e-9), dtype=np.float32)

    def closeness(self, number: int, name: Name) -> float:
        """Return how far a passage is about a name: 1 if its document carries it, 0 if nothing."""
        index = self.index
        if index.library.passages[number].document in name.documents:
            return 1.0
        if name.others & index.labels[number]:
            return LABELLED
        return MENTIONED if name.others & index.bodies[number] else 0.0

    def _boost(self, query: str, names: tuple[Name, ...], language: Language) -> Scores:
        """Return what speaks for each passage besides its likeness to the question."""
        index, known = self.index, lexicon()
        boost = OWN_LANGUAGE * index.written_in(language)
        boost += NAMES_CONCEPT * index.naming(known.asked(query))
        if known.past.search(fold(query)) is None:
            boost -= OLD * index.old
        if names:
            about = [index.about(each, labelled=LABELLED, mentioned=MENTIONED) for each in names]
            boost += ABOUT_NAME * np.maximum.reduce(about)
        return boost


def weights(query: str, language: Language) -> Weights:
    """Return how much each view counts for a question, by the script it is written in."""
    if not language.japanese:
        return FOREIGN
    shown = clean(query)
    kana = any(is_kana(each) for each in shown)
    han = any(is_han(each) for each in shown)
    if kana and not han:
        return KANA_ONLY
    return JAPANESE


def _min_max(scores: Scores) -> Scores:
    """Bring the scores of one question to 0–1; NaN stays."""
    low, high = float(np.nanmin(scores)), float(np.nanmax(scores))
    return (scores - low) / (high - low) if high > low else scores * 0


def _near(scores: Scores) -> Scores:
    """Raise all that is not among the nearest to the least of these; NaN stays."""
    known = scores[~np.isnan(scores)]
    kept = max(FEWEST_NEAR, int(NEAR * len(known)))
    if kept >= len(known):
        return scores
    least = -np.partition(-known, kept - 1)[kept - 1]
    return np.asarray(np.maximum(scores, least), dtype=np.float32)


def _comparable(dense: Mapping[str, Scores]) -> Scores | None:
    """Return cosines that can be compared between questions, and whatever tier runs.

    Each model has a scale of its own: what is a weak likeness to E5 is a strong one to USE.
    """
    return dense.get("use", next(iter(dense.values()), None))


def _best(scores: Scores, k: int) -> NDArray[np.int64]:
    """Return the places of the `k` highest scores, the highest first; equal ones in order."""
    if k < len(scores):
        least = -np.partition(-scores, k - 1)[k - 1] if k else np.inf
        places = np.flatnonzero(scores >= least)
    else:
        places = np.arange(len(scores))
    return places[np.argsort(-scores[places], kind="stable")][:k]


def _not_before(as_of: str | None, day: date) -> bool:
    """Whether YYYY, YYYY-MM or YYYY-MM-DD reaches to a day or beyond it."""
    return as_of is None or as_of >= day.isoformat()[: len(as_of)]
