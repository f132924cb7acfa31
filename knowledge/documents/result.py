"""Result: what one file gave."""

from dataclasses import dataclass

from knowledge.passage import (
    Contradiction,
    Document,
    FileReport,
    Passage,
    Problem,
    Remark,
    Status,
)
from knowledge.places import Place
from knowledge.timetable import Timetable


@dataclass(frozen=True, slots=True)
class FileResult:
    """A document with its passages, a timetable, or only what was wrong."""

    form: str
    document: Document | None = None
    passages: tuple[Passage, ...] = ()
    contradictions: tuple[Contradiction, ...] = ()
    problems: tuple[Problem, ...] = ()
    places: tuple[Place, ...] = ()
    timetable: Timetable | None = None
    remarks: tuple[Remark, ...] = ()
    pages: int | None = None
    rows: int | None = None

    def report(self, file: str) -> FileReport:
        """Return the account of it for staff."""
        return FileReport(
            file=file,
            format=self.form,
            document=self.document.name if self.document is not None else None,
            passages=len(self.passages),
            places=len(self.places),
            pages=self.pages,
            rows=self.rows,
            undated=self._undated(),
            remarks=self.remarks,
            problems=self.problems,
        )

    def _undated(self) -> bool:
        if self.document is None or self.document.as_of is not None:
            return False
        return any(
            each.as_of is None and each.status is not Status.TIMELESS for each in self.passages
        )
