"""The database: one engine, one session factory, SQLite or PostgreSQL by URL.

SQLite runs with a write-ahead log, foreign keys on, a busy time-out of five seconds and
``synchronous=FULL``: a claim of the outbox must be on disk before its message leaves.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

from sqlalchemy import URL, Connection, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, InvalidRequestError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import (
    AsyncConnection,
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)

from core import schema
from core.clock import Clock, system_clock
from core.errors import MigrationRefused, RecordsUnavailable
from core.workers import GONE_AFTER

OUTAGE_CLASSES = frozenset({"08", "40", "53", "57"})
"""SQLSTATE classes: connection, transaction rollback, resources, operator intervention."""

CLOSED_CLASSES: Final = frozenset({"28", "3D"})
"""SQLSTATE classes of a server that lets nobody in: no such role or password, no such database."""

READ_ONLY: Final = "kankei_read_only"
"""The execution option of a connection whose transaction only reads."""

GLANCE: Final = "kankei_glance"
"""The same for a short look: see `glance`."""

MIGRATION_PAUSES: Final = (timedelta(seconds=5),) * 120
"""Ten minutes and the waits between: as long as the backup of a large town takes."""

logger = logging.getLogger(__name__)

CONNECT_WITHIN: Final = 5.0
"""Seconds that PostgreSQL has to take a connection."""

ANSWER_WITHIN: Final = 30.0
"""Seconds that PostgreSQL has for one statement; then it counts as away."""

LOOK_EVERY: Final = 1.0  # seconds, at workers that a migration would break
LOOK_FOR: Final = GONE_AFTER.total_seconds() + LOOK_EVERY

CLOSE_WITHIN: Final = 2.0  # seconds

LONG: Final = 6 * 3600.0
"""Seconds for a statement of what takes long and nobody waits for: migrations, backups."""

Sessions = async_sessionmaker[AsyncSession]


def connect(url: str | URL, *, answer_within: float | None = None) -> AsyncEngine:
    """An engine for `url`; nothing is opened yet. Raises `RecordsUnavailable` for a wrong URL.

    `answer_within`: seconds for one statement, `ANSWER_WITHIN` unless told. A server that goes
    silent, as behind a network that is cut, would otherwise keep everybody waiting without end.

    Errors never show the values of a statement: they are members' data.
    """
    try:
        parsed = make_url(url)
        if parsed.drivername in {"postgresql", "postgres"}:
            parsed = parsed.set(drivername="postgresql+asyncpg")
        if parsed.get_backend_name() != "sqlite":
            return create_async_engine(
                parsed,
                pool_pre_ping=True,
                pool_size=10,
                hide_parameters=True,
                # Compiling a short query takes PostgreSQL a second; all of ours are short.
                connect_args={
                    "server_settings": {"jit": "off"},
                    "timeout": CONNECT_WITHIN,
                    "command_timeout": answer_within or ANSWER_WITHIN,
                },
            )
        if parsed.database and parsed.database != ":memory:":
            Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
        engine = create_async_engine(parsed, connect_args={"timeout": 5}, hide_parameters=True)
    except (ArgumentError, InvalidRequestError, ImportError, OSError, ValueError) as error:
        raise RecordsUnavailable(type(error).__name__) from error

    @event.listens_for(engine.sync_engine, "connect")
    def _prepare(connection: Any, _: object) -> None:
        connection.isolation_level = None  # the driver's own BEGIN would come too late
        cursor = connection.cursor()
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            "busy_timeout=5000",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def _begin(connection: Any) -> None:
        # A transaction that reads first and writes later cannot wait for the lock (SQLITE_BUSY at
        # once), so every transaction takes its place in the queue of writers from the start: all
        # but those that only read. They see the database as it was when they began.
        options = connection.get_execution_options()
        if options.get(GLANCE):  # whatever may be written on this connection: nobody asks for it
            connection.exec_driver_sql("BEGIN")
            return
        only_reads = bool(options.get(READ_ONLY))
        if connection.info.get(READ_ONLY, False) is not only_reads:
            connection.exec_driver_sql(f"PRAGMA query_only={'ON' if only_reads else 'OFF'}")
            connection.info[READ_ONLY] = only_reads
        connection.exec_driver_sql("BEGIN" if only_reads else "BEGIN IMMEDIATE")

    @event.listens_for(engine.sync_engine, "invalidate")
    def _let_go(connection: Any, _: object, error: BaseException | None) -> None:
        # Closing is not enough: while a traceback holds the cursor of a cancelled statement, the
        # closed connection would keep the lock, and nobody could write (sqlite3_close_v2).
        if isinstance(error, asyncio.CancelledError):
            connection.run_async(lambda driver: driver.interrupt())
            connection.rollback()

    return engine


async def close(engine: AsyncEngine) -> None:
    """Give the connections back, without waiting for a server that is silent."""
    closing = asyncio.create_task(engine.dispose())
    await asyncio.wait({closing}, timeout=CLOSE_WITHIN)
    if closing.done():
        closing.result()
    else:
        closing.cancel()


def session_factory(engine: AsyncEngine) -> Sessions:
    return async_sessionmaker(engine, expire_on_commit=False)


@contextmanager
def outages_named() -> Iterator[None]:
    """An outage of the database gets its one name; any other error passes."""
    try:
        yield
    except DBAPIError as error:
        if is_outage(error):
            raise RecordsUnavailable(_reason(error)) from error
        raise
    except (OSError, PoolTimeout) as error:  # no server, or no connection in time
        raise RecordsUnavailable(type(error).__name__) from error


@asynccontextmanager
async def transaction(sessions: Sessions) -> AsyncIterator[AsyncSession]:
    """One session, one transaction: committed at the end, rolled back on any error.

    Raises `RecordsUnavailable` when the database is locked, full or away: nothing was stored.
    """
    with outages_named():
        async with sessions.begin() as session:
            yield session


@asynccontextmanager
async def reading(sessions: Sessions) -> AsyncIterator[AsyncSession]:
    """One session that only reads, and on SQLite keeps nobody from writing meanwhile.

    For what takes long, such as a walk over a table. A write in it fails. Raises
    `RecordsUnavailable` when the database is away.
    """
    options = {READ_ONLY: True, "postgresql_readonly": True}
    with outages_named():
        async with sessions.begin() as session:
            await session.connection(execution_options=options)
            yield session


@asynccontextmanager
async def glance(sessions: Sessions) -> AsyncIterator[AsyncSession]:
    """One session for a short look, which on SQLite waits for nobody who writes.

    As `reading`, without its two statements on SQLite that make a write fail. Raises
    `RecordsUnavailable` when the database is away.
    """
    with outages_named():
        async with sessions.begin() as session:
            await session.connection(execution_options={GLANCE: True})
            yield session


def _sqlstate(error: DBAPIError) -> str:
    return str(getattr(error.orig, "sqlstate", "") or "")


def _reason(error: DBAPIError) -> str:
    """Why nobody is let in, by its SQLSTATE; else the kind of the error."""
    state = _sqlstate(error)
    return state if state[:2] in CLOSED_CLASSES else type(error.orig).__name__


def is_outage(error: DBAPIError) -> bool:
    """Whether the database is away, full or busy, rather than that it refuses a statement."""
    if error.connection_invalidated:
        return True
    if _sqlstate(error)[:2] in OUTAGE_CLASSES | CLOSED_CLASSES:
        return True
    words = str(error.orig).lower()
    return any(
        sign in words
        for sign in (
            "database is locked",
            "database or disk is full",
            "disk i/o error",
            "readonly database",
            "unable to open database",
            "could not connect",
            "connection refused",
            "connection was closed",
            "too many clients",
            "no space left",
            # a full disk has already rolled the whole transaction back
            "no such savepoint",
        )
    )


class LocksHeld(RecordsUnavailable):
    """Somebody keeps a table that is to be changed; the text says who, as far as one can know."""


async def migrate(
    engine: AsyncEngine,
    *,
    clock: Clock = system_clock,
    pauses: Iterable[timedelta] = MIGRATION_PAUSES,
    waiting: Callable[[str], None] = lambda _: None,
) -> tuple[str, ...]:
    """Bring the schema to the newest revision; safe to call at every start, from many at once.

    All pending revisions are one transaction: after a failure the records are as they were.
    While somebody else keeps a table (a backup is being written), nobody waits behind the
    migration: it gives up at once, pauses, and tries again; `waiting` is told who keeps it.

    Returns what was run. Raises `RecordsUnavailable` if the database cannot be opened, and
    `MigrationRefused` where `core.schema` says so, or ``locked`` after the last pause.
    """
    began, seen = time.monotonic(), await _signs(engine)
    left = iter(pauses)
    while True:
        try:
            with outages_named():
                async with remaking(engine) as connection:
                    return await connection.run_sync(partial(schema.upgrade, now=clock()))
        except LocksHeld as error:
            if (pause := next(left, None)) is None:
                raise MigrationRefused("locked", str(error)) from error
            logger.warning("migration-waits", extra={"holder": str(error)})
            waiting(str(error))
            await asyncio.sleep(pause.total_seconds())
        except MigrationRefused as refused:
            if refused.reason != "older-workers":
                raise
            # They may have died a moment ago on another machine: whoever gives a sign lives.
            if await _signs(engine) != seen or time.monotonic() - began > LOOK_FOR:
                raise
            await asyncio.sleep(LOOK_EVERY)


async def _signs(engine: AsyncEngine) -> Mapping[str, str]:
    """When each worker gave its last sign of life, as the database has it."""
    with outages_named():
        async with engine.connect() as connection:
            await connection.execution_options(**{READ_ONLY: True, "postgresql_readonly": True})
            return await connection.run_sync(schema.signs)


@asynccontextmanager
async def patient(engine: AsyncEngine) -> AsyncIterator[AsyncEngine]:
    """The same database, with time for statements that take long."""
    if engine.dialect.name == "sqlite":
        yield engine
        return
    long = connect(engine.url, answer_within=LONG)
    try:
        yield long
    finally:
        await long.dispose()


@asynccontextmanager
async def remaking(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """One transaction in which tables may be made anew.

    SQLite changes a column by writing the table again and dropping the old one. With foreign keys
    on, that would delete what points at its rows; so they are off meanwhile, and checked before the
    commit ("Making Other Kinds Of Table Schema Changes", sqlite.org/lang_altertable.html).

    Raises `LocksHeld` where `core.schema.bound_waits` has ended the waiting; nothing was changed.
    """
    async with patient(engine) as long, long.connect() as connection:
        if long.dialect.name != "sqlite":
            try:
                async with connection.begin():
                    yield connection
            except DBAPIError as error:
                if getattr(error.orig, "sqlstate", None) != schema.LOCK_NOT_AVAILABLE:
                    raise
                held = await connection.run_sync(schema.holders)
                raise LocksHeld(held or "PostgreSQL") from error
            return
        await _foreign_keys(connection, on=False)
        try:
            async with connection.begin():
                yield connection
                if count := await connection.run_sync(schema.broken_references):
                    raise RuntimeError(f"{count} rows point nowhere")
        finally:
            await _foreign_keys(connection, on=True)


async def _foreign_keys(connection: AsyncConnection, *, on: bool) -> None:
    """Within a transaction this pragma would do nothing, so the driver is asked directly."""

    def switch(plain: Connection) -> None:
        cursor = plain.connection.cursor()
        cursor.execute(f"PRAGMA foreign_keys={'ON' if on else 'OFF'}")
        cursor.close()

    await connection.run_sync(switch)


async def ready_to_read(engine: AsyncEngine, *, begin: bool = True) -> None:
    """For commands: never changes the tables of a town that may be running.

    Where there are no records yet, they are made if the command may begin them. Raises
    `MigrationRefused` if it may not, or if this code cannot read what is there.
    """
    state = await schema_state(engine)
    if state.current is None:
        if not begin:
            raise MigrationRefused("no-town", engine.url.render_as_string())
        await migrate(engine)
    elif state.too_new:
        raise MigrationRefused("too-new", state.current)
    elif state.pending:
        raise MigrationRefused("pending", ", ".join(each.id for each in state.pending))


async def schema_state(engine: AsyncEngine) -> schema.SchemaState:
    """How the database stands to this code. Raises `RecordsUnavailable` when it is away."""
    with outages_named():
        async with engine.connect() as connection:
            await connection.execution_options(**{READ_ONLY: True, "postgresql_readonly": True})
            return await connection.run_sync(schema.state)
