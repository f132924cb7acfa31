"""Passages: what a town's guides say, cut so that each piece can be quoted, dated and traced.

A passage is either prose or one *fact*, a row of a table with its own date, status and source.
Every other module speaks in these nouns; none of them knows a file format.
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from knowledge.language import Language


class Kind(StrEnum):
    """How a passage was written."""

    PROSE = "prose"
    FACT = "fact"


class Status(StrEnum):
    """How far a statement can be relied on today."""

    CURRENT = "current"
    OLD = "old"  # was true once; said only with that remark
    UNCONFIRMED = "unconfirmed"  # old, single or contradicting sources
    TIMELESS = "timeless"  # history and nature


@dataclass(frozen=True, slots=True)
class Passage:
    """One quotable piece of one document."""

    id: str  # from the content alone, so that it survives a re-read of an unchanged file
    document: str  # path inside the guide folder, without suffix: "caves/akiyoshido"
    title: str
    headings: tuple[str, ...]  # below the title, outermost first
    text: str  # a fact's text is "item: value (note)"
    kind: Kind
    language: Language
    facility: str | None = None
    place: str | None = None
    aliases: tuple[str, ...] = ()
    item: str | None = None
    value: str | None = None
    note: str | None = None
    as_of: str | None = None  # YYYY, YYYY-MM or YYYY-MM-DD
    status: Status = Status.CURRENT
    source: str | None = None
    source_title: str | None = None
    review_by: date | None = None
    contradiction: "Contradiction | None" = None  # this value was adopted; sources disagree
    page: int | None = None  # from 1, where the document has pages

    @property
    def section(self) -> tuple[str, tuple[str, ...]]:
        """What rows of one table, and paragraphs below one heading, have in common."""
        return (self.document, self.headings)


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Sources disagree; the document's author chose, and says why."""

    document: str
    about: str
    found: tuple[str, ...]
    adopted: str
    reason: str


@dataclass(frozen=True, slots=True)
class Problem:
    """Something in a guide file that staff should mend. The rest of the guides still answer."""

    file: str
    line: int  # 1-based; 1 where the whole file is meant
    message: str
    remedy: str
    code: str = ""  # by which a caller words it in the reader's language, with `values`
    values: tuple[str, ...] = ()


class RemarkKind(StrEnum):
    """What a remark tells staff."""

    REPAIRED = "repaired"  # the file says one thing, and it was proven to mean another
    SKIPPED = "skipped"  # was not taken into the library
    DOUBTFUL = "doubtful"  # was taken as it stands, although it looks wrong
    SUSPICIOUS = "suspicious"  # text that gives orders to a machine: kept, as text


@dataclass(frozen=True, slots=True)
class Remark:
    """One thing that reading a file did to what stands there, or found odd and left alone."""

    kind: RemarkKind
    code: str  # what was done and why; the words are the caller's
    line: int = 1  # 1-based; a table's row
    column: str = ""  # the header of the column; a PDF's page
    before: str = ""  # what was there, shortened
    after: str = ""  # what was made of it


@dataclass(frozen=True, slots=True)
class FileReport:
    """What became of one file."""

    file: str
    format: str  # markdown, html, pdf, docx, xlsx, table, timetable
    document: str | None = None  # the name of its document, if it became one
    passages: int = 0
    places: int = 0
    pages: int | None = None
    rows: int | None = None  # below the header, those left out included
    undated: bool = False  # something in it holds only for a time, and nothing says for which
    remarks: tuple[Remark, ...] = ()
    problems: tuple[Problem, ...] = ()

    def count(self, kind: RemarkKind) -> int:
        """How many remarks of one kind were made."""
        return sum(each.kind is kind for each in self.remarks)


@dataclass(frozen=True, slots=True)
class Document:
    """One guide file as a whole."""

    name: str
    title: str
    language: Language
    facility: str | None
    place: str | None
    aliases: tuple[str, ...]
    as_of: str | None
    status: Status
    source: str | None
    source_title: str | None
    review_by: date | None
