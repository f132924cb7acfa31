"""Vectors: encoded texts kept on disk, so that only changed passages are encoded again.

One ``.npz`` file a model: SHA-256 keys of the texts, and their vectors. A file is written beside
its final place and moved there, so that a crash leaves the old one; zip checksums tell a damaged
one, which is then simply built again.
"""

import hashlib
import logging
import os
import tempfile
import zipfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from knowledge.encoders import Vectors

logger = logging.getLogger(__name__)

FORMAT = 1
"""Part of the file name: files of another format are not read."""


class VectorStore:
    """The vectors of one model, by the text they were made from."""

    def __init__(self, folder: Path, identity: str) -> None:
        safe = "".join(each if each.isalnum() or each in ".-" else "_" for each in identity)
        self.path = folder / f"vectors-{FORMAT}-{safe}.npz"
        self.damaged = False
        self._vectors: dict[str, Vectors] = self._load()

    def __contains__(self, text: str) -> bool:
        return key(text) in self._vectors

    def __getitem__(self, text: str) -> Vectors:
        return self._vectors[key(text)]

    def missing(self, texts: Iterable[str]) -> list[str]:
        """Return the texts that have no vector yet, each once, in the order given."""
        return [text for text in dict.fromkeys(texts) if text not in self]

    def add(self, texts: Iterable[str], vectors: Vectors) -> None:
        """Keep vectors in memory; `save` makes them last."""
        for text, vector in zip(texts, vectors, strict=True):
            self._vectors[key(text)] = vector

    def save(self, keep: Iterable[str]) -> None:
        """Write the vectors of the texts in `keep`, and drop all others."""
        kept = {name: self._vectors[name] for name in map(key, keep) if name in self._vectors}
        self._vectors = kept
        self.path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=self.path.parent, suffix=".tmp")
        try:
            with os.fdopen(handle, "wb") as file:
                rows = np.stack(list(kept.values())) if kept else np.zeros((0, 0), np.float32)
                np.savez(file, keys=np.array(list(kept), dtype="U64"), vectors=rows)
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).replace(self.path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise

    def _load(self) -> dict[str, Vectors]:
        if not self.path.exists():
            return {}
        try:
            with self.path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
                keys, rows = stored["keys"], stored["vectors"]
                if rows.dtype != np.float32 or len(rows) != len(keys):
                    raise ValueError("keys and vectors do not match")
        except (ValueError, KeyError, EOFError, OSError, zipfile.BadZipFile) as error:
            logger.warning("vectors.damaged", extra={"path": str(self.path), "error": repr(error)})
            self.damaged = True
            return {}
        return dict(zip(map(str, keys), rows, strict=True))


def key(text: str) -> str:
    """SHA-256 of a text, in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()
