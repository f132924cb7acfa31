"""A process that has become too old for the records ends by itself, in order."""

import asyncio
import signal

import pytest
from sqlalchemy import text

from bots.app import App
from bots.operations import upgrades
from bots.operations.upgrades import notice_newer_schema
from core import schema
from tests.bots.web.stage import World


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """How often the process was asked to end."""
    found: list[bool] = []
    monkeypatch.setattr(upgrades, "_ask_to_end", lambda: found.append(True))
    return found


async def newer(app: App, *, oldest_code: int) -> None:
    async with app.engine.begin() as connection:
        await connection.execute(text("update alembic_version set version_num = '9999'"))
        await connection.execute(
            text("update counter set value = :value where name = :name"),
            {"value": oldest_code, "name": schema.OLDEST_CODE},
        )


async def test_it_goes_on_while_the_records_are_its_own(world: World, asked: list[bool]) -> None:
    await notice_newer_schema(world.app)
    assert asked == []
    assert not world.app.draining


async def test_it_goes_on_when_newer_code_only_added_something(
    world: World, asked: list[bool]
) -> None:
    await newer(world.app, oldest_code=int(schema.newest()))
    await notice_newer_schema(world.app)
    assert asked == []


async def test_it_drains_once_when_newer_code_changed_what_it_reads(
    world: World, asked: list[bool]
) -> None:
    heard: list[str] = []
    world.app.happenings.listen(heard.append)
    await newer(world.app, oldest_code=9999)
    await notice_newer_schema(world.app)
    await notice_newer_schema(world.app)
    assert asked == [True]
    assert world.app.draining
    assert len(heard) == 1


async def test_it_is_asked_to_end_as_a_service_manager_would_ask() -> None:
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, ended.set)
    try:
        upgrades._ask_to_end()
        await asyncio.wait_for(ended.wait(), 5)
    finally:
        assert loop.remove_signal_handler(signal.SIGTERM)
    assert ended.is_set()
