"""What staff read in the console while the records are away, and after a restore."""

import sqlite3
from datetime import timedelta

from sqlalchemy import Connection, event
from sqlalchemy.exc import OperationalError

from bots.web.console.pages import MENU
from core import announcements
from core.database import transaction
from core.tables import AnnouncementRow
from tests.bots.web.stage import World
from tests.bots.web.test_console import enter

PATHS = [path for pages in MENU.values() for path, _ in pages]


async def test_during_an_outage_every_page_tells_staff_what_waits_and_whom_to_tell(
    world: World,
) -> None:
    engine = world.app.engine.sync_engine

    def away(_: Connection) -> None:
        raise OperationalError(
            "BEGIN", {}, sqlite3.OperationalError("unable to open database file")
        )

    async with world.visitor() as hana:
        await enter(world, hana)
        event.listen(engine, "begin", away)
        seen = {path: await hana.get(path) for path in PATHS}
        event.remove(engine, "begin", away)
        again = {path: (await hana.get(path)).status for path in PATHS}
    assert {each.status for each in seen.values()} <= {200, 503}, "some stand in memory"
    told = [each.text for each in seen.values() if each.status == 503]
    assert len(told) > len(PATHS) / 2
    assert all("What is being sent waits" in each for each in told)
    assert all("tell the administrator" in each for each in told)
    assert set(again.values()) == {200}


async def test_after_a_restore_the_console_shows_what_is_paused_and_why(world: World) -> None:
    now = world.clock()
    async with transaction(world.app.sessions) as session:
        row = AnnouncementRow(
            kind="room",
            state="sending",
            author="staff:hana",
            texts={"ja": {"heading": "山焼き", "body": "2月に行います。"}},
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
    assert "山焼き" in overview
    assert "opened from a backup" in seen
