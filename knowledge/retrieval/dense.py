"""Dense: which passages mean what a question means, by the cosine of their vectors.

Up to `FLAT_UP_TO` passages each is compared; that is exact and takes 6 ms at 50,000 of them. Above,
a graph finds the nearest (HNSW, Malkov and Yashunin 2018; faiss, M = 32, ef = 64). The graph is
kept in the cache, and grows by what is new.
"""

import hashlib
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import faiss
import numpy as np
from numpy.typing import NDArray

from knowledge.encoders import Vectors
from knowledge.retrieval import arrayfile
from knowledge.retrieval.arrayfile import DamagedFile

logger = logging.getLogger(__name__)

Scores = NDArray[np.float32]
"""One score a passage, in the order of the library: shape ``(n_passages,)``."""

FLAT_UP_TO = 50_000
NEAREST = 512
"""How many passages the graph finds; the others count as the middle one does."""
_M = 32
_EF_SEARCH = 64
_EF_CONSTRUCTION = 80
_SAMPLE = 1_000
_KEY = 16
_MOST_DEAD = 0.2  # the share of nodes without a passage above which the graph is made anew


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


class Graph:
    """Finds the nearest passages, and estimates from a sample how near the others are."""

    def __init__(self, graph: faiss.IndexHNSWFlat, node_of: NDArray[np.int64]) -> None:
        self._graph = graph
        self._node_of = node_of  # of each passage
        count = min(graph.ntotal, _SAMPLE)
        chosen = np.random.default_rng(0).choice(graph.ntotal, count, replace=False)
        self._sample = np.stack([graph.reconstruct(int(each)) for each in np.sort(chosen)])

    def scores(self, query: Vectors) -> Scores:
        usual = np.median(self._sample @ query)
        nodes = np.full(self._graph.ntotal, usual, dtype=np.float32)
        wanted = min(NEAREST, self._graph.ntotal)
        found, numbers = self._graph.search(query[np.newaxis, :], wanted)
        held = numbers[0] >= 0
        nodes[numbers[0][held]] = found[0][held]
        return nodes[self._node_of]


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
    # One query is too little work to share: the other threads cost ten times what they save.
    faiss.omp_set_num_threads(1)
    keys = [hashlib.blake2b(row.tobytes(), digest_size=_KEY).digest() for row in matrix]
    graph, nodes = _kept(cache, matrix.shape[1])
    wanted = set(keys)
    if graph is None or len(nodes.keys() - wanted) > _MOST_DEAD * len(nodes):
        graph, nodes = faiss.IndexHNSWFlat(matrix.shape[1], _M, faiss.METRIC_INNER_PRODUCT), {}
        graph.hnsw.efConstruction = _EF_CONSTRUCTION
    new = {key: row for row, key in enumerate(keys) if key not in nodes}
    if new:
        graph.add(np.ascontiguousarray(matrix[list(new.values())]))
        nodes |= {key: len(nodes) + place for place, key in enumerate(new)}
        _keep(cache, graph, nodes)
    graph.hnsw.efSearch = _EF_SEARCH
    return Graph(graph, np.array([nodes[key] for key in keys], dtype=np.int64))


def _kept(path: Path, dimension: int) -> tuple[faiss.IndexHNSWFlat | None, dict[bytes, int]]:
    try:
        stored = arrayfile.read(path)
        if stored is None:
            return None, {}
        graph = faiss.deserialize_index(np.array(stored.arrays["graph"]))
        raw = stored.arrays["keys"].tobytes()
        nodes = {raw[at : at + _KEY]: at // _KEY for at in range(0, len(raw), _KEY)}
        if not isinstance(graph, faiss.IndexHNSWFlat):
            raise DamagedFile("no graph of ours")
        if graph.d != dimension or graph.ntotal != len(nodes):
            raise DamagedFile("graph and keys do not match")
    except (ValueError, KeyError, OSError, RuntimeError) as error:
        logger.warning("graph.damaged", extra={"path": str(path), "error": repr(error)})
        return None, {}
    return graph, nodes


def _keep(path: Path, graph: faiss.IndexHNSWFlat, nodes: dict[bytes, int]) -> None:
    keys = np.frombuffer(b"".join(nodes), dtype=np.uint8).reshape(len(nodes), _KEY)
    try:
        arrayfile.write(path, "hnsw", {"keys": keys, "graph": faiss.serialize_index(graph)})
    except OSError as error:
        logger.warning("graph.not_saved", extra={"path": str(path), "error": str(error)})
