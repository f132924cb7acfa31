"""Retrieve: a question to ranked passages.

Scores of words, readings and meaning are brought to 0–1 for each question and summed (measured
better than reciprocal rank fusion at its best weights on three sets). The weights depend on how the
question is written: dense models do not understand a question in kana alone, and the words of a
foreign question are not those of Japanese guides.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from knowledge.index import Index, Scores
from knowledge.language import Language
from knowledge.lexicon import lexicon
from knowledge.names import Name
from knowledge.passage import Passage
from knowledge.text import fold, is_han, is_kana


@dataclass(frozen=True, slots=True)
class Weights:
    """How much each view counts; a view that does not run gives its share to the others."""

    words: float
    reading: float
    e5: float
    use: float


JAPANESE = Weights(words=0.4, reading=0.1, e5=0.4, use=0.2)
KANA_ONLY = Weights(words=0.25, reading=0.65, e5=0.0, use=0.1)
FOREIGN = Weights(words=0.2, reading=0.0, e5=0.4, use=0.4)

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
class Ranked:
    """A passage with what speaks for it."""

    passage: Passage
    number: int  # its place in the library
    score: float  # fused, with boosts; comparable within one question only
    dense: float | None  # mean raw cosine over the encoders; comparable between questions
    words: float  # raw BM25


class Retriever:
    """Ranks the passages of one index."""

    def __init__(self, index: Index) -> None:
        self.index = index
        self._all = range(len(index.library.passages))

    def search(
        self,
        query: str,
        *,
        language: Language,
        k: int,
        names: tuple[Name, ...] | None = None,
    ) -> tuple[Ranked, ...]:
        """Return the `k` best passages, the best first.

        `names` are the sights meant, if the caller knows more than the question says.
        """
        index = self.index
        if not index.library.passages:
            return ()
        names = index.names.find(query) if names is None else names
        words = index.word_scores(index.words.terms(query, language))
        dense = index.dense_scores(query)
        scores = self._fused(query, language, words, dense)
        raw = np.mean(list(dense.values()), axis=0) if dense else None
        scores = scores + self._boost(query, names, language)
        order = [int(each) for each in np.argsort(-scores, kind="stable")]
        passages = index.library.passages
        readable = [each for each in order if passages[each].language in READABLE[language]]
        return tuple(
            Ranked(
                passages[each],
                each,
                float(scores[each]),
                None if raw is None else float(raw[each]),
                float(words[each]),
            )
            for each in (readable or order)[:k]
        )

    def _fused(
        self, query: str, language: Language, words: Scores, dense: Mapping[str, Scores]
    ) -> Scores:
        weights = _weights(query, language)
        views = [(weights.words, words)]
        if weights.reading:
            views.append((weights.reading, self.index.reading_scores(query)))
        views += [(getattr(weights, name), scores) for name, scores in dense.items()]
        total = sum(weight for weight, _ in views) or 1.0
        fused = np.zeros_like(words)
        for weight, scores in views:
            fused += weight / total * _min_max(scores)
        return fused

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
            about = [max(self.closeness(number, each) for each in names) for number in self._all]
            boost += ABOUT_NAME * np.array(about, dtype=np.float32)
        return boost


def _weights(query: str, language: Language) -> Weights:
    if not language.japanese:
        return FOREIGN
    kana = any(is_kana(each) for each in query)
    han = any(is_han(each) for each in query)
    if kana and not han:
        return KANA_ONLY
    return JAPANESE


def _min_max(scores: Scores) -> Scores:
    low, high = float(scores.min()), float(scores.max())
    return (scores - low) / (high - low) if high > low else np.zeros_like(scores)
