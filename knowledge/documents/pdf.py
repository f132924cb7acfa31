"""PDF: pages of text in reading order, ruled tables as rows, headings told by their size.

By pdfplumber and pdfminer.six. Lines of one paragraph are joined again (Japanese without a space),
which a plain extraction does not do, and every block knows its page. A page that shows a picture
and no text was scanned; it is reported and never guessed at.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from knowledge.documents import limits
from knowledge.text import clean, is_han, is_kana

_HEADING_RATIO = 1.18  # of the size of most characters
_LONGEST_HEADING = 50
_TOP_RATIO = 1.5
_SENTENCE_END = re.compile(r"[。.、,]\Z")
_BULLET = re.compile(r"[・●○■□◆◇※▽▼▲△★☆①-⑳]|\d{1,2}[.)、]|[(（]\d{1,2}[)）]")
_ROW_CELLS = 2


class Sink(Protocol):
    """Where events go."""

    def put(self, *event: object) -> None: ...

    def progress(self, done: int, total: int) -> None: ...


@dataclass(slots=True)
class _Line:
    text: str
    size: float


def convert(path: Path, sink: Sink) -> str | None:
    """Print the events of a PDF; return why it cannot be read, or None."""
    import pdfplumber
    from pdfminer.pdfdocument import PDFPasswordIncorrect
    from pdfplumber.utils.exceptions import PdfminerException

    try:
        opened = pdfplumber.open(path, laparams={})
    except (PdfminerException, PDFPasswordIncorrect) as error:
        inner = error.args[0] if error.args else None
        protected = PDFPasswordIncorrect
        return (
            "protected"
            if isinstance(error, protected) or isinstance(inner, protected)
            else "broken"
        )
    with opened as document:
        if title := clean(str(document.metadata.get("Title") or ""))[:300]:
            sink.put("title", title)
        total = len(document.pages)
        sink.put("pages", total)
        if total == 0:
            return "broken"
        _pages(document.pages, total, sink)
    return None


def _pages(pages: Sequence[Any], total: int, sink: Sink) -> None:
    headings: list[tuple[float, str]] = []
    sizes: Counter[float] = Counter()
    for number, page in enumerate(pages[: limits.MAX_PAGES], start=1):
        boxes, tables = _content(page)
        for box in boxes:
            for line in box:
                sizes[line.size] += len(line.text)
        body = sizes.most_common(1)[0][0] if sizes else 0.0
        for event in _events(boxes, tables, body, headings):
            sink.put(*event, number)
        if not boxes and not tables:
            code = "scanned-page" if page.images else "blank-page"
            sink.put("remark", "skipped", code, str(number), "")
        page.close()
        sink.progress(number, total)
    if total > limits.MAX_PAGES:
        sink.put("remark", "skipped", "more-pages", str(limits.MAX_PAGES + 1), str(total))


def _content(page: Any) -> tuple[list[list[_Line]], list[list[list[str]]]]:
    """Return the text boxes outside ruled tables, and the tables."""
    from pdfminer.layout import LTTextBox

    found = page.find_tables() if page.rects or page.lines or page.curves else []
    tables, areas = [], []
    for table in found:
        cells = [[clean(cell or "") for cell in row] for row in table.extract()]
        filled = [row for row in cells if sum(map(bool, row)) >= _ROW_CELLS]
        if len(filled) > 1:
            tables.append(filled)
            areas.append(table.bbox)
    boxes = []
    for box in page.layout:
        if not isinstance(box, LTTextBox):
            continue
        across = (box.x0 + box.x1) / 2
        down = page.height - (box.y0 + box.y1) / 2
        if any(x0 <= across <= x1 and top <= down <= end for x0, top, x1, end in areas):
            continue
        if lines := [each for each in map(_line, box) if each.text]:
            boxes.append(lines)
    return boxes, tables


def _line(line: Any) -> _Line:
    from pdfminer.layout import LTChar

    heights = Counter(round(each.size, 1) for each in line if isinstance(each, LTChar))
    size = heights.most_common(1)[0][0] if heights else 0.0
    return _Line(clean(line.get_text()), size)


def _events(
    boxes: list[list[_Line]],
    tables: list[list[list[str]]],
    body: float,
    headings: list[tuple[float, str]],
) -> Iterator[tuple[object, ...]]:
    for box in boxes:
        for paragraph in _paragraphs(box):
            text, size = _joined(paragraph), paragraph[0].size
            large = body and size >= body * _HEADING_RATIO and len(paragraph) <= _ROW_CELLS
            if large and len(text) <= _LONGEST_HEADING and not _SENTENCE_END.search(text):
                # Small differences in size are no levels of their own.
                level = 1.0 if size >= body * _TOP_RATIO else 2.0
                while headings and headings[-1][0] >= level:
                    headings.pop()
                headings.append((level, _BULLET.sub("", text, count=1).strip() or text))
            elif not text.isdigit():  # a page number
                yield ("text", [each for _, each in headings], text)
    for header, *rows in tables:
        for row in rows:
            cells = [(name, cell, None) for name, cell in zip(header, row, strict=False)]
            yield ("cells", [each for _, each in headings], cells)


def _paragraphs(box: list[_Line]) -> Iterator[list[_Line]]:
    """Cut a text box where a list item begins or the size of the letters changes."""
    held: list[_Line] = []
    for line in box:
        changed = held and abs(line.size - held[-1].size) > 1
        if held and (changed or _BULLET.match(line.text)):
            yield held
            held = []
        held.append(line)
    if held:
        yield held


def _joined(lines: list[_Line]) -> str:
    text = ""
    for line in lines:
        wide = bool(text) and _wide(text[-1]) and _wide(line.text[0])
        text += line.text if wide or not text else f" {line.text}"
    return text


def _wide(character: str) -> bool:
    return is_han(character) or is_kana(character) or character in "、。・「」()!?〜"
