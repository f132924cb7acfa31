"""The report of `kankei ingest`: for every file what was read, repaired, skipped and doubted.

On the terminal the first few of each; in a file (CSV or Markdown) every one.
"""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

from bots import texts
from bots.spreadsheet import csv_text
from knowledge.conflicts import Conflict, conflicts
from knowledge.library import Library
from knowledge.passage import FileReport, Problem, Remark, RemarkKind

SHOWN = 8  # remarks of one kind and file on the terminal


class Report:
    """What staff are told about one reading."""

    def __init__(self, library: Library, today: date, language: str) -> None:
        self.library = library
        self.stale = library.stale(today)
        self.conflicts = conflicts(library)
        self._language = language

    @property
    def to_mend(self) -> bool:
        """Whether something must be mended; without that the town is usable as it is."""
        undated = any(each.undated for each in self.library.files)
        return bool(self.library.problems or undated or self.conflicts)

    def say(self, key: str, **values: object) -> str:
        """Word one thing."""
        return texts.say(f"ingest.{key}", self._language, **values)

    # The terminal

    def lines(self, town: str) -> Iterator[str]:
        """Yield the report line by line."""
        for each in self.library.files:
            yield self._head(each)
            for problem in each.problems:
                yield f"  ! {self._problem(problem)}"
            if each.undated:
                yield f"  ! {self.say('undated')}"
            for kind in RemarkKind:
                yield from self._some(each, kind)
        reported = {problem for each in self.library.files for problem in each.problems}
        for problem in self.library.problems:
            if problem not in reported:
                yield f"! {problem.file}: {self._problem(problem)}"
        for conflict in self.conflicts:
            yield f"! {self._conflict(conflict)}"
        for document in self.stale:
            yield f"! {self.say('stale', document=document.name, date=document.review_by)}"
        yield self._sum(town)

    def _head(self, file: FileReport) -> str:
        parts = [self.say(f"format.{file.format}") if self._knows(f"format.{file.format}") else ""]
        for name, count in (("pages", file.pages), ("rows", file.rows)):
            if count is not None:
                parts.append(self.say(name, count=f"{count:,}"))
        said = " ".join(filter(None, parts))
        key = "file-with-places" if file.places else "file"
        return self.say(
            key, file=file.file, said=said, passages=f"{file.passages:,}", places=f"{file.places:,}"
        )

    def _some(self, file: FileReport, kind: RemarkKind) -> Iterator[str]:
        found = [each for each in file.remarks if each.kind is kind]
        for remark in found[:SHOWN]:
            said = f"{self._where(remark)}{self._remark(remark)}"
            yield f"  · {self.say('remarked', kind=self.say(f'kind.{kind}'), said=said)}"
        if len(found) > SHOWN:
            yield f"    {self.say('more', count=f'{len(found) - SHOWN:,}')}"

    def _where(self, remark: Remark) -> str:
        if remark.line > 1 and remark.column:
            where = self.say("line-column", line=remark.line, column=remark.column)
        elif remark.line > 1:
            where = self.say("line", line=remark.line)
        else:
            where = remark.column
        return f"{where} " if where else ""

    def _remark(self, remark: Remark) -> str:
        values = {
            "before": remark.before,
            "after": remark.after,
            "line": remark.line,
            "column": remark.column,
        }
        return self.say(f"remark.{remark.code}", **values)

    def _problem(self, problem: Problem) -> str:
        message, remedy = problem.message, problem.remedy
        numbered = {str(number): value for number, value in enumerate(problem.values)}
        if problem.code and self._knows(f"problem.{problem.code}"):
            message = self.say(f"problem.{problem.code}", **numbered)
        if problem.code and self._knows(f"remedy.{problem.code}"):
            remedy = self.say(f"remedy.{problem.code}", **numbered)
        where = self.say("line", line=problem.line) + " " if problem.line > 1 else ""
        return f"{where}{message} → {remedy}"

    def _conflict(self, conflict: Conflict) -> str:
        said = " / ".join(
            self.say(
                "statement",
                value=each.value,
                document=each.document,
                date=each.as_of or self.say("no-date"),
            )
            for each in conflict.statements
        )
        return self.say("conflict", item=conflict.item, statements=said)

    def _sum(self, town: str) -> str:
        files = self.library.files
        counts = {kind: sum(each.count(kind) for each in files) for kind in RemarkKind}
        return self.say(
            "sum",
            town=town,
            files=f"{len(files):,}",
            documents=f"{len(self.library.documents):,}",
            passages=f"{len(self.library.passages):,}",
            places=f"{len(self.library.places):,}",
            timetables=len(self.library.timetables),
            repaired=f"{counts[RemarkKind.REPAIRED]:,}",
            skipped=f"{counts[RemarkKind.SKIPPED]:,}",
            doubtful=f"{counts[RemarkKind.DOUBTFUL]:,}",
            suspicious=f"{counts[RemarkKind.SUSPICIOUS]:,}",
            undated=sum(each.undated for each in files),
            stale=len(self.stale),
            conflicts=len(self.conflicts),
            problems=len(self.library.problems),
        )

    def _knows(self, key: str) -> bool:
        return texts.knows(f"ingest.{key}")

    # The file

    def write(self, path: Path) -> None:
        """Write everything to a .csv or .md file. Raises `OSError`."""
        rows = list(self._rows())
        text = csv_text(rows) if path.suffix.lower() == ".csv" else _markdown(rows)
        path.write_text(text, encoding="utf-8", newline="")

    def _rows(self) -> Iterator[list[str]]:
        names = ("file", "line", "column", "kind", "what", "before", "after")
        yield [self.say(f"column.{name}") for name in names]
        for each in self.library.files:
            yield [each.file, "", "", self.say("kind.read"), self._head(each), "", ""]
            if each.undated:
                yield [each.file, "", "", self.say("kind.mend"), self.say("undated"), "", ""]
            for remark in each.remarks:
                kind, what = self.say(f"kind.{remark.kind}"), self._remark(remark)
                line = str(remark.line) if remark.line > 1 else ""
                yield [each.file, line, remark.column, kind, what, remark.before, remark.after]
        mend = self.say("kind.mend")
        for problem in self.library.problems:
            line = str(problem.line) if problem.line > 1 else ""
            yield [problem.file, line, "", mend, self._problem(problem), "", ""]
        for conflict in self.conflicts:
            documents = " / ".join(each.document for each in conflict.statements)
            yield [documents, "", conflict.item, mend, self._conflict(conflict), "", ""]
        for document in self.stale:
            what = self.say("stale", document=document.name, date=document.review_by)
            yield [document.name, "", "", mend, what, "", ""]


def _markdown(rows: list[list[str]]) -> str:
    header, *rest = rows
    lines = [header, ["---"] * len(header), *rest]
    escaped = ([cell.replace("|", r"\|").replace("\n", " ") for cell in row] for row in lines)
    return "".join(f"| {' | '.join(row)} |\n" for row in escaped)
