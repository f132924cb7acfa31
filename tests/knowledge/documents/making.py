"""Documents as towns have them, made at test time: small PDFs, Word and Excel files."""

import io
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from xml.sax.saxutils import escape

from openpyxl import Workbook

_TYPES = (
    '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/'
    'content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.'
    'relationships+xml"/><Default Extension="xml" ContentType="application/xml"/>'
    '<Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-'
    'officedocument.wordprocessingml.document.main+xml"/></Types>'
)
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
_WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"


@dataclass
class Page:
    """One page: lines of text with their size, a ruled table, or a picture of text."""

    lines: Sequence[tuple[str, float]] = ()
    table: Sequence[Sequence[str]] = ()
    picture: bool = False


@dataclass
class _Pdf:
    objects: list[bytes] = field(default_factory=list)

    def add(self, content: bytes) -> int:
        self.objects.append(content)
        return len(self.objects)

    def stream(self, content: bytes, head: bytes = b"") -> int:
        return self.add(
            b"<< %s /Length %d >>\nstream\n%s\nendstream" % (head, len(content), content)
        )

    def write(self, root: int, info: int) -> bytes:
        out, places = bytearray(b"%PDF-1.4\n"), []
        for number, content in enumerate(self.objects, start=1):
            places.append(len(out))
            out += b"%d 0 obj\n%s\nendobj\n" % (number, content)
        start = len(out)
        out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(places) + 1)
        for place in places:
            out += b"%010d 00000 n \n" % place
        out += b"trailer << /Size %d /Root %d 0 R /Info %d 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (
            len(places) + 1,
            root,
            info,
            start,
        )
        return bytes(out)


def pdf(pages: Iterable[Page], title: str = "") -> bytes:
    """Return a PDF whose Japanese font is named and not embedded, as office printers make them."""
    made = _Pdf()
    info = made.add(b"<< /Title <%s> >>" % ("\ufeff" + title).encode("utf-16-be").hex().encode())
    system = b"<< /Registry (Adobe) /Ordering (Japan1) /Supplement 2 >>"
    inner = made.add(
        b"<< /Type /Font /Subtype /CIDFontType0 /BaseFont /GothicBBB-Medium /DW 1000 "
        b"/CIDSystemInfo %s >>" % system
    )
    font = made.add(
        b"<< /Type /Font /Subtype /Type0 /BaseFont /GothicBBB-Medium /Encoding /90ms-RKSJ-H "
        b"/DescendantFonts [%d 0 R] >>" % inner
    )
    picture = made.stream(
        b"\0" * 16, b"/Type /XObject /Subtype /Image /Width 4 /Height 4 /BitsPerComponent 8 "
        b"/ColorSpace /DeviceGray"
    )  # fmt: skip
    root = len(made.objects) + 2
    kids = []
    made.add(b"null")
    made.add(b"null")
    for page in pages:
        content = made.stream(_drawn(page))
        kids.append(
            made.add(
                b"<< /Type /Page /Parent %d 0 R /MediaBox [0 0 595 842] /Contents %d 0 R "
                b"/Resources << /Font << /F %d 0 R >> /XObject << /P %d 0 R >> >> >>"
                % (root - 1, content, font, picture)
            )
        )
    listed = b" ".join(b"%d 0 R" % kid for kid in kids)
    made.objects[root - 2] = b"<< /Type /Pages /Count %d /Kids [%s] >>" % (len(kids), listed)
    made.objects[root - 1] = b"<< /Type /Catalog /Pages %d 0 R >>" % (root - 1)
    return made.write(root, info)


def _drawn(page: Page) -> bytes:
    drawn: list[bytes] = []
    height = 780.0

    def text(left: float, down: float, words: str, size: float) -> None:
        shown = words.encode("cp932").hex().encode()
        drawn.append(b"BT /F %g Tf 1 0 0 1 %g %g Tm <%s> Tj ET" % (size, left, down, shown))

    if page.picture:
        drawn.append(b"q 500 0 0 700 40 60 cm /P Do Q")
    for words, size in page.lines:
        if words:
            text(50, height, words, size)
        height -= size * 1.3
    height -= 20
    for row in page.table:
        for column, words in enumerate(row):
            drawn.append(b"%g %g 150 20 re S" % (50 + 150 * column, height))
            text(54 + 150 * column, height + 6, words, 9)
        height -= 20
    return b"\n".join(drawn)


def docx(
    body: Sequence[str | tuple[int, str] | Sequence[Sequence[str]]],
    *,
    more: Mapping[str, bytes] | None = None,
    relations: str = "",
) -> bytes:
    """Return a Word file of paragraphs, headings ``(level, text)`` and tables."""
    parts = []
    for each in body:
        if isinstance(each, str):
            parts.append(_paragraph(each))
        elif isinstance(each, tuple) and isinstance(each[0], int):
            style = f'<w:pPr><w:pStyle w:val="Heading{each[0]}"/></w:pPr>'
            parts.append(_paragraph(str(each[1]), style))
        else:
            rows = "".join(
                "<w:tr>" + "".join(f"<w:tc>{_paragraph(str(c))}</w:tc>" for c in row) + "</w:tr>"
                for row in each
                if not isinstance(row, int | str)
            )
            parts.append(f"<w:tbl>{rows}</w:tbl>")
    document = f'<w:document xmlns:w="{_WORD}"><w:body>{"".join(parts)}</w:body></w:document>'
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", _TYPES)
        archive.writestr(
            "_rels/.rels",
            f'<Relationships xmlns="{_RELATIONS}"><Relationship Id="r1" '
            f'Type="{_OFFICE}/officeDocument" Target="word/document.xml"/></Relationships>',
        )
        if relations:
            archive.writestr(
                "word/_rels/document.xml.rels",
                f'<Relationships xmlns="{_RELATIONS}">{relations}</Relationships>',
            )
        archive.writestr("word/document.xml", document)
        for name, content in (more or {}).items():
            archive.writestr(name, content)
    return buffer.getvalue()


def _paragraph(text: str, style: str = "") -> str:
    return f"<w:p>{style}<w:r><w:t>{escape(text)}</w:t></w:r></w:p>"


def xlsx(sheets: Mapping[str, Sequence[Sequence[object]]], hidden: Sequence[str] = ()) -> bytes:
    """Return a workbook."""
    book = Workbook()
    book.remove(book.worksheets[0])
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
        sheet.sheet_state = "hidden" if name in hidden else "visible"
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def csv_file(path: Path, *rows: Sequence[str], encoding: str = "utf-8", tab: bool = False) -> Path:
    """Write a table; cells with line ends or commas are quoted."""
    mark = "\t" if tab else ","

    def quoted(cell: str) -> str:
        return f'"{cell}"' if set(cell) & set(mark + "\n") else cell

    path.parent.mkdir(parents=True, exist_ok=True)
    text = "\r\n".join(mark.join(map(quoted, row)) for row in rows) + "\r\n"
    path.write_bytes(text.encode(encoding))
    return path
