"""A migration never makes the town wait: it gives way to who uses a table, and comes again."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from core import schema
from core.archive.writing import _one_moment
from core.database import migrate, remaking
from core.errors import MigrationRefused
from tests.core.archive.conftest import Places
from tests.core.archive.world import NOW


@pytest.fixture
async def older(places: Places) -> AsyncEngine:
    place = await places("postgresql", tables=False)
    async with remaking(place.engine) as connection:
        await connection.run_sync(schema.upgrade, now=NOW, to="0006")
    return place.engine


async def test_during_a_backup_the_town_is_answered_and_the_migration_comes_after(
    older: AsyncEngine,
) -> None:
    held: list[str] = []
    told = asyncio.Event()

    def waiting(holder: str) -> None:
        held.append(holder)
        told.set()

    async with _one_moment(older) as backup:
        await backup.execute(text("select count(*) from announcement"))
        await backup.execute(text("select count(*) from member"))
        migrating = asyncio.create_task(
            migrate(older, pauses=[timedelta(seconds=1)] * 60, waiting=waiting)
        )
        async with asyncio.timeout(30):
            await told.wait()
            async with older.connect() as page:
                await page.execute(text("select 1 from announcement limit 1"))
        assert not migrating.done()
    assert (await asyncio.wait_for(migrating, 60))[-1] == schema.newest()
    assert held[0].startswith("kankei backup (pid ")


async def test_who_never_lets_go_is_named_and_nothing_was_changed(older: AsyncEngine) -> None:
    async with older.connect() as reader:
        await reader.execute(text("set local application_name = 'a report'"))
        await reader.execute(text("select count(*) from announcement"))
        with pytest.raises(MigrationRefused) as found:
            await migrate(older, pauses=[])
    assert found.value.reason == "locked"
    assert found.value.detail.startswith("a report (pid ")
    async with older.connect() as connection:
        assert await connection.run_sync(schema.current) == "0006"
