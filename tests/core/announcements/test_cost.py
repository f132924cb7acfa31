"""What a recipient and a turn cost, whatever the size: bytes, and indexes for every query."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncEngine

from core.announcements import Delivered, Outcome, Outgoing
from core.database import Sessions, transaction
from core.testing import FakeMessenger, SetClock
from tests.core.announcements.lanes_world import Lanes

PEOPLE = 6_000
BYTES = {"sqlite": 64, "postgresql": 128}
LARGE = ("account", "member", "delivery")
"""Tables that have a row a member, or a recipient."""


class Numbering(FakeMessenger):
    """Gives message ids as large as Telegram's."""

    async def send_direct(self, account: str, message: Outgoing, *, delivery: int) -> Outcome:
        del message, delivery
        return Delivered(str(1_000_000_000 + int(account)))


@pytest.fixture
def lanes(sessions: Sessions, clock: SetClock) -> Lanes:
    return Lanes(sessions, clock)


def engine_of(sessions: Sessions) -> AsyncEngine:
    engine = sessions.kw["bind"]
    assert isinstance(engine, AsyncEngine)
    return engine


async def size(sessions: Sessions) -> int:
    """Bytes of the delivery table with its indexes."""
    sqlite = engine_of(sessions).dialect.name == "sqlite"
    asked = (
        "SELECT sum(pgsize) FROM dbstat WHERE name IN"
        " ('delivery', 'ix_delivery_lane_announcement_id_due_at', 'ix_delivery_due_at')"
        if sqlite
        else "SELECT pg_total_relation_size('delivery')"
    )
    if not sqlite:
        async with engine_of(sessions).connect() as connection:
            plain = await connection.execution_options(isolation_level="AUTOCOMMIT")
            await plain.execute(text("VACUUM FULL delivery"))
    async with transaction(sessions) as session:
        return int(await session.scalar(text(asked)) or 0)


async def test_a_recipient_takes_few_bytes(lanes: Lanes) -> None:
    await lanes.members(PEOPLE)
    number = await lanes.announce()
    pump = lanes.pump(Numbering(), rate=1_000_000)
    while (await lanes.shown(number)).waiting:
        await pump.tick()
        lanes.clock.advance(pump.turns.gap)
    dialect = engine_of(lanes.sessions).dialect.name
    assert await size(lanes.sessions) / PEOPLE <= BYTES[dialect]


@contextmanager
def statements(engine: AsyncEngine) -> Iterator[list[tuple[str, Any]]]:
    """What is asked of the database meanwhile."""
    asked: list[tuple[str, Any]] = []

    def note(_c: object, _k: object, statement: str, values: Any, _x: object, many: bool) -> None:
        if not many and re.match(r"SELECT|UPDATE|DELETE", statement):
            asked.append((statement, values))

    event.listen(engine.sync_engine, "before_cursor_execute", note)
    try:
        yield asked
    finally:
        event.remove(engine.sync_engine, "before_cursor_execute", note)


async def plan(engine: AsyncEngine, statement: str, values: Any) -> list[str]:
    sqlite = engine.dialect.name == "sqlite"
    async with engine.connect() as connection:
        if sqlite:
            rows = await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
            return [str(tuple(row)[-1]) for row in rows]
        await connection.execute(text("SET LOCAL enable_seqscan = off"))
        rows = await connection.exec_driver_sql(f"EXPLAIN {statement}", values)
        return [row[0].strip(" ->") for row in rows]


async def test_no_query_of_a_turn_reads_a_large_table_from_end_to_end(lanes: Lanes) -> None:
    await lanes.members(500)
    number = await lanes.announce()
    messenger = FakeMessenger()
    pump = lanes.pump(messenger)
    await pump.tick()
    await lanes.change(number)
    engine = engine_of(lanes.sessions)
    with statements(engine) as asked:
        lanes.clock.now = lanes.clock.now.replace(minute=30)
        await pump.tick()
        assert await pump._anything()
    assert len(asked) > 8
    for statement, values in asked:
        for line in await plan(engine, statement, values):
            table = re.match(r"(?:SCAN|Seq Scan on) (\w+)", line)
            assert table is None or not table[1].startswith(LARGE), f"{line}\n{statement}"
