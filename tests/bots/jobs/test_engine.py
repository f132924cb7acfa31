"""The engine's tables: where they are, which rights they need, and what when they are away."""

import asyncio
import sqlite3
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, text

from bots.app import App
from bots.jobs.clockwork import Clockwork
from bots.jobs.engine import Engine, engine_url
from bots.jobs.presence import Presence, identify
from bots.jobs.stories import CLOSED, Story
from core.testing import SetClock
from tests.bots.jobs.stage import Task, ended, wound_up


@asynccontextmanager
async def opened(records: str) -> AsyncIterator[tuple[Engine, asyncio.Queue[str]]]:
    done: asyncio.Queue[str] = asyncio.Queue()

    async def turn(job: str, _: int) -> str:
        done.put_nowait(job)
        return "done"

    engine = Engine(records, worker="a", turn=turn, steps={})
    await engine.start()
    try:
        yield engine, done
    finally:
        await engine.stop()


@pytest.fixture(params=["may create schemas", "has the schema"])
def modest(request: pytest.FixtureRequest, postgres: str) -> Iterator[str]:
    """A role that is no superuser, in one of the two ways that the documentation names."""
    suffix = uuid.uuid4().hex[:8]
    role, database = f"modest_{suffix}", f"town_{suffix}"
    admin = create_engine(engine_url(postgres), isolation_level="AUTOCOMMIT")
    inside = create_engine(
        engine_url(postgres).set(database=database), isolation_level="AUTOCOMMIT"
    )
    with admin.connect() as connection:
        connection.execute(text(f"CREATE ROLE {role} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE"))
        connection.execute(text(f"CREATE DATABASE {database}"))
        if request.param == "may create schemas":
            connection.execute(text(f"GRANT CREATE ON DATABASE {database} TO {role}"))
    if request.param == "has the schema":
        with inside.connect() as connection:
            connection.execute(text(f"CREATE SCHEMA clock AUTHORIZATION {role}"))
    inside.dispose()
    url = make_url(postgres).set(username=role, database=database)
    yield url.render_as_string(hide_password=False)
    with admin.connect() as connection:
        connection.execute(text(f"DROP DATABASE {database} WITH (FORCE)"))
        connection.execute(text(f"DROP ROLE {role}"))
    admin.dispose()


async def test_a_role_that_is_no_superuser_is_enough(modest: str) -> None:
    async with opened(modest) as (engine, done):
        assert await engine.begin_turn("sweep", "turn-sweep-1-1")
        assert await asyncio.wait_for(done.get(), 20) == "sweep"


async def test_without_the_right_to_a_schema_the_engine_says_so_and_the_town_runs_on(
    app: App, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As any other fault of its tables; here the place is one that cannot be opened."""
    monkeypatch.setattr(
        "bots.jobs.engine.engine_url",
        lambda _: make_url("sqlite:////proc/nowhere/kankei-clock.sqlite3"),
    )
    presence = Presence(app.sessions, identify("a", clock="1"), clock, duties="jobs")
    clockwork = Clockwork(app, presence, [])
    assert not await clockwork._opened()
    (sentence,) = app.troubles["clock"]
    assert "30秒ごとにやり直しています" in sentence
    await clockwork.stop()


def test_the_tables_lie_beside_the_records_and_options_of_the_driver_are_translated() -> None:
    lite = engine_url("sqlite+aiosqlite:////srv/town/kankei.sqlite3")
    assert lite.database == "/srv/town/kankei-clock.sqlite3"
    far = engine_url("postgresql+asyncpg://kankei:pw@db.example:5433/town?ssl=require")
    assert far.render_as_string(hide_password=False) == (
        "postgresql+psycopg://kankei:pw@db.example:5433/town?sslmode=require"
    )


async def test_on_sqlite_the_file_is_written_ahead_and_apart_from_the_records(
    tmp_path: Path,
) -> None:
    async with opened(f"sqlite+aiosqlite:///{tmp_path / 'kankei.sqlite3'}"):
        with sqlite3.connect(tmp_path / "kankei-clock.sqlite3") as file:
            assert file.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        file.close()
        assert not (tmp_path / "kankei.sqlite3").exists()


@pytest.mark.parametrize("records", ["sqlite"], indirect=True)
async def test_with_its_file_gone_the_clock_goes_on(app: App, clock: SetClock) -> None:
    task = Task()
    async with wound_up(app, [task.job]) as clockwork:
        await clockwork.look()
        first = await ended(app)
    for file in app.settings.data_dir.glob("*-clock.sqlite3*"):
        file.unlink()
    clock.advance(task.job.every(app))
    async with wound_up(app, [task.job]) as clockwork:
        await clockwork.look()
        stories: list[Story] = []
        async with asyncio.timeout(20):
            while not stories:
                await asyncio.sleep(0.05)
                stories = await clockwork.engine.stories(CLOSED)
    assert task.begun == 2
    assert first.number == 1
