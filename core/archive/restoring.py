"""Opening a town again from an archive: all of it, in one transaction, or nothing."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
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
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession

from core import announcements, audit, schema
from core.archive.format import (
    KEPT_FILES,
    RECORDS,
    ArchiveRefused,
    Manifest,
    TableEntry,
    file_faults,
    row,
    type_of,
)
from core.archive.placing import prepared
from core.archive.reading import check, members
from core.archive.writing import FILES, LEFT_OUT
from core.database import LocksHeld, outages_named, remaking
from core.tables import Base

BATCH: Final = 1_000  # rows at a time
NAMED: Final = 5  # tables in a sentence
DEPENDENT_OBJECTS: Final = "2BP01"  # SQLSTATE, PostgreSQL Appendix A

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
    with prepared(path, data_dir, pack) as files:
        try:
            with outages_named():
                async with remaking(engine) as connection:
                    await connection.run_sync(_make_room, replace=replace, now=now)
                    await connection.run_sync(schema.upgrade, now=now, to=manifest.schema_revision)
                    await _load(connection, path, manifest, progress)
                    await connection.run_sync(schema.upgrade, now=now)
                    held = await _hold(connection, manifest, by=by, now=now)
                    await connection.run_sync(_measure)
        except LocksHeld as error:
            raise ArchiveRefused("locked", str(error)) from error
    files.place()
    return Restored(manifest, held, tuple(files.keys), files.packed)


async def _hold(
    connection: AsyncConnection, manifest: Manifest, *, by: str, now: datetime
) -> announcements.Held:
    """What was going out waits for staff; the audit log says that there was a restore."""
    async with AsyncSession(connection, expire_on_commit=False) as session:
        held = await announcements.hold_after_restore(session, now=now)
        detail = {"made": manifest.made_at.isoformat(), "rows": manifest.rows, **asdict(held)}
        await audit.record(session, actor=by, action="archive.restored", detail=detail, now=now)
        await session.flush()
    return held


def _measure(connection: Connection) -> None:
    """Fresh statistics: without them PostgreSQL reads whole tables until its daemon comes by."""
    quote = connection.dialect.identifier_preparer.quote
    for name in _ours(connection):
        connection.execute(text(f"ANALYZE {quote(name)}"))


def _fits(
    manifest: Manifest, data_dir: Path, pack: Path | None, *, key: str | None, replace: bool
) -> None:
    """Whether this code and this place can take it."""
    if manifest.schema_revision not in {each.id for each in schema.revisions()}:
        raise ArchiveRefused("newer-schema", manifest.code)
    if key is not None and manifest.key and key != manifest.key:
        raise ArchiveRefused("other-key", "KANKEI_SECRET_KEY")
    inside = manifest.files(KEPT_FILES)
    if any(name not in FILES for name in inside):
        raise ArchiveRefused("damaged", "a file that no town keeps")
    digests = {each.name: each.sha256 for each in manifest.parts}
    for name in inside:
        there = data_dir / name
        if there.exists() and not replace and _digest(there) != digests[KEPT_FILES + name]:
            raise ArchiveRefused("not-empty", str(there))
    if pack is not None and pack.exists() and any(pack.iterdir()) and not replace:
        raise ArchiveRefused("not-empty", str(pack))


def _make_room(connection: Connection, *, replace: bool, now: datetime) -> None:
    """Leave nothing of ours in the database. Raises `ArchiveRefused` if somebody needs it."""
    if alive := schema.live_workers(connection, now=now):
        raise ArchiveRefused("workers", ", ".join(alive))
    there = set(inspect(connection).get_table_names())
    if theirs := sorted(there - schema.tables()):
        if schema.state(connection).unknown:  # some of these may be the town's, from newer code
            raise ArchiveRefused("newer-there", schema.current(connection) or "")
        if not replace:
            raise ArchiveRefused("shared", ", ".join(theirs[:NAMED]))
    if not replace:
        for each in Base.metadata.sorted_tables:
            if each.name == "counter" or each.name not in there:  # migrations note something there
                continue
            if connection.scalar(select(1).select_from(each).limit(1)):
                raise ArchiveRefused("not-empty", each.name)
    schema.bound_waits(connection)
    left = MetaData()  # also what only an older schema has
    left.reflect(connection, only=_ours(connection), resolve_fks=False)
    try:
        left.drop_all(connection)
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) != DEPENDENT_OBJECTS:
            raise
        raise ArchiveRefused("shared", ", ".join(theirs[:NAMED]) or "view") from error


def _ours(connection: Connection) -> list[str]:
    """The tables there that a revision of the town has made."""
    return sorted(schema.tables() & set(inspect(connection).get_table_names()))


def _digest(path: Path) -> str:
    with file_faults(path):
        return hashlib.sha256(path.read_bytes()).hexdigest()


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


def _reflected(connection: Connection) -> MetaData:
    found = MetaData()
    found.reflect(connection, only=_ours(connection), resolve_fks=False)
    return found


def _open_tables(connection: Connection, manifest: Manifest) -> None:
    """Empty what the migrations have filled, and let rows come before those they point at."""
    found = _reflected(connection)
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
        try:
            connection.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
        except IntegrityError as error:
            where = getattr(error.orig.__cause__, "table_name", None) if error.orig else None
            raise ArchiveRefused("torn", str(where or "")) from error
        for statement in _constraints(connection, "NOT DEFERRABLE"):
            connection.execute(text(statement))
        _set_sequences(connection, sequences)
        return
    torn = {str(each[0]) for each in connection.execute(text("PRAGMA foreign_key_check"))}
    if torn & schema.tables():
        raise ArchiveRefused("torn", ", ".join(sorted(torn)))
    if not inspect(connection).has_table("sqlite_sequence"):
        return
    # Loading has set each to the highest number that is there; more may have been given away.
    # A table without rows has no entry, and nothing keeps it from having two.
    for name, number in sequences.items():
        values = {"name": name, "number": number}
        known = connection.execute(
            text("update sqlite_sequence set seq = max(seq, :number) where name = :name"), values
        )
        if not known.rowcount:
            connection.execute(text("insert into sqlite_sequence values (:name, :number)"), values)


def _constraints(connection: Connection, how: str) -> Iterator[str]:
    """PostgreSQL checks foreign keys at once, unless told otherwise. SQLite's are off meanwhile."""
    if connection.dialect.name != "postgresql":
        return
    quote = connection.dialect.identifier_preparer.quote
    found = inspect(connection)
    for table in _ours(connection):
        for each in found.get_foreign_keys(table):
            name = quote(str(each["name"]))
            yield f"ALTER TABLE {quote(table)} ALTER CONSTRAINT {name} {how}"


def _set_sequences(connection: Connection, sequences: Mapping[str, int]) -> None:
    """No number that was ever given away is given away again."""
    for table in _reflected(connection).tables.values():
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
