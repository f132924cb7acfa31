"""BM25 over any kind of term.

Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond", 2009, with the
always positive inverse document frequency ``ln(1 + (N - n + 0.5) / (n + 0.5))``.
"""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from knowledge.retrieval.ragged import Ragged, Strings

K1 = 1.2
B = 0.75


class Bm25:
    """An inverted index with the term weights worked out beforehand.

    The postings of all terms lie one after another in two arrays, which may be mapped from a file:
    a search touches those of its own terms alone.
    """

    def __init__(
        self,
        place: Mapping[str, int],
        *,
        size: int,
        ends: NDArray[np.int64],
        numbers: NDArray[np.int32],
        weights: NDArray[np.float32],
    ) -> None:
        self.size = size  # documents
        self._place = place  # of each term in `ends`
        self._ends = ends
        self._numbers = numbers
        self._weights = weights

    @classmethod
    def of(cls, documents: Sequence[Sequence[str]]) -> "Bm25":
        """Index documents given as lists of terms."""
        strings = Strings()
        rows = Ragged.of([strings.numbers(each) for each in documents])
        return cls.inverted(rows, strings.place)

    @classmethod
    def inverted(
        cls, rows: Ragged, place: Mapping[str, int], *, k1: float = K1, b: float = B
    ) -> "Bm25":
        """Index documents given as rows of term numbers, repeated as often as a term occurs."""
        size, lengths = len(rows), rows.lengths()
        # A pair of term and document is one number, so that one sort groups and counts them.
        pairs = rows.values.astype(np.int64) * max(size, 1)
        pairs += np.repeat(np.arange(size), lengths)
        pairs.sort()
        first = np.flatnonzero(np.diff(pairs, prepend=-1))
        frequency = np.diff(first, append=len(pairs))
        terms, numbers = np.divmod(pairs[first], max(size, 1))
        mean = lengths.mean() if size else 0.0
        norm = k1 * (1 - b + b * lengths / (mean or 1.0))
        weights = frequency * (k1 + 1) / (frequency + norm[numbers])
        return cls(
            place,
            size=size,
            ends=np.cumsum(np.bincount(terms, minlength=len(place)), dtype=np.int64),
            numbers=numbers.astype(np.int32),
            weights=weights.astype(np.float32),
        )

    def stored(self) -> Mapping[str, NDArray[np.generic]]:
        """Return the arrays to keep; `restored` takes them, and the terms, which are not here."""
        return {"ends": self._ends, "numbers": self._numbers, "weights": self._weights}

    @classmethod
    def restored(
        cls, arrays: Mapping[str, NDArray[np.generic]], place: Mapping[str, int], size: int
    ) -> "Bm25":
        """Build an index from what `stored` returned."""
        return cls(
            place,
            size=size,
            ends=np.asarray(arrays["ends"], dtype=np.int64),
            numbers=np.asarray(arrays["numbers"], dtype=np.int32),
            weights=np.asarray(arrays["weights"], dtype=np.float32),
        )

    def __contains__(self, term: str) -> bool:
        postings = self._postings(term)
        return bool(postings.stop > postings.start)

    def idf(self, term: str) -> float:
        """Return the inverse document frequency; a term that no document holds has the highest."""
        postings = self._postings(term)
        held = postings.stop - postings.start
        return float(np.log(1 + (self.size - held + 0.5) / (held + 0.5)))

    def scores(self, terms: Iterable[str] | Mapping[str, float]) -> NDArray[np.float32]:
        """Score every document, shape ``(size,)``; zero where no term occurs.

        A mapping gives the weight of each term, for what a query only implies.
        """
        weighted = terms if isinstance(terms, Mapping) else dict.fromkeys(terms, 1.0)
        scores = np.zeros(self.size, dtype=np.float32)
        for term, weight in weighted.items():
            postings = self._postings(term)
            if postings.stop > postings.start:
                worth = np.float32(weight * self.idf(term))
                scores[self._numbers[postings]] += worth * self._weights[postings]
        return scores

    def _postings(self, term: str) -> "slice[int, int, None]":
        place = self._place.get(term)
        if place is None:
            return slice(0, 0)
        return slice(int(self._ends[place - 1]) if place else 0, int(self._ends[place]))
