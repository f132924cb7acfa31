"""Delimited text: CSV and its kin as rows with their line numbers, read as a stream."""

import csv
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from statistics import median

from knowledge.documents import encoding
from knowledge.documents.layout import SheetRow

_SAMPLE = 20  # lines in which the delimiter is looked for


class BrokenTable(Exception):
    """The table cannot be read from `line` on: a quotation mark is not closed."""

    def __init__(self, line: int) -> None:
        super().__init__(f"line {line}")
        self.line = line


class Delimited:
    """One file of delimited text."""

    def __init__(self, path: Path) -> None:
        """Tell encoding and delimiter.

        Raises `knowledge.documents.encoding.NoEncoding`, and `OSError`.
        """
        self._path = path
        self.encoding = encoding.encoding_of(path)
        self.delimiter = self._delimiter()

    def rows(self) -> Iterator[SheetRow]:
        """Yield the rows; `BrokenTable` at the end if the last quotation mark stays open."""
        quotes = 0

        def counted(lines: Iterable[str]) -> Iterator[str]:
            nonlocal quotes
            for line in lines:
                quotes += line.count('"')
                yield line

        reader = csv.reader(counted(self._lines()), delimiter=self.delimiter)
        first = 1
        try:
            for cells in reader:
                start, first = first, reader.line_num + 1
                yield SheetRow(start, cells)
        except csv.Error as error:
            raise BrokenTable(first) from error
        if quotes % 2:
            raise BrokenTable(start if quotes else 1)

    def text(self) -> str:
        """The whole as one text, for a file that is no table."""
        return "".join(self._lines())

    def _lines(self) -> Iterator[str]:
        return encoding.lines(self._path, self.encoding)

    def _delimiter(self) -> str:
        """The one that cuts most lines into several cells."""
        sample = list(islice(self._lines(), _SAMPLE))

        def width(delimiter: str) -> float:
            rows = [row for row in csv.reader(sample, delimiter=delimiter) if any(row)]
            return median([len(row) for row in rows] or [0])

        try:
            return max((",", "\t", ";"), key=width)
        except csv.Error:
            return ","
