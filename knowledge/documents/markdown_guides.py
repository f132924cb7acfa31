"""Markdown guides: files with front matter, as a town's staff write them."""

from knowledge import frontmatter
from knowledge.documents.files import Found, leads_outside
from knowledge.documents.kinds import Format
from knowledge.documents.reading import Paged, Reader, disagreements_of, document_of
from knowledge.documents.remarks import Remarks
from knowledge.documents.result import FileResult
from knowledge.documents.suspicious import look
from knowledge.frontmatter import FrontMatter
from knowledge.markdown import blocks
from knowledge.passage import Problem

MAX_FILE_BYTES = 1_000_000


def read_guide(found: Found) -> FileResult:
    """Read one guide file."""
    text = _text(found)
    if isinstance(text, Problem):
        return FileResult(Format.MARKDOWN, problems=(text,))
    parts = frontmatter.split(text)
    if parts is None:
        what, remedy = "the file does not begin with front matter", "begin with --- , keys, --- "
        problem = Problem(found.shown, 1, what, remedy, "no-front-matter")
        return FileResult(Format.MARKDOWN, problems=(problem,))
    head = frontmatter.parse(parts.head, found.shown)
    if not isinstance(head, FrontMatter):
        return FileResult(Format.MARKDOWN, problems=head)
    document = document_of(found.name, head, head.title, head.lang)
    disagreements = disagreements_of(document, head)
    reader = Reader(found.shown, document, disagreements, first_line=parts.body_line)
    passages = reader.passages(Paged(each) for each in blocks(parts.body))
    remarks = Remarks()
    look(passages, remarks)
    return FileResult(
        Format.MARKDOWN,
        document,
        passages,
        disagreements,
        tuple(reader.problems),
        remarks=remarks.all(),
    )


def _text(found: Found) -> str | Problem:
    def problem(what: str, remedy: str, code: str, *values: object, line: int = 1) -> Problem:
        return Problem(found.shown, line, what, remedy, code, tuple(map(str, values)))

    path = found.path
    if leads_outside(path, found.folder):
        what = "the file leads outside the guide folder"
        return problem(what, "copy it into the folder", "outside")
    if path.exists() and not path.is_file():
        return problem("this is not a file", "copy the file itself into the folder", "no-file")
    try:
        size = path.stat().st_size
        content = path.read_bytes() if size < MAX_FILE_BYTES else b""
    except OSError as error:
        reason = error.strerror
        return problem(
            f"the file cannot be read: {reason}", "check its rights", "unreadable", reason
        )
    if size >= MAX_FILE_BYTES:
        what = f"the file has {size:,} bytes, more than {MAX_FILE_BYTES:,}"
        remedy = "split it into several documents"
        return problem(what, remedy, "too-large", f"{size:,}", f"{MAX_FILE_BYTES:,}")
    if b"\0" in content:
        return problem("the file is not text", "save it as plain UTF-8 text", "not-text")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        remedy = "save it again with encoding UTF-8"
        return problem("the file is not UTF-8", remedy, "not-utf-8", line=line)
