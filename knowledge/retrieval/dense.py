"""Dense: which passages mean what a question means, by the cosine of their vectors.

Up to `FLAT_UP_TO` passages each is compared; that is exact and takes 6 ms at 50,000 of them. Above,
a graph finds the nearest (`knowledge.retrieval.graph`).
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from knowledge.encoders import Scores, Vectors

FLAT_UP_TO = 50_000


class Dense(Protocol):
    """What the index asks of the vectors of one model."""

    def scores(self, query: Vectors) -> Scores:
        """Return the cosine of each passage; of some only an estimate, in large libraries."""
        ...


class Flat:
    """Compares the question with every passage."""

    def __init__(self, matrix: Vectors) -> None:
        self._matrix = matrix

    def scores(self, query: Vectors) -> Scores:
        return np.asarray(self._matrix @ query, dtype=np.float32)


@dataclass(frozen=True, slots=True)
class View:
    """The vectors of one model."""

    dense: Dense
    rows: NDArray[np.int64] | None  # the passages that have vectors; None: all
    size: int

    def scores(self, query: Vectors) -> Scores:
        """Return the cosine of each passage; NaN where there is no vector yet."""
        if not self.size:
            return np.zeros(0, dtype=np.float32)
        found = self.dense.scores(query)
        if self.rows is None:
            return found
        scores = np.full(self.size, np.nan, dtype=np.float32)
        scores[self.rows] = found
        return scores


def dense(matrix: Vectors, cache: Path, *, flat_up_to: int = FLAT_UP_TO) -> Dense:
    """Make the rows of a matrix, shape ``(n_passages, dimension)``, searchable."""
    if len(matrix) <= flat_up_to:
        return Flat(matrix)
    from knowledge.retrieval.graph import graph  # faiss, for large libraries alone

    return graph(matrix, cache)
