"""Lists as offices have them: CSV from a shop or a portal, in whichever encoding and headings.

What is wrong is said by line, and nothing else of the file is shown or kept.
"""

import csv
import io
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

Column = Literal["order", "email"]

MAX_ROWS: Final = 100_000
MAX_BYTES: Final = 8_000_000
MAX_CELL: Final = 200
SHOWN_MISTAKES: Final = 20

_HEADINGS: Final[Mapping[Column, tuple[str, ...]]] = {
    "order": (
        *("注文番号", "受注番号", "注文id", "受注id", "注文no", "受注no", "オーダー番号"),
        *("申込番号", "お申込番号", "寄附番号", "寄付番号", "寄附id", "寄付id", "受付番号"),
        *("寄附申込番号", "寄付申込番号", "寄附受付番号", "寄付受付番号", "管理番号"),
        *("order", "orderid", "orderno", "ordernumber", "donationid", "receiptnumber", "name"),
    ),
    "email": (
        *("メールアドレス", "メール", "eメール", "電子メール", "寄附者メールアドレス"),
        *("寄付者メールアドレス", "注文者メールアドレス", "購入者メールアドレス"),
        *("email", "mail", "emailaddress", "mailaddress", "customeremail", "buyeremail"),
    ),
}
_PUNCTUATION: Final = re.compile(r"[\s_\-./:#＃()（）「」]+")
_DASHES: Final = re.compile(r"[\s\-\u2010-\u2015\u2043\u2212\ufe58\ufe63\uff0d]+")
_EMAIL: Final = re.compile(r"[^@\s]{1,64}@[^@\s.]+(\.[^@\s.]+)+")
_SHORTENED: Final = re.compile(r"\d(\.\d+)?E\+\d+", re.IGNORECASE)


class BadList(ValueError):
    """The file cannot be used as it is. `reason` is the key of its words."""

    def __init__(self, reason: str, *, headings: Sequence[str] = ()) -> None:
        super().__init__(reason)
        self.reason = reason
        self.headings = tuple(headings)


@dataclass(frozen=True, slots=True)
class Mistake:
    """One line that cannot be used; `line` counts from 1, as an editor or Excel shows it."""

    line: int
    reason: str  # empty, email, shortened or long: the key of its words


@dataclass(slots=True)
class Entries:
    """What a file holds: one entry a line, already normal, without those that stand twice."""

    rows: list[tuple[str, ...]] = field(default_factory=list)  # in the order of the columns asked
    written: dict[tuple[str, ...], str] = field(default_factory=dict)  # the order as it was written
    lines: int = 0
    twice: int = 0
    mistakes: list[Mistake] = field(default_factory=list)
    encoding: str = ""


def normal_order(text: str) -> str:
    """An order's number as it is compared: width, case, spaces and hyphens do not count."""
    return _DASHES.sub("", unicodedata.normalize("NFKC", text)).lstrip("#").upper()


def normal_email(text: str) -> str:
    """An e-mail address as it is compared: width, case and spaces around do not count."""
    return unicodedata.normalize("NFKC", text).strip().casefold()


def normal(column: Column, text: str) -> str:
    return normal_order(text) if column == "order" else normal_email(text)


def read_entries(content: bytes, columns: Sequence[Column]) -> Entries:
    """What stands in the columns of a CSV file (RFC 4180; tabs and semicolons too).

    Raises `BadList` where nothing of the file can be used.
    """
    if len(content) > MAX_BYTES:
        raise BadList("too-large")
    text, encoding = _decoded(content)
    lines = _records(text)
    first = next(lines, None)
    if first is None:
        raise BadList("empty")
    places = _places(first[1], columns)
    found = Entries(encoding=encoding)
    if places is None:  # a single column without a heading
        places = (0,)
        _take(found, first, columns, places)
    for record in lines:
        if found.lines >= MAX_ROWS:
            raise BadList("too-many-rows")
        _take(found, record, columns, places)
    if not found.lines:
        raise BadList("empty")
    return found


def _take(
    found: Entries,
    record: tuple[int, list[str]],
    columns: Sequence[Column],
    places: Sequence[int],
) -> None:
    line, cells = record
    found.lines += 1
    given = [cells[place].strip() if place < len(cells) else "" for place in places]
    for column, cell in zip(columns, given, strict=True):
        if reason := _mistake(column, cell):
            found.mistakes.append(Mistake(line, reason))
            return
    entry = tuple(normal(column, cell) for column, cell in zip(columns, given, strict=True))
    if entry in found.written:
        found.twice += 1
        return
    found.written[entry] = given[0]
    found.rows.append(entry)


def _mistake(column: Column, cell: str) -> str | None:
    if not normal(column, cell):
        return "empty"
    if len(cell) > MAX_CELL:
        return "long"
    if column == "email" and not _EMAIL.fullmatch(normal_email(cell)):
        return "email"
    if column == "order" and _SHORTENED.fullmatch(cell):
        return "shortened"  # what Excel makes of a long number
    return None


def _decoded(content: bytes) -> tuple[str, str]:
    """UTF-8 with or without a mark, UTF-16 with one, or Windows' Japanese (CP932)."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        encodings: tuple[str, ...] = ("utf-16",)
    else:
        encodings = ("utf-8-sig", "cp932")
    for encoding in encodings:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\x00" in text:
            break
        return text, encoding
    raise BadList("encoding")


def _records(text: str) -> Iterator[tuple[int, list[str]]]:
    """Each record that is not blank, with the line on which it begins."""
    head = text[:4_000].partition("\n")[0]
    delimiter = max(",\t;", key=head.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    begins = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield begins, cells
            begins = reader.line_num + 1
    except csv.Error as error:
        raise BadList("not-csv") from error


def _places(first: Sequence[str], columns: Sequence[Column]) -> tuple[int, ...] | None:
    """Where each column stands; `None`: the file is one column whose first line is an entry."""
    names = [_PUNCTUATION.sub("", unicodedata.normalize("NFKC", cell)).casefold() for cell in first]
    places = []
    for column in columns:
        fitting = [names.index(each) for each in _HEADINGS[column] if each in names]
        if fitting:
            places.append(fitting[0])
    if len(places) == len(columns):
        return tuple(places)
    if len(first) == 1 and len(columns) == 1 and not _is_heading(first[0]):
        return None
    raise BadList("no-column", headings=[cell.strip()[:30] for cell in first[:12]])


def _is_heading(cell: str) -> bool:
    """Words, and no number or address."""
    return not any(each.isdigit() or each == "@" for each in cell)
