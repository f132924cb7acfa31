"""The library: what one town's guides and data hold, and what became of each file."""

from dataclasses import dataclass, field
from datetime import date

from knowledge.passage import Contradiction, Document, FileReport, Passage, Problem
from knowledge.places import Place
from knowledge.timetable import Timetable


@dataclass(frozen=True, slots=True)
class Library:
    """Everything that was read from one town's guides and data."""

    passages: tuple[Passage, ...]
    documents: tuple[Document, ...]
    contradictions: tuple[Contradiction, ...] = ()
    problems: tuple[Problem, ...] = field(default=())
    places: tuple[Place, ...] = ()  # of open-data tables, with co-ordinates
    timetables: tuple[Timetable, ...] = ()  # of GTFS feeds
    files: tuple[FileReport, ...] = ()  # one a file, in the order of reading

    def stale(self, today: date) -> tuple[Document, ...]:
        """Documents whose review date has passed, the longest overdue first."""
        overdue = [
            (document.review_by, document.name, document)
            for document in self.documents
            if document.review_by is not None and document.review_by < today
        ]
        return tuple(document for _, _, document in sorted(overdue, key=lambda each: each[:2]))
