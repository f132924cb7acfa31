"""Reading: paragraphs and table rows of one document become passages.

The same for a guide written in Markdown and for what a parser found in a PDF or a Word file.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from knowledge import frontmatter
from knowledge.frontmatter import FrontMatter, Sidecar
from knowledge.language import Language
from knowledge.markdown import Cell, Paragraph, Row
from knowledge.passage import Contradiction, Document, Kind, Passage, Problem, Status
from knowledge.text import clean, fold, sentences

MAX_PASSAGES_PER_FILE = 2_000
MAX_PASSAGES_CONVERTED = 10_000  # of a long PDF or a year of news
LONGEST_CELL = 1_000  # characters of a fact's item, value or note
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
COLUMN_OF = {name: column for column, names in _COLUMNS.items() for name in names}
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
NOTHING = frozenset({"", "-", "–", "—", "―", "ー", "n/a"})


@dataclass(frozen=True, slots=True)
class Paged:
    """A block of a document, and its page from 1 if it has pages."""

    block: Paragraph | Row
    page: int | None = None


def document_of(name: str, head: FrontMatter | Sidecar, title: str, language: Language) -> Document:
    """Make a document of what its head says; `title` and `language` fill what it leaves open."""
    linked = head.source is not None and _WEB_ADDRESS.match(head.source) is not None
    unnamed = head.source in NOTHING
    return Document(
        name=name,
        title=clean(head.title or title),
        language=head.lang or language,
        facility=clean(head.facility) if head.facility else None,
        place=clean(head.place) if head.place else None,
        aliases=tuple(clean(each) for each in head.aliases),
        as_of=head.as_of,
        status=head.status,
        source=head.source if linked else None,
        source_title=head.source_title or (None if linked or unnamed else head.source),
        review_by=frontmatter.last_day(head.review_by) if head.review_by else None,
    )


def disagreements_of(document: Document, head: FrontMatter | Sidecar) -> tuple[Contradiction, ...]:
    """Return what the head says of sources that disagree."""
    return tuple(
        Contradiction(document.name, each.about, tuple(each.found), each.adopted, each.reason)
        for each in head.contradictions
    )


def passage_of(
    document: Document, headings: tuple[str, ...], text: str, page: int | None = None
) -> Passage:
    """Make a passage of prose; a page becomes part of its source, so that it can be found."""
    content = "\0".join((document.name, document.title, *headings, text))
    source, source_title = document.source, document.source_title
    if page is not None:
        if source is not None and source.lower().endswith(".pdf"):
            source = f"{source}#page={page}"  # RFC 8118, section 3
        source_title = f"{source_title or document.title} p.{page}"
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
        source=source,
        source_title=source_title,
        review_by=document.review_by,
        page=page,
    )


def prose_pieces(texts: Iterable[str]) -> Iterator[str]:
    """Cut paragraphs into pieces of whole sentences, each short enough for one passage."""
    text = ""
    for paragraph in texts:
        for number, sentence in enumerate(sentences(paragraph)):
            for part in _parts(sentence):
                if text and len(text) + len(part) > LONGEST_PROSE:
                    yield text
                    text = ""
                text += ("" if not text else "\n" if number == 0 else _joint(text)) + part
    if text:
        yield text


def _parts(sentence: str) -> Iterator[str]:
    """A "sentence" without an end, such as a cell of ten thousand characters, is cut by length."""
    if len(sentence) <= 4 * LONGEST_PROSE:
        yield sentence
        return
    for start in range(0, len(sentence), LONGEST_PROSE):
        yield sentence[start : start + LONGEST_PROSE]


def _joint(text: str) -> str:
    return " " if re.search(r"[.!?]\Z", text) else ""


class Reader:
    """Turns the blocks of one document into passages, noting what is wrong on the way."""

    def __init__(
        self,
        file: str,
        document: Document,
        disagreements: tuple[Contradiction, ...] = (),
        *,
        first_line: int = 1,
        most: int = MAX_PASSAGES_PER_FILE,
    ) -> None:
        self.file = file
        self.document = document
        self.disagreements = disagreements
        self.first_line = first_line
        self.most = most
        self.problems: list[Problem] = []

    def problem(
        self, line: int, message: str, remedy: str, code: str = "", *values: object
    ) -> None:
        shown = tuple(str(each) for each in values)
        self.problems.append(Problem(self.file, line, message, remedy, code, shown))

    def passages(self, blocks: Iterable[Paged]) -> tuple[Passage, ...]:
        found: dict[str, Passage] = {}
        for passage in self._passages(blocks):
            if len(found) == self.most:
                what = f"more than {self.most:,} passages; the rest is left out"
                self.problem(1, what, "split it into several documents", "too-many", self.most)
                break
            found.setdefault(passage.id, passage)
        if not found:
            what, remedy = (
                "the document says nothing",
                "write a paragraph or a table below the head",
            )
            self.problem(1, what, remedy, "nothing")
        return tuple(found.values())

    def _passages(self, blocks: Iterable[Paged]) -> Iterator[Passage]:
        held: list[Paragraph] = []
        page: int | None = None
        for paged in blocks:
            block = paged.block
            if isinstance(block, Paragraph) and (
                not held or (held[-1].headings == block.headings and page == paged.page)
            ):
                held.append(block)
                page = paged.page
                continue
            yield from self._prose(held, page)
            held = [block] if isinstance(block, Paragraph) else []
            page = paged.page
            if isinstance(block, Row):
                yield self.row(block, page)
        yield from self._prose(held, page)

    def _prose(self, paragraphs: list[Paragraph], page: int | None) -> Iterator[Passage]:
        """One passage, or several of whole sentences where the section is long."""
        for text in prose_pieces(each.text for each in paragraphs):
            yield passage_of(self.document, paragraphs[0].headings, text, page)

    def row(self, row: Row, page: int | None = None) -> Passage:
        """Make a passage of one row: a fact if it has an item and a value."""
        line = self.first_line + row.line - 1
        cells: dict[str, Cell] = {}
        for name, cell in row.cells:
            cells.setdefault(COLUMN_OF.get(clean(name).casefold(), name), cell)
        item, value, note = (
            self._text(cells[key].text, line) if key in cells else ""
            for key in ("item", "value", "note")
        )
        if not item or not value:
            text = ", ".join(f"{name}: {cell.text}" for name, cell in row.cells if cell.text)
            return passage_of(self.document, row.headings, text, page)
        note = "" if note in NOTHING else note
        text = f"{item}: {value} ({note})" if note else f"{item}: {value}"
        passage = passage_of(self.document, row.headings, text, page)
        source, source_title = self._source(cells.get("source"), passage)
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

    def _text(self, text: str, line: int) -> str:
        """Cut a cell that is no fact but a page: every later step reads facts as a whole."""
        if len(text) <= LONGEST_CELL:
            return text
        what = f"a cell of {len(text):,} characters is cut after {LONGEST_CELL:,}"
        remedy = "write long texts as paragraphs below the table"
        self.problem(line, what, remedy, "row-long", len(text), LONGEST_CELL)
        return text[:LONGEST_CELL].rstrip()

    def _as_of(self, cell: Cell | None, line: int) -> str | None:
        """A row that leaves its date open has none; the document's is for rows without a column."""
        if cell is None:
            return self.document.as_of
        if cell.text in NOTHING:
            return None
        try:
            return frontmatter.partial_date(cell.text)
        except ValueError:
            shown = cell.text[:40]
            what = f"as of {shown!r} is not a date; the document's is used"
            self.problem(line, what, "write 2026, 2026-02 or 2026-02-11", "row-date", shown)
            return self.document.as_of

    def _source(self, cell: Cell | None, passage: Passage) -> tuple[str | None, str | None]:
        """Return the address and the title of a row's own source, or else of its document's."""
        if cell is not None and cell.link and _WEB_ADDRESS.match(cell.link):
            own = self.document.source_title if cell.link == self.document.source else None
            return cell.link, own
        if cell is not None and cell.text not in NOTHING:
            return None, cell.text
        return passage.source, passage.source_title

    def _status(self, cell: Cell | None, line: int) -> Status:
        if cell is None or cell.text in NOTHING:
            return self.document.status
        if (status := _STATUS_OF.get(clean(cell.text).casefold())) is None:
            words = ", ".join(names[0] for names in _STATUSES.values())
            shown = cell.text[:40]
            what = f"unknown status {shown!r}; the row is treated as unconfirmed"
            remedy = f"use one of: {words}, or {', '.join(Status)}"
            self.problem(line, what, remedy, "row-status", shown, words)
            return Status.UNCONFIRMED
        return status

    def _contradiction(self, item: str, value: str) -> Contradiction | None:
        """Return what sources say differently, if the row holds the adopted value."""
        for each in self.disagreements:
            about, name = fold(each.about), fold(item)
            if clean(each.adopted).casefold() in _STATUS_OF:
                continue  # 要確認 stands beside values of all kinds
            if fold(each.adopted) in fold(value) and (name in about or _shared(about, name)):
                return each
        return None


def _shared(about: str, item: str) -> bool:
    """Whether the two name the same thing: two characters of the item in a row stand in `about`."""
    return any(item[start : start + 2] in about for start in range(len(item) - 1))
