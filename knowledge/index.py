"""Index: three views of one library, words, readings and meaning, opened in under a second.

Words and readings are indexed in memory at each start (35,000 characters take a tenth of a
second). Vectors come from the cache; only texts that changed are encoded again. A slow encoder
does not hold the start up: until `Index.catch_up` has run, the others answer.
"""

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import faiss
import numpy as np
from numpy.typing import NDArray

from knowledge.bm25 import Bm25
from knowledge.encoders import Encoder, Tier, Vectors, tier_of
from knowledge.lexicon import lexicon
from knowledge.names import Names
from knowledge.passage import Kind, Library, Passage
from knowledge.text import without_ruby
from knowledge.vectors import VectorStore
from knowledge.words import Words, grams

logger = logging.getLogger(__name__)

Scores = NDArray[np.float32]
"""One score a passage, in the order of the library: shape ``(n_passages,)``."""

CANDIDATES = 512
"""How many passages a vector search returns; the rest count as the least similar of these."""

_BATCH = 16  # texts; a slow encoder holds its lock for about a second
_SAVE_EVERY = 20  # batches


class Index:
    """What a question is compared with."""

    def __init__(
        self, library: Library, encoders: Sequence[Encoder], cache: Path, words: Words | None = None
    ) -> None:
        self.library = library
        self.words = words or Words()
        self.names = Names(library.documents, self.words)
        self.encoders = tuple(encoders)
        self._stores = {each.name: VectorStore(cache, each.identity) for each in encoders}
        self._dense: dict[str, faiss.IndexFlatIP] = {}
        self._catching_up = threading.Lock()
        passages = library.passages
        own = [self.words.terms(without_ruby(each.text), each.language) for each in passages]
        above = [self.words.terms(_above(each), each.language) for each in passages]
        self._terms = [[*upper, *lower] for upper, lower in zip(above, own, strict=True)]
        self._words = Bm25(self._terms)
        self.held = tuple(frozenset(each) for each in self._terms)
        """The terms of each passage, with those of its headings."""
        self.own = tuple(frozenset(each) for each in own)
        """The terms of each passage's text alone."""
        readings = (self.words.reading(_spoken(each), self.names.readings) for each in passages)
        self._readings = Bm25([grams(each) for each in readings])
        known = lexicon()
        self.concepts = tuple(known.named(_topic(each)) for each in passages)
        """The concepts that each passage's item, or else its innermost heading, names."""
        self.mentioned = tuple(known.named(_spoken(each)) for each in passages)
        """The concepts that anything in or above each passage names."""
        self.main = tuple(known.main(_topic(each)) for each in passages)
        """The concepts of which each passage states the main fact."""
        self.headed = tuple(known.named(_heading(each)) for each in passages)
        """The concepts that each passage's innermost heading names."""
        self.labels = tuple(self._naming(each) for each in passages)
        """The names that say what each passage is about."""
        self.bodies = tuple(self.names.held(_spoken(each)) for each in passages)
        """All names in and above each passage."""

    @classmethod
    def open(
        cls,
        library: Library,
        cache: Path,
        encoders: Sequence[Encoder],
        progress: Callable[[str], None],
    ) -> "Index":
        """Index a library, encoding with the fast encoders what the cache does not hold."""
        index = cls(library, encoders, cache)
        for encoder in encoders:
            if index._stores[encoder.name].damaged:
                progress(f"the vector file of {encoder.name} was damaged and is built again")
            missing = index._missing(encoder)
            if not encoder.slow and missing:
                progress(f"encoding {len(missing)} texts with {encoder.name}")
                index._encode(encoder, missing)
            if not index._missing(encoder):
                index._dense[encoder.name] = index._build(encoder)
        if waiting := index.behind:
            progress(f"{', '.join(waiting)} will catch up in the background")
        progress(f"{len(library.passages)} passages, tier {index.tier}")
        return index

    @property
    def tier(self) -> Tier:
        """What this index runs on once every encoder has caught up."""
        return tier_of(self.encoders)

    @property
    def running(self) -> Tier:
        """What it runs on now."""
        return tier_of([each for each in self.encoders if each.name in self._dense])

    @property
    def behind(self) -> tuple[str, ...]:
        """The encoders that have passages still to encode."""
        return tuple(each.name for each in self.encoders if each.name not in self._dense)

    def catch_up(self, progress: Callable[[str], None] = lambda _: None) -> None:
        """Encode what is missing. Blocks as long as that takes: call it from a worker thread."""
        with self._catching_up:
            for encoder in self.encoders:
                if encoder.name not in self._dense:
                    self._encode(encoder, self._missing(encoder))
                    self._dense[encoder.name] = self._build(encoder)
                    progress(f"{encoder.name} has caught up")

    def warm_up(self) -> None:
        """Load the models now rather than at the first question."""
        for encoder in self.encoders:
            encoder.query("こんにちは")

    def knows(self, term: str) -> bool:
        """Whether any passage holds the term."""
        return term in self._words

    def idf(self, term: str) -> float:
        """How much a term says about a passage: the rarer, the more."""
        return self._words.idf(term)

    def word_scores(self, terms: Sequence[str]) -> Scores:
        """Score passages by BM25 over terms."""
        return self._words.scores(terms)

    def reading_scores(self, question: str) -> Scores:
        """Score passages by BM25 over pieces of their reading."""
        return self._readings.scores(grams(self.words.reading(question, self.names.readings)))

    def dense_scores(self, question: str) -> Mapping[str, Scores]:
        """Score passages by cosine, for each encoder that has caught up."""
        scores = {}
        for encoder in self.encoders:
            if (dense := self._dense.get(encoder.name)) is not None and dense.ntotal:
                scores[encoder.name] = _search(dense, encoder.query(question))
        return scores

    def _naming(self, passage: Passage) -> frozenset[str]:
        """A row that names a sight is about that one, whatever its heading says."""
        return self.names.held(without_ruby(passage.item or "")) or self.names.held(_label(passage))

    def _texts(self) -> list[str]:
        return [text for each in self.library.passages for text in (_body(each), _label(each))]

    def _missing(self, encoder: Encoder) -> list[str]:
        return self._stores[encoder.name].missing(self._texts())

    def _encode(self, encoder: Encoder, texts: Sequence[str]) -> None:
        store = self._stores[encoder.name]
        for number, start in enumerate(range(0, len(texts), _BATCH), start=1):
            batch = texts[start : start + _BATCH]
            store.add(batch, encoder.passages(batch))
            if number % _SAVE_EVERY == 0:
                self._save(store)
        self._save(store)

    def _save(self, store: VectorStore) -> None:
        """Keep the vectors; without room on the disk the town still answers, from memory."""
        try:
            store.save(self._texts())
        except OSError as error:
            logger.warning(
                "vectors.not_saved", extra={"path": str(store.path), "error": str(error)}
            )

    def _build(self, encoder: Encoder) -> faiss.IndexFlatIP:
        """A passage's vector is the mean of its own and its headings' (research: nDCG +.04)."""
        store = self._stores[encoder.name]
        rows = [store[_body(each)] + store[_label(each)] for each in self.library.passages]
        if not rows:
            return faiss.IndexFlatIP(1)
        matrix = np.stack(rows)
        matrix /= np.maximum(np.linalg.norm(matrix, axis=1, keepdims=True), 1e-9)
        dense = faiss.IndexFlatIP(matrix.shape[1])
        dense.add(np.ascontiguousarray(matrix, dtype=np.float32))
        return dense


def _search(dense: faiss.IndexFlatIP, query: Vectors) -> Scores:
    found, numbers = dense.search(query[np.newaxis, :], min(dense.ntotal, CANDIDATES))
    scores = np.full(dense.ntotal, found[0].min(), dtype=np.float32)
    scores[numbers[0]] = found[0]
    return scores


def _label(passage: Passage) -> str:
    """What a passage is about: its subject, innermost heading and item."""
    subject = passage.facility or passage.title
    parts = (passage.headings[-1] if passage.headings else passage.title, passage.item or "")
    return without_ruby(" ".join(dict.fromkeys((subject, *(each for each in parts if each)))))


def _heading(passage: Passage) -> str:
    return without_ruby(passage.headings[-1] if passage.headings else passage.title)


def _topic(passage: Passage) -> str:
    """The words that say which question a passage answers."""
    return without_ruby(passage.item) if passage.item else _heading(passage)


def _body(passage: Passage) -> str:
    """What a passage says, with its subject where the text itself leaves that out."""
    subject = passage.facility or passage.title
    text = without_ruby(passage.text)
    return f"{subject} {text}" if passage.kind is Kind.FACT and subject not in text else text


def _above(passage: Passage) -> str:
    return without_ruby(f"{passage.title}\n{_label(passage)}")


def _spoken(passage: Passage) -> str:
    """What words and readings are taken from; headings and item count twice."""
    return f"{_above(passage)}\n{without_ruby(passage.text)}"
