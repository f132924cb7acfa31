"""The shared clock: one turn of all processes, retries, postponements, clocks that jump."""

import asyncio
import logging
import sqlite3
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, event, inspect, text

from bots import serve
from bots.app import App
from bots.jobs import ClockEnded, clear_books, view
from bots.jobs.engine import connect_engine
from bots.jobs.stories import CLOSED, FAILED, OPEN
from core import audit, turns
from core.database import reading, transaction
from core.errors import ChainUnavailable, RecordsUnavailable
from core.testing import SetClock
from core.turns import Outcome
from tests.bots.jobs.stage import MINUTE, Task, ended, row, told, until, wound_up


async def test_a_job_that_is_due_gets_one_turn_and_its_row_tells_of_it(
    app: App, clock: SetClock
) -> None:
    task = Task()
    async with wound_up(app, [task.job], name="b") as clockwork:
        await clockwork.look()
        turn = await ended(app)
        await clockwork.look()
        stories = await clockwork.engine.stories(CLOSED)
    assert task.begun == 1
    assert (turn.outcome, turn.worker) == (Outcome.DONE, "b")
    assert turn.due_at == clock() + 10 * MINUTE
    assert [(each.subject, each.state, each.worker) for each in stories] == [("sweep", "done", "b")]


async def test_a_turn_that_is_still_running_is_not_started_twice(app: App, clock: SetClock) -> None:
    task = Task()
    task.gate.clear()
    async with wound_up(app, [task.job]) as clockwork:
        await clockwork.look()
        await asyncio.wait_for(task.began.wait(), 10)
        clock.advance(11 * MINUTE)
        await clockwork.look()
        assert len(await clockwork.engine.stories(OPEN)) == 1
        assert (await row(app)).due_at == clock() + 10 * MINUTE, "left out, not put off"
        task.gate.set()
        await ended(app)
    assert task.begun == 1


async def test_a_clock_that_jumps_a_day_ahead_brings_one_turn(app: App, clock: SetClock) -> None:
    task = Task(every=timedelta(seconds=15))
    async with wound_up(app, [task.job]) as clockwork:
        await clockwork.look()
        first = await ended(app)
        clock.advance(timedelta(days=1))
        for _ in range(3):
            await clockwork.look()
        await until(app, lambda turn: turn.ended_at != first.ended_at)
        assert len(await clockwork.engine.stories((*OPEN, *CLOSED))) == 2
    assert task.begun == 2


async def test_a_clock_that_is_set_back_keeps_no_job_waiting_for_longer_than_its_interval(
    app: App, clock: SetClock
) -> None:
    task = Task()
    async with wound_up(app, [task.job]) as clockwork:
        await clockwork.look()
        await ended(app)
        clock.advance(timedelta(hours=-3))
        await clockwork.look()
        assert (await row(app)).due_at == clock() + 10 * MINUTE
    assert task.begun == 1


async def test_what_was_missed_while_nobody_was_at_work_is_made_up_for_by_one_turn(
    app: App, clock: SetClock
) -> None:
    task = Task()
    async with wound_up(app, [task.job]) as clockwork:
        await clockwork.look()
        first = await ended(app)
    clock.advance(timedelta(days=3))
    async with wound_up(app, [task.job]) as clockwork:
        await clockwork.look()
        await until(app, lambda turn: turn.ended_at != first.ended_at)
        await clockwork.look()
        async with asyncio.timeout(20):
            while await clockwork.engine.stories(OPEN):  # noqa: ASYNC110 - the engine ends it after us
                await asyncio.sleep(0.05)
    assert task.begun == 2


async def test_a_turn_that_fails_is_tried_again_and_then_shown_as_failed_until_one_succeeds(
    app: App, clock: SetClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    task = Task()
    task.prepared = [ValueError("hana@example.jp") for _ in range(3)]
    async with wound_up(app, [task.job], tries=3) as clockwork:
        await clockwork.look()
        turn = await until(app, lambda turn: turn.outcome is Outcome.FAILED)
        assert (task.begun, turn.failures, turn.reason) == (3, 3, "ValueError")
        failed = await told(clockwork, FAILED)
        await clockwork.look()
        assert app.troubles["jobs"], "it stands before the eyes of staff"
        clock.advance(11 * MINUTE)
        await clockwork.look()
        await until(app, lambda turn: turn.outcome is Outcome.DONE)
        await clockwork.look()
        assert app.troubles["jobs"] == []
    assert [each.subject for each in failed] == ["sweep"]
    lines = [each for each in caplog.records if each.name == "bots.jobs.engine"]
    assert all("hana" not in str(vars(each)) for each in lines)


async def test_the_engine_keeps_no_values_but_names_and_codes(app: App, records: str) -> None:
    task = Task()
    task.prepared = [ValueError("hana@example.jp")]
    async with wound_up(app, [task.job], tries=1) as clockwork:
        await clockwork.look()
        await until(app, lambda turn: turn.outcome is Outcome.FAILED)
        await told(clockwork, FAILED)
    pool = connect_engine(records)
    schema = None if pool.dialect.name == "sqlite" else "clock"
    kept = ""
    with pool.connect() as connection:
        for table in inspect(pool).get_table_names(schema=schema):
            where = f'"{schema}".{table}' if schema else table
            kept += str(connection.execute(text(f"SELECT * FROM {where}")).all())
    pool.dispose()
    assert "ValueError" in kept
    assert "hana" not in kept
    assert "gASV" not in kept, "nothing is pickled"


@pytest.mark.parametrize(
    "away",
    [ChainUnavailable("the node gives no answer"), RecordsUnavailable("locked")],
    ids=["chain", "records"],
)
async def test_a_turn_whose_chain_or_database_is_away_is_postponed_and_does_not_fail(
    app: App, clock: SetClock, away: Exception
) -> None:
    task = Task(every=timedelta(hours=1))
    task.prepared = [away]
    async with wound_up(app, [task.job], tries=1) as clockwork:
        await clockwork.look()
        turn = await until(app, lambda turn: turn.outcome is Outcome.POSTPONED)
        assert turn.failures == 0
        assert turn.due_at == clock() + MINUTE, "it comes again soon"
        assert await clockwork.engine.stories(FAILED) == []
        clock.advance(MINUTE)
        await clockwork.look()
        await until(app, lambda turn: turn.outcome is Outcome.DONE)
    assert task.begun == 2


async def test_staff_can_have_a_job_done_at_once_and_it_is_written_down(
    app: App, clock: SetClock
) -> None:
    task = Task()
    async with wound_up(app, [task.job]) as clockwork:
        await clockwork.look()
        first = await ended(app)
        clock.advance(MINUTE)
        await view.run_now(app.sessions, "sweep", by="staff:山田", now=clock())
        await clockwork.look()
        await until(app, lambda turn: turn.ended_at != first.ended_at)
    async with reading(app.sessions) as session:
        (entry,) = await audit.search(session, audit.Filter(area="job"))
    assert (entry.actor, entry.action, entry.subject) == ("staff:山田", "job.run", "job:sweep")
    assert task.begun == 2


async def test_what_failed_can_be_tried_again_by_its_number(app: App, clock: SetClock) -> None:
    task = Task()
    task.prepared = [ValueError("once")]
    async with wound_up(app, [task.job], tries=1) as clockwork:
        await clockwork.look()
        await until(app, lambda turn: turn.outcome is Outcome.FAILED)
        failed = await told(clockwork, FAILED)
        async with view.ClosedBooks(app.settings.database) as books:
            shown = await view.view(app.sessions, books, now=clock())
            assert [each.id for each in shown.failed] == [failed[0].id]
            await view.retry(app.sessions, books, failed[0].id, by="terminal", now=clock())
            assert (await view.view(app.sessions, books, now=clock())).failed == []
        await clockwork.look()
        await until(app, lambda turn: turn.outcome is Outcome.DONE)
    assert task.begun == 2


async def test_turns_that_are_long_over_are_forgotten_and_failures_are_kept(
    app: App, clock: SetClock
) -> None:
    done, failing = Task(), Task("index")
    failing.prepared = [ValueError("once")]
    async with wound_up(app, [done.job, failing.job], tries=1) as clockwork:
        await clockwork.look()
        await ended(app)
        await until(app, lambda turn: turn.outcome is Outcome.FAILED, "index")
        await told(clockwork, OPEN, lambda left: not left)
        later = clock() + timedelta(days=3650)
        assert await clockwork.engine.forget_old(CLOSED, before=later) == 1
        assert [each.subject for each in await clockwork.engine.stories(FAILED)] == ["index"]


async def test_an_older_worker_leaves_a_job_that_it_does_not_know_to_the_newer(
    app: App, clock: SetClock
) -> None:
    async with wound_up(app, [Task().job]) as clockwork:
        async with transaction(app.sessions) as session:
            await turns.put_on(session, {"newer": clock() + timedelta(hours=1)})
        assert await clockwork.turn("newer") == "postponed"
        assert (await row(app, "newer")).due_at == clock() + MINUTE


async def test_jobs_that_are_no_more_leave_the_clock_once_nobody_did_them_for_a_day(
    app: App, clock: SetClock
) -> None:
    async with transaction(app.sessions) as session:
        await turns.put_on(session, {"sweep": clock(), "old": clock(), "newer": clock()})
    clock.advance(timedelta(days=2))
    async with transaction(app.sessions) as session:
        newer = next(each for each in await turns.every(session) if each.name == "newer")
        await turns.skip(session, newer, following=clock())
    await clear_books(app)
    async with reading(app.sessions) as session:
        assert {each.name for each in await turns.every(session)} == {"sweep", "newer"}


async def test_a_turn_that_runs_here_already_is_not_begun_beside_itself(app: App) -> None:
    """Another process took this one for dead, and handed the job out once more."""
    task = Task()
    task.gate.clear()
    async with wound_up(app, [task.job]) as clockwork:
        first = asyncio.create_task(clockwork.turn("sweep"))
        await asyncio.wait_for(task.began.wait(), 10)
        assert await clockwork.turn("sweep") == "postponed"
        task.gate.set()
        assert await first == "done"
    assert task.begun == 1


async def test_a_process_that_ends_begins_no_turn(app: App, clock: SetClock) -> None:
    task = Task()
    async with wound_up(app, [task.job]) as clockwork:
        await clockwork.drain()
        assert await clockwork.turn("sweep") == "postponed"
        assert (await row(app)).due_at <= clock() + MINUTE, "for another, or the next start"
    assert task.begun == 0


async def test_a_turn_that_does_not_end_is_ended_at_its_limit_and_shown_as_failed_at_once(
    app: App,
) -> None:
    task = Task()
    task.gate.clear()
    job = replace(task.job, limit=timedelta(milliseconds=50))
    async with wound_up(app, [job]) as clockwork:
        await clockwork.look()
        turn = await until(app, lambda turn: turn.outcome is Outcome.FAILED)
        failed = await told(clockwork, FAILED)
        await clockwork.look()
        assert app.troubles["jobs"]
    assert (turn.reason, task.begun, [each.subject for each in failed]) == ("TooLong", 1, ["sweep"])


@pytest.mark.parametrize("records", ["sqlite"], indirect=True)
async def test_a_turn_whose_end_met_a_full_disk_is_done_again(
    app: App, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = False
    plain = connect_engine

    def connect(records: str) -> Engine:
        pool = plain(records)

        @event.listens_for(pool, "before_cursor_execute")
        def _fill(*given: Any) -> None:
            if full and str(given[2]).lstrip().upper().startswith(("INSERT", "UPDATE", "DELETE")):
                raise sqlite3.OperationalError("database or disk is full")

        return pool

    monkeypatch.setattr("bots.jobs.engine.connect_engine", connect)
    monkeypatch.setattr("bots.jobs.janitor.LOST_AFTER", timedelta(seconds=0.2))
    task = Task()
    task.gate.clear()
    async with wound_up(app, [task.job]) as clockwork:
        await clockwork.look()
        await asyncio.wait_for(task.began.wait(), 20)
        full = True
        task.gate.set()
        await until(app, lambda turn: turn.ended_at is not None)  # the engine cannot know it
        await asyncio.sleep(0.5)  # the library gives its record up
        full = False
        (story,) = await clockwork.engine.stories(OPEN)
        assert story.state == "running"
        async with asyncio.timeout(20):
            while not await clockwork._janitor.settle(now=clock()):  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        await clockwork.look()
        async with asyncio.timeout(20):
            while task.begun < 2:  # noqa: ASYNC110 - the engine polls too
                await asyncio.sleep(0.05)
        await ended(app)


async def test_what_a_turn_left_to_mend_stands_in_the_console_of_every_process(
    app: App, clock: SetClock
) -> None:
    task = Task()

    async def sweep(of: App) -> None:
        await task.turn(of)
        of.troubles["sweep"] = ["The bot may not remove people."] if task.begun == 1 else []

    job = replace(task.job, turn=sweep, troubles=("sweep",))
    async with wound_up(app, [job], name="b") as clockwork:
        await clockwork.look()
        first = await ended(app)
    app.troubles.clear()  # what another process knows, and this one after a restart
    async with wound_up(app, [job], name="a") as clockwork:
        await clockwork.look()
        assert app.problems() == ["The bot may not remove people."]
        clock.advance(11 * MINUTE)
        await clockwork.look()
        await until(app, lambda turn: turn.ended_at != first.ended_at and not turn.under_way)
        await clockwork.look()
        assert app.problems() == []
    assert (await row(app)).troubles == {"sweep": []}


@pytest.mark.parametrize("records", ["sqlite"], indirect=True)
async def test_a_process_whose_clock_breaks_is_not_ready_and_ends(
    app: App, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken() -> None:
        raise ValueError("a mistake of ours")

    stop = serve.Stop()
    async with wound_up(app, []) as clockwork:
        monkeypatch.setattr("bots.jobs.clockwork.ENGINE_AFTER", timedelta(0))
        monkeypatch.setattr(clockwork, "_opened", lambda: asyncio.sleep(0, result=True))
        monkeypatch.setattr(clockwork, "_wind_up", broken)
        background = [serve._turning(clockwork, stop)]
        await asyncio.wait_for(stop.asked.wait(), 10)
        assert app.clock_state == "stopped"
        with pytest.raises(ClockEnded):
            serve._whole(background)
    assert [each.message for each in caplog.records if each.levelname == "CRITICAL"] == [
        "clock-ended"
    ]
