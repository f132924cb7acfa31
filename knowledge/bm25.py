"""BM25 over any kind of term.

Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond", 2009, with the
always positive inverse document frequency ``ln(1 + (N - n + 0.5) / (n + 0.5))``.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

K1 = 1.2
B = 0.75
_SEPARATOR = "\n"  # no term holds one: terms come from cleaned text


class Bm25:
    """An inverted index with the term weights worked out beforehand.

    The postings of all terms lie one after another in two arrays, so that an index is stored and
    read back without touching its terms one by one.
    """

    def __init__(self, documents: Sequence[Sequence[str]], *, k1: float = K1, b: float = B) -> None:
        self.size = len(documents)
        mean_length = sum(map(len, documents)) / max(self.size, 1) or 1.0
        postings: defaultdict[str, list[tuple[int, float]]] = defaultdict(list)
        for number, terms in enumerate(documents):
            norm = k1 * (1 - b + b * len(terms) / mean_length)
            for term, frequency in Counter(terms).items():
                postings[term].append((number, frequency * (k1 + 1) / (frequency + norm)))
        self._place = {term: place for place, term in enumerate(postings)}
        entries = [entry for each in postings.values() for entry in each]
        self._ends = np.cumsum([len(each) for each in postings.values()], dtype=np.int64)
        self._numbers = np.array([number for number, _ in entries], dtype=np.int32)
        self._weights = np.array([weight for _, weight in entries], dtype=np.float32)

    def stored(self) -> Mapping[str, NDArray[np.generic]]:
        """Return the index as arrays without Python objects; `restored` reads them back."""
        return {
            "size": np.array(self.size),
            "terms": np.frombuffer(_SEPARATOR.join(self._place).encode(), dtype=np.uint8),
            "ends": self._ends,
            "numbers": self._numbers,
            "weights": self._weights,
        }

    @classmethod
    def restored(cls, arrays: Mapping[str, NDArray[np.generic]]) -> "Bm25":
        """Build an index from what `stored` returned."""
        index = cls(())
        terms = arrays["terms"].tobytes().decode()
        index.size = int(arrays["size"].item())
        index._place = {
            term: place for place, term in enumerate(terms.split(_SEPARATOR) if terms else ())
        }
        index._ends = arrays["ends"].astype(np.int64)
        index._numbers = arrays["numbers"].astype(np.int32)
        index._weights = arrays["weights"].astype(np.float32)
        return index

    def __contains__(self, term: str) -> bool:
        return term in self._place

    def idf(self, term: str) -> float:
        """Return the inverse document frequency; a term that no document holds has the highest."""
        postings = self._postings(term)
        held = postings.stop - postings.start
        return float(np.log(1 + (self.size - held + 0.5) / (held + 0.5)))

    def scores(self, terms: Iterable[str]) -> NDArray[np.float32]:
        """Score every document, shape ``(size,)``; zero where no term occurs."""
        scores = np.zeros(self.size, dtype=np.float32)
        for term in set(terms):
            if term in self._place:
                postings = self._postings(term)
                scores[self._numbers[postings]] += self.idf(term) * self._weights[postings]
        return scores

    def _postings(self, term: str) -> slice:
        place = self._place.get(term)
        if place is None:
            return slice(0, 0)
        return slice(int(self._ends[place - 1]) if place else 0, int(self._ends[place]))
