"""Whether the process lives, and whether people can be sent to it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import aiohttp
import pytest
from sqlalchemy import text

from bots.operations import health
from core import schema
from core.database import connect
from knowledge.library import Library
from tests.bots.web.stage import World


@asynccontextmanager
async def asked(world: World, path: str) -> AsyncIterator[aiohttp.ClientResponse]:
    async with aiohttp.ClientSession() as session, session.get(world.url + path) as response:
        yield response


async def words(world: World) -> tuple[int, dict[str, Any]]:
    async with asked(world, "/readyz") as response:
        return response.status, await response.json()


@pytest.fixture(autouse=True)
def _looked_at_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "KEPT", 0.0)


def ours(world: World) -> Any:
    return cast("Any", world.app)


async def test_a_town_that_runs_is_alive_and_ready(world: World) -> None:
    ours(world).guide.library = Library(passages=(), documents=("one",))  # type: ignore[arg-type]
    async with asked(world, "/healthz") as response:
        assert response.status == 200
        assert await response.json() == {"town": "mine", "ok": True}
        assert response.headers["Cache-Control"] == "no-store"
        assert "Set-Cookie" not in response.headers
    assert await words(world) == (
        200,
        {"status": "ready", "records": "ok", "guide": "ok", "clock": "starting", "process": "ok"},
    )


async def test_while_the_guide_is_read_nobody_is_sent_here(world: World) -> None:
    ours(world).guide.ready = False
    status, said = await words(world)
    assert (status, said["guide"]) == (503, "reading")
    ours(world).answers = False  # a worker, which never reads it
    status, said = await words(world)
    assert (status, said["guide"]) == (200, "unused")


async def test_while_the_records_are_away_the_process_lives_and_is_not_ready(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = connect("postgresql+asyncpg://nobody@127.0.0.1:1/nothing")
    monkeypatch.setattr(world.app, "engine", away)
    async with asked(world, "/healthz") as response:
        assert response.status == 200
    status, said = await words(world)
    assert status == 503
    assert said == {
        "status": "not-ready",
        "records": "away",
        "guide": "empty",
        "clock": "starting",
        "process": "ok",
    }
    await away.dispose()


async def test_records_that_do_not_answer_in_time_are_away(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(_: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(health, "schema_state", never)
    monkeypatch.setattr(health, "PATIENCE", 0.05)
    assert (await words(world))[1]["records"] == "away"


async def test_records_of_another_revision_are_not_ready(world: World) -> None:
    async with world.app.engine.begin() as connection:
        await connection.execute(text("update alembic_version set version_num = '0001'"))
    assert (await words(world))[1]["records"] == "pending"
    async with world.app.engine.begin() as connection:
        await connection.execute(text("update alembic_version set version_num = '9999'"))
        await connection.execute(
            text("update counter set value = 9999 where name = :name"),
            {"name": schema.OLDEST_CODE},
        )
    assert (await words(world))[1]["records"] == "too-new"


async def test_a_process_that_ends_is_not_ready(world: World) -> None:
    world.app.draining = True
    status, said = await words(world)
    assert (status, said["process"]) == (503, "draining")


async def test_the_answer_tells_nothing_but_words(world: World) -> None:
    _, said = await words(world)
    assert set(said) == {"status", "records", "guide", "clock", "process"}
    assert all(each.replace("-", "").isalpha() for each in said.values())


async def test_a_flood_of_questions_is_turned_away_before_it_reaches_the_records(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = 0

    async def look(_: object) -> schema.SchemaState:
        nonlocal looks
        looks += 1
        return schema.SchemaState("1", "1", (), too_new=False, unknown=False)

    monkeypatch.setattr(health, "schema_state", look)
    monkeypatch.setattr(health, "KEPT", 60.0)
    found = [(await words(world))[0] for _ in range(health.AT_ONCE + 3)]
    assert found.count(429) >= 1
    assert looks == 1


async def test_other_methods_and_addresses_are_pages(world: World) -> None:
    async with aiohttp.ClientSession() as session:
        async with session.post(world.url + "/readyz") as response:
            assert response.status in {404, 405}
        async with session.head(world.url + "/healthz") as response:
            assert response.status == 200
        async with session.get(world.url + "/metrics") as response:
            assert response.status == 404, "the public pages tell no figures"
