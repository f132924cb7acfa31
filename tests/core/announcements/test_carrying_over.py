"""Migration 0007: what was sent, what waited and the notices of before are carried over."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncEngine

from core import announcements
from core.announcements import AnnouncementState
from core.announcements.delivery.lanes import delivery_number
from core.database import connect, migrate, reading, session_factory
from core.schema import MIGRATIONS
from core.testing import FakeMessenger, SetClock
from tests.core.announcements.lanes_world import Lanes, targets

THEN = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)
ROOM, DIRECT, NOTICE, LEFT = 1, 2, 3, 4


@pytest.fixture(params=["sqlite", "postgresql"])
async def engine(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    """A database of the release before."""
    if request.param == "sqlite":
        made = connect(f"sqlite+aiosqlite:///{tmp_path / 'old.sqlite3'}")
    else:
        server = request.getfixturevalue("postgres")
        name = f"old_{tmp_path.name.replace('-', '_')}"[:60].lower()
        admin = connect(server)
        async with admin.connect() as connection:
            await connection.execution_options(isolation_level="AUTOCOMMIT")
            await connection.execute(text(f'CREATE DATABASE "{name}"'))
        await admin.dispose()
        made = connect(server.rpartition("/")[0] + f"/{name}")
    async with made.begin() as connection:
        await connection.run_sync(_to, "0006")
    yield made
    await made.dispose()


def _to(connection: Connection, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


async def add(connection: Any, table: str, **values: object) -> None:
    names = ", ".join(values)
    marks = ", ".join(f":{name}" for name in values)
    await connection.execute(text(f"INSERT INTO {table} ({names}) VALUES ({marks})"), values)


async def old_town(engine: AsyncEngine) -> None:
    """Three members, a room's announcement, one to each, a notice, and somebody who left."""
    sqlite = engine.dialect.name == "sqlite"
    then: object = THEN.strftime("%Y-%m-%d %H:%M:%S.%f") if sqlite else THEN
    no: object = 0 if sqlite else False
    async with engine.begin() as connection:
        for number in (1, 2, 3):
            await add(
                connection,
                "member",
                id=number,
                locale="ja",
                wants_messages=not no,
                created_at=then,
            )
            await add(
                connection,
                "account",
                id=number,
                member_id=number,
                platform="telegram",
                external_id=str(number),
                reachable=not no,
                created_at=then,
            )
        texts = '{"ja": {"heading": "h", "body": "b"}}'
        kinds = {ROOM: "room", DIRECT: "direct", NOTICE: "notice", LEFT: "direct"}
        totals = {ROOM: 2, DIRECT: 3, NOTICE: 1, LEFT: 1}
        for number, kind in kinds.items():
            await add(
                connection,
                "announcement",
                id=number,
                kind=kind,
                state="sending",
                author="staff",
                texts='{"key": "linked", "values": {}}' if kind == "notice" else texts,
                total=totals[number],
                delivered=1 if number in {ROOM, DIRECT} else 0,
                blocked=0,
                failed=0,
                unsure=0,
                created_at=then,
                confirmed_at=then,
            )
        rows: list[tuple[int, int | None, str, str, str, str | None]] = [
            (ROOM, None, "telegram", "-100", "delivered", "17"),
            (ROOM, None, "web", "residents", "waiting", None),
            (DIRECT, 1, "telegram", "1", "delivered", "1234567890123456789"),
            (DIRECT, 2, "telegram", "2", "waiting", None),
            (DIRECT, 3, "telegram", "3", "sending", None),
            (NOTICE, 2, "telegram", "2", "waiting", None),
            (LEFT, None, "telegram", "left:9", "waiting", None),
        ]
        for number, (announcement, account, platform, target, state, message) in enumerate(rows, 1):
            await add(
                connection,
                "delivery",
                id=number,
                announcement_id=announcement,
                account_id=account,
                platform=platform,
                target=target,
                language="ja",
                state=state,
                attempts=1 if state == "sending" else 0,
                in_doubt=0,
                due_at=then,
                worker="dead" if state == "sending" else None,
                message_id=message,
            )
        await add(connection, "lane", platform="telegram", free_at=then)
        await add(
            connection,
            "room_post",
            id=1,
            gate="residents",
            author="town",
            official=not no,
            heading="h",
            body="b",
            delivery_id=2,
            created_at=then,
        )


async def test_results_and_what_waited_are_carried_over_and_the_rest_is_sent_once(
    engine: AsyncEngine,
) -> None:
    await old_town(engine)
    await migrate(engine)
    sessions, clock = session_factory(engine), SetClock(THEN + timedelta(hours=1))
    lanes = Lanes(sessions, clock)
    async with reading(sessions) as session:
        rooms = await announcements.recipients(session, ROOM)
        posted = await session.scalar(text("SELECT delivery_id FROM room_post"))
        kept = await session.scalar(
            text("SELECT message_id FROM delivery WHERE announcement_id = 2 AND recipient = 1")
        )
    assert sorted((each["recipient"], each["result"]) for each in rooms) == [
        ("-100", "delivered"),
        ("residents", "waiting"),
    ]
    assert posted == delivery_number(ROOM, -2), "the web knows it again"
    assert kept == 1234567890123456789
    telegram, web = FakeMessenger(), FakeMessenger("web")
    await lanes.drain(lanes.pump(telegram), lanes.pump(web))
    assert sorted(targets(telegram)) == [2, 2, 3], "the notice, and the two that had not arrived"
    assert [target for target, _ in web.arrived] == ["residents"]
    for number in (ROOM, DIRECT, NOTICE):
        assert (await lanes.shown(number)).state is AnnouncementState.DONE


async def test_an_announcement_does_not_wait_for_who_had_left_before(engine: AsyncEngine) -> None:
    await old_town(engine)
    await migrate(engine)
    lanes = Lanes(session_factory(engine), SetClock(THEN + timedelta(hours=1)))
    await lanes.drain(lanes.pump(FakeMessenger()))
    shown = await lanes.shown(LEFT)
    assert (shown.state, shown.failed) == (AnnouncementState.DONE, 1)


async def test_what_had_arrived_before_can_be_changed(engine: AsyncEngine) -> None:
    await old_town(engine)
    await migrate(engine)
    lanes = Lanes(session_factory(engine), SetClock(THEN + timedelta(hours=1)))
    messenger = FakeMessenger()
    pump = lanes.pump(messenger)
    await lanes.drain(pump)
    await lanes.change(DIRECT)
    await lanes.drain(pump)
    changed = {target: message_id for target, message_id, _ in messenger.amended}
    assert set(changed) == {"1", "2", "3"}
    assert changed["1"] == "1234567890123456789"
