"""Layout: where a table's header stands, how many rows it takes, and where its rows begin.

Published tables have titles, dates and empty lines above the header, headers of two rows whose
upper cells were merged, and rows of nothing below the last. Nothing of it is lost without a word.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice

from knowledge.documents.columns import known
from knowledge.text import clean

_WINDOW = 15  # rows in which a header is looked for
_ENOUGH_KNOWN = 2
_LONGEST_NAME = 40
_NUMBER = re.compile(r"[\d.,:/%+¥円()-]+\Z")


@dataclass(frozen=True, slots=True)
class SheetRow:
    """One row as it stands in the file."""

    line: int  # 1-based
    cells: Sequence[str]

    @property
    def filled(self) -> int:
        """How many cells hold something."""
        return sum(bool(cell.strip()) for cell in self.cells)


@dataclass(slots=True)
class Layout:
    """A table taken apart."""

    header: tuple[str, ...]  # cleaned; "" where a column has no name
    line: int  # of the header's last row
    above: tuple[SheetRow, ...]  # what stands over the header
    rows: Iterator[SheetRow]
    merged: bool = False  # the header was put together from two rows

    def peek(self) -> SheetRow | None:
        """The first row below the header, which stays to be read."""
        first = next(self.rows, None)
        if first is not None:
            self.rows = chain([first], self.rows)
        return first


def take_apart(rows: Iterable[SheetRow]) -> Layout | None:
    """Find the header. None if there is none: fewer than two named columns."""
    stream = iter(rows)
    window = list(islice(stream, _WINDOW))
    if (position := _header(window)) is None:
        return None
    header = [clean(cell) for cell in window[position].cells]
    after = position + 1
    lower = next((each for each in window[after:] if each.filled), None)
    merged = False
    if lower is not None and (whole := _joined(header, [clean(cell) for cell in lower.cells])):
        header, merged = whole, True
        after = window.index(lower) + 1
    return Layout(
        header=tuple(header),
        line=window[after - 1].line,
        above=tuple(each for each in window[:position] if each.filled),
        rows=chain(window[after:], stream),
        merged=merged,
    )


def _header(window: Sequence[SheetRow]) -> int | None:
    """The row with most names that we know; else the first that could be names over the rest."""
    scores = [sum(known(cell) for cell in row.cells) for row in window]
    best = max(scores, default=0)
    if best >= _ENOUGH_KNOWN:
        return scores.index(best)
    width = max((row.filled for row in window), default=0)
    for number, row in enumerate(window):
        names = [clean(cell) for cell in row.cells if cell.strip()]
        if len(names) >= max(2, 0.6 * width) and all(_name_like(each) for each in names):
            return number
    return None


def _name_like(text: str) -> bool:
    return len(text) <= _LONGEST_NAME and _NUMBER.match(text) is None


def _joined(upper: Sequence[str], lower: Sequence[str]) -> list[str] | None:
    """Join two header rows, the upper of which had merged cells; None if the lower holds data.

    A lower row of a header has names below merged cells and nothing below the others.
    """
    width = max(len(upper), len(lower))
    top = [*upper, *[""] * (width - len(upper))]
    below = [*lower, *[""] * (width - len(lower))]
    grouped = _groups(top, below)
    if not grouped or any(below[column] and column not in grouped for column in range(width)):
        return None
    if not all(_name_like(below[column]) for column in grouped):
        return None
    return [
        f"{grouped[column]}_{below[column]}" if column in grouped else top[column]
        for column in range(width)
    ]


def _groups(top: Sequence[str], below: Sequence[str]) -> dict[int, str]:
    """Which columns lie below which merged cell: a name, then nothing, with names below."""
    found: dict[int, str] = {}
    for column in range(1, len(top)):
        if top[column] or not below[column]:
            continue
        if (column - 1) in found and not top[column]:
            found[column] = found[column - 1]
        elif top[column - 1] and below[column - 1]:
            found[column - 1] = found[column] = top[column - 1]
    return found
