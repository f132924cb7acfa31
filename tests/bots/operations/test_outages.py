"""A full or read-only disk: people read what to do, staff too, and nothing is lost."""

import os
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from sqlalchemy import Connection, event, func, select

from bots import texts
from bots.conversation import Incoming, Reply
from core import archive, audit
from core.database import reading, transaction
from core.errors import RecordsUnavailable
from core.tables import MemberRow
from tests.bots.web.stage import World


@asynccontextmanager
async def full(world: World) -> AsyncIterator[None]:
    """No page can be added to the database file: what SQLite says then is SQLITE_FULL."""
    engine = world.app.engine.sync_engine

    def limit(connection: sqlite3.Connection, *_: object) -> None:
        cursor = connection.cursor()
        cursor.execute("PRAGMA max_page_count=1")  # never below what there is
        cursor.close()

    event.listen(engine, "connect", limit)
    await world.app.engine.dispose()
    try:
        yield
    finally:
        event.remove(engine, "connect", limit)
        await world.app.engine.dispose()


async def members(world: World) -> int:
    async with reading(world.app.sessions) as session:
        return await session.scalar(select(func.count()).select_from(MemberRow)) or 0


def left_over(folder: Path) -> list[Path]:
    return list(folder.glob("*a.tar.gz*"))


async def note(world: World, number: int) -> None:
    async with transaction(world.app.sessions) as session:
        detail = {"much": "x" * 3000, "number": number}
        await audit.record(session, actor="a", action="test", detail=detail, now=world.clock())


async def fill(world: World) -> None:
    """Until nothing fits any more."""
    for number in range(500):
        try:
            await note(world, number)
        except RecordsUnavailable:
            return
    raise AssertionError("there is still room")


async def greet(world: World, number: int) -> Reply:
    """Somebody new says hello."""
    person = Incoming(
        "telegram", str(number), "a", command="start", language="ja", update=str(number)
    )
    reply = await world.talk._real.handle(person)
    assert reply is not None
    return reply


async def test_on_a_full_disk_people_read_that_nothing_is_lost_and_later_it_works(
    world: World,
) -> None:
    async with full(world):
        await fill(world)
        before = await members(world)
        for number in range(50):  # a page of rows may still have room for a few
            reply = await greet(world, number)
            if reply.failed:
                break
        assert reply.text == texts.say("errors.records-unavailable", "ja")
        async with reading(world.app.sessions) as session:
            assert await audit.verify(session) is None, "nothing is half written"
        assert await members(world) == before + number
    reply = await greet(world, number)
    assert not reply.failed, "the very message that failed is answered when it comes again"


async def test_a_database_that_cannot_be_written_to_is_an_outage_with_a_name(
    world: World,
) -> None:
    """As on a file system that was mounted read-only after a fault."""
    engine = world.app.engine.sync_engine

    def forbid(connection: Connection) -> None:
        connection.exec_driver_sql("PRAGMA query_only=ON")

    event.listen(engine, "begin", forbid)
    before = await members(world)
    reply = await world.talk._real.handle(
        Incoming("telegram", "1", "a", command="start", language="en", update="1")
    )
    assert reply is not None
    assert reply.text == texts.say("errors.records-unavailable", "en")
    event.remove(engine, "begin", forbid)
    assert await members(world) == before


async def test_a_full_disk_does_not_keep_anybody_from_a_backup(
    world: World, tmp_path: Path
) -> None:
    async with full(world):
        await fill(world)
        manifest = await archive.write(
            world.app.engine,
            tmp_path / "a.tar.gz",
            town="mine",
            code="0",
            key="",
            data_dir=tmp_path,
            pack=None,
            now=world.clock(),
        )
    assert archive.check(tmp_path / "a.tar.gz") == manifest


async def test_a_backup_for_which_there_is_no_room_leaves_no_half_file(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_room(_: int) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(os, "fsync", no_room)
    with pytest.raises(archive.ArchiveRefused) as refused:
        await archive.write(
            world.app.engine,
            tmp_path / "a.tar.gz",
            town="mine",
            code="0",
            key="",
            data_dir=tmp_path,
            pack=None,
            now=world.clock(),
        )
    assert refused.value.reason == "file"
    assert "No space left" in refused.value.detail
    assert not left_over(tmp_path)
