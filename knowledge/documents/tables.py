"""Tables: rows of a CSV file or a workbook become passages, and places where they are facilities.

Four shapes are told apart by their columns: lists of facilities and events as 自治体標準オープン
データセット has them (`facilities`), facts as guides have them (項目, 内容, …), articles of a
bulletin (title, text, date), and any other table, whose rows become "header: value".
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from knowledge.documents import cells, limits
from knowledge.documents.columns import kind_of, normal, vocabulary
from knowledge.documents.facilities import Facilities
from knowledge.documents.layout import Layout, SheetRow
from knowledge.documents.reading import COLUMN_OF, Reader, passage_of, prose_pieces
from knowledge.documents.remarks import Remarks
from knowledge.documents.rows import Columns, Entry, columns_of, dated, fact
from knowledge.markdown import Cell, Row
from knowledge.passage import Document, Passage, RemarkKind
from knowledge.places import Place
from knowledge.text import clean

MAX_TABLE_PASSAGES = 20_000
_LONG = 480  # characters of a cell that is a text of its own
_URL = re.compile(r"https?://\S+")
_SECTION = re.compile(r"\s*[■◆]\s*([^。\n]{1,40})\s*\Z")
_LOCATED = frozenset(
    {"address", "latitude", "phone", "opens", "town", "place", "starts", "located"}
)


@dataclass(slots=True)
class TableRead:
    """What one table gave."""

    passages: list[Passage] = field(default_factory=list)
    places: list[Place] = field(default_factory=list)
    rows: int = 0


class TableReader:
    """Reads the tables of one file into passages of one document."""

    def __init__(self, file: str, document: Document, remarks: Remarks) -> None:
        self.file = file
        self.document = document
        self.remarks = remarks
        self.facts = Reader(file, document)

    def read(self, layout: Layout, sheet: str | None) -> TableRead:
        """Read one table; `sheet` becomes a heading."""
        columns = columns_of(layout)
        result = TableRead()
        entries = self._entries(layout, result)
        headings = (sheet,) if sheet else ()
        if layout.merged:
            self.remarks.add(RemarkKind.REPAIRED, "merged-header", layout.line)
        meanings = set(columns.meaning)
        guide = {COLUMN_OF.get(name.casefold()) for name in layout.header}
        if {"article_title", "article_body"} <= meanings:
            found = self._articles(entries, columns, headings)
        elif {"item", "value"} <= guide and "name" not in meanings:
            found = self._facts(entries, columns, headings)
        elif "name" in meanings and meanings & _LOCATED:
            kind = kind_of(layout.header, self.document.name, self.document.title, sheet or "")
            table = Facilities(self.document, self.remarks, columns, kind, headings)
            found = table.passages(entries)
            result.passages += self._bounded(found)
            kept = {each.id for each in result.passages}
            result.places += [each for each in table.places if each.passage in kept]
            return result
        else:
            found = self._any(entries, columns, headings)
        result.passages += self._bounded(found)
        return result

    def _bounded(self, passages: Iterable[Passage]) -> list[Passage]:
        found: dict[str, Passage] = {}
        left_out = 0
        for each in passages:
            if len(found) >= MAX_TABLE_PASSAGES and each.id not in found:
                left_out += 1
                continue
            found.setdefault(each.id, each)
        if left_out:
            self.facts.problem(
                1,
                f"the table makes more than {MAX_TABLE_PASSAGES:,} passages; {left_out:,} left out",
                "split the table, or leave out columns that no visitor asks for",
                "too-many",
                f"{MAX_TABLE_PASSAGES:,}",
            )
        return list(found.values())

    def _entries(self, layout: Layout, result: TableRead) -> list[Entry]:
        """Take the rows that hold something; empty ones, totals and copies are reported."""
        kept: list[Entry] = []
        seen: dict[tuple[str, ...], int] = {}
        blank: list[int] = []
        beyond = last = 0
        for row in layout.rows:
            if not any(map(str.strip, row.cells)):
                blank.append(row.line)
                continue
            result.rows += 1
            if len(kept) >= limits.MAX_ROWS:
                beyond, last = beyond + 1, row.line
                continue
            key = tuple(row.cells)
            if key in seen:
                shown = " / ".join(filter(None, map(clean, row.cells)))
                self._skip("duplicate-row", row.line, shown, seen[key])
            elif _is_total(row.cells):
                self._skip("totals-row", row.line, " / ".join(filter(None, map(clean, row.cells))))
            else:
                seen[key] = row.line
                kept.append(self._entry(row, len(layout.header)))
        if blank:
            self._skip("empty-rows", blank[0], f"{len(blank):,}", blank[-1])
        if beyond:
            self._left_out(beyond, last)
        return kept

    def _left_out(self, beyond: int, last: int) -> None:
        self._skip("more-rows", last - beyond + 1, f"{beyond:,}", f"{limits.MAX_ROWS:,}")
        self.facts.problem(
            max(1, last - beyond + 1),
            f"the table has {beyond:,} rows more than the {limits.MAX_ROWS:,} that are read",
            "keep in the file what visitors ask for",
            "more-rows",
            f"{beyond:,}",
            f"{limits.MAX_ROWS:,}",
        )

    def _skip(self, code: str, line: int, before: str = "", after: object = "") -> None:
        self.remarks.add(RemarkKind.SKIPPED, code, line, "", before, after)

    def _entry(self, row: SheetRow, width: int) -> Entry:
        found: dict[int, str] = {}
        raw = list(row.cells)
        for number, cell in enumerate(raw):
            if len(cell) > limits.MAX_CELL:
                self.remarks.add(
                    RemarkKind.SKIPPED, "cell-cut", row.line, str(number + 1), f"{len(cell):,}",
                    f"{limits.MAX_CELL:,}",
                )  # fmt: skip
                raw[number] = cell[: limits.MAX_CELL]
            if text := clean(raw[number]):
                found[number] = text
        beyond = [text for number, text in found.items() if number >= width]
        if beyond:
            self.remarks.add(RemarkKind.DOUBTFUL, "extra-cells", row.line, "", " / ".join(beyond))
        return Entry(row.line, found, raw)

    # The shapes

    def _facts(
        self, entries: Iterable[Entry], columns: Columns, headings: tuple[str, ...]
    ) -> Iterator[Passage]:
        for entry in entries:
            named = [
                (columns.header[number], Cell(text, found.group() if found else None))
                for number, text in entry.cells.items()
                if number < len(columns.header)
                for found in (_URL.search(text),)
            ]
            yield self.facts.row(Row(headings, tuple(named), entry.line))

    def _articles(
        self, entries: Iterable[Entry], columns: Columns, headings: tuple[str, ...]
    ) -> Iterator[Passage]:
        title_at, body_at = columns.first("article_title"), columns.first("article_body")
        category_at = columns.first("article_category")
        date_at = columns.first("article_date", "updated")
        for entry in entries:
            body = entry.raw[body_at] if body_at is not None and body_at < len(entry.raw) else ""
            title = entry.cells.get(-1 if title_at is None else title_at, "")
            if not body.strip():
                self._skip("no-text", entry.line, title)
                continue
            category = entry.cells.get(-1 if category_at is None else category_at)
            above = (*headings, *filter(None, (category, title)))
            written = entry.cells.get(-1 if date_at is None else date_at)
            as_of = self._article_date(written, entry.line)
            for path, text in _sections(above, body):
                yield replace(passage_of(self.document, path, text), as_of=as_of)

    def _article_date(self, written: str | None, line: int) -> str | None:
        if written is None:
            return self.document.as_of
        if (as_of := cells.partial_date(written)) is None:
            self.remarks.add(RemarkKind.DOUBTFUL, "date-form", line, "", written)
            return self.document.as_of
        return as_of

    def _any(
        self, entries: Sequence[Entry], columns: Columns, headings: tuple[str, ...]
    ) -> Iterator[Passage]:
        item_at = _item_column(entries, columns)
        updated_at = columns.first("updated")
        for entry in entries:
            item = entry.cells.get(item_at, "")
            as_of = cells.partial_date(
                entry.cells.get(-1 if updated_at is None else updated_at, "")
            )
            date = as_of or self.document.as_of
            parts: list[str] = []
            told = False
            for number, text in entry.cells.items():
                if number == item_at or number in columns.ignored:
                    continue
                name = columns.header[number] if number < len(columns.header) else ""
                value = dated(self.remarks, name, text, entry.line)
                if len(value) > _LONG:
                    path = tuple(filter(None, (*headings, item, name)))
                    told = True
                    for piece in prose_pieces([value]):
                        yield replace(passage_of(self.document, path, piece), as_of=date)
                else:
                    parts.append(f"{name}: {value}" if name else value)
            if not item or not parts:
                text = "" if told and item else item or "、".join(parts)
                if text:
                    for piece in prose_pieces([text]):
                        yield replace(passage_of(self.document, headings, piece), as_of=date)
                continue
            yield fact(self.document, headings, item, "、".join(parts), as_of=date)


def issue_of(layout: Layout) -> str | None:
    """Return the title of the issue that a bulletin's articles belong to."""
    column = columns_of(layout).first("article_issue")
    first = layout.peek()
    if column is None or first is None or column >= len(first.cells):
        return None
    return clean(first.cells[column]) or None


def _is_total(row: Sequence[str]) -> bool:
    first = next((cell for cell in row if cell.strip()), "")
    return normal(first) in vocabulary().totals


def _item_column(entries: Sequence[Entry], columns: Columns) -> int:
    """The column that names the rows: one called so, else the first that holds words."""
    if (named := columns.first("name", "article_title")) is not None:
        return named
    sample = entries[:200]
    for number in range(len(columns.header)):
        if columns.meaning[number] in {"code", "id", "prefecture", "city", "publisher"}:
            continue
        filled = [entry.cells[number] for entry in sample if number in entry.cells]
        words = sum(any(character.isalpha() for character in text) for text in filled)
        if filled and words > len(filled) / 2 and len(filled) > len(sample) / 2:
            return number
    return 0


def _sections(above: tuple[str, ...], body: str) -> Iterator[tuple[tuple[str, ...], str]]:
    """Cut an article at its ■ lines, which are headings."""
    path, held = above, list[str]()
    for line in body.splitlines():
        if (found := _SECTION.match(line)) is not None:
            yield from ((path, piece) for piece in prose_pieces(held))
            path, held = (*above, clean(found[1])), []
        elif text := clean(line):
            held.append(text)
    yield from ((path, piece) for piece in prose_pieces(held))
