"""Transactions on the databases that we promise: who waits for whom."""

import asyncio
from datetime import UTC, datetime

import pytest
from sqlalchemy import func, literal, select
from sqlalchemy.exc import DBAPIError

from core import audit
from core.database import Sessions, glance, reading, transaction
from core.tables import AuditRow, MemberRow

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)


async def member(sessions: Sessions) -> None:
    async with transaction(sessions) as session:
        session.add(MemberRow(locale="ja", created_at=NOW))


async def count(sessions: Sessions) -> int:
    async with reading(sessions) as session:
        return await session.scalar(select(func.count()).select_from(MemberRow)) or 0


async def test_nobody_who_writes_waits_for_a_long_reading(sessions: Sessions) -> None:
    await member(sessions)
    query = select(func.count()).select_from(MemberRow)
    async with reading(sessions) as session:
        assert await session.scalar(query) == 1
        async with asyncio.timeout(3), transaction(sessions) as writer:
            writer.add(MemberRow(locale="ja", created_at=NOW))
        assert await session.scalar(query) in {1, 2}  # SQLite shows it as it was at the beginning
    assert await count(sessions) == 2


async def test_a_reading_waits_for_nobody_who_writes(sessions: Sessions) -> None:
    await member(sessions)
    async with transaction(sessions) as writer:
        writer.add(MemberRow(locale="ja", created_at=NOW))
        await writer.flush()
        async with asyncio.timeout(3):
            assert await count(sessions) == 1
    assert await count(sessions) == 2


async def test_nothing_can_be_written_in_a_reading_and_everything_after_it(
    sessions: Sessions,
) -> None:
    async with reading(sessions) as session:
        session.add(MemberRow(locale="ja", created_at=NOW))
        with pytest.raises(DBAPIError):
            await session.flush()
    for _ in range(12):  # whichever connection of the pool it is
        await count(sessions)
        await member(sessions)
    assert await count(sessions) == 12


async def test_a_statement_that_was_cancelled_holds_up_nobody_while_its_error_is_kept(
    sessions: Sessions,
) -> None:
    numbers = select(literal(1).label("i")).cte("numbers", recursive=True)
    numbers = numbers.union_all(select(numbers.c.i + 1).where(numbers.c.i < 5_000_000))

    async def cancelled() -> None:
        async with asyncio.timeout(0.1), transaction(sessions) as session:
            session.add(MemberRow(locale="ja", created_at=NOW))
            await session.execute(select(func.count()).select_from(numbers))

    with pytest.raises(TimeoutError) as kept:
        await cancelled()
    async with asyncio.timeout(3):
        await member(sessions)
    assert kept.value is not None
    assert await count(sessions) == 1


async def test_the_log_is_written_on_while_it_is_verified(sessions: Sessions) -> None:
    for number in range(3):
        async with transaction(sessions) as session:
            await audit.record(session, actor="a", action=f"a.{number}", now=NOW)
    async with reading(sessions) as walk:
        rows = await walk.stream_scalars(select(AuditRow).order_by(AuditRow.id))
        first = await anext(rows)
        async with asyncio.timeout(3), transaction(sessions) as session:
            await audit.record(session, actor="a", action="a.3", now=NOW)
        await rows.close()
        assert first.action == "a.0"
        assert await audit.verify(walk) is None
    async with reading(sessions) as session:
        assert len(await audit.search(session, audit.Filter())) == 4


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
