"""What the index asks of a model that turns texts into vectors."""

from collections.abc import Sequence
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
"""Shape ``(n, dimension)``, rows of length 1."""

Scores = NDArray[np.float32]
"""One score a passage, in the order of the library: shape ``(n_passages,)``."""

ENDPOINT: Final = "endpoint"
"""The name of whatever model an endpoint serves."""


class Encoder(Protocol):
    """What the index asks of a model."""

    name: str
    """Short and stable: "use", "e5"; the fusion weights go by it."""

    @property
    def identity(self) -> str:
        """Model and version: vectors of another identity are never reused."""

    @property
    def slow(self) -> bool:
        """Whether passages are encoded in the background while the index already answers."""

    def passages(self, texts: Sequence[str]) -> Vectors: ...

    def query(self, text: str) -> Vectors:
        """Encode one question, shape ``(dimension,)``."""


def unit(vectors: Vectors) -> Vectors:
    array = np.ascontiguousarray(vectors, dtype=np.float32)
    lengths = np.linalg.norm(array, axis=-1, keepdims=True)
    return np.asarray(array / np.where(lengths > 0, lengths, 1.0), dtype=np.float32)


def first(vectors: Vectors) -> Vectors:
    return np.asarray(vectors[0], dtype=np.float32)
