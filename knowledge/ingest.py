"""Ingest: a town's guides and data to one library of passages, places and timetables.

One bad file never stops the others: what cannot be read or understood becomes a
`knowledge.passage.Problem` with file, line and remedy, and what was repaired or left out a
`knowledge.passage.Remark`. Files that need a parser go through `knowledge.documents.sandbox`.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from knowledge.documents.files import Found, Walk
from knowledge.documents.kinds import Format
from knowledge.documents.markdown_guides import MAX_FILE_BYTES, read_guide
from knowledge.documents.others import Others
from knowledge.documents.reading import LONGEST_PROSE, MAX_PASSAGES_PER_FILE
from knowledge.documents.result import FileResult
from knowledge.documents.sandbox import Conversions
from knowledge.documents.words import PROBLEMS
from knowledge.errors import GuidesMissing
from knowledge.library import Library
from knowledge.passage import Contradiction, Document, FileReport, Passage, Problem
from knowledge.places import Place
from knowledge.timetable import Timetable

__all__ = [
    "LONGEST_PROSE",
    "MAX_FILE_BYTES",
    "MAX_PASSAGES",
    "MAX_PASSAGES_PER_FILE",
    "Progress",
    "read_guides",
    "read_town",
]

logger = logging.getLogger(__name__)

MAX_PASSAGES = 50_000  # a flat vector index stays below 6 ms a query up to here


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the reading is."""

    file: str
    number: int  # of this file, from 1
    files: int
    done: int = 0  # pages or rows of this file
    total: int = 0  # 0 where nobody knows


def read_guides(folder: Path) -> Library:
    """Read every document below `folder`, in the order of their paths.

    Raises `GuidesMissing` if there is no such folder.
    """
    return _read(Walk(folder), Conversions(None), lambda _: None)


def read_town(
    guides: Path,
    data: Path | None = None,
    *,
    cache: Path | None = None,
    again: bool = False,
    progress: Callable[[Progress], None] = lambda _: None,
) -> Library:
    """Read the documents of `guides`, and of `data` if there is such a folder. Blocks.

    Files are named from the folder that holds both: ``guides/onsen.md``, ``data/aed.csv``.
    `cache` keeps what parsers found, in a folder ``documents`` of its own; only changed files are
    parsed again, and with `again` those whose parser ran out of time or memory.

    Raises `GuidesMissing` if there are no guides.
    """
    folder = cache / "documents" if cache is not None else None
    conversions = Conversions(folder, again=again)
    walk = Walk(guides, data, base=guides.parent)
    library = _read(walk, conversions, progress)
    conversions.forget_unused()
    return library


def _read(walk: Walk, conversions: Conversions, progress: Callable[[Progress], None]) -> Library:
    if not walk.guides.is_dir():
        raise GuidesMissing(f"no guide folder at {walk.guides}")
    found = walk.files()
    shelf = _Shelf()
    shelf.problems += walk.problems
    for number, each in enumerate(found, start=1):
        name, here = each.shown, number

        def tell(done: int, total: int, name: str = name, here: int = here) -> None:
            progress(Progress(name, here, len(found), done, total))

        tell(0, 0)
        shelf.put(each.shown, _one(each, conversions, tell))
    return shelf.library()


def _one(found: Found, conversions: Conversions, tell: Callable[[int, int], None]) -> FileResult:
    try:
        if found.form is Format.MARKDOWN and found.sidecar is None:
            return read_guide(found)
        return Others(found, conversions, tell).read()
    except Exception:
        # A file that nobody thought of must not keep the others from answering.
        logger.exception("file-not-read", extra={"file": found.shown})
        message, remedy = PROBLEMS["broken"]
        problem = Problem(found.shown, 1, message, remedy, "broken")
        return FileResult(found.form or "other", problems=(problem,))


class _Shelf:
    """Everything read so far."""

    def __init__(self) -> None:
        self.passages: list[Passage] = []
        self.documents: list[Document] = []
        self.contradictions: list[Contradiction] = []
        self.problems: list[Problem] = []
        self.places: list[Place] = []
        self.timetables: list[Timetable] = []
        self.files: list[FileReport] = []

    def put(self, file: str, result: FileResult) -> None:
        """Add one file, unless the library would become too large for its index."""
        if len(self.passages) + len(result.passages) > MAX_PASSAGES:
            what = f"the guides hold more than {MAX_PASSAGES:,} passages; this file is left out"
            values = (f"{MAX_PASSAGES:,}",)
            problem = Problem(file, 1, what, "split the town's guides", "library-full", values)
            result = FileResult(result.form, problems=(*result.problems, problem))
        self.problems += result.problems
        self.files.append(result.report(file))
        if result.timetable is not None:
            self.timetables.append(result.timetable)
        if result.document is None:
            return
        self.documents.append(result.document)
        self.passages += result.passages
        self.places += result.places
        self.contradictions += result.contradictions

    def library(self) -> Library:
        """Return what was read."""
        return Library(
            passages=tuple(self.passages),
            documents=tuple(self.documents),
            contradictions=tuple(self.contradictions),
            problems=tuple(self.problems),
            places=tuple(self.places),
            timetables=tuple(self.timetables),
            files=tuple(self.files),
        )
