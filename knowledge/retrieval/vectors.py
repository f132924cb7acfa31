"""Vectors: encoded texts kept on disk, so that only changed passages are encoded again.

One array file a model (`knowledge.retrieval.arrayfile`): SHA-256 keys of the texts, and their
vectors. The file is mapped, not read: a vector takes memory while it is used, and once more only in
the index that is searched. A damaged file is said and simply built again.
"""

import hashlib
import logging
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path
from weakref import WeakValueDictionary

import numpy as np

from knowledge.encoders import Vectors
from knowledge.retrieval import arrayfile
from knowledge.retrieval.arrayfile import DamagedFile, Stored

logger = logging.getLogger(__name__)

_KEY = 32  # bytes of a SHA-256
_SLACK = 1_000  # vectors of texts that are gone; fewer are not worth a new file

_shared: WeakValueDictionary[Path, "VectorStore"] = WeakValueDictionary()
_sharing = threading.Lock()


class VectorStore:
    """The vectors of one model, by the text they were made from. Safe to share between threads."""

    def __init__(self, folder: Path, identity: str) -> None:
        self.path = _path(folder, identity)
        self.damaged = False
        self.filling = threading.Lock()
        """Held by whoever encodes what is missing, so that nobody encodes it twice."""
        self._identity = _hex(identity)
        self._lock = threading.RLock()
        self._new: dict[bytes, Vectors] = {}
        self._stored: Stored | None = None
        self._place: dict[bytes, int] = {}
        self._file: tuple[int, int] | None = None  # device and inode
        self._map()

    @classmethod
    def shared(cls, folder: Path, identity: str) -> "VectorStore":
        """Return the store of this folder and model, the same one to all who hold it.

        An index that is built beside a running one then neither reads the file twice nor
        overwrites what the other has encoded.
        """
        path = _path(folder, identity)
        with _sharing:
            store = _shared.get(path)
            if store is None or not store.current():
                store = _shared[path] = cls(folder, identity)
            return store

    def current(self) -> bool:
        """Whether the file is still the one that was read or written here."""
        try:
            now = self.path.stat()
        except OSError:
            return self._file is None
        return self._file == (now.st_dev, now.st_ino)

    def __contains__(self, text: str) -> bool:
        with self._lock:
            return self._has(_digest(text))

    def __len__(self) -> int:
        with self._lock:
            return len(self._new) + len(self._place)

    def matrix(self, texts: Sequence[str]) -> Vectors:
        """Return the vectors of texts, shape ``(len(texts), dimension)``, as a copy.

        Raises `KeyError` if one was never added.
        """
        if not texts:
            return np.zeros((0, self.dimension or 1), dtype=np.float32)
        with self._lock:
            return np.stack([self._vector(_digest(text)) for text in texts])

    def _vector(self, name: bytes) -> Vectors:
        if (new := self._new.get(name)) is not None:
            return new
        place = self._place[name]
        rows = self._stored.arrays["vectors"] if self._stored is not None else ()
        return np.asarray(rows[place], dtype=np.float32)

    @property
    def dimension(self) -> int | None:
        """Of the vectors; None while there is none."""
        with self._lock:
            if self._new:
                return len(next(iter(self._new.values())))
            if self._stored is None or not self._place:
                return None
            return int(self._stored.arrays["vectors"].shape[1])

    def missing(self, texts: Iterable[str]) -> list[str]:
        """Return the texts that have no vector yet, each once, in the order given."""
        with self._lock:
            return [text for text in dict.fromkeys(texts) if text not in self]

    def add(self, texts: Iterable[str], vectors: Vectors) -> None:
        """Keep vectors in memory; `save` makes them last."""
        with self._lock:
            for text, vector in zip(texts, vectors, strict=True):
                self._new[_digest(text)] = vector

    def release(self) -> None:
        """Give the memory back that reading vectors took."""
        if self._stored is not None:
            self._stored.release()

    def save(self) -> None:
        """Write what was added. Raises `OSError` without room on the disk; nothing is lost then."""
        with self._lock:
            if self._new:
                self._write([*self._place, *self._new])

    def prune(self, keep: Iterable[str]) -> None:
        """Drop the vectors of all other texts once they are more than those that are kept."""
        with self._lock:
            kept = [name for name in dict.fromkeys(map(_digest, keep)) if self._has(name)]
            if len(self) > 2 * len(kept) + _SLACK:
                self._write(kept)

    def _has(self, name: bytes) -> bool:
        return name in self._new or name in self._place

    def _write(self, names: Sequence[bytes]) -> None:
        rows = np.stack([self._vector(name) for name in names]) if names else np.zeros((0, 0))
        keys = np.frombuffer(b"".join(names), dtype=np.uint8).reshape(len(names), _KEY)
        arrays = {"keys": keys, "vectors": np.asarray(rows, dtype="<f4")}
        kept = {name: self._vector(name) for name in names if name in self._new}
        arrayfile.write(self.path, self._identity, arrays)
        self._map()
        if self._stored is None:
            self._new = kept  # written, but not to be read back: nothing of it is lost yet

    def _map(self) -> None:
        self._new, self._place = {}, {}
        try:
            now = self.path.stat()
            self._file = (now.st_dev, now.st_ino)
        except OSError:
            self._file = None
        self._stored = self._read()
        if self._stored is not None:
            keys = self._stored.arrays["keys"].tobytes()
            self._place = {
                keys[at : at + _KEY]: number
                for number, at in enumerate(range(0, len(keys), _KEY))
            }  # fmt: skip

    def _read(self) -> Stored | None:
        try:
            stored = arrayfile.read(self.path)
            if stored is None or stored.identity != self._identity:
                return None
            if len(stored.arrays["keys"]) != len(stored.arrays["vectors"]):
                raise DamagedFile("keys and vectors do not match")
        except (DamagedFile, KeyError, OSError) as error:
            if not isinstance(error, NotADirectoryError):
                logger.warning(
                    "vectors.damaged", extra={"path": str(self.path), "error": repr(error)}
                )
                self.damaged = True
            return None
        return stored


def _path(folder: Path, identity: str) -> Path:
    safe = "".join(each if each.isalnum() or each in ".-" else "_" for each in identity)
    return folder / f"vectors-{safe[:60]}-{_hex(identity)[:8]}.kix"


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def _hex(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
