"""A PostgreSQL that takes connections and gives no answer, as behind a network that is cut."""

import time
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text

from bots.jobs.presence import Presence, identify
from core import database
from core.clock import system_clock
from core.database import close, connect, reading, session_factory, transaction
from core.errors import RecordsUnavailable
from tests.world.records import Proxy


@pytest.fixture
async def line(postgres: str) -> AsyncIterator[Proxy]:
    """What leads to the server; what is sent while it is stalled arrives nowhere."""
    async with Proxy(postgres) as line:
        yield line


async def test_a_server_that_goes_silent_counts_as_away_and_ending_does_not_wait_for_it(
    line: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "ANSWER_WITHIN", 0.5)
    monkeypatch.setattr(database, "CONNECT_WITHIN", 0.5)
    engine = connect(line.database)
    sessions = session_factory(engine)
    async with transaction(sessions) as session:
        await session.execute(text("SELECT 1"))
    line.stall()
    began = time.monotonic()
    for _ in range(2):
        with pytest.raises(RecordsUnavailable):
            async with reading(sessions) as session:
                await session.execute(text("SELECT 1"))
    await Presence(sessions, identify("a", clock="1"), system_clock, duties="jobs").leave()
    await close(engine)
    assert time.monotonic() - began < 20, "it would be minutes"
