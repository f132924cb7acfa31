"""Opening a town again from an archive: all of it, in one transaction, or nothing."""

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from sqlalchemy import (
    Column,
    Connection,
    MetaData,
    Table,
    func,
    inspect,
    select,
    text,
)
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession

from core import announcements, audit, schema
from core.archive.format import (
    KEPT_FILES,
    PACK,
    RECORDS,
    ArchiveRefused,
    Manifest,
    TableEntry,
    file_faults,
    row,
    type_of,
)
from core.archive.reading import check, members
from core.archive.writing import FILES, LEFT_OUT
from core.database import outages_named, remaking
from core.tables import Base

BATCH: Final = 1_000  # rows at a time

Progress = Callable[[str, int, int], None]
"""Told what is read, and how much of how much."""


@dataclass(frozen=True, slots=True)
class Restored:
    """What was put back, and what waits for staff."""

    manifest: Manifest
    held: announcements.Held
    files: tuple[str, ...]  # written to the data folder
    pack: int  # files of the town pack


async def restore(
    engine: AsyncEngine,
    path: Path,
    *,
    data_dir: Path,
    pack: Path | None,
    key: str | None,
    replace: bool,
    by: str,
    now: datetime,
    progress: Progress = lambda _what, _done, _total: None,
) -> Restored:
    """Put what an archive holds into an empty town; an older schema is brought up to date.

    Nothing is written before the whole archive has been checked, and the records are written in one
    transaction. What was going out is paused, what is void elsewhere is cleared; see
    `core.announcements.hold_after_restore`. `pack`: the folder to write the town pack to, if that
    is wanted. `key`: the fingerprint of the signing key that is configured apart from the data
    folder, if one is. `replace`: what is there may go.

    Raises `ArchiveRefused` with the reason, or `RecordsUnavailable`.
    """
    manifest = check(path)
    _fits(manifest, data_dir, pack, key=key, replace=replace)
    with outages_named():
        async with remaking(engine) as connection:
            await connection.run_sync(_make_room, replace=replace, now=now)
            await connection.run_sync(schema.upgrade, now=now, to=manifest.schema_revision)
            await _load(connection, path, manifest, progress)
            await connection.run_sync(schema.upgrade, now=now)
            async with AsyncSession(connection, expire_on_commit=False) as session:
                held = await announcements.hold_after_restore(session, now=now)
                await audit.record(
                    session,
                    actor=by,
                    action="archive.restored",
                    detail={
                        "made": manifest.made_at.isoformat(),
                        "rows": manifest.rows,
                        "paused": held.paused,
                        "drafts": held.drafts,
                        "cancelled": held.cancelled,
                        "notices": held.notices,
                    },
                    now=now,
                )
                await session.flush()
            # Before the commit: records whose keys could not be written are of no use.
            files, packed = _write_files(path, data_dir, pack)
    return Restored(manifest, held, files, packed)


def _fits(
    manifest: Manifest, data_dir: Path, pack: Path | None, *, key: str | None, replace: bool
) -> None:
    """Whether this code and this place can take it."""
    if manifest.schema_revision not in {each.id for each in schema.revisions()}:
        raise ArchiveRefused("newer-schema", manifest.code)
    if key is not None and key != manifest.key:
        raise ArchiveRefused("other-key", "KANKEI_SECRET_KEY")
    inside = manifest.files(KEPT_FILES)
    if any(name not in FILES for name in inside):
        raise ArchiveRefused("damaged", "a file that no town keeps")
    for name in inside:
        if (data_dir / name).exists() and not replace:
            raise ArchiveRefused("not-empty", str(data_dir / name))
    if pack is not None and pack.exists() and any(pack.iterdir()) and not replace:
        raise ArchiveRefused("not-empty", str(pack))


def _make_room(connection: Connection, *, replace: bool, now: datetime) -> None:
    """Leave nothing of ours in the database. Raises `ArchiveRefused` if somebody needs it."""
    if alive := schema.live_workers(connection, now=now):
        raise ArchiveRefused("workers", ", ".join(alive))
    there = set(inspect(connection).get_table_names())
    if not there:
        return
    ours = [each for each in Base.metadata.sorted_tables if each.name in there]
    if not replace:
        for each in ours:
            if each.name == "counter":  # the migrations note something there
                continue
            if connection.scalar(select(1).select_from(each).limit(1)):
                raise ArchiveRefused("not-empty", each.name)
    # Also what only an older or a newer schema has.
    left = MetaData()
    left.reflect(connection, only=lambda name, _: name in there and _is_ours(name))
    left.drop_all(connection)


def _is_ours(name: str) -> bool:
    """SQLite's own tables are dropped with the others; a database holds one town alone."""
    return not name.startswith("sqlite_")


async def _load(
    connection: AsyncConnection, path: Path, manifest: Manifest, progress: Progress
) -> None:
    await connection.run_sync(_open_tables, manifest)
    tables = {each.name: each for each in manifest.tables}
    done = 0
    for name, content in members(path):
        if not name.startswith(RECORDS):
            continue
        entry = tables[name.removeprefix(RECORDS).partition("/")[0]]
        lines = content.splitlines()
        for start in range(0, len(lines), BATCH):
            await _insert(connection, entry, lines[start : start + BATCH])
            done += len(lines[start : start + BATCH])
            progress(entry.name, done, manifest.rows)
    await connection.run_sync(_close_tables, manifest.sequences)


async def _insert(connection: AsyncConnection, entry: TableEntry, lines: Sequence[bytes]) -> None:
    kinds = entry.kinds
    table = Table(
        entry.name, MetaData(), *(Column(name, type_of(kind)) for name, kind in entry.columns)
    )
    names = [name for name, _ in entry.columns]
    rows = [dict(zip(names, row(kinds, each), strict=True)) for each in lines]
    try:
        await connection.execute(table.insert(), rows)
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) is None and connection.dialect.name != "sqlite":
            raise
        if error.connection_invalidated:
            raise
        # The other kind of database takes what this one does not: too long a text, a NUL in it.
        raise ArchiveRefused("misfit", f"{entry.name}: {type(error.orig).__name__}") from error


def _open_tables(connection: Connection, manifest: Manifest) -> None:
    """Empty what the migrations have filled, and let rows come before those they point at."""
    found = MetaData()
    found.reflect(connection)
    for each in manifest.tables:
        table = found.tables.get(each.name)
        if table is None or {name for name, _ in each.columns} - set(table.columns.keys()):
            raise ArchiveRefused("damaged", f"no revision has such a table {each.name[:40]!r}")
    for table in reversed(found.sorted_tables):
        if table.name not in LEFT_OUT:
            connection.execute(table.delete())
    for statement in _constraints(connection, "DEFERRABLE INITIALLY DEFERRED"):
        connection.execute(text(statement))


def _close_tables(connection: Connection, sequences: Mapping[str, int]) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
        for statement in _constraints(connection, "NOT DEFERRABLE"):
            connection.execute(text(statement))
        _set_sequences(connection, sequences)
        return
    if not inspect(connection).has_table("sqlite_sequence"):
        return
    # Loading has set each to the highest number that is there; more may have been given away.
    for name, number in sequences.items():
        connection.execute(
            text("update sqlite_sequence set seq = max(seq, :number) where name = :name"),
            {"name": name, "number": number},
        )


def _constraints(connection: Connection, how: str) -> Iterator[str]:
    """PostgreSQL checks foreign keys at once, unless told otherwise. SQLite's are off meanwhile."""
    if connection.dialect.name != "postgresql":
        return
    quote = connection.dialect.identifier_preparer.quote
    found = inspect(connection)
    for table in found.get_table_names():
        for each in found.get_foreign_keys(table):
            name = quote(str(each["name"]))
            yield f"ALTER TABLE {quote(table)} ALTER CONSTRAINT {name} {how}"


def _set_sequences(connection: Connection, sequences: Mapping[str, int]) -> None:
    """No number that was ever given away is given away again."""
    found = MetaData()
    found.reflect(connection)
    for table in found.tables.values():
        (key, *more) = table.primary_key.columns or (None,)
        if key is None or more:
            continue
        sequence = connection.scalar(select(func.pg_get_serial_sequence(table.name, key.name)))
        if sequence is None:
            continue
        highest = connection.scalar(select(func.max(key))) or 0
        number = max(int(highest), sequences.get(table.name, 0))
        if number:
            connection.execute(select(func.setval(sequence, number)))


def _write_files(path: Path, data_dir: Path, pack: Path | None) -> tuple[tuple[str, ...], int]:
    """The keys, readable to us alone, and the pack; returns which keys and how many files."""
    keys: list[str] = []
    packed = 0
    for name, content in members(path):
        if name.startswith(KEPT_FILES):
            keys.append(name.removeprefix(KEPT_FILES))
            _put(data_dir / keys[-1], content)
        elif name.startswith(PACK) and pack is not None:
            _put(pack / name.removeprefix(PACK), content)
            packed += 1
    return tuple(keys), packed


def _put(path: Path, content: bytes) -> None:
    with file_faults(path):
        _put_whole(path, content)


def _put_whole(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # mode 0600
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            Path(name).unlink()
        raise
