"""A PostgreSQL that takes connections and gives no answer, as behind a network that is cut."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import make_url, text

from bots.jobs.presence import Presence, identify
from core import database
from core.clock import system_clock
from core.database import close, connect, reading, session_factory, transaction
from core.errors import RecordsUnavailable


class Wire:
    """Between us and the server; what is sent while it is cut arrives nowhere."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._whole = asyncio.Event()
        self._whole.set()
        self._tasks: set[asyncio.Task[None]] = set()

    def cut(self) -> None:
        self._whole.clear()

    async def __call__(self, near: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        await self._whole.wait()
        far, forth = await asyncio.open_connection("127.0.0.1", self._port)
        for one, other in ((near, forth), (far, back)):
            self._tasks.add(asyncio.create_task(self._carry(one, other)))

    async def _carry(self, one: asyncio.StreamReader, other: asyncio.StreamWriter) -> None:
        try:
            while some := await one.read(65536):
                await self._whole.wait()
                other.write(some)
                await other.drain()
        except ConnectionError:
            return
        finally:
            other.close()

    async def end(self) -> None:
        for each in self._tasks:
            each.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@pytest.fixture
async def far(postgres: str) -> AsyncIterator[tuple[str, Wire]]:
    """The URL of the server behind the wire, and the wire."""
    url = make_url(postgres)
    wire = Wire(url.port or 5432)
    listener = await asyncio.start_server(wire, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    yield url.set(port=port).render_as_string(hide_password=False), wire
    listener.close()
    await wire.end()


async def test_a_server_that_goes_silent_counts_as_away_and_ending_does_not_wait_for_it(
    far: tuple[str, Wire], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "ANSWER_WITHIN", 0.5)
    monkeypatch.setattr(database, "CONNECT_WITHIN", 0.5)
    url, wire = far
    engine = connect(url)
    sessions = session_factory(engine)
    async with transaction(sessions) as session:
        await session.execute(text("SELECT 1"))
    wire.cut()
    began = time.monotonic()
    for _ in range(2):
        with pytest.raises(RecordsUnavailable):
            async with reading(sessions) as session:
                await session.execute(text("SELECT 1"))
    await Presence(sessions, identify("a", clock="1"), system_clock, duties="jobs").leave()
    await close(engine)
    assert time.monotonic() - began < 20, "it would be minutes"
