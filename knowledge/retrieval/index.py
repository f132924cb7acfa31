"""Index: three views of one library, words, readings and meaning, opened in under a second.

Words, readings and vectors come from the cache; only those of changed passages are made again. A
slow encoder does not hold the start up: until `Index.catch_up` has run, the others answer.

An index never changes what it holds. To take in a changed library, build another beside it
(`Index.renewed`, which shares models, dictionary and files) and put it in the place of the first.
"""

import logging
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from knowledge.encoders import Encoder, Scores, Tier, Vectors, tier_of
from knowledge.errors import EncoderUnavailable
from knowledge.gazetteer import Gazetteer, with_places
from knowledge.language import Language
from knowledge.library import Library
from knowledge.names import Name, Names, squeeze
from knowledge.passage import Document, Kind, Passage, Status
from knowledge.retrieval import analysis
from knowledge.retrieval.analysis import label
from knowledge.retrieval.dense import FLAT_UP_TO, View, dense
from knowledge.retrieval.vectors import VectorStore
from knowledge.text import without_ruby
from knowledge.words import Words, grams

__all__ = ["Index", "Scores"]

logger = logging.getLogger(__name__)

BESIDES = 0.5
"""The share of a sight's prominence for a row about it in a document about something else.

Other languages than Japanese have one document about everything."""

SPECIFIC = 3
"""A heading of at most so many passages says what each is about: it weighs as much as the text."""
GENERAL = 0.5
"""The weight of the vector of a heading above many passages, the title of a long article."""

IMPLIED = 0.5
"""The weight of a word that means the same in this town as one that was asked."""

ENOUGH = 0.8
"""The share of passages with vectors from which on a view is searched; see `Index.dense_scores`."""

ASKED_AGAIN_AFTER = (60.0, 300.0, 900.0)
"""Seconds until an endpoint is asked again for the vectors of passages."""

MOST_QUERIES = 64
"""How many encoded questions are remembered: those being answered."""
_BATCH = 16  # texts; a slow encoder holds its lock for about a second
_SAVE_EVERY = 40  # batches


class Index:
    """What a question is compared with."""

    def __init__(
        self,
        library: Library,
        encoders: Sequence[Encoder],
        cache: Path,
        words: Words | None = None,
        *,
        gazetteer: Gazetteer | None = None,
        progress: Callable[[str], None] = lambda _: None,
        flat_up_to: int = FLAT_UP_TO,
    ) -> None:
        self.library = library
        self.words = words or Words()
        self.gazetteer = gazetteer or Gazetteer()
        names = with_places(self.gazetteer, library.places)
        self.names = Names(library.documents, self.words, names)
        self.encoders = tuple(encoders)
        self._cache = cache
        self._flat_up_to = flat_up_to
        self._stores = {
            each.name: VectorStore.shared(cache, each.identity) for each in self.encoders
        }
        self._views: dict[str, View] = {}
        self._queries: dict[tuple[str, str], Vectors] = {}
        self._catching_up = threading.Lock()
        self._stopping = threading.Event()
        self._analysis = analysis.opened(library, self.words, self.names, cache, progress)
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

        self._texts, self._headings = self._to_encode()
        self._languages = np.array([each.language.value for each in library.passages], dtype="U8")
        self._naming = _places(self.concepts)
        self._labelled = _places(self.labels)
        self._mentioning = _places(self.bodies)
        self._of_document = _places([{each.document} for each in library.passages])
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
        *,
        gazetteer: Gazetteer | None = None,
        words: Words | None = None,
    ) -> "Index":
        """Index a library, encoding with the fast encoders what the cache does not hold."""
        index = cls(library, encoders, cache, words, gazetteer=gazetteer, progress=progress)
        for encoder in encoders:
            store = index._stores[encoder.name]
            if store.damaged:
                progress(f"the vector file of {encoder.name} was damaged and is built again")
                store.damaged = False
            _kept(store, partial(store.prune, index._wanted()))
            missing = index._missing(encoder)
            if not encoder.slow and missing:
                progress(f"encoding {len(missing)} texts with {encoder.name}")
                index._encode(encoder)
            index._look(encoder)
        if waiting := index.behind:
            progress(f"{', '.join(waiting)} will catch up in the background")
        progress(f"{len(library.passages)} passages, tier {index.tier}")
        return index

    def renewed(
        self,
        library: Library,
        progress: Callable[[str], None] = lambda _: None,
        *,
        gazetteer: Gazetteer | None = None,
    ) -> "Index":
        """Build an index of a changed library beside this one, which goes on answering.

        Takes as long as what changed. Run `catch_up` of the new one afterwards, and `stop` this.
        """
        return type(self).open(
            library,
            self._cache,
            self.encoders,
            progress,
            gazetteer=gazetteer or self.gazetteer,
            words=self.words,
        )

    @property
    def tier(self) -> Tier:
        """What this index runs on once every encoder has caught up."""
        return tier_of(self.encoders)

    @property
    def running(self) -> Tier:
        """What it runs on now."""
        return tier_of([each for each in self.encoders if each.name in self._views])

    @property
    def behind(self) -> tuple[str, ...]:
        """The encoders that have passages still to encode."""
        return tuple(each.name for each in self.encoders if not self._complete(each))

    def _complete(self, encoder: Encoder) -> bool:
        view = self._views.get(encoder.name)
        return view is not None and view.rows is None

    def catch_up(
        self,
        progress: Callable[[str], None] = lambda _: None,
        *,
        again_after: Iterable[float] = ASKED_AGAIN_AFTER,
    ) -> None:
        """Encode what is missing. Blocks as long as that takes: call it from a worker thread.

        Returns early after `stop`; what was encoded by then is kept for the next start. An endpoint
        that does not answer is asked again after each of `again_after` (seconds).
        """
        pauses = iter(again_after)
        with self._catching_up:
            for encoder in self.encoders:
                while not self._complete(encoder):
                    try:
                        done = self._encode(encoder)
                    except EncoderUnavailable as error:
                        progress(f"{encoder.name} does not answer: {error}")
                        logger.warning("encoder.behind", extra={"error": str(error)})
                        self._look(encoder)
                        pause = next(pauses, None)
                        if pause is None or self._stopping.wait(pause):
                            break
                        continue
                    if not done:
                        progress(f"{encoder.name} was stopped")
                        return
                    self._look(encoder)
                    progress(f"{encoder.name} has caught up")

    def stop(self) -> None:
        """Let `catch_up` end after the batch it is at, and not begin again. Does not wait for it.

        Questions are still answered.
        """
        self._stopping.set()

    def warm_up(self) -> None:
        """Load the models now rather than at the first question."""
        self.dense_scores("こんにちは")
        for encoder in self.encoders:
            if encoder.name not in self._views:
                _asked(encoder, "こんにちは")

    def knows(self, term: str) -> bool:
        """Whether any passage holds the term."""
        return term in self._analysis.words

    def idf(self, term: str) -> float:
        """How much a term says about a passage: the rarer, the more."""
        return self._analysis.words.idf(term)

    def word_scores(self, terms: Sequence[str] | Mapping[str, float]) -> Scores:
        """Score passages by BM25 over terms, or over terms with weights."""
        return self._analysis.words.scores(terms)

    def query_terms(self, question: str, language: Language) -> Mapping[str, float]:
        """Return the terms of a question, and with less weight what means the same here."""
        terms = dict.fromkeys(self.words.terms(question, language), 1.0)
        squeezed = squeeze(question) if self.names.synonyms else ""
        for group in self.names.synonyms:
            if any(each in squeezed for each in group):
                for each in group:
                    for term in self.words.terms(each, Language.JA):
                        terms.setdefault(term, IMPLIED)
        return terms

    def reading_scores(self, question: str) -> Scores:
        """Score passages by BM25 over pieces of their reading."""
        reading = self.words.reading(question, self.names.readings)
        return self._analysis.readings.scores(grams(reading))

    def dense_scores(
        self, question: str, wanted: Callable[[str], bool] = lambda _: True
    ) -> Mapping[str, Scores]:
        """Score passages by cosine, for each encoder that has caught up and answers.

        `wanted` says which encoders to ask, by name. NaN for the few passages (new ones) that an
        encoder has still to encode.
        """
        scores = {}
        for encoder in self.encoders:
            view = self._views.get(encoder.name)
            if view is not None and wanted(encoder.name):
                query = self._query(encoder, question)
                if query is not None:
                    scores[encoder.name] = view.scores(query)
        return scores

    def _query(self, encoder: Encoder, question: str) -> Vectors | None:
        """Encode a question once, in whatever ways it is looked up."""
        key = (encoder.name, question)
        if (kept := self._queries.get(key)) is not None:
            return kept
        vector = _asked(encoder, question)
        if vector is not None:
            self._queries[key] = vector
            while len(self._queries) > MOST_QUERIES:
                self._queries.pop(next(iter(self._queries)), None)
        return vector

    def written_in(self, language: Language) -> Scores:
        """Return 1 for the passages in a language, 0 for the others."""
        return np.asarray(self._languages == language.value, dtype=np.float32)

    def naming(self, concepts: frozenset[str]) -> Scores:
        """Return 1 for the passages whose item or heading names any of the concepts."""
        return self._marked(self._naming, concepts)

    def about(self, name: Name, *, labelled: float, mentioned: float) -> Scores:
        """Return how far each passage is about a name.

        1 if its document carries the name, `labelled` if its heading or item holds it, `mentioned`
        if its text does, 0 otherwise.
        """
        return np.asarray(
            np.maximum.reduce(
                [
                    self._marked(self._of_document, name.documents),
                    labelled * self._marked(self._labelled, name.others),
                    mentioned * self._marked(self._mentioning, name.others),
                ]
            ),
            dtype=np.float32,
        )

    def _marked(self, places: Mapping[str, Sequence[int]], keys: Iterable[str]) -> Scores:
        marked = np.zeros(len(self.library.passages), dtype=np.float32)
        for key in keys:
            marked[places.get(key, [])] = 1.0
        return marked

    def _titled(self) -> frozenset[str]:
        titles = {(each.title, each.language) for each in self._general()}
        return frozenset(term for each in titles for term in self.words.terms(*each))

    def _general(self) -> Iterable[Document]:
        return (each for each in self.library.documents if each.facility is None)

    def _prominence(self) -> tuple[float, ...]:
        def weight(subject: str | None, passage: Passage) -> float:
            beside = subject != passage.facility and passage.language is Language.JA
            return self.sights.get(subject or "", 0.0) * (BESIDES if beside else 1.0)

        subject_of = {each: self.names.subject(each) for each in set(self.labels)}
        subjects = (subject_of[each] for each in self.labels)
        return tuple(map(weight, subjects, self.library.passages))

    def _to_encode(self) -> tuple[tuple[str, ...], tuple[str | None, ...]]:
        """What each passage says, and the heading that says what it is about."""
        headings = (label(each) or None for each in self.library.passages)
        return tuple(map(_body, self.library.passages)), tuple(headings)

    def _wanted(self) -> Iterable[str]:
        pairs = zip(self._texts, self._headings, strict=True)
        return (text for pair in pairs for text in pair if text is not None)

    def _missing(self, encoder: Encoder) -> list[str]:
        return self._stores[encoder.name].missing(self._wanted())

    def _encode(self, encoder: Encoder) -> bool:
        """Encode what is missing; False if that was stopped before the last batch."""
        store = self._stores[encoder.name]
        with store.filling:
            texts = self._missing(encoder)
            try:
                for number, start in enumerate(range(0, len(texts), _BATCH), start=1):
                    if self._stopping.is_set():
                        return False
                    batch = texts[start : start + _BATCH]
                    store.add(batch, encoder.passages(batch))
                    if number % _SAVE_EVERY == 0:
                        _kept(store, store.save)
            finally:
                _kept(store, store.save)
        return not self._stopping.is_set() or not texts

    def _look(self, encoder: Encoder) -> None:
        """Make the vectors that there are searchable, if there are enough of them.

        A passage's vector is the mean of its own and its heading's (research: nDCG +.04).
        """
        store, size = self._stores[encoder.name], len(self._texts)
        rows = [
            number
            for number, pair in enumerate(zip(self._texts, self._headings, strict=True))
            if all(text is None or text in store for text in pair)
        ]
        if len(rows) < ENOUGH * size:
            return
        matrix = store.matrix([self._texts[each] for each in rows])
        headed = [place for place, each in enumerate(rows) if self._headings[each] is not None]
        if headed:
            above = [self._headings[rows[each]] or "" for each in headed]
            count = Counter(self._headings)
            weights = [1.0 if count[each] <= SPECIFIC else GENERAL for each in above]
            matrix[headed] += store.matrix(above) * np.array(weights, dtype=np.float32)[:, None]
        matrix /= np.maximum(np.linalg.norm(matrix, axis=1, keepdims=True), 1e-9)
        store.release()
        graph = self._cache / f"graph-{store.path.stem}.kix"
        self._views[encoder.name] = View(
            dense(matrix, graph, flat_up_to=self._flat_up_to),
            None if len(rows) == size else np.array(rows, dtype=np.int64),
            size,
        )


def _year(library: Library) -> int:
    current = (each for each in library.passages if each.status is Status.CURRENT)
    return max((int(each.as_of[:4]) for each in current if each.as_of), default=1) - 1


def _asked(encoder: Encoder, question: str) -> Vectors | None:
    try:
        return encoder.query(question)
    except EncoderUnavailable:
        return None  # said by the encoder, once; the other views answer


def _places(held: Sequence[Iterable[str]]) -> dict[str, list[int]]:
    """Return in which passages each thing stands."""
    places: defaultdict[str, list[int]] = defaultdict(list)
    for number, each in enumerate(held):
        for key in each:
            places[key].append(number)
    return dict(places)


def _kept(store: VectorStore, keep: Callable[[], None]) -> None:
    """Keep vectors; without room on the disk the town still answers, from memory."""
    try:
        keep()
    except OSError as error:
        logger.warning("vectors.not_saved", extra={"path": str(store.path), "error": str(error)})


def _body(passage: Passage) -> str:
    """What a passage says, with its subject where the text itself leaves that out."""
    subject = passage.facility or passage.title
    text = without_ruby(passage.text)
    return f"{subject} {text}" if passage.kind is Kind.FACT and subject not in text else text
