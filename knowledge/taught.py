"""Taught facts: one-line answers of the staff to questions that the documents left open.

A taught fact is a passage like any other, so whoever asks about its words finds it. And who asks
the same question again, in whatever words or language, gets it before anything else: staff have
answered just this.
"""

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np

from knowledge.encoders import Vectors
from knowledge.extract import Extract
from knowledge.index import Index
from knowledge.language import Language
from knowledge.passage import Kind, Library, Passage, Status
from knowledge.question import Asked, understand
from knowledge.text import fold

FOLDER = "taught/"
"""Documents below this name are no files: each is one taught fact."""

SAME = 0.82  # cosine from which two questions of the same subject and topic are one
SAME_ACROSS = 0.59  # the same between two languages, where cosines are lower
OVERLAP = 0.5  # of the rarer words of the shorter question, where no encoder runs


@dataclass(frozen=True, slots=True)
class Taught:
    """A question with the answer that staff gave."""

    id: str
    question: str
    answer: str
    language: Language
    as_of: date
    source: str  # how the town calls its own word: 町役場の回答
    facility: str | None = None
    review_by: date | None = None

    @property
    def document(self) -> str:
        return f"{FOLDER}{self.id}"

    def passage(self) -> Passage:
        """Return the fact as what can be cited."""
        return Passage(
            id=f"taught-{self.id}",
            document=self.document,
            title=self.source,
            headings=(self.question,),
            text=self.answer,
            kind=Kind.PROSE,
            language=self.language,
            facility=self.facility,
            as_of=self.as_of.isoformat(),
            status=Status.CURRENT,
            source_title=self.source,
            review_by=self.review_by,
        )


def with_taught(library: Library, taught: Iterable[Taught]) -> Library:
    """Return a library with taught facts after what its files say."""
    return replace(library, passages=(*library.passages, *(each.passage() for each in taught)))


class TaughtFacts:
    """Finds the taught fact that answers a question asked before."""

    def __init__(self, index: Index, taught: Sequence[Taught]) -> None:
        self.index = index
        self._encoder = next((each for each in index.encoders if not each.slow), None)
        self._lock = threading.Lock()
        self._vectors: Vectors | None = None
        self._taught = tuple(taught)
        self._asked = tuple(understand(each.question, each.language, index) for each in taught)

    def match(self, asked: Asked) -> tuple[Extract, ...]:
        """Return the fact taught for this very question; nothing if there is none."""
        if not self._taught:
            return ()
        near = self._nearness(asked)
        for number in sorted(range(len(near)), key=lambda each: -near[each]):
            if self._same(asked, self._asked[number], near[number]):
                passage = self._taught[number].passage()
                return (Extract(passage.text, passage),)
        return ()

    def _same(self, asked: Asked, before: Asked, near: float) -> bool:
        if fold(asked.text) == fold(before.text):
            return True
        if {each.documents for each in asked.names} != {each.documents for each in before.names}:
            return False
        if asked.all_concepts != before.all_concepts:
            return False
        if self._encoder is None:
            return near >= OVERLAP
        across = asked.language is not before.language
        return near >= (SAME_ACROSS if across else SAME)

    def _nearness(self, asked: Asked) -> list[float]:
        """Return how near each taught question is: a cosine, or the share of words in common."""
        if self._encoder is None:
            return [self._overlap(asked, each) for each in self._asked]
        with self._lock:
            if self._vectors is None:
                self._vectors = self._encoder.passages([each.question for each in self._taught])
        near = self._vectors @ self._encoder.query(asked.text)
        return [float(each) for each in np.asarray(near)]

    def _overlap(self, asked: Asked, before: Asked) -> float:
        one, other = set(asked.terms), set(before.terms)
        weight = {each: self.index.idf(each) for each in one | other}
        shorter = min(sum(weight[term] for term in each) for each in (one, other))
        return sum(weight[each] for each in one & other) / shorter if shorter else 0.0
