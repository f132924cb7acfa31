"""The town's records as they begin, and what happens to them in use: stalls, cuts, a full disk."""

import asyncio
import contextlib
import sqlite3
import tempfile
from collections.abc import AsyncIterator, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any, Final

from sqlalchemy import event, make_url, text
from sqlalchemy.ext.asyncio import AsyncEngine

from core.database import Sessions, connect, migrate
from core.tables import Base
from tests.world.relay import Relay

ENDLESS: Final = 4_294_967_294  # pages; SQLite's own limit


def address(sessions: Sessions) -> str:
    """Where the records are, for another engine or process."""
    return str(sessions.kw["bind"].url.render_as_string(hide_password=False))


def begin(file: Path) -> str:
    """Put a migrated database without rows there, if there is none; its URL.

    All migrations take a quarter of a second, and most tests are about something else.
    """
    if not file.exists():
        file.write_bytes(_migrated())
    return f"sqlite+aiosqlite:///{file}"


@cache
def _migrated() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "kankei.sqlite3"
        _aside(_migrate(f"sqlite+aiosqlite:///{file}"))
        return file.read_bytes()


@cache
def template(cluster: str) -> str:
    """The name of a migrated database of a PostgreSQL cluster, for `CREATE DATABASE … TEMPLATE`."""
    name = "begun"
    _aside(administer(cluster, f"CREATE DATABASE {name}"))
    _aside(_migrate(cluster.rpartition("/")[0] + f"/{name}"))
    return name


@cache
def shared(cluster: str) -> str:
    """The migrated database of a PostgreSQL cluster that one test after another uses; its URL."""
    _aside(_migrate(cluster))
    return cluster


async def opened(url: str) -> AsyncEngine:
    """Open an engine with one connection, so that work in the background finds it at once."""
    engine = connect(url)
    async with engine.connect():
        return engine


async def empty(engine: AsyncEngine) -> None:
    """Delete all rows on PostgreSQL, in one round trip."""
    every = reversed(Base.metadata.sorted_tables)
    async with engine.begin() as connection:
        driver = (await connection.get_raw_connection()).driver_connection
        assert driver is not None
        await driver.execute("; ".join(f'DELETE FROM "{each.name}"' for each in every))


async def administer(cluster: str, statement: str) -> None:
    """Run what PostgreSQL allows in no transaction."""
    engine = connect(cluster).execution_options(isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        await connection.execute(text(statement))
    await engine.dispose()


async def _migrate(url: str) -> None:
    engine = connect(url)
    await migrate(engine)
    await engine.dispose()


def _aside(work: Coroutine[Any, Any, None]) -> None:
    """Wait for it on a loop of its own, whether or not this thread has one."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, work).result()


class Proxy(Relay):
    """A connection to PostgreSQL that can fall silent or be cut."""

    def __init__(self, database: str) -> None:
        self._url = make_url(database)
        super().__init__(self._url.host, self._url.port)

    @property
    def database(self) -> str:
        """The URL that leads through here."""
        url = self._url.set(host="127.0.0.1", port=self.port)
        return str(url.render_as_string(hide_password=False))


@contextlib.asynccontextmanager
async def write_lock(database: str) -> AsyncIterator[None]:
    """SQLite: somebody else holds the one write lock, as a long backup or a stuck process does."""
    path = make_url(database).database
    connection = await asyncio.to_thread(
        sqlite3.connect, str(path), timeout=30, isolation_level=None, check_same_thread=False
    )
    await asyncio.to_thread(connection.execute, "BEGIN IMMEDIATE")
    try:
        yield
    finally:
        connection.execute("ROLLBACK")
        connection.close()


@contextlib.contextmanager
def _sqlite_full(sessions: Sessions) -> Iterator[None]:
    engine = sessions.kw["bind"].sync_engine

    def no_page_more(connection: Any) -> None:
        connection.exec_driver_sql("PRAGMA max_page_count=1")  # SQLite makes it: as many as now

    event.listen(engine, "begin", no_page_more)
    try:
        yield
    finally:
        event.remove(engine, "begin", no_page_more)

        def room_again(connection: Any) -> None:
            connection.exec_driver_sql(f"PRAGMA max_page_count={ENDLESS}")

        event.listen(engine, "begin", room_again)


@contextlib.asynccontextmanager
async def _postgresql_full(sessions: Sessions, table: str) -> AsyncIterator[None]:
    async with sessions.begin() as session:
        await session.execute(
            text(
                "create function disk_full() returns trigger language plpgsql as $$ begin "
                "raise exception 'could not extend file: No space left on device' "
                "using errcode = 'disk_full'; end $$"
            )
        )
        await session.execute(
            text(
                f"create trigger disk_full before insert or update on {table} "
                "for each row execute function disk_full()"
            )
        )
    try:
        yield
    finally:
        async with sessions.begin() as session:
            await session.execute(text("drop function disk_full() cascade"))


@contextlib.asynccontextmanager
async def disk_full(sessions: Sessions, table: str) -> AsyncIterator[None]:
    """Nothing can be written: SQLITE_FULL, or SQLSTATE 53100 at each row of `table`."""
    if sessions.kw["bind"].dialect.name == "sqlite":
        with _sqlite_full(sessions):
            yield
    else:
        async with _postgresql_full(sessions, table):
            yield
