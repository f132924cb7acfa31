"""Graph: the nearest of many vectors, and an estimate of the others.

HNSW (Malkov and Yashunin 2018) by faiss, M = 32, ef = 64. The graph is kept in the cache, and grows
by what is new.
"""

import hashlib
import logging
from pathlib import Path

import faiss
import numpy as np
from numpy.typing import NDArray

from knowledge.encoders import Scores, Vectors
from knowledge.retrieval import arrayfile
from knowledge.retrieval.arrayfile import DamagedFile

logger = logging.getLogger(__name__)

NEAREST = 512
"""How many passages the graph finds; the others count as the middle one does."""
_M = 32
_EF_SEARCH = 64
_EF_CONSTRUCTION = 80
_SAMPLE = 1_000
_KEY = 16
_MOST_DEAD = 0.2  # the share of nodes without a passage above which the graph is made anew


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


def graph(matrix: Vectors, cache: Path) -> Graph:
    """The graph of the rows of a matrix, shape ``(n_passages, dimension)``."""
    # One query is too little work to share: the other threads cost ten times what they save.
    faiss.omp_set_num_threads(1)
    keys = [hashlib.blake2b(row.tobytes(), digest_size=_KEY).digest() for row in matrix]
    found, nodes = _kept(cache, matrix.shape[1])
    wanted = set(keys)
    if found is None or len(nodes.keys() - wanted) > _MOST_DEAD * len(nodes):
        found, nodes = faiss.IndexHNSWFlat(matrix.shape[1], _M, faiss.METRIC_INNER_PRODUCT), {}
        found.hnsw.efConstruction = _EF_CONSTRUCTION
    new = {key: row for row, key in enumerate(keys) if key not in nodes}
    if new:
        found.add(np.ascontiguousarray(matrix[list(new.values())]))
        nodes |= {key: len(nodes) + place for place, key in enumerate(new)}
        _keep(cache, found, nodes)
    found.hnsw.efSearch = _EF_SEARCH
    return Graph(found, np.array([nodes[key] for key in keys], dtype=np.int64))


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
