"""Archives: the tables of a feed, from a folder or a .zip, read as untrusted text.

Nothing is unpacked to disk. Entries, sizes and the ratio of unpacked to packed bytes are limited
before and while reading, because a .zip states its own sizes. Text is UTF-8, UTF-16 with a mark, or
Shift_JIS as older tools wrote it (CP932).
"""

import codecs
import csv
import io
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO

from knowledge.passage import Problem

MAX_ENTRIES = 500
MAX_TABLE_BYTES = 200_000_000
MAX_BYTES = 300_000_000  # all tables together
MAX_RATIO = 200  # unpacked to packed; real tables reach 40
RATIO_FROM = 1_000_000  # bytes below which the ratio says nothing
MAX_COLUMNS = 100
MOST_REPORTED = 20  # faults of one table

Row = Sequence[str]
Open = Callable[[], IO[bytes]]


@dataclass(slots=True)
class Report:
    """Collects problems; of many in one table the first, and how many there were."""

    name: str
    problems: list[Problem] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)

    def say(self, table: str, line: int, message: str, remedy: str) -> None:
        """Note one fault of one row or file."""
        self.counts[table] = self.counts.get(table, 0) + 1
        if self.counts[table] <= MOST_REPORTED:
            self.problems.append(Problem(self.file(table), line, message, remedy))

    def file(self, table: str) -> str:
        """Return how a table is called in a report."""
        return f"{self.name}/{table}" if table else self.name

    def all(self) -> tuple[Problem, ...]:
        """Return everything noted."""
        more = [
            Problem(
                self.file(table),
                1,
                f"{count - MOST_REPORTED:,} more faults in this table",
                "mend those above first; exported tables often repeat one fault",
            )
            for table, count in self.counts.items()
            if count > MOST_REPORTED
        ]
        return (*self.problems, *more)


class TooMuch(Exception):
    """More bytes come out of an archive than it states, or than are read at all."""


class _Limited(io.RawIOBase):
    """A stream that ends in `TooMuch` beyond `limit` bytes."""

    def __init__(self, stream: IO[bytes], limit: int) -> None:
        self._stream = stream
        self._left = limit

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer)  # type: ignore[arg-type]
        piece = self._stream.read(len(view))
        self._left -= len(piece)
        if self._left < 0:
            raise TooMuch
        view[: len(piece)] = piece
        return len(piece)

    def close(self) -> None:
        self._stream.close()
        super().close()


class Tables:
    """The tables of one feed, by name (``stops.txt``)."""

    def __init__(self, openers: Mapping[str, Open], report: Report) -> None:
        self._openers = openers
        self._report = report

    def __contains__(self, table: str) -> bool:
        return table in self._openers

    def rows(self, table: str, *columns: str) -> Iterator[tuple[int, Row]]:
        """Yield line number and the named columns of each row, "" for a column that is absent.

        A column name ending in ``!`` is required: without it the table is reported and not read.
        """
        if (opener := self._openers.get(table)) is None:
            return
        try:
            yield from self._rows(opener, table, columns)
        except TooMuch:
            self._report.say(
                table,
                1,
                f"the table holds more than {MAX_TABLE_BYTES:,} bytes; the rest is not read",
                "publish the feed by operator or area",
            )
        except (OSError, zipfile.BadZipFile, EOFError, NotImplementedError) as error:
            what = f"the table cannot be read: {error}"
            self._report.say(table, 1, what, "download the feed again, or export it again")

    def _rows(
        self, opener: Open, table: str, columns: tuple[str, ...]
    ) -> Iterator[tuple[int, Row]]:
        encoding = _encoding(opener)
        if encoding is None:
            what = "the table is neither UTF-8 nor Shift_JIS text"
            self._report.say(table, 1, what, "save it again with encoding UTF-8")
            return
        with _text(opener, encoding) as text:
            reader = csv.reader(text)
            try:
                places = self._places(table, next(reader, []), columns)
                if places is None:
                    return
                for row in reader:
                    if row:
                        yield reader.line_num, _picked(row, places)
            except csv.Error as error:
                what = f"the line is no CSV ({error}); the rest of the table is not read"
                self._report.say(table, reader.line_num, what, "close its quotation marks")

    def _places(
        self, table: str, head: list[str], columns: tuple[str, ...]
    ) -> tuple[int, ...] | None:
        known = {name.strip().casefold(): at for at, name in enumerate(head[:MAX_COLUMNS])}
        required = [each[:-1] for each in columns if each.endswith("!")]
        if absent := [each for each in required if each not in known]:
            what = f"the table has no column {', '.join(absent)}; it is not read"
            self._report.say(table, 1, what, "name the columns in the first line as GTFS does")
            return None
        return tuple(known.get(each.removesuffix("!"), -1) for each in columns)


def _picked(row: Row, places: tuple[int, ...]) -> tuple[str, ...]:
    return tuple(row[at].strip() if 0 <= at < len(row) else "" for at in places)


def _encoding(opener: Open) -> str | None:
    """Return the encoding in which a whole table can be read; a first pass over its bytes."""
    with _limited(opener) as stream:
        if stream.read(2) in {codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE}:
            return "utf-16"
    for encoding in ("utf-8-sig", "cp932"):
        decoder = codecs.getincrementaldecoder(encoding)()
        with _limited(opener) as stream, suppress(UnicodeDecodeError):
            while piece := stream.read(1 << 16):
                decoder.decode(piece)
            decoder.decode(b"", final=True)
            return encoding
    return None


def _limited(opener: Open) -> io.BufferedReader:
    return io.BufferedReader(_Limited(opener(), MAX_TABLE_BYTES))


def _text(opener: Open, encoding: str) -> io.TextIOWrapper:
    return io.TextIOWrapper(_limited(opener), encoding=encoding, errors="replace", newline="")


def open_folder(folder: Path, report: Report) -> Tables:
    """Return the tables of a folder; files that lead out of it are reported and left out."""
    openers: dict[str, Open] = {}
    for path in sorted(folder.glob("*.txt"))[:MAX_ENTRIES]:
        if not path.resolve().is_relative_to(folder.resolve()):
            what = "the file leads outside the feed's folder"
            report.say(path.name, 1, what, "copy it into the folder")
        elif path.is_file():
            openers[path.name.casefold()] = _opener(path)
    return Tables(openers, report)


def _opener(path: Path) -> Open:
    return lambda: path.open("rb")


def open_zip(archive: zipfile.ZipFile, wanted: frozenset[str], report: Report) -> Tables | None:
    """Return the wanted tables of an archive; None, and a problem, if it is not to be trusted."""
    entries = archive.infolist()
    if len(entries) > MAX_ENTRIES:
        what = f"the archive has {len(entries):,} entries, more than {MAX_ENTRIES}"
        report.say("", 1, what, "pack the feed's tables and nothing else")
        return None
    openers: dict[str, Open] = {}
    total = 0
    for entry in entries:
        table = PurePosixPath(entry.filename.replace("\\", "/")).name.casefold()
        if table not in wanted or entry.is_dir():
            continue
        if fault := _fault(entry, twice=table in openers):
            report.say(table, 1, fault, "pack the feed again")
            continue
        total += entry.file_size
        openers[table] = partial(archive.open, entry)
    if total > MAX_BYTES:
        what = f"the tables hold {total:,} bytes unpacked, more than {MAX_BYTES:,}"
        report.say("", 1, what, "publish the feed by operator or area")
        return None
    return Tables(openers, report)


def _fault(entry: zipfile.ZipInfo, *, twice: bool) -> str | None:
    """Say why an entry is not read."""
    if twice:
        return "the table is in the archive twice; the first is read"
    if entry.flag_bits & 1:
        return "the table is encrypted"
    if ".." in PurePosixPath(entry.filename.replace("\\", "/")).parts:
        return "the entry's path leads out of the archive"
    if entry.file_size > MAX_TABLE_BYTES:
        return f"the table holds {entry.file_size:,} bytes, more than {MAX_TABLE_BYTES:,}"
    if entry.file_size > RATIO_FROM and entry.file_size > MAX_RATIO * max(entry.compress_size, 1):
        return "the table is packed beyond what a table can be: it may be a zip bomb"
    return None
