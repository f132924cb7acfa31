"""SQLite through one thread a connection, with one turn of it for each statement.

SQLAlchemy's adapter for aiosqlite asks the thread four times a query (a cursor, the statement, the
rows, the end of the cursor), and each time wakes the event loop. Here a statement with all its rows
is one turn: that is most of the CPU of a short transaction. Results that are streamed have cursors
of their own, as before.
"""

import sqlite3
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import aiosqlite
from sqlalchemy.dialects.sqlite.aiosqlite import (
    AsyncAdapt_aiosqlite_connection,
    AsyncAdapt_aiosqlite_cursor,
    AsyncAdapt_aiosqlite_dbapi,
)


@dataclass(slots=True)
class _Said:
    """What a cursor said of itself at its end (PEP 249)."""

    description: Any = None
    rowcount: int = -1
    lastrowid: int | None = None
    arraysize: int = 1

    def close(self) -> None:
        """It ended in the turn that ran it."""


def _run(
    connection: sqlite3.Connection, statement: str, values: Any, *, many: bool
) -> tuple[_Said, list[Any]]:
    """In the connection's thread: a statement with all that comes of it."""
    cursor = connection.cursor()
    try:
        if many:
            cursor.executemany(statement, values)
        else:
            cursor.execute(statement, values)
        rows = cursor.fetchall() if cursor.description else []
        return _Said(cursor.description, cursor.rowcount, cursor.lastrowid), rows
    finally:
        cursor.close()


class _Cursor(AsyncAdapt_aiosqlite_cursor):
    __slots__ = ()
    _awaitable_cursor_close = False

    def _make_new_cursor(self, connection: Any) -> Any:  # noqa: ARG002
        return _Said()

    def _aenter_cursor(self, cursor: Any) -> Any:
        return cursor

    async def _execute_async(self, operation: Any, parameters: Any) -> None:
        await self._turn(operation, () if parameters is None else parameters, many=False)

    async def _executemany_async(self, operation: Any, seq_of_parameters: Any) -> None:
        await self._turn(operation, seq_of_parameters, many=True)

    async def _turn(self, statement: str, values: Sequence[Any], *, many: bool) -> None:
        driver: Any = self._connection
        # The way of aiosqlite's own methods, and of the adapter's: neither has a public one.
        async with self._adapt_connection._execute_mutex:  # noqa: SLF001
            said, rows = await driver._execute(  # noqa: SLF001
                _run,
                driver._conn,  # noqa: SLF001
                statement,
                values,
                many=many,
            )
            self._cursor = cast("Any", said)
            self._rows = deque(rows)


class _Connection(AsyncAdapt_aiosqlite_connection):
    __slots__ = ()
    _cursor_cls = _Cursor


class Driver(AsyncAdapt_aiosqlite_dbapi):
    """What `create_async_engine` takes as ``module`` for a SQLite file."""

    def __init__(self) -> None:
        super().__init__(aiosqlite, sqlite3)

    def connect(self, *args: Any, **options: Any) -> AsyncAdapt_aiosqlite_connection:
        """A connection in a thread of its own."""
        adapted = super().connect(*args, **options)
        return _Connection(self, adapted._connection)  # noqa: SLF001 - the driver's own
