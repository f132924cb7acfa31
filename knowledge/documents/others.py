"""Others: every file that is no Markdown guide, by way of its parser or of the tables' reading."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import chain

from knowledge import frontmatter
from knowledge.documents import limits, tables
from knowledge.documents.columns import kind_of
from knowledge.documents.delimited import BrokenTable, Delimited
from knowledge.documents.encoding import NoEncoding
from knowledge.documents.files import Found, leads_outside
from knowledge.documents.kinds import Format, sniff
from knowledge.documents.layout import Layout, SheetRow, take_apart
from knowledge.documents.reading import (
    MAX_PASSAGES_CONVERTED,
    Paged,
    Reader,
    disagreements_of,
    document_of,
)
from knowledge.documents.remarks import Remarks
from knowledge.documents.result import FileResult
from knowledge.documents.sandbox import Conversions, Event
from knowledge.documents.script import language_of
from knowledge.documents.suspicious import look
from knowledge.documents.words import PROBLEMS
from knowledge.frontmatter import Sidecar
from knowledge.language import Language
from knowledge.markdown import Cell, Paragraph, Row
from knowledge.passage import Document, Passage, Problem, RemarkKind
from knowledge.places import Place
from knowledge.text import clean
from knowledge.timetable import read_feed

_LONGEST_TITLE = 60
_SAMPLE = 4_000  # characters in which the language is told
_DEFAULT_SHEET = ("sheet", "シート")


class Others:
    """Reads one file."""

    def __init__(
        self, found: Found, conversions: Conversions, tell: Callable[[int, int], None]
    ) -> None:
        self._found = found
        self._conversions = conversions
        self._tell = tell
        self._remarks = Remarks()
        self._problems: list[Problem] = []
        self._head = Sidecar()
        self._form: str = found.form or "other"
        self._pages: int | None = None

    def read(self) -> FileResult:
        """Return what the file holds, or what is wrong with it."""
        try:
            return self._read()
        except OSError as error:
            return self._refused("unreadable", error.strerror or type(error).__name__)
        except NoEncoding as error:
            return self._refused("no-encoding", line=error.line)

    def _read(self) -> FileResult:
        path = self._found.path
        if leads_outside(path, self._found.folder):
            return self._refused("outside")
        if not self._sidecar():
            return self._refused()
        if self._found.form is Format.TIMETABLE and path.is_dir() and not path.is_symlink():
            return self._timetable()
        if path.is_symlink() and not path.exists():
            return self._refused("unreadable", "broken link")
        if not path.is_file():
            return self._refused("no-file")
        form = sniff(path)
        if isinstance(form, Format):
            return self._known(form)
        if self._found.form is None:
            # Pictures and the like: nobody expects them to be read.
            self._remarks.add(RemarkKind.SKIPPED, "not-a-document")
            return self._refused()
        return self._refused(form)

    def _known(self, form: Format) -> FileResult:
        self._form = form
        size = self._found.path.stat().st_size
        most = limits.MAX_TABLE_BYTES if form is Format.TABLE else limits.MAX_DOCUMENT_BYTES
        if size > most:
            return self._refused("too-large", f"{size:,}", f"{most:,}")
        if self._found.form is not form:
            said = self._found.path.suffix or "-"
            self._remarks.add(RemarkKind.DOUBTFUL, "wrong-suffix", 1, "", said, form.value)
        readers = {
            Format.TIMETABLE: self._timetable,
            Format.TABLE: self._delimited,
            Format.XLSX: self._workbook,
        }
        return readers[form]() if form in readers else self._text_document(form)

    # What is wrong

    def _problem(self, code: str, *values: object, line: int = 1) -> None:
        message, remedy = PROBLEMS[code]
        shown = tuple(str(each) for each in values)
        self._problems.append(
            Problem(self._found.shown, line, message.format(*shown), remedy, code, shown)
        )

    def _refused(self, code: str | None = None, *values: object, line: int = 1) -> FileResult:
        if code is not None:
            self._problem(code, *values, line=line)
        return FileResult(
            self._form,
            problems=tuple(self._problems),
            remarks=self._remarks.all(),
            pages=self._pages,
        )

    def _sidecar(self) -> bool:
        path = self._found.sidecar
        if path is None:
            return True
        if leads_outside(path, self._found.folder):
            return False
        with path.open("rb") as stream:
            content = stream.read(frontmatter.MAX_FRONT_MATTER_CHARACTERS * 4)
        shown = self._found.sidecar_shown
        try:
            head = frontmatter.parse_sidecar(content.decode("utf-8-sig"), shown)
        except UnicodeDecodeError:
            message, remedy = PROBLEMS["sidecar-not-utf-8"]
            head = (Problem(shown, 1, message, remedy, "sidecar-not-utf-8"),)
        if isinstance(head, Sidecar):
            self._head = head
            return True
        self._problems += head
        return False

    # Timetables

    def _timetable(self) -> FileResult:
        """Read a GTFS feed, a folder or a zip file."""
        self._form = Format.TIMETABLE
        timetable, problems = read_feed(self._found.path)
        return FileResult(
            Format.TIMETABLE,
            timetable=timetable,
            problems=(*self._problems, *(self._located(each) for each in problems)),
            remarks=self._remarks.all(),
        )

    def _located(self, problem: Problem) -> Problem:
        """A feed's faults begin with its own name; staff need the folder that it is in."""
        folder, _, _ = self._found.shown.rpartition("/")
        return replace(problem, file=f"{folder}/{problem.file}" if folder else problem.file)

    # Tables

    def _delimited(self) -> FileResult:
        source = Delimited(self._found.path)
        broken: list[int] = []

        def rows() -> Iterator[SheetRow]:
            try:
                for number, row in enumerate(source.rows()):
                    if number % 50_000 == 0 and number:
                        self._tell(number, 0)
                    yield row
            except BrokenTable as error:
                broken.append(error.line)

        layout = take_apart(rows())
        plain = self._found.path.suffix.lower() == ".txt"
        if layout is None and plain:
            return self._plain(source.text())
        if layout is None:
            return self._refused("no-header")
        result = self._tables([(None, layout)], title=None)
        if broken:
            self._problem("open-quote", line=broken[0])
            return _with(result, tuple(self._problems))
        return result

    def _plain(self, text: str) -> FileResult:
        blocks = [
            Paged(Paragraph((), clean(part), 1)) for part in text.split("\n\n") if part.strip()
        ]
        return self._document(blocks, title=None)

    def _workbook(self) -> FileResult:
        title: str | None = None
        sheets: dict[str, list[SheetRow]] = {}
        name = ""
        for event in self._events(Format.XLSX):
            if event[0] == "title":
                title = event[1]
            elif event[0] == "sheet":
                name = event[1]
                sheets[name] = []
            elif event[0] == "row":
                sheets[name].append(SheetRow(event[1], event[2]))
            elif event[0] == "left-out":
                self._problem("more-rows", f"{event[1]:,}", f"{limits.MAX_ROWS:,}")
            elif event[0] == "failed":
                return self._failed(event)
        laid: list[tuple[str | None, Layout]] = []
        for name, rows in sheets.items():
            if (layout := take_apart(rows)) is not None:
                default = name.casefold().startswith(_DEFAULT_SHEET)
                laid.append((None if default and len(sheets) == 1 else name, layout))
            elif rows:
                self._remarks.add(RemarkKind.SKIPPED, "sheet-without-header", 1, name)
        if not laid:
            return self._refused("no-header")
        return self._tables(laid, title)

    def _tables(self, laid: list[tuple[str | None, Layout]], title: str | None) -> FileResult:
        first = laid[0][1]
        head_texts = [*first.header, *(cell for row in first.above for cell in row.cells)]
        above = [row for row in first.above if row.filled == 1]
        heading = next((clean(cell) for row in above for cell in row.cells if cell.strip()), "")
        if not 0 < len(heading) <= _LONGEST_TITLE:
            heading = ""
        stem = self._found.path.stem
        kind = kind_of(first.header, stem)
        issue = tables.issue_of(first)
        name = title or heading or issue or (f"{kind}一覧" if kind else stem)
        language = language_of("\n".join(head_texts), Language.JA)
        document = document_of(self._found.name, self._head, name, language)
        passages: list[Passage] = []
        places: list[Place] = []
        rows = 0
        reader = tables.TableReader(self._found.shown, document, self._remarks)
        for sheet, layout in laid:
            self._above(layout, heading if document.title == heading else None)
            read = reader.read(layout, sheet)
            passages += read.passages
            places += read.places
            rows += read.rows
        self._problems += reader.facts.problems
        if not passages:
            self._problem("nothing")
        return self._result(document, tuple(passages), tuple(places), rows)

    def _above(self, layout: Layout, title: str | None) -> None:
        for row in layout.above:
            shown = " / ".join(filter(None, map(clean, row.cells)))
            if shown != title:
                self._remarks.add(RemarkKind.SKIPPED, "above-header", row.line, "", shown)

    # Texts

    def _text_document(self, form: Format) -> FileResult:
        if form is Format.MARKDOWN:
            from knowledge.markdown import blocks

            text = self._found.path.read_text(encoding="utf-8-sig")
            return self._document([Paged(each) for each in blocks(text)], None)
        title: str | None = None
        found: list[Paged] = []
        for event in self._events(form):
            if event[0] == "title":
                title = event[1]
            elif event[0] == "failed":
                return self._failed(event)
            elif (block := _block(event)) is not None:
                found.append(block)
        return self._document(found, title)

    def _document(self, blocks: list[Paged], title: str | None) -> FileResult:
        scanned = self._scanned()
        if not blocks:
            if not scanned:
                self._problem("nothing")
            return self._refused()
        sample = "\n".join(islice_text(blocks))
        own = title or _first_heading(blocks) or self._found.path.stem
        document = document_of(self._found.name, self._head, own, language_of(sample, Language.JA))
        disagreements = disagreements_of(document, self._head)
        reader = Reader(self._found.shown, document, disagreements, most=MAX_PASSAGES_CONVERTED)
        passages = reader.passages(blocks)
        self._problems += reader.problems
        return self._result(document, passages)

    def _scanned(self) -> bool:
        """Report pages without text: they can be read by nobody who searches."""
        pages = [each.column for each in self._remarks.all() if each.code == "scanned-page"]
        if not pages:
            return False
        if len(pages) == self._pages:
            self._problem("scanned", len(pages))
        else:
            self._problem("partly-scanned", ranges([int(each) for each in pages]))
        return True

    def _result(
        self,
        document: Document,
        passages: tuple[Passage, ...],
        places: tuple[Place, ...] = (),
        rows: int | None = None,
    ) -> FileResult:
        look(passages, self._remarks)
        return FileResult(
            self._form,
            document,
            passages,
            disagreements_of(document, self._head),
            tuple(self._problems),
            places,
            remarks=self._remarks.all(),
            pages=self._pages,
            rows=rows,
        )

    # Conversions

    def _events(self, form: Format) -> Iterator[Event]:
        for event in self._conversions.events(self._found.path, form, self._tell):
            if event[0] == "remark":
                _, kind, code, column, before = event
                self._remarks.add(RemarkKind(kind), code, 1, column, before)
            elif event[0] == "pages":
                self._pages = event[1]
            else:
                yield event

    def _failed(self, event: Event) -> FileResult:
        code = event[1] if event[1] in PROBLEMS else "broken"
        return self._refused(code)


def _with(result: FileResult, problems: tuple[Problem, ...]) -> FileResult:
    from dataclasses import replace

    return replace(result, problems=problems)


def _block(event: Event) -> Paged | None:
    if event[0] == "text":
        _, headings, text, page = event
        return Paged(Paragraph(tuple(headings), text, 1), page)
    if event[0] == "cells":
        _, headings, cells, page = event
        named = tuple((name, Cell(text, link)) for name, text, link in cells)
        return Paged(Row(tuple(headings), named, 1), page)
    return None


def islice_text(blocks: Iterable[Paged]) -> Iterator[str]:
    """Yield the first texts of a document, enough to tell its language."""
    length = 0
    for each in blocks:
        block = each.block
        texts = (
            [block.text]
            if isinstance(block, Paragraph)
            else list(chain.from_iterable((name, cell.text) for name, cell in block.cells))
        )
        for text in texts:
            yield text
            length += len(text)
        if length > _SAMPLE:
            return


def _first_heading(blocks: Iterable[Paged]) -> str | None:
    for each in blocks:
        if each.block.headings:
            return each.block.headings[0]
    return None


def ranges(numbers: list[int]) -> str:
    """Write page numbers as people do: 1-3, 7."""
    parts: list[list[int]] = []
    for number in sorted(numbers):
        if parts and number == parts[-1][-1] + 1:
            parts[-1][-1:] = [parts[-1][-1], number] if len(parts[-1]) == 1 else [number]
        else:
            parts.append([number])
    return ", ".join("-".join(map(str, each)) for each in parts)
