"""Taught facts: one-line answers of the staff to questions that the documents left open.

A taught fact is a passage like any other, so whoever asks about its words finds it. And who asks
the same question again, in whatever words or language, gets it before anything else: staff have
answered just this.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np

from knowledge.encoders import Vectors
from knowledge.extract import Extract
from knowledge.figures import figures
from knowledge.language import Language
from knowledge.lexicon import lexicon
from knowledge.library import Library
from knowledge.passage import Kind, Passage, Status
from knowledge.question import Asked, understand
from knowledge.retrieval.index import Index
from knowledge.text import fold

FOLDER = "taught/"
"""Documents below this name are no files: each is one taught fact."""

SAME = 0.82  # cosine from which two questions with the same words are one
SAME_ACROSS = 0.59  # between two languages, where cosines are lower, of what no known word names
SAME_TOPIC_ACROSS = 0.75  # between two languages, of a known topic: cash and cards are one topic
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
    """Finds the taught fact that answers a question asked before.

    Wrongly taken for the same, a question gets a wrong answer with the town's name under it; taken
    for another one, it is looked up like any question. So all that may tell two apart has to agree:
    sight, topic, for whom, when, every figure, and in one language every word that says anything.
    """

    def __init__(
        self, index: Index, taught: Sequence[Taught], before: "TaughtFacts | None" = None
    ) -> None:
        """Read the taught questions; those that `before` has read are taken over."""
        self.index = index
        self._encoder = next((each for each in index.encoders if not each.slow), None)
        self._taught = tuple(taught)
        known = before.read if before is not None else {}
        self.read: dict[tuple[str, Language], Asked] = {
            key: known.get(key) or understand(*key, index)
            for key in ((each.question, each.language) for each in taught)
        }
        self._asked = tuple(self.read[each.question, each.language] for each in taught)
        self.encoded: Mapping[str, Vectors] = self._encoded(
            before.encoded if before is not None else {}
        )
        self._vectors = (
            np.stack([self.encoded[each.question] for each in taught]) if self.encoded else None
        )

    def _encoded(self, known: Mapping[str, Vectors]) -> dict[str, Vectors]:
        if self._encoder is None or not self._taught:
            return {}
        texts = dict.fromkeys(each.question for each in self._taught)
        new = [each for each in texts if each not in known]
        fresh = dict(zip(new, self._encoder.passages(new), strict=True)) if new else {}
        return {each: known[each] if each in known else fresh[each] for each in texts}

    def match(self, asked: Asked) -> tuple[Extract, ...]:
        """Return the fact taught for this very question; nothing if there is none."""
        alike = [
            number for number, each in enumerate(self._asked) if self._about_the_same(asked, each)
        ]
        if not alike:
            return ()
        near = self._nearness(asked)
        best = max(alike, key=lambda each: near[each])
        if not self._near(asked, self._asked[best], near[best]):
            return ()
        passage = self._taught[best].passage()
        return (Extract(passage.text, passage),)

    def _about_the_same(self, asked: Asked, before: Asked) -> bool:
        """Whether nothing that was understood tells two questions apart."""
        if {each.others for each in asked.names} != {each.others for each in before.names}:
            return False
        if fold(asked.text) == fold(before.text):
            return True
        return (
            asked.all_concepts == before.all_concepts
            and asked.qualifiers == before.qualifiers
            and figures(asked.text) == figures(before.text)
            and (asked.language is not before.language or self._says(asked) == self._says(before))
        )

    def _says(self, asked: Asked) -> frozenset[str]:
        """Return the words of a question but for the asker's circumstances."""
        return frozenset(asked.terms) - lexicon().circumstances

    def _near(self, asked: Asked, before: Asked, near: float) -> bool:
        if fold(asked.text) == fold(before.text):
            return True
        if self._vectors is None:
            return near >= OVERLAP
        if asked.language is before.language:
            return near >= SAME
        return near >= (SAME_TOPIC_ACROSS if asked.all_concepts else SAME_ACROSS)

    def _nearness(self, asked: Asked) -> list[float]:
        """Return how near each taught question is: a cosine, or the share of words in common."""
        if self._vectors is None or self._encoder is None:
            return [self._overlap(asked, each) for each in self._asked]
        return [float(each) for each in self._vectors @ self._encoder.query(asked.text)]

    def _overlap(self, asked: Asked, before: Asked) -> float:
        one, other = set(asked.terms), set(before.terms)
        weight = {each: self.index.idf(each) for each in one | other}
        shorter = min(sum(weight[term] for term in each) for each in (one, other))
        return sum(weight[each] for each in one & other) / shorter if shorter else 0.0
