"""What staff read in the console while the records are away, and after a restore."""

import sqlite3
from datetime import timedelta

import pytest
from sqlalchemy import Connection, event

from bots.web.console.pages import MENU
from core import announcements
from core.database import transaction
from core.tables import AnnouncementRow
from tests.bots.web.stage import World
from tests.bots.web.test_console import enter

PATHS = [path for pages in MENU.values() for path, _ in pages]


@pytest.mark.parametrize("path", PATHS)
async def test_during_an_outage_every_page_tells_staff_what_waits_and_whom_to_tell(
    world: World, path: str
) -> None:
    engine = world.app.engine.sync_engine

    def away(_: Connection) -> None:
        raise sqlite3.OperationalError("unable to open database file")

    async with world.visitor() as hana:
        await enter(world, hana)
        assert (await hana.get(path)).status == 200
        event.listen(engine, "begin", away)
        seen = await hana.get(path)
        event.remove(engine, "begin", away)
        if seen.status != 200:  # what it shows may stand in memory
            assert seen.status == 503
            assert "What is being sent waits" in seen.text
            assert "tell the administrator" in seen.text
        assert (await hana.get(path)).status == 200


async def test_after_a_restore_the_console_shows_what_is_paused_and_why(world: World) -> None:
    now = world.clock()
    async with transaction(world.app.sessions) as session:
        row = AnnouncementRow(
            kind="room",
            state="sending",
            author="staff:hana",
            texts={"en": {"heading": "Burning of the fields", "body": "In February."}},
            created_at=now - timedelta(hours=1),
        )
        session.add(row)
        await session.flush()
        await announcements.hold_after_restore(session, now=now)
        number = row.id
    async with world.visitor() as hana:
        await enter(world, hana)
        overview = (await hana.get("/console/announcements")).text
        seen = (await hana.get(f"/console/announcements/{number}")).text
    assert "Burning of the fields" in overview
    assert "opened from a backup" in seen
