"""Array files: named numpy arrays in one file, mapped into memory instead of read.

Layout: eight bytes of magic, the length of the header (little-endian, 8 bytes) and its CRC-32 (4
bytes), the header as JSON, then each array at a multiple of 64 bytes. The header names what the
arrays were made with (`identity`), and of each array its type, shape, place and CRC-32 (zlib). No
pickle, nothing compressed: opening costs one pass for the checksums, and a page of the file takes
memory only while it is used.

A file is written beside its final place, flushed to the disk and renamed, so that a crash leaves
the old one whole.
"""

import json
import mmap
import os
import struct
import tempfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

MAGIC = b"KANKEI-1"
"""The last digit is the version of the layout: a file of another one counts as not made by us."""
_ALIGNED = 64  # bytes
_HEAD = struct.Struct("<QI")  # length and checksum of the header
_LONGEST_HEADER = 1_000_000  # bytes
_TYPES = frozenset({"<f4", "<i4", "<i8", "|u1"})

Arrays = Mapping[str, NDArray[np.generic]]


class DamagedFile(ValueError):
    """The file is cut short, altered, or none of ours; make it again."""


@dataclass(frozen=True, slots=True)
class Stored:
    """The arrays of a file, read-only, as long as this object or one of them lives."""

    identity: str
    arrays: Arrays
    _mapped: mmap.mmap

    def release(self) -> None:
        """Give back the memory of pages that were read; they are read again when needed."""
        if hasattr(mmap, "MADV_DONTNEED"):
            self._mapped.madvise(mmap.MADV_DONTNEED)


def write(path: Path, identity: str, arrays: Arrays) -> None:
    """Write arrays (little-endian float32, int32, int64 or uint8) in place of what is at `path`.

    Raises `OSError` if there is no room or no permission; the old file is then still there.
    """
    blocks = {name: np.ascontiguousarray(each) for name, each in arrays.items()}
    described, places = {}, {}
    place = 0
    for name, block in blocks.items():
        if block.dtype.str not in _TYPES:
            raise TypeError(f"{name} is of type {block.dtype.str}")
        described[name] = {
            "type": block.dtype.str,
            "shape": block.shape,
            "place": place,
            "crc": zlib.crc32(_bytes(block)),
        }
        places[name] = place
        place = _aligned(place + block.nbytes)
    header = json.dumps({"identity": identity, "arrays": described}).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(MAGIC + _HEAD.pack(len(header), zlib.crc32(header)) + header)
            start = _aligned(file.tell())
            for name, block in blocks.items():
                file.write(b"\0" * (start + places[name] - file.tell()))
                file.write(_bytes(block))
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def read(path: Path) -> Stored | None:
    """Map a file; None if there is none.

    Raises `DamagedFile` if it is not what `write` left, and `OSError` if it cannot be opened.
    """
    try:
        with path.open("rb") as file:
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except FileNotFoundError:
        return None
    except ValueError as error:  # an empty file cannot be mapped
        raise DamagedFile("the file is empty") from error
    start = len(MAGIC) + _HEAD.size
    if mapped[: len(MAGIC)] != MAGIC or len(mapped) < start:
        raise DamagedFile("the file does not begin as ours do")
    length, checksum = _HEAD.unpack(mapped[len(MAGIC) : start])
    header = mapped[start : start + min(length, _LONGEST_HEADER)]
    if len(header) != length or zlib.crc32(header) != checksum:
        raise DamagedFile("the header is damaged")
    described = json.loads(header)
    begin = _aligned(start + length)
    arrays = {
        name: _array(mapped, name, begin + each["place"], each)
        for name, each in described["arrays"].items()
    }
    stored = Stored(described["identity"], arrays, mapped)
    stored.release()
    return stored


def _array(
    mapped: mmap.mmap, name: str, place: int, described: Mapping[str, object]
) -> NDArray[np.generic]:
    kind, shape = np.dtype(str(described["type"])), described["shape"]
    if not isinstance(shape, list):
        raise DamagedFile(f"{name} has no shape")
    count = int(np.prod(shape, dtype=np.int64))
    if place + count * kind.itemsize > len(mapped):
        raise DamagedFile(f"the file ends within {name}")
    array = np.frombuffer(mapped, dtype=kind, count=count, offset=place)
    if zlib.crc32(_bytes(array)) != described["crc"]:
        raise DamagedFile(f"{name} is damaged")
    return array.reshape(shape)


def _aligned(place: int) -> int:
    return -(-place // _ALIGNED) * _ALIGNED


def _bytes(array: NDArray[np.generic]) -> memoryview:
    return array.reshape(-1).view(np.uint8).data
