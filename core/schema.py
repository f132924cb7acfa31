"""The schema of the records: its revisions, and how a database is brought to the newest one.

Migrations expand first and contract later: what the release before reads stays until the release
after. So old workers go on while a new one migrates. A migration that cannot keep that (it drops,
renames or newly demands something) says why in ``contract``::

    contract = "delivery rows are keyed by announcement and recipient from here on"

Then it does not run while a worker of older code is alive, and the records note the oldest code
that may still use them. A worker whose code is older than that stops by itself.
"""

import ast
import inspect as code
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sqlalchemy import Connection, column, func, inspect, select, table, text

from core.errors import MigrationRefused
from core.processes import certainly_dead
from core.workers import silent

if TYPE_CHECKING:  # Alembic takes 6 MB of a process that never asks for the schema
    from alembic.script import ScriptDirectory

MIGRATIONS: Final = Path(__file__).resolve().parent.parent / "migrations"

OLDEST_CODE: Final = "schema.oldest_code"
"""The counter that holds the oldest revision whose code may use the records."""

LOCK_WAIT: Final = timedelta(seconds=3)
"""How long a change of a table may wait for who uses it: whoever comes after waits behind it."""

LOCK_NOT_AVAILABLE: Final = "55P03"  # SQLSTATE, PostgreSQL Appendix A

_TURN: Final = 0x6B616E6C  # any number that nothing else locks
_COUNTERS = table("counter", column("name"), column("value"))
_WORKERS = table(
    "worker", *map(column, ("name", "schema", "seen_at", "host", "pid", "born", "token"))
)


@dataclass(frozen=True, slots=True)
class Revision:
    """One step of the schema."""

    id: str
    title: str
    contract: str | None  # why older code cannot go on after it


@dataclass(frozen=True, slots=True)
class SchemaState:
    """How a database stands to this code."""

    current: str | None  # None: no records yet
    newest: str  # that this code knows
    pending: tuple[Revision, ...]  # oldest first
    too_new: bool  # newer code has changed what this code reads
    unknown: bool  # newer code was here


def _scripts() -> "ScriptDirectory":
    from alembic.script import ScriptDirectory

    return ScriptDirectory(str(MIGRATIONS))


@cache
def revisions() -> tuple[Revision, ...]:
    """Every revision that this code knows, oldest first."""
    scripts = _scripts()
    return tuple(
        Revision(each.revision, str(each.doc), getattr(each.module, "contract", None))
        for each in reversed(list(scripts.walk_revisions()))
    )


def newest() -> str:
    """The revision that this code was written for."""
    return revisions()[-1].id


@cache
def tables() -> frozenset[str]:
    """The name of every table that a revision of this code ever made, and Alembic's own."""
    scripts = _scripts()
    trees = [ast.parse(code.getsource(each.module)) for each in scripts.walk_revisions()]
    return frozenset({"alembic_version", *(name for tree in trees for name in _made(tree))})


def _made(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case (
                ast.Call(
                    func=ast.Attribute(attr="create_table"),
                    args=[ast.Constant(value=str(name)), *_],
                )
                | ast.Call(
                    func=ast.Attribute(attr="rename_table"),
                    args=[_, ast.Constant(value=str(name)), *_],
                )
            ):
                yield name


def current(connection: Connection) -> str | None:
    """The revision of a database; `None` where there are no records."""
    from alembic.runtime.migration import MigrationContext

    return MigrationContext.configure(connection).get_current_revision()


def state(connection: Connection) -> SchemaState:
    """How the database stands to this code. Reads alone."""
    here, known = current(connection), [each.id for each in revisions()]
    if here is None:
        return SchemaState(None, known[-1], revisions(), too_new=False, unknown=False)
    if here in known:
        pending = revisions()[known.index(here) + 1 :]
        return SchemaState(here, known[-1], pending, too_new=False, unknown=False)
    return SchemaState(
        here, known[-1], (), too_new=_oldest_code(connection) > int(known[-1]), unknown=True
    )


def upgrade(connection: Connection, *, now: datetime, to: str = "head") -> tuple[str, ...]:
    """Bring the schema to a revision, within the caller's transaction; returns what was run.

    One at a time: whoever comes second waits, and finds nothing to do. A database that newer code
    has only added to is left as it is.

    Raises `MigrationRefused` where newer code has changed what this code reads, or while a worker
    of older code is alive that a pending revision would break; and `DBAPIError` with
    `LOCK_NOT_AVAILABLE` while somebody keeps a table that is to be changed.
    """
    from alembic import command
    from alembic.config import Config

    if connection.dialect.name == "postgresql":  # on SQLite the transaction itself is the lock
        connection.execute(select(func.pg_advisory_xact_lock(_TURN)))
    found = state(connection)
    if found.too_new:
        raise MigrationRefused("too-new", found.current or "")
    steps = [each for each in found.pending if to == "head" or int(each.id) <= int(to)]
    if not steps:
        return ()
    breaking = [each.id for each in steps if each.contract]
    if breaking and (older := older_workers(connection, than=breaking[-1], now=now)):
        raise MigrationRefused("older-workers", ", ".join(older))
    bound_waits(connection)
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, to)
    if breaking:
        _note_oldest_code(connection, int(breaking[-1]))
    return tuple(each.id for each in steps)


def bound_waits(connection: Connection) -> None:
    """From here on, a statement of this transaction that waits for a lock too long fails.

    A change of a table waits for a reader that keeps it, such as a backup, and everybody who comes
    later waits behind the change: the whole town. On SQLite nobody waits for readers.
    """
    if connection.dialect.name == "postgresql":
        milliseconds = LOCK_WAIT // timedelta(milliseconds=1)
        connection.execute(text(f"SET LOCAL lock_timeout = {milliseconds}"))


def holders(connection: Connection) -> str:
    """Which other sessions of PostgreSQL use tables in transactions that last already."""
    rows = connection.execute(
        text(
            """select distinct a.application_name, a.pid, a.xact_start
            from pg_locks l join pg_stat_activity a on a.pid = l.pid
            where l.granted and l.locktype = 'relation' and a.pid <> pg_backend_pid()
            and l.database = (select oid from pg_database where datname = current_database())
            and a.xact_start < now() - interval '2 seconds' order by a.xact_start limit 3"""
        )
    )
    return ", ".join(
        f"{name or 'PostgreSQL'} (pid {pid}, {since.astimezone(UTC):%H:%M:%S} UTC)"
        for name, pid, since in rows
    )


def live_workers(connection: Connection, *, now: datetime) -> Mapping[str, str]:
    """Which workers are there, each with the revision that it started on.

    A process of this machine that was killed is not, at once; one of another machine is not once
    it counts as silent.
    """
    if not inspect(connection).has_table("worker"):
        return {}
    rows = connection.execute(select(_WORKERS).order_by(_WORKERS.c.name)).all()
    return {
        str(row.name): str(row.schema)
        for row in rows
        if not silent(_utc(row.seen_at), now)
        and not certainly_dead(row.host, row.pid, row.born, row.token)
    }


def signs(connection: Connection) -> Mapping[str, str]:
    """When each worker gave its last sign of life, in the database's words."""
    if not inspect(connection).has_table("worker"):
        return {}
    rows = connection.execute(select(_WORKERS.c.name, _WORKERS.c.seen_at))
    return {str(name): str(seen_at) for name, seen_at in rows}


def older_workers(connection: Connection, *, than: str, now: datetime) -> Sequence[str]:
    """The names of workers that are alive and run code from before a revision."""
    alive = live_workers(connection, now=now)
    return [name for name, revision in alive.items() if revision < than]


def _utc(moment: datetime | str) -> datetime:
    """A time as a driver gives it without a type: SQLite's is text without a zone."""
    found = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _oldest_code(connection: Connection) -> int:
    found = connection.scalar(select(_COUNTERS.c.value).where(_COUNTERS.c.name == OLDEST_CODE))
    return int(found or 0)


def _note_oldest_code(connection: Connection, revision: int) -> None:
    changed = connection.execute(
        _COUNTERS.update().where(_COUNTERS.c.name == OLDEST_CODE).values(value=revision)
    )
    if not changed.rowcount:
        connection.execute(_COUNTERS.insert().values(name=OLDEST_CODE, value=revision))


def broken_references(connection: Connection) -> int:
    """How many rows of a SQLite database point at a row that is not there."""
    return len(connection.execute(text("PRAGMA foreign_key_check")).all())
