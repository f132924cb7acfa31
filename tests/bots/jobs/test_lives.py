"""The life of an announcement in the engine: followed through restarts, reported once."""

import asyncio
import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from bots.app import App
from bots.jobs import lives
from bots.jobs.engine import MAX_RECOVERIES, Engine
from bots.jobs.stories import CLOSED, OPEN
from bots.jobs.view import ClosedBooks
from core import announcements
from core.announcements import PLATFORMS, AnnouncementState, Audience, Kind
from core.database import transaction
from core.tables import AnnouncementRow
from tests.bots.jobs.stage import wound_up

pytestmark = pytest.mark.parametrize("records", ["sqlite"], indirect=True)


async def planned(app: App, number: int | None = None) -> int:
    """An announcement (or that one again) that waits for tomorrow."""
    now = app.clock()
    async with transaction(app.sessions) as session:
        number = number or await announcements.compose(
            session,
            town=app.town,
            author="staff",
            audience=Audience(Kind.ROOM, places=(("web", "board"),)),
            texts={"ja": {"heading": "山焼き", "body": "2月に行います。"}},
            now=now,
            platforms=PLATFORMS,
        )
        await announcements.confirm(
            session,
            number,
            town=app.town,
            by="staff",
            now=now,
            start_at=now + timedelta(days=1),
            platforms=PLATFORMS,
        )
    return number


async def become(app: App, number: int, state: AnnouncementState) -> None:
    async with transaction(app.sessions) as session:
        await session.execute(
            update(AnnouncementRow).where(AnnouncementRow.id == number).values(state=state)
        )


async def test_a_life_outlasts_any_number_of_restarts(records: str, tmp_path: Path) -> None:
    begun: asyncio.Queue[int] = asyncio.Queue()

    async def turn(_job: str, _attempt: int) -> str:
        return "done"

    async def follow(number: int) -> str:
        begun.put_nowait(number)
        return "done"

    async def started() -> Engine:
        engine = Engine(records, worker="a", turn=turn, steps={"follow": follow, "report": follow})
        await engine.start()
        return engine

    engine = await started()
    await engine.begin_life(7, "announcement-7-1")
    await engine.stop()
    while not begun.empty():
        begun.get_nowait()
    with sqlite3.connect(tmp_path / "kankei-clock.sqlite3") as file:
        file.execute("DELETE FROM operation_outputs")
        file.execute(
            "UPDATE workflow_status SET status = 'PENDING', executor_id = 'a', output = NULL,"
            " recovery_attempts = ?",
            (10 * MAX_RECOVERIES,),
        )
    file.close()
    engine = await started()
    assert await asyncio.wait_for(begun.get(), 20) == 7
    await engine.stop()


async def test_what_became_a_draft_again_is_not_reported_and_is_followed_once_it_is_confirmed_anew(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lives, "FOLLOW_EVERY", 0.05)
    told: asyncio.Queue[str] = asyncio.Queue()
    app.happenings.listen(told.put_nowait)
    number = await planned(app)
    async with wound_up(app, []) as clockwork, asyncio.timeout(60):
        await lives.adopt(app)
        await become(app, number, AnnouncementState.DRAFT)
        while await clockwork.engine.stories(OPEN):  # noqa: ASYNC110 - it polls too
            await asyncio.sleep(0.1)
        assert told.empty()
        app.clock.advance(timedelta(minutes=1))  # type: ignore[attr-defined]
        await planned(app, number)
        await lives.adopt(app)
        assert [each.subject for each in await clockwork.engine.stories(OPEN)] == [str(number)]
        await become(app, number, AnnouncementState.CANCELLED)
        assert str(number) in await told.get()


async def test_all_that_is_open_is_followed_however_much_was_announced_since(app: App) -> None:
    number = await planned(app)
    for _ in range(60):
        await become(app, await planned(app), AnnouncementState.DONE)
    async with wound_up(app, []) as clockwork:
        await lives.adopt(app)
        assert [each.subject for each in await clockwork.engine.stories(OPEN)] == [str(number)]


async def test_the_clock_of_records_that_were_replaced_remembers_nothing(app: App) -> None:
    await planned(app)
    async with wound_up(app, []) as clockwork:
        await lives.adopt(app)
        assert await clockwork.engine.stories(OPEN)
    async with ClosedBooks(app.settings.database) as books:
        await books.clear()
        assert await books.stories((*OPEN, *CLOSED)) == []
