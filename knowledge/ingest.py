"""Ingest: a folder of guide files to one library of passages.

One bad file never stops the others: what cannot be read or understood becomes a
`knowledge.passage.Problem` with file, line and remedy.
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from knowledge import frontmatter
from knowledge.errors import GuidesMissing
from knowledge.frontmatter import FrontMatter
from knowledge.markdown import Cell, Paragraph, Row, blocks
from knowledge.passage import (
    Contradiction,
    Document,
    Kind,
    Library,
    Passage,
    Problem,
    Status,
)
from knowledge.text import clean, fold, sentences

MAX_FILE_BYTES = 1_000_000
MAX_PASSAGES_PER_FILE = 2_000
MAX_PASSAGES = 50_000  # a flat vector index stays below 6 ms a query up to here
LONGEST_PROSE = 480  # characters; retrieval gained nothing from longer passages

_COLUMNS = {
    "item": ("項目", "事項", "item", "what", "项目", "項目", "항목"),
    "value": ("内容", "値", "金額", "時間", "value", "details", "内容", "內容", "내용"),
    "note": ("補足", "備考", "note", "notes", "备注", "備註", "补充", "補充", "비고", "참고"),
    "as_of": (
        "時点", "いつ", "as of", "as_of", "时间点", "時間點", "截至", "時點", "时点", "기준",
        "시점",
    ),
    "status": ("状態", "status", "状态", "狀態", "상태"),
    "source": ("出典", "出所", "source", "来源", "來源", "出處", "出处", "출처"),
}  # fmt: skip
_COLUMN_OF = {name: column for column, names in _COLUMNS.items() for name in names}
_STATUSES = {
    Status.CURRENT: ("現行", "現在", "current", "现行", "現行", "현행"),
    Status.OLD: ("以前", "旧", "old", "former", "以前", "旧", "舊", "이전", "과거"),
    Status.UNCONFIRMED: (
        "要確認", "未確認", "unconfirmed", "to be confirmed", "待确认", "待確認", "需确认",
        "需確認", "미확인", "확인 필요",
    ),
    Status.TIMELESS: ("不変", "timeless", "不变", "不變", "불변"),
}  # fmt: skip
_STATUS_OF = {word: status for status, words in _STATUSES.items() for word in words}
_WEB_ADDRESS = re.compile(r"https?://[^\s/]+")
"""A source that is none of these (a leaflet, a counter) is named, and never made a link."""
_NOTHING = frozenset({"", "-", "–", "—", "―", "ー", "n/a"})


def read_guides(folder: Path) -> Library:
    """Read every ``*.md`` below `folder`, in the order of their paths.

    Raises `GuidesMissing` if there is no such folder.
    """
    if not folder.is_dir():
        raise GuidesMissing(f"no guide folder at {folder}")
    passages: list[Passage] = []
    documents: list[Document] = []
    contradictions: list[Contradiction] = []
    problems: list[Problem] = []
    for path in sorted(folder.rglob("*.md")):
        guide = _read(path, folder)
        problems += guide.problems
        if guide.document is None:
            continue
        if len(passages) + len(guide.passages) > MAX_PASSAGES:
            what = f"the guides hold more than {MAX_PASSAGES:,} passages; this file is left out"
            problems.append(Problem(_name(path, folder), 1, what, "split the town's guides"))
            continue
        documents.append(guide.document)
        passages += guide.passages
        contradictions += guide.contradictions
    return Library(tuple(passages), tuple(documents), tuple(contradictions), tuple(problems))


@dataclass(frozen=True, slots=True)
class _Guide:
    document: Document | None
    passages: tuple[Passage, ...] = ()
    contradictions: tuple[Contradiction, ...] = ()
    problems: tuple[Problem, ...] = ()


def _name(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix()


def _read(path: Path, folder: Path) -> _Guide:
    file = _name(path, folder)
    text = _text(path, folder)
    if isinstance(text, Problem):
        return _Guide(None, problems=(text,))
    parts = frontmatter.split(text)
    if parts is None:
        what = "the file does not begin with front matter"
        return _Guide(None, problems=(Problem(file, 1, what, "begin with --- , keys, --- "),))
    head = frontmatter.parse(parts.head, file)
    if not isinstance(head, FrontMatter):
        return _Guide(None, problems=head)
    document = _document(file.removesuffix(".md"), head)
    disagreements = tuple(
        Contradiction(document.name, each.about, tuple(each.found), each.adopted, each.reason)
        for each in head.contradictions
    )
    reader = _Reader(file, document, disagreements, parts.body_line)
    passages = reader.passages(parts.body)
    if not passages:
        reader.problem(
            1, "the document says nothing", "write a paragraph or a table below the head"
        )
    return _Guide(document, passages, disagreements, tuple(reader.problems))


def _text(path: Path, folder: Path) -> str | Problem:
    file = _name(path, folder)
    if not path.resolve().is_relative_to(folder.resolve()):
        return Problem(
            file, 1, "the file leads outside the guide folder", "copy it into the folder"
        )
    try:
        size = path.stat().st_size
        content = path.read_bytes() if size < MAX_FILE_BYTES else b""
    except OSError as error:
        return Problem(file, 1, f"the file cannot be read: {error.strerror}", "check its rights")
    if size >= MAX_FILE_BYTES:
        what = f"the file has {size:,} bytes, more than {MAX_FILE_BYTES:,}"
        return Problem(file, 1, what, "split it into several documents")
    if b"\0" in content:
        return Problem(file, 1, "the file is not text", "save it as plain UTF-8 text")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return Problem(file, line, "the file is not UTF-8", "save it again with encoding UTF-8")


def _document(name: str, head: FrontMatter) -> Document:
    linked = head.source is not None and _WEB_ADDRESS.match(head.source) is not None
    unnamed = head.source in _NOTHING
    return Document(
        name=name,
        title=clean(head.title),
        language=head.lang,
        facility=clean(head.facility) if head.facility else None,
        place=clean(head.place) if head.place else None,
        aliases=tuple(clean(each) for each in head.aliases),
        as_of=head.as_of,
        status=head.status,
        source=head.source if linked else None,
        source_title=head.source_title or (None if linked or unnamed else head.source),
        review_by=frontmatter.last_day(head.review_by) if head.review_by else None,
    )


class _Reader:
    """Turns the blocks of one document into passages, noting what is wrong on the way."""

    def __init__(
        self,
        file: str,
        document: Document,
        disagreements: tuple[Contradiction, ...],
        body_line: int,
    ) -> None:
        self.file = file
        self.document = document
        self.disagreements = disagreements
        self.body_line = body_line
        self.problems: list[Problem] = []

    def problem(self, line: int, message: str, remedy: str) -> None:
        self.problems.append(Problem(self.file, line, message, remedy))

    def passages(self, body: str) -> tuple[Passage, ...]:
        found: dict[str, Passage] = {}
        for passage in self._passages(body):
            if len(found) == MAX_PASSAGES_PER_FILE:
                what = f"more than {MAX_PASSAGES_PER_FILE:,} passages; the rest is left out"
                self.problem(1, what, "split it into several documents")
                break
            found.setdefault(passage.id, passage)
        return tuple(found.values())

    def _passages(self, body: str) -> Iterator[Passage]:
        held: list[Paragraph] = []
        for block in blocks(body):
            if isinstance(block, Paragraph) and (not held or held[-1].headings == block.headings):
                held.append(block)
                continue
            yield from self._prose(held)
            held = [block] if isinstance(block, Paragraph) else []
            if isinstance(block, Row):
                yield self._row(block)
        yield from self._prose(held)

    def _prose(self, paragraphs: list[Paragraph]) -> Iterator[Passage]:
        """One passage, or several of whole sentences where the section is long."""
        text = ""
        for paragraph in paragraphs:
            for number, sentence in enumerate(sentences(paragraph.text)):
                if text and len(text) + len(sentence) > LONGEST_PROSE:
                    yield self._passage(paragraphs[0].headings, text)
                    text = ""
                text += ("" if not text else "\n" if number == 0 else _joint(text)) + sentence
        if text:
            yield self._passage(paragraphs[0].headings, text)

    def _row(self, row: Row) -> Passage:
        line = self.body_line + row.line - 1
        cells: dict[str, Cell] = {}
        for name, cell in row.cells:
            cells.setdefault(_COLUMN_OF.get(clean(name).casefold(), name), cell)
        item, value = (cells[key].text if key in cells else "" for key in ("item", "value"))
        if not item or not value:
            shown = [(name, cell.text) for name, cell in row.cells if cell.text]
            return self._passage(row.headings, ", ".join(f"{name}: {text}" for name, text in shown))
        note = cells["note"].text if "note" in cells else ""
        note = "" if note in _NOTHING else note
        passage = self._passage(
            row.headings, f"{item}: {value} ({note})" if note else f"{item}: {value}"
        )
        source, source_title = self._source(cells.get("source"))
        return replace(
            passage,
            kind=Kind.FACT,
            item=item,
            value=value,
            note=note or None,
            as_of=self._as_of(cells.get("as_of"), line),
            status=self._status(cells.get("status"), line),
            source=source,
            source_title=source_title,
            contradiction=self._contradiction(item, value),
        )

    def _passage(self, headings: tuple[str, ...], text: str) -> Passage:
        document = self.document
        content = "\0".join((document.name, document.title, *headings, text))
        return Passage(
            id=hashlib.sha256(content.encode()).hexdigest()[:20],
            document=document.name,
            title=document.title,
            headings=headings,
            text=text,
            kind=Kind.PROSE,
            language=document.language,
            facility=document.facility,
            place=document.place,
            aliases=document.aliases,
            as_of=document.as_of,
            status=document.status,
            source=document.source,
            source_title=document.source_title,
            review_by=document.review_by,
        )

    def _as_of(self, cell: Cell | None, line: int) -> str | None:
        """A row that leaves its date open has none; the document's is for rows without a column."""
        if cell is None:
            return self.document.as_of
        if cell.text in _NOTHING:
            return None
        try:
            return frontmatter.partial_date(cell.text)
        except ValueError:
            self.problem(
                line,
                f"as of {cell.text[:40]!r} is not a date; the document's is used",
                "write 2026, 2026-02 or 2026-02-11",
            )
            return self.document.as_of

    def _source(self, cell: Cell | None) -> tuple[str | None, str | None]:
        """Return the address and the title of a row's own source, or else of its document's."""
        if cell is not None and cell.link and _WEB_ADDRESS.match(cell.link):
            own = self.document.source_title if cell.link == self.document.source else None
            return cell.link, own
        if cell is not None and cell.text not in _NOTHING:
            return None, cell.text
        return self.document.source, self.document.source_title

    def _status(self, cell: Cell | None, line: int) -> Status:
        if cell is None or cell.text in _NOTHING:
            return self.document.status
        if (status := _STATUS_OF.get(clean(cell.text).casefold())) is None:
            words = ", ".join(names[0] for names in _STATUSES.values())
            what = f"unknown status {cell.text[:40]!r}; the row is treated as unconfirmed"
            self.problem(line, what, f"use one of: {words}, or {', '.join(Status)}")
            return Status.UNCONFIRMED
        return status

    def _contradiction(self, item: str, value: str) -> str | None:
        """Why the document's author chose this value, if the row holds an adopted one."""
        for each in self.disagreements:
            about, name = fold(each.about), fold(item)
            if fold(each.adopted) in fold(value) and (name in about or _shared(about, name)):
                return each.reason
        return None


def _joint(text: str) -> str:
    return " " if re.search(r"[.!?]\Z", text) else ""


def _shared(about: str, item: str) -> bool:
    """Whether the two name the same thing: two characters of the item in a row stand in `about`."""
    return any(item[start : start + 2] in about for start in range(len(item) - 1))
