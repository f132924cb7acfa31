"""Convert: one file to events, in the child process; the only module that imports parsers.

Web pages and Word files go through markitdown (no plug-ins, no model, no network) and our own
reading of Markdown. Workbooks are read by openpyxl, row by row: a table's cells must keep their
places, so that repairs can be reported. For PDFs see `pdf`.
"""

import io
import re
import warnings
import zipfile
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, time
from pathlib import Path
from typing import Any, Protocol

from knowledge.documents import limits
from knowledge.documents.encoding import NoEncoding, decode_page


class Failed(Exception):
    """The file cannot be converted; the word is a reason that `sandbox` knows."""


class Sink(Protocol):
    """Where events go."""

    def put(self, *event: object) -> None: ...

    def progress(self, done: int, total: int) -> None: ...


def html(path: Path, sink: Sink) -> None:
    """Read a web page: its main part, without menus, scripts and forms."""
    from bs4 import BeautifulSoup

    try:
        text = decode_page(path.read_bytes())
    except NoEncoding as error:
        raise Failed("encoding") from error
    soup = BeautifulSoup(text, "html.parser")
    title = soup.title.get_text(" ", strip=True)[:300] if soup.title is not None else ""
    for tag in soup(["nav", "header", "footer", "aside", "form", "noscript", "template", "iframe"]):
        tag.decompose()
    main = soup.find("main") or soup.find("article") or soup
    _markdown(str(main).encode(), ".html", title or None, sink)


def docx(path: Path, sink: Sink) -> None:
    """Read a Word file. Macros and what it links to outside are left alone, and reported."""
    names = _archive(path)
    if any(name.endswith("vbaProject.bin") for name in names):
        sink.put("remark", "skipped", "macros", "", "")
    for target in _external(path, names):
        sink.put("remark", "skipped", "external-link", "", target)
    _markdown(path.read_bytes(), ".docx", _core_title(path, names), sink)


def _markdown(content: bytes, suffix: str, title: str | None, sink: Sink) -> None:
    from markitdown import MarkItDown, StreamInfo

    from knowledge.markdown import Paragraph, blocks

    reader = MarkItDown(enable_plugins=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # nested too deeply: its plain text comes instead
        converted = reader.convert_stream(
            io.BytesIO(content),
            stream_info=StreamInfo(extension=suffix, charset="utf-8"),
            table_infer_header=True,
        )
    text = _headed(converted.markdown)
    if title is None and (top := _TOP.search(text)):
        title = top[1]
    if title is not None:
        sink.put("title", title)
    for block in blocks(text):
        if isinstance(block, Paragraph):
            sink.put("text", block.headings, block.text, None)
        else:
            cells = [(name, cell.text, cell.link) for name, cell in block.cells]
            sink.put("cells", block.headings, cells, None)


_RULE = re.compile(r"\|(?: *:?-+:? *\|)+ *\Z")
_TOP = re.compile(r"^# (.{1,200})$", re.MULTILINE)
_NO_CELLS = re.compile(r"\|(?: *\|)+ *\Z")


def _headed(markdown: str) -> str:
    """Word tables come with an empty header above the rule: their first row is the header."""
    lines = markdown.splitlines()
    number = 0
    while number + 2 < len(lines):
        above, rule = lines[number], lines[number + 1]
        if _NO_CELLS.match(above) and _RULE.match(rule) and lines[number + 2].startswith("|"):
            lines[number : number + 3] = [lines[number + 2], rule]
        number += 1
    return "\n".join(lines)


def _archive(path: Path) -> list[str]:
    """Look at a zipped file's directory before anything is unpacked."""
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            names = [each.filename for each in entries]
            unpacked = sum(each.file_size for each in entries)
            if len(entries) > limits.MAX_ARCHIVE_ENTRIES or unpacked > limits.MAX_UNPACKED_BYTES:
                raise Failed("bomb")
            for entry in entries:  # sizes can lie: an entry may hold more than it declares
                _measure(archive, entry)
            return names
    except (zipfile.BadZipFile, OSError, EOFError, NotImplementedError, RuntimeError) as error:
        raise Failed("broken") from error


def _measure(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> None:
    """Unpack an entry piece by piece; zipfile itself stops at what the entry declares."""
    if entry.flag_bits & 1:
        raise Failed("protected")
    if not entry.filename.endswith((".xml", ".rels")):
        return
    with archive.open(entry) as stream:
        while stream.read(1 << 20):
            pass


_TARGET = re.compile(rb"<Relationship\b[^>]*>")
_ATTRIBUTE = re.compile(rb"\b(Type|Target|TargetMode)\s*=\s*[\"']([^\"']*)[\"']")


def _external(path: Path, names: list[str]) -> Iterator[str]:
    """What a file would fetch from elsewhere: templates, pictures, objects. Links to pages not."""
    with zipfile.ZipFile(path) as archive:
        for name in names:
            if not name.endswith(".rels"):
                continue
            for tag in _TARGET.findall(archive.read(name)):
                found = {key: value.decode("utf-8", "replace") for key, value in _pairs(tag)}
                kind = found.get("Type", "").rpartition("/")[2]
                if found.get("TargetMode") == "External" and kind != "hyperlink":
                    yield f"{kind}: {found.get('Target', '')}"[:200]


def _pairs(tag: bytes) -> Iterator[tuple[str, bytes]]:
    for key, value in _ATTRIBUTE.findall(tag):
        yield key.decode("ascii"), value


def _core_title(path: Path, names: list[str]) -> str | None:
    """Return the title of the file's properties (ECMA-376, part 2, core properties)."""
    from defusedxml import ElementTree

    if "docProps/core.xml" not in names:
        return None
    with zipfile.ZipFile(path) as archive:
        try:
            root = ElementTree.fromstring(archive.read("docProps/core.xml"))
        except (ElementTree.ParseError, ValueError):
            return None
    title = root.findtext("{http://purl.org/dc/elements/1.1/}title")
    return title.strip()[:300] if title and title.strip() else None


def xlsx(path: Path, sink: Sink) -> None:
    """Read the visible sheets of a workbook, row by row, values as they were last computed."""
    from openpyxl import load_workbook

    names = _archive(path)
    if any(name.endswith("vbaProject.bin") for name in names):
        sink.put("remark", "skipped", "macros", "", "")
    if title := _core_title(path, names):
        sink.put("title", title)
    with warnings.catch_warnings(), path.open("rb") as stream:
        warnings.simplefilter("ignore")  # styles and extensions that are not read
        # By its stream: openpyxl refuses names that do not end in .xlsx.
        book = load_workbook(stream, read_only=True, data_only=True, keep_links=False)
        for number, sheet in enumerate(book.worksheets):
            if number == limits.MAX_SHEETS:
                sink.put("remark", "skipped", "more-sheets", "", str(len(book.worksheets)))
                break
            if sheet.sheet_state != "visible":
                sink.put("remark", "skipped", "hidden-sheet", "", sheet.title)
                continue
            sink.put("sheet", sheet.title)
            _rows(sheet, sink)


def _rows(sheet: Any, sink: Sink) -> None:
    sheet.reset_dimensions()  # what the file says of its size is often wrong
    left_out = 0
    for number, row in enumerate(sheet.iter_rows(max_col=limits.MAX_COLUMNS, values_only=True), 1):
        cells = [_cell(each) for each in row]
        while cells and not cells[-1]:
            cells.pop()
        if number > limits.MAX_ROWS + 100:  # some stand above the header
            left_out += bool(cells)
            continue
        if cells:
            sink.put("row", number, cells)
        if number % 1_000 == 0:
            sink.progress(number, 0)
    if left_out:
        sink.put("left-out", left_out)


def _cell(value: object) -> str:
    """Write a typed cell as a person would."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        midnight = value.time() == time()
        return value.date().isoformat() if midnight else value.isoformat(" ", "minutes")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, time):
        return value.strftime("%H:%M")
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:  # noqa: PLR2004
        return str(int(value))
    return str(value)


def pdf(path: Path, sink: Sink) -> None:
    """Read a PDF page by page."""
    from knowledge.documents.pdf import convert

    if (reason := convert(path, sink)) is not None:
        raise Failed(reason)


CONVERTERS: Mapping[str, Callable[[Path, Sink], None]] = {
    "html": html,
    "docx": docx,
    "xlsx": xlsx,
    "pdf": pdf,
}
