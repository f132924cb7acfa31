"""Cache: answers that are said often, kept on disk.

A key is made of everything that changes the sound. What is said once is not kept: the second time
somebody asks makes an answer frequent. Files appear whole or not at all, the least recently used go
when the folder is full, and a disk that fails costs nothing but time.
"""

import hashlib
import logging
import os
import struct
import tempfile
import threading
import time
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

logger = logging.getLogger(__name__)

MOST_BYTES: Final = 200_000_000
"""Of all files together: 15 hours of speech."""
_KEPT: Final = 0.9  # of the most bytes, after making room
_SUFFIX: Final = ".voice"
_PART: Final = ".part"
_ABANDONED: Final = 3_600.0  # seconds after which nobody writes a file any more
_HEAD: Final = struct.Struct("<4sdI")
_MAGIC: Final = b"KKV1"
_REMEMBERED: Final = 5_000


@dataclass(frozen=True, slots=True)
class Kept:
    """A file of speech and how long it takes to play."""

    audio: bytes
    seconds: float


def key(*parts: object) -> str:
    """Return the key of what all parts together determine."""
    digest = hashlib.sha256()
    for part in parts:
        written = str(part).encode()
        digest.update(struct.pack("<I", len(written)) + written)
    return digest.hexdigest()


class Cache:
    """Speech on disk; safe to use from several threads, and folders from several processes."""

    def __init__(
        self, folder: Path | None, *, most_bytes: int = MOST_BYTES, from_time: int = 2
    ) -> None:
        """`from_time`: how often something is said before it is kept."""
        self._folder = folder
        self._most = most_bytes
        self._from_time = from_time
        self._said: OrderedDict[str, int] = OrderedDict()
        self._bytes: int | None = None
        self._lock = threading.Lock()
        self.found = self.missed = 0  # times that something was looked for

    def get(self, wanted: str) -> Kept | None:
        """Return what was kept under a key, which makes it recently used."""
        kept = self._read(wanted)
        with self._lock:
            self.found += kept is not None
            self.missed += kept is None
        return kept

    def _read(self, wanted: str) -> Kept | None:
        if self._folder is None:
            return None
        file = self._folder / f"{wanted}{_SUFFIX}"
        try:
            content = file.read_bytes()
        except OSError:
            return None
        with suppress(OSError):  # what may only be read is never the least recently used
            os.utime(file)
        if len(content) >= _HEAD.size:
            magic, seconds, size = _HEAD.unpack_from(content)
            audio = content[_HEAD.size :]
            if magic == _MAGIC and size == len(audio):
                return Kept(audio, seconds)
        try:
            file.unlink(missing_ok=True)
        except OSError as error:
            logger.warning("voice.cache_failed", extra={"reason": error.strerror})
        return None

    def put(self, wanted: str, kept: Kept) -> None:
        """Keep speech that has been said often enough."""
        if self._folder is None or not self._often(wanted):
            return
        content = _HEAD.pack(_MAGIC, kept.seconds, len(kept.audio)) + kept.audio
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._write(self._folder / f"{wanted}{_SUFFIX}", content)
            with self._lock:
                self._make_room(len(content))
        except OSError as error:
            logger.warning("voice.cache_failed", extra={"reason": error.strerror})

    def _often(self, wanted: str) -> bool:
        with self._lock:
            times = self._said.pop(wanted, 0) + 1
            self._said[wanted] = times
            if len(self._said) > _REMEMBERED:
                self._said.popitem(last=False)
        return times >= self._from_time

    @staticmethod
    def _write(file: Path, content: bytes) -> None:
        handle, name = tempfile.mkstemp(dir=file.parent, prefix=".", suffix=_PART)
        try:
            with os.fdopen(handle, "wb") as out:
                out.write(content)
            Path(name).replace(file)
        except OSError:
            Path(name).unlink(missing_ok=True)
            raise

    @staticmethod
    def _sweep(folder: Path) -> None:
        """Delete halves of files that a killed process left behind."""
        for part in folder.glob(f".*{_PART}"):
            with suppress(OSError):  # its process has just finished it
                if time.time() - part.stat().st_mtime > _ABANDONED:
                    part.unlink()

    def _make_room(self, added: int) -> None:
        """Delete what was not used for longest; the folder is only read when it may be full."""
        assert self._folder is not None  # noqa: S101 - only called by `put`
        if self._bytes is not None and self._bytes + added <= self._most:
            self._bytes += added
            return
        self._sweep(self._folder)
        files = []
        for file in self._folder.glob(f"*{_SUFFIX}"):
            try:
                status = file.stat()
            except OSError:
                continue  # another process has deleted it
            files.append((status.st_mtime_ns, status.st_size, file))
        total = sum(size for _, size, _ in files)
        if total > self._most:
            for _, size, file in sorted(files):
                if total <= self._most * _KEPT:
                    break
                file.unlink(missing_ok=True)
                total -= size
        self._bytes = total
