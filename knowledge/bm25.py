"""BM25 over any kind of term.

Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond", 2009, with the
always positive inverse document frequency ``ln(1 + (N - n + 0.5) / (n + 0.5))``.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

K1 = 1.2
B = 0.75


class Bm25:
    """An inverted index with the term weights worked out beforehand."""

    def __init__(self, documents: Sequence[Sequence[str]], *, k1: float = K1, b: float = B) -> None:
        self.size = len(documents)
        mean_length = sum(map(len, documents)) / max(self.size, 1) or 1.0
        postings: defaultdict[str, list[tuple[int, float]]] = defaultdict(list)
        for number, terms in enumerate(documents):
            norm = k1 * (1 - b + b * len(terms) / mean_length)
            for term, frequency in Counter(terms).items():
                postings[term].append((number, frequency * (k1 + 1) / (frequency + norm)))
        self._postings = {
            term: (
                np.array([number for number, _ in entries], dtype=np.int64),
                np.array([weight for _, weight in entries], dtype=np.float32),
            )
            for term, entries in postings.items()
        }

    def __contains__(self, term: str) -> bool:
        return term in self._postings

    def idf(self, term: str) -> float:
        """Return the inverse document frequency; a term that no document holds has the highest."""
        held = len(self._postings[term][0]) if term in self._postings else 0
        return float(np.log(1 + (self.size - held + 0.5) / (held + 0.5)))

    def scores(self, terms: Iterable[str]) -> NDArray[np.float32]:
        """Score every document, shape ``(size,)``; zero where no term occurs."""
        scores = np.zeros(self.size, dtype=np.float32)
        for term in set(terms):
            if term in self._postings:
                numbers, weights = self._postings[term]
                scores[numbers] += self.idf(term) * weights
        return scores
