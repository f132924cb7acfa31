"""Ragged: rows of different length in one array, as postings and terms of passages are kept."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import overload

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Ragged:
    """Rows of numbers, one after another; a row ends where `ends` says."""

    values: NDArray[np.int32]
    ends: NDArray[np.int64]  # one a row, ascending

    @classmethod
    def of(cls, rows: Iterable[Sequence[int]]) -> "Ragged":
        kept = list(rows)
        ends = np.cumsum([len(each) for each in kept], dtype=np.int64)
        values = np.fromiter((value for row in kept for value in row), dtype=np.int32)
        return cls(values, ends)

    def __len__(self) -> int:
        return len(self.ends)

    def __getitem__(self, row: int) -> NDArray[np.int32]:
        start = int(self.ends[row - 1]) if row else 0
        return self.values[start : int(self.ends[row])]

    def lengths(self) -> NDArray[np.int64]:
        return np.diff(self.ends, prepend=0)

    def take(self, rows: NDArray[np.int64]) -> "Ragged":
        """Return these rows, in this order; a row may be asked for twice."""
        if not len(rows):
            return Ragged(np.zeros(0, np.int32), np.zeros(0, np.int64))
        lengths = self.lengths()[rows]
        ends = np.cumsum(lengths)
        starts = np.asarray(self.ends)[rows] - lengths
        shift = np.repeat(starts - (ends - lengths), lengths)
        return Ragged(np.asarray(self.values)[np.arange(len(shift)) + shift], ends)

    def __add__(self, other: "Ragged") -> "Ragged":
        """Return the rows of both, these first."""
        last = int(self.ends[-1]) if len(self.ends) else 0
        return Ragged(
            np.concatenate([self.values, other.values]).astype(np.int32, copy=False),
            np.concatenate([self.ends, other.ends + last]).astype(np.int64, copy=False),
        )

    def interned(self, strings: Sequence[str]) -> tuple[frozenset[str], ...]:
        """Return each row as a set of strings; equal rows are one object."""
        raw = np.ascontiguousarray(self.values).tobytes()
        known: dict[bytes, frozenset[str]] = {}
        sets = []
        for start, end in pairwise([0, *(np.asarray(self.ends) * 4).tolist()]):
            key = raw[start:end]
            if (found := known.get(key)) is None:
                places = np.frombuffer(key, dtype=np.int32).tolist()
                found = known[key] = frozenset(strings[place] for place in places)
            sets.append(found)
        return tuple(sets)


class TermSets(Sequence[frozenset[str]]):
    """The terms of each passage, made into a set when asked for: few passages ever are."""

    def __init__(self, strings: Sequence[str], *rows: Ragged) -> None:
        self._strings = strings
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows[0])

    @overload
    def __getitem__(self, index: int) -> frozenset[str]: ...

    @overload
    def __getitem__(self, index: slice) -> "list[frozenset[str]]": ...

    def __getitem__(self, index: int | slice) -> "frozenset[str] | list[frozenset[str]]":
        if isinstance(index, slice):
            return [self[each] for each in range(*index.indices(len(self)))]
        return frozenset(
            self._strings[place] for rows in self._rows for place in rows[index].tolist()
        )

    def __iter__(self) -> Iterator[frozenset[str]]:
        return (self[each] for each in range(len(self)))


class Strings:
    """Strings by number; the same string always has the same one."""

    def __init__(self, known: Iterable[str] = ()) -> None:
        self.place: dict[str, int] = {each: number for number, each in enumerate(known)}

    def numbers(self, strings: Iterable[str]) -> list[int]:
        place = self.place
        return [place.setdefault(each, len(place)) for each in strings]


def packed(strings: Iterable[str]) -> NDArray[np.uint8]:
    """Write strings (which hold no line break) as one array."""
    return np.frombuffer("\n".join(strings).encode(), dtype=np.uint8)


def unpacked(array: NDArray[np.generic]) -> list[str]:
    """Read what `packed` wrote."""
    text = array.tobytes().decode()
    return text.split("\n") if text else []
