"""Rows of a table by the meaning of their columns, and the statement that a row makes."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from knowledge.documents import cells
from knowledge.documents.columns import normal, vocabulary
from knowledge.documents.layout import Layout
from knowledge.documents.reading import NOTHING, passage_of
from knowledge.documents.remarks import Remarks
from knowledge.passage import Document, Kind, Passage, RemarkKind

_DATE_NAME = re.compile(r"(?:日|年月日|日付|date)\Z", re.IGNORECASE)


@dataclass(slots=True)
class Columns:
    """The columns of one table by number."""

    header: tuple[str, ...]
    meaning: tuple[str, ...]  # "" where we know none
    ignored: frozenset[int]

    def first(self, *meanings: str) -> int | None:
        """The first column with one of these meanings."""
        return next((self.meaning.index(each) for each in meanings if each in self.meaning), None)


def columns_of(layout: Layout) -> Columns:
    """Give each column its meaning; a name below a merged one counts if the whole does not."""
    words = vocabulary()
    meaning, ignored = [], set()
    for number, name in enumerate(layout.header):
        whole, last = normal(name), normal(name.rpartition("_")[2])
        found = words.meaning.get(whole) or (words.meaning.get(last) if layout.merged else None)
        meaning.append(found or "")
        if whole in words.ignored:
            ignored.add(number)
    return Columns(layout.header, tuple(meaning), frozenset(ignored))


@dataclass(slots=True)
class Entry:
    """One row that is read: its line, and its cells by column, cleaned, the empty ones left out."""

    line: int
    cells: Mapping[int, str]
    raw: Sequence[str]


def fact(
    document: Document,
    headings: tuple[str, ...],
    item: str,
    value: str,
    *,
    note: str | None = None,
    as_of: str | None = None,
) -> Passage:
    """Make a passage of one statement of a table."""
    text = f"{item}: {value} ({note})" if note else f"{item}: {value}"
    passage = passage_of(document, headings, text)
    return replace(passage, kind=Kind.FACT, item=item, value=value, note=note, as_of=as_of)


def dated(remarks: Remarks, name: str, text: str, line: int) -> str:
    """Read a serial number as the day it means, in columns of days alone."""
    if text.isascii() and text.isdigit() and _DATE_NAME.search(name):
        read = cells.day(text)
        if read.value is not None and read.repair is not None:
            shown = cells.shown_day(read.value)
            remarks.add(RemarkKind.REPAIRED, read.repair, line, name, text, shown)
            return shown
    return text


def is_nothing(text: str) -> bool:
    """Whether a cell's text stands for an empty cell."""
    return text.casefold() in NOTHING
