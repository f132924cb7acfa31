"""SQLite in turns of a thread: one for each statement, with all that comes of it."""

from typing import Any

import aiosqlite
import pytest
from sqlalchemy import delete, func, insert, literal, select, text
from sqlalchemy.exc import IntegrityError, OperationalError

from core.database import Sessions, glance, transaction
from core.tables import BalanceRow, CheckpointRow, MemberRow
from core.testing import SetClock

NOW = SetClock()()


def checkpoints(count: int) -> list[dict[str, object]]:
    return [{"contract_id": 1, "block": block, "hash": "0x"} for block in range(count)]


async def test_a_statement_with_its_rows_is_one_turn(
    lite: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []
    ask: Any = aiosqlite.Connection._execute

    async def counted(self: aiosqlite.Connection, *what: object, **more: object) -> object:
        asked.append(what)
        return await ask(self, *what, **more)

    async with transaction(lite) as session:
        await session.connection()
        monkeypatch.setattr(aiosqlite.Connection, "_execute", counted)
        await session.execute(insert(CheckpointRow), checkpoints(3))
        rows = await session.execute(select(CheckpointRow.block).order_by(CheckpointRow.block))
        assert list(rows.scalars()) == [0, 1, 2]
        assert len(asked) == 2


async def test_what_a_statement_did_is_known(lite: Sessions) -> None:
    async with transaction(lite) as session:
        await session.execute(insert(CheckpointRow), checkpoints(5))
        gone = await session.execute(delete(CheckpointRow).where(CheckpointRow.block > 2))
        assert gone.rowcount == 2  # type: ignore[attr-defined]
        row = MemberRow(locale="ja", created_at=NOW)
        session.add(row)
        await session.flush()
        assert row.id == 1
        connection = await session.connection()
        many = await connection.exec_driver_sql(
            "DELETE FROM token_checkpoint WHERE block = ?", [(0,), (1,), (9,)]
        )
        assert many.rowcount == 2, "of many statements they are added up"
        returned = await session.execute(
            delete(CheckpointRow).returning(CheckpointRow.block, literal("a"))
        )
        assert returned.all() == [(2, "a")]


async def test_errors_keep_their_kinds_and_a_savepoint_goes_on_after_them(lite: Sessions) -> None:
    async with transaction(lite) as session:
        await session.execute(insert(CheckpointRow), checkpoints(1))
        with pytest.raises(IntegrityError):
            async with session.begin_nested():
                await session.execute(insert(CheckpointRow), checkpoints(1))
        with pytest.raises(OperationalError):
            async with session.begin_nested():
                await session.execute(text("SELECT nothing FROM nowhere"))
        assert await session.scalar(select(func.count()).select_from(CheckpointRow)) == 1
        assert await session.scalar(select(BalanceRow.amount)) is None


async def test_what_is_streamed_comes_piece_by_piece(
    lite: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetched: list[int] = []
    fetch = aiosqlite.Cursor.fetchmany

    async def counted(self: aiosqlite.Cursor, size: int | None = None) -> object:
        rows: list[Any] = list(await fetch(self, size))
        fetched.append(len(rows))
        return rows

    async with transaction(lite) as session:
        await session.execute(insert(CheckpointRow), checkpoints(3_000))
        monkeypatch.setattr(aiosqlite.Cursor, "fetchmany", counted)
        streamed = await session.stream(select(CheckpointRow.block))
        seen = [block async for (block,) in streamed]
    assert sorted(seen) == list(range(3_000))
    assert max(fetched) < 3_000


async def test_a_glance_waits_for_nobody_who_writes(lite: Sessions) -> None:
    async with transaction(lite) as writer:
        writer.add(MemberRow(locale="ja", created_at=NOW))
        await writer.flush()
        async with glance(lite) as session:
            assert await session.scalar(select(func.count()).select_from(MemberRow)) == 0
    async with glance(lite) as session:
        assert await session.scalar(select(func.count()).select_from(MemberRow)) == 1
    async with transaction(lite) as session:  # the same connection writes again
        session.add(MemberRow(locale="ja", created_at=NOW))
