"""Index: three views of one library, words, readings and meaning, opened in under a second.

Words, readings and vectors come from the cache; of the vectors only those of changed texts are made
again. A slow encoder does not hold the start up: until `Index.catch_up` has run, the others answer.
"""

import logging
import threading
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import faiss
import numpy as np
from numpy.typing import NDArray

from knowledge import analysis
from knowledge.analysis import label
from knowledge.encoders import Encoder, Tier, Vectors, tier_of
from knowledge.language import Language
from knowledge.names import Names
from knowledge.passage import Kind, Library, Passage, Status
from knowledge.text import without_ruby
from knowledge.vectors import VectorStore
from knowledge.words import Words, grams

logger = logging.getLogger(__name__)

Scores = NDArray[np.float32]
"""One score a passage, in the order of the library: shape ``(n_passages,)``."""

CANDIDATES = 512
"""How many passages a vector search returns; the rest count as the least similar of these."""

BESIDES = 0.5
"""The share of a sight's prominence for a row about it in a document about something else.

Other languages than Japanese have one document about everything."""

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
        self._stopping = threading.Event()
        self._analysis = analysis.opened(library, self.words, self.names, cache)
        self.held = self._analysis.held
        self.own = self._analysis.own
        self.concepts = self._analysis.concepts
        self.mentioned = self._analysis.mentioned
        self.main = self._analysis.main
        self.headed = self._analysis.headed
        self.labels = self._analysis.labels
        self.bodies = self._analysis.bodies
        self.sights = self.names.sights(library)
        """The town's sights, the main one first, with their share of what the guides say."""
        self.titled = self._titled()
        """The terms in the titles of documents about no single sight: the town's name is one."""
        self.year = _year(library)
        """Of the newest current statement, but for one year: what was asked before it is old."""
        self.prominence = self._prominence()
        """The share of the sight that each passage is about; 0 if it is about none."""

        self._languages = np.array([each.language.value for each in library.passages], dtype="U8")
        self._naming: defaultdict[str, list[int]] = defaultdict(list)
        for number, named in enumerate(self.concepts):
            for concept in named:
                self._naming[concept].append(number)
        self.old = np.array(
            [each.status is Status.OLD for each in library.passages], dtype=np.float32
        )
        """1 for the passages that state what is no longer true, 0 for the others."""

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
        """Encode what is missing. Blocks as long as that takes: call it from a worker thread.

        Returns early after `stop`; what was encoded by then is kept for the next start.
        """
        with self._catching_up:
            for encoder in self.encoders:
                if encoder.name not in self._dense:
                    if not self._encode(encoder, self._missing(encoder)):
                        progress(f"{encoder.name} was stopped")
                        return
                    self._dense[encoder.name] = self._build(encoder)
                    progress(f"{encoder.name} has caught up")

    def stop(self) -> None:
        """Let `catch_up` end after the batch it is at, and not begin again. Does not wait for it.

        Questions are still answered.
        """
        self._stopping.set()

    def warm_up(self) -> None:
        """Load the models now rather than at the first question."""
        for encoder in self.encoders:
            encoder.query("こんにちは")

    def knows(self, term: str) -> bool:
        """Whether any passage holds the term."""
        return term in self._analysis.words

    def idf(self, term: str) -> float:
        """How much a term says about a passage: the rarer, the more."""
        return self._analysis.words.idf(term)

    def word_scores(self, terms: Sequence[str]) -> Scores:
        """Score passages by BM25 over terms."""
        return self._analysis.words.scores(terms)

    def reading_scores(self, question: str) -> Scores:
        """Score passages by BM25 over pieces of their reading."""
        reading = self.words.reading(question, self.names.readings)
        return self._analysis.readings.scores(grams(reading))

    def dense_scores(self, question: str) -> Mapping[str, Scores]:
        """Score passages by cosine, for each encoder that has caught up."""
        scores = {}
        for encoder in self.encoders:
            if (dense := self._dense.get(encoder.name)) is not None and dense.ntotal:
                scores[encoder.name] = _search(dense, encoder.query(question))
        return scores

    def written_in(self, language: Language) -> Scores:
        """Return 1 for the passages in a language, 0 for the others."""
        return np.asarray(self._languages == language.value, dtype=np.float32)

    def naming(self, concepts: frozenset[str]) -> Scores:
        """Return 1 for the passages whose item or heading names any of the concepts."""
        named = np.zeros(len(self.concepts), dtype=np.float32)
        for concept in concepts:
            named[self._naming.get(concept, [])] = 1.0
        return named

    def _titled(self) -> frozenset[str]:
        general = (each for each in self.library.documents if each.facility is None)
        return frozenset(
            term for each in general for term in self.words.terms(each.title, each.language)
        )

    def _prominence(self) -> tuple[float, ...]:
        def weight(subject: str | None, passage: Passage) -> float:
            beside = subject != passage.facility and passage.language is Language.JA
            return self.sights.get(subject or "", 0.0) * (BESIDES if beside else 1.0)

        subjects = map(self.names.subject, self.labels)
        return tuple(map(weight, subjects, self.library.passages))

    def _texts(self) -> list[str]:
        return [text for each in self.library.passages for text in (_body(each), label(each))]

    def _missing(self, encoder: Encoder) -> list[str]:
        return self._stores[encoder.name].missing(self._texts())

    def _encode(self, encoder: Encoder, texts: Sequence[str]) -> bool:
        """Encode texts and keep the vectors; False if that was stopped before the last batch."""
        store = self._stores[encoder.name]
        stopped = False
        for number, start in enumerate(range(0, len(texts), _BATCH), start=1):
            if stopped := self._stopping.is_set():
                break
            batch = texts[start : start + _BATCH]
            store.add(batch, encoder.passages(batch))
            if number % _SAVE_EVERY == 0:
                self._save(store)
        self._save(store)
        return not stopped

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
        rows = [store[_body(each)] + store[label(each)] for each in self.library.passages]
        if not rows:
            return faiss.IndexFlatIP(1)
        matrix = np.stack(rows)
        matrix /= np.maximum(np.linalg.norm(matrix, axis=1, keepdims=True), 1e-9)
        # One query is too little work to share: the other threads cost ten times what they save.
        faiss.omp_set_num_threads(1)
        dense = faiss.IndexFlatIP(matrix.shape[1])
        dense.add(np.ascontiguousarray(matrix, dtype=np.float32))
        return dense


def _year(library: Library) -> int:
    current = (each for each in library.passages if each.status is Status.CURRENT)
    return max((int(each.as_of[:4]) for each in current if each.as_of), default=1) - 1


def _search(dense: faiss.IndexFlatIP, query: Vectors) -> Scores:
    found, numbers = dense.search(query[np.newaxis, :], min(dense.ntotal, CANDIDATES))
    scores = np.full(dense.ntotal, found[0].min(), dtype=np.float32)
    scores[numbers[0]] = found[0]
    return scores


def _body(passage: Passage) -> str:
    """What a passage says, with its subject where the text itself leaves that out."""
    subject = passage.facility or passage.title
    text = without_ruby(passage.text)
    return f"{subject} {text}" if passage.kind is Kind.FACT and subject not in text else text
