"""What staff see of the clock, and what they may do about it."""

from datetime import timedelta

from core import audit, turns, workers
from core.database import reading, transaction
from core.turns import Outcome
from tests.bots.jobs.stage import Task, until, wound_up
from tests.bots.web.stage import Visitor, World
from tests.bots.web.test_console import enter

PAGE = "/console/clock"


async def put_on(world: World) -> None:
    """A sweep that was done a minute ago by a worker which is at work."""
    now = world.clock()
    me = workers.Identity("b", "token", "host", 1, "", "0.1.0", "1")
    async with transaction(world.app.sessions) as session:
        await workers.enter(session, me, duties="jobs", replacing=None, now=now)
        await turns.put_on(session, {"sweep": now + timedelta(minutes=9)})
        await turns.begin(session, "sweep", worker="b", now=now - timedelta(minutes=1))
        await turns.end(session, "sweep", Outcome.DONE, worker="b", now=now)


async def test_only_staff_see_the_clock_or_ask_for_a_job(world: World) -> None:
    async with world.visitor() as visitor:
        assert (await visitor.get(PAGE)).status == 403
        assert (await visitor.post(f"{PAGE}/run", job="sweep")).status == 403
        assert (await visitor.post(f"{PAGE}/retry", story="turn-sweep-0-1")).status == 403


async def test_before_the_clock_has_run_the_page_says_so(world: World) -> None:
    async with world.visitor() as hana:
        await enter(world, hana)
        seen = await hana.get(PAGE)
    assert seen.status == 200
    assert "None has run yet." in seen.text
    assert "Nobody is at work." in seen.text


async def test_the_page_names_each_job_with_its_last_and_next_turn_and_worker(
    world: World,
) -> None:
    await put_on(world)
    async with world.visitor() as hana:
        await enter(world, hana)
        seen = await hana.get(PAGE)
        world.clock.advance(timedelta(seconds=11))
        later = await hana.get(PAGE)
    assert "Check of everybody" in seen.text
    assert "(worker b)" in seen.text
    assert "At work" in seen.text
    assert "Silent" in later.text
    assert "The other workers take over" in later.text


async def test_staff_ask_for_a_job_and_it_is_due_and_written_down(world: World) -> None:
    await put_on(world)
    async with world.visitor() as hana:
        await enter(world, hana)
        seen = await hana.post(f"{PAGE}/run", job="sweep")
        assert "was asked for" in seen.text
        assert "About to run" in seen.text or "about to run" in seen.text
        missing = await hana.post(f"{PAGE}/run", job="nonsense")
    assert missing.status == 404
    assert "Choose one from the list below. Nothing was changed." in missing.text
    async with reading(world.app.sessions) as session:
        (entry,) = await audit.search(session, audit.Filter(area="job"))
        (turn,) = await turns.every(session)
    assert (entry.actor, entry.subject) == ("staff:hana", "job:sweep")
    assert turn.due_at == world.clock()


async def test_what_failed_stands_first_and_can_be_tried_again(world: World) -> None:
    task = Task()
    task.prepared = [ValueError("once")]
    async with wound_up(world.app, [task.job], tries=1) as clockwork, world.visitor() as hana:
        await clockwork.look()
        await until(world.app, lambda turn: turn.outcome is Outcome.FAILED)
        await enter(world, hana)
        story = await _failed_story(hana)
        seen = await hana.post(f"{PAGE}/retry", story=story)
        assert "was asked for" in seen.text
        assert "Jobs that failed" not in seen.text
        again = await hana.post(f"{PAGE}/retry", story=story)
        assert again.status == 404
        assert "That failure is no longer kept." in again.text
        await clockwork.look()
        await until(world.app, lambda turn: turn.outcome is Outcome.DONE)
    assert task.begun == 2


async def _failed_story(hana: Visitor) -> str:
    """The number as the page's form has it; the engine writes it a moment after the row."""
    for _ in range(200):
        text = (await hana.get(PAGE)).text
        if "Jobs that failed" in text:
            return text.partition('name="story" value="')[2].partition('"')[0]
    raise AssertionError("it never appeared")
