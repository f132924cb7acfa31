"""Writing an archive of a running town: one moment of its records, in bounded memory."""

import gzip
import hashlib
import io
import json
import os
import tarfile
import tempfile
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

from sqlalchemy import MetaData, String, Table, cast, func, inspect, select, text
from sqlalchemy.engine import Connection
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from core import schema
from core.archive.format import (
    FORMAT,
    KEPT_FILES,
    MANIFEST,
    PACK,
    PART_BYTES,
    RECORDS,
    ArchiveRefused,
    Manifest,
    PartEntry,
    TableEntry,
    ValueKind,
    file_faults,
    kind_of,
    line,
)
from core.database import READ_ONLY, outages_named, patient

FILES: Final = ("secret_key", "pass_keys.json", "oidc_key.json", "chain.txt")
"""What of the data folder cannot be made anew: keys, and the demo's ledger."""

LEFT_OUT: Final = frozenset({"alembic_version", "worker"})
"""Which processes are alive is void elsewhere; the revision stands in the manifest."""

FETCHED: Final = 1_000  # rows at a time

Progress = Callable[[str, int, int], None]
"""Told the table, and how many of all rows are done."""


async def write(
    engine: AsyncEngine,
    path: Path,
    *,
    town: str,
    code: str,
    key: str,
    data_dir: Path,
    pack: Path | None,
    now: datetime,
    progress: Progress = lambda _table, _done, _total: None,
) -> Manifest:
    """Write an archive to `path`, whole or not at all, readable to its owner alone.

    Nobody who writes to the records waits. `pack`: the town's folder, if it is to go along.

    Raises `ArchiveRefused` if there are no records or the file cannot be written, and
    `RecordsUnavailable`.
    """
    with file_faults(path), _whole(path) as file, outages_named():
        async with _one_moment(engine) as connection:
            tables = await connection.run_sync(_tables)
            revision = await connection.run_sync(schema.current)
            if revision is None:
                raise ArchiveRefused("no-records", str(engine.url.database))
            book = _Book(file, path, now)
            total = sum([await _count(connection, each) for each in tables])
            entries, done = [], 0
            for table in tables:
                told = partial(_tell, progress, table.name, done, total)
                entries.append(await _copy(connection, table, book, told))
                done += entries[-1].rows
            sequences = await connection.run_sync(_sequences, tables)
        # After the records: a key that was changed meanwhile is the one that the town has now, the
        # set still holds those before it, and the demo's ledger may be ahead of what was read of it
        # but not behind.
        book.files(KEPT_FILES, data_dir, (data_dir / name for name in FILES))
        if pack is not None:
            book.files(PACK, pack, _walk(pack))
        manifest = Manifest(
            format=FORMAT,
            town=town,
            code=code,
            schema=revision,
            database=engine.dialect.name,
            made_at=now,
            key=key,
            tables=tuple(entries),
            sequences=sequences,
            parts=tuple(book.parts),
        )
        book.close(manifest)
    return manifest


@contextmanager
def _whole(path: Path) -> Iterator[io.BufferedWriter]:
    """A file that gets its name only when it is on disk."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:  # mkstemp: mode 0600
            yield file
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


@asynccontextmanager
async def _one_moment(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """A connection that sees the records as they are now, until it is closed."""
    options: Mapping[str, Any] = {READ_ONLY: True}
    if engine.dialect.name == "postgresql":
        options = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    async with patient(engine) as long, long.connect() as connection:
        await connection.execution_options(**options)
        if engine.dialect.name == "postgresql":  # whoever waits for us can be told who we are
            await connection.execute(text("SET LOCAL application_name = 'kankei backup'"))
        yield connection


def _tables(connection: Connection) -> list[Table]:
    """Every table of the town as the database has it, those first that others point at."""
    ours = set(inspect(connection).get_table_names())
    if not schema.state(connection).unknown:  # else newer code has made some of them
        ours &= schema.tables()
    metadata = MetaData()
    metadata.reflect(connection, only=sorted(ours), resolve_fks=False)
    return [each for each in metadata.sorted_tables if each.name not in LEFT_OUT]


async def _count(connection: AsyncConnection, table: Table) -> int:
    return await connection.scalar(select(func.count()).select_from(table)) or 0


def _walk(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*"))


def _tell(progress: Progress, table: str, before: int, total: int, rows: int) -> None:
    progress(table, before + rows, total)


async def _copy(
    connection: AsyncConnection,
    table: Table,
    book: "_Book",
    progress: Callable[[int], None],
) -> TableEntry:
    """Every row of a table, by its key, in parts."""
    kinds = [kind_of(column.type) for column in table.columns]
    columns = [
        cast(column, String) if kind is ValueKind.JSON else column
        for column, kind in zip(table.columns, kinds, strict=True)
    ]
    order = [
        column.collate("C") if bytewise else column
        for column in table.primary_key.columns
        for bytewise in (
            connection.dialect.name == "postgresql" and isinstance(column.type, String),
        )
    ]
    query = select(*columns).order_by(*order).execution_options(yield_per=FETCHED)
    rows, buffer, held = 0, io.BytesIO(), 0
    async with connection.stream(query) as found:
        async for some in found.partitions():
            for each in some:
                buffer.write(line(kinds, each))
                held += 1
                if buffer.tell() >= PART_BYTES:
                    book.records(table.name, buffer.getvalue(), held)
                    buffer, held = io.BytesIO(), 0
            rows += len(some)
            progress(rows)
    if held:
        book.records(table.name, buffer.getvalue(), held)
    names = [column.name for column in table.columns]
    return TableEntry(name=table.name, columns=tuple(zip(names, kinds, strict=True)), rows=rows)


def _sequences(connection: Connection, tables: Iterable[Table]) -> dict[str, int]:
    """The highest number that each table has given away: the audit log names rows by number."""
    if connection.dialect.name == "sqlite":
        if not inspect(connection).has_table("sqlite_sequence"):
            return {}
        rows = connection.execute(text("select name, seq from sqlite_sequence"))
        known = {each.name for each in tables}
        return {str(name): int(number) for name, number in rows if name in known}
    found = {}
    for each in tables:
        (key, *more) = each.primary_key.columns
        if more or not connection.scalar(select(func.pg_get_serial_sequence(each.name, key.name))):
            continue
        name = connection.scalar(select(func.pg_get_serial_sequence(each.name, key.name)))
        number, called = connection.execute(
            text(f"select last_value, is_called from {name}")  # noqa: S608 - the database's own name
        ).one()
        if called:
            found[each.name] = int(number)
    return found


class _Book:
    """The tar file that is being written, and what stands in it so far."""

    def __init__(self, file: io.BufferedWriter, path: Path, now: datetime) -> None:
        self._path = path
        self._time = int(now.timestamp())
        self._gzip = gzip.GzipFile(fileobj=file, mode="wb", compresslevel=6, mtime=self._time)
        self._tar = tarfile.open(  # noqa: SIM115 - open as long as the book
            fileobj=self._gzip, mode="w|", format=tarfile.PAX_FORMAT
        )
        self._numbers: dict[str, int] = {}
        self.parts: list[PartEntry] = []

    def records(self, table: str, content: bytes, rows: int) -> None:
        """One more part of a table."""
        number = self._numbers[table] = self._numbers.get(table, 0) + 1
        self._add(f"{RECORDS}{table}/{number:05}.jsonl", content, rows)

    def files(self, folder: str, base: Path, paths: Iterable[Path]) -> None:
        """Those of these that are files. Links are not followed."""
        for path in paths:
            if path.is_file() and not path.is_symlink():
                name = path.relative_to(base).as_posix()
                with file_faults(path):
                    content = path.read_bytes()
                self._add(f"{folder}{name}", content)

    def close(self, manifest: Manifest) -> None:
        """Write the manifest, and end the file."""
        content = json.dumps(
            manifest.model_dump(mode="json", by_alias=True), ensure_ascii=False, indent=1
        )
        self._put(MANIFEST, content.encode())
        with file_faults(self._path):
            self._tar.close()
            self._gzip.close()

    def _add(self, name: str, content: bytes, rows: int = 0) -> None:
        digest = hashlib.sha256(content).hexdigest()
        self.parts.append(PartEntry(name=name, bytes=len(content), sha256=digest, rows=rows))
        self._put(name, content)

    def _put(self, name: str, content: bytes) -> None:
        member = tarfile.TarInfo(name)
        member.size, member.mode, member.mtime = len(content), 0o600, self._time
        with file_faults(self._path):
            self._tar.addfile(member, io.BytesIO(content))
