"""What was for somebody who is gone reaches nobody else."""

from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, insert, select, text

from core import announcements, browsers, identity, schema
from core.announcements import Kind, NotSent
from core.announcements.delivery.changes import DELIVERY
from core.announcements.delivery.lanes import DeliveryState, lane_code
from core.database import (
    Sessions,
    connect,
    migrate,
    remaking,
    session_factory,
    transaction,
)
from core.tables import AnnouncementRow, DeliveryRow
from core.testing import FakeMessenger, SetClock
from tests.core.announcements.office import Office


async def _notice_that_waits(office: Office) -> identity.Account:
    """A browser's notice that could not be shown at the first try."""
    async with transaction(office.sessions) as session:
        account = await identity.account(session, "web", "first", locale="ja", now=office.clock())
        await announcements.notify(session, account, "secret", {"said": "it"}, now=office.clock())
    messenger = FakeMessenger("web")
    messenger.prepared = [NotSent("busy")]
    await office.pump(messenger).tick()
    return account


async def _next_browser(office: Office, gone: identity.Account) -> None:
    async with transaction(office.sessions) as session:
        other = await identity.account(session, "web", "second", locale="ja", now=office.clock())
        assert other.id > gone.id
        assert await session.scalar(select(DeliveryRow.recipient)) is None
        texts = await session.scalar(select(AnnouncementRow.texts))
    assert texts == {"key": "left", "values": {}}
    messenger = FakeMessenger("web")
    await office.deliver(messenger)
    assert messenger.arrived == []


async def test_the_notice_of_a_browser_that_gave_way_reaches_nobody(office: Office) -> None:
    account = await _notice_that_waits(office)
    async with transaction(office.sessions) as session:
        assert await browsers.give_way(session, account, now=office.clock())
    await _next_browser(office, account)


async def test_the_notice_of_a_forgotten_browser_reaches_nobody(office: Office) -> None:
    account = await _notice_that_waits(office)
    later = office.clock() + timedelta(days=1)
    async with transaction(office.sessions) as session:
        assert await browsers.forget_browsers(session, before=later, now=later) == 1
    await _next_browser(office, account)


@pytest.mark.parametrize("table", ["account", "announcement"])
async def test_a_number_that_was_given_once_is_not_given_again(lite: Sessions, table: str) -> None:
    """SQLite alone counts from the highest that is left, unless it is told to remember."""
    columns = {
        "account": "member_id, platform, external_id, reachable, created_at",
        "announcement": "kind, state, author, texts, created_at, total, delivered, blocked,"
        " failed, unsure",
    }[table]
    values = {"account": "1, 'web', 'x', 1, '2026-01-01'"}.get(
        table, "'notice', 'done', 'x', '{}', '2026-01-01', 0, 0, 0, 0, 0"
    )
    add = text(f"INSERT INTO {table} ({columns}) VALUES ({values}) RETURNING id")
    async with transaction(lite) as session:
        await session.execute(
            text("INSERT INTO member (id, locale, wants_messages, created_at) VALUES (1,'ja',1,0)")
        )
        first = (await session.execute(add)).scalar_one()
        await session.execute(text(f"DELETE FROM {table}"))
        assert (await session.execute(add)).scalar_one() == first + 1


async def test_numbers_of_people_who_left_before_the_update_are_not_given_again(
    tmp_path: Path,
) -> None:
    """What was sent to them is still written down under those numbers."""

    engine = connect(f"sqlite+aiosqlite:///{tmp_path / 'old.sqlite3'}")
    now = SetClock()()
    async with remaking(engine) as connection:
        await connection.run_sync(partial(schema.upgrade, now=now, to="0011"))
        for statement in (
            "INSERT INTO member (id, locale, wants_messages, created_at) VALUES (1,'ja',1,0)",
            (
                "INSERT INTO account (id, member_id, platform, external_id, reachable, created_at)"
                " VALUES (5, 1, 'web', 'x', 1, '2026-01-01')"
            ),
            "INSERT INTO link (digest, account_id, created_at, expires_at) VALUES ('d', 5, 0, 0)",
            (
                "INSERT INTO announcement (id, kind, state, author, texts, created_at, total,"
                " delivered, blocked, failed, unsure)"
                " VALUES (3, 'notice', 'done', 'x', '{}', '2026-01-01', 0, 0, 0, 0, 0)"
            ),
            (
                "INSERT INTO delivery (announcement_id, recipient, lane, state, attempts, in_doubt,"
                " revision) VALUES (9, 70, 12, 2, 1, 0, 1)"
            ),
        ):
            await connection.execute(text(statement))
    await migrate(engine)
    sessions = session_factory(engine)
    async with transaction(sessions) as session:
        assert await session.scalar(text("SELECT account_id FROM link")) == 5
        other = await identity.account(session, "web", "y", locale="ja", now=now)
        assert other.id == 71
        notice = await announcements.notify(session, other, "k", {}, now=now)
        assert notice == 10
    await engine.dispose()


async def test_leaving_does_not_read_what_everybody_received(sessions: Sessions) -> None:
    """A person's own rows are looked up by their key."""
    clock = SetClock()
    async with transaction(sessions) as session:
        account = await identity.account(session, "telegram", "1", locale="ja", now=clock())
        numbers = []
        for _ in range(3):
            row = AnnouncementRow(
                kind=Kind.DIRECT, state="done", author="x", texts={}, created_at=clock()
            )
            session.add(row)
            await session.flush()
            numbers.append(row.id)
        await session.execute(
            insert(DELIVERY),
            [
                {
                    "announcement_id": number,
                    "recipient": recipient,
                    "lane": lane_code("telegram", Kind.DIRECT),
                    "state": DeliveryState.DELIVERED,
                    "attempts": 1,
                    "in_doubt": 0,
                    "revision": 1,
                }
                for number in numbers
                for recipient in (account.id, *range(10_000, 11_000))
                if (number, recipient) != (numbers[1], account.id)
            ],
        )
    statements: list[tuple[str, Any]] = []

    def note(_c: object, _cursor: object, statement: str, values: Any, *_: object) -> None:
        statements.append((statement, values))

    async with transaction(sessions) as session:
        connection = await session.connection()
        event.listen(connection.sync_connection, "before_cursor_execute", note)
        received = await announcements.received(session, [account.id])
        assert [each["announcement"] for each in received] == [numbers[0], numbers[2]]
        explain = "EXPLAIN QUERY PLAN" if connection.dialect.name == "sqlite" else "EXPLAIN"
        for statement, values in tuple(statements):
            plan = str((await connection.exec_driver_sql(f"{explain} {statement}", values)).all())
            assert "SCAN delivery" not in plan
            assert "Seq Scan on delivery" not in plan
        await announcements.withdraw(session, [account.id], now=clock())
        assert await announcements.received(session, [account.id]) == []
        assert len(await announcements.recipients(session, numbers[0])) == 1_000
