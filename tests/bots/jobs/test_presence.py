"""A name that one process at a time has."""

import asyncio
import os
import signal
from dataclasses import replace
from datetime import timedelta

import pytest

from bots.jobs.presence import NameTaken, Presence, identify
from core import workers
from core.database import Sessions, reading, transaction
from core.testing import SetClock


def presence(sessions: Sessions, clock: SetClock, **given: str | int) -> Presence:
    me = replace(identify("b", clock="1"), **given)  # type: ignore[arg-type]
    return Presence(sessions, me, clock, duties="jobs", pause=lambda _: asyncio.sleep(0))


async def held_by(sessions: Sessions) -> workers.Worker | None:
    async with reading(sessions) as session:
        return await workers.named(session, "b")


async def test_a_name_is_refused_while_a_process_of_this_machine_has_it(
    sessions: Sessions, clock: SetClock
) -> None:
    first, second = presence(sessions, clock), presence(sessions, clock)
    await first.enter()
    clock.advance(timedelta(minutes=5))  # even without a sign: a process that stands still lives
    with pytest.raises(NameTaken):
        await second.enter()
    await first.leave()
    await second.enter()
    await second.leave()
    assert await held_by(sessions) is None


async def test_the_name_of_a_killed_process_is_free_at_once(
    sessions: Sessions, clock: SetClock
) -> None:
    sleeper = await asyncio.create_subprocess_exec("sleep", "60")
    dead = presence(sessions, clock, pid=sleeper.pid)
    await dead.enter()
    again = presence(sessions, clock)
    sleeper.send_signal(signal.SIGKILL)
    await sleeper.wait()
    await again.enter()
    holder = await held_by(sessions)
    assert holder is not None
    assert holder.who == again.me
    await again.leave()


async def test_a_number_that_the_system_gave_to_another_process_since_is_no_sign_of_life(
    sessions: Sessions, clock: SetClock
) -> None:
    await presence(sessions, clock, pid=os.getppid(), born="1").enter()
    again = presence(sessions, clock)
    await again.enter()
    holder = await held_by(sessions)
    assert holder is not None
    assert holder.who.pid == os.getpid()
    await again.leave()
    assert await held_by(sessions) is None


async def test_a_process_of_another_machine_keeps_its_name_as_long_as_it_gives_signs(
    sessions: Sessions, clock: SetClock
) -> None:
    far = presence(sessions, clock, host="far")
    await far.enter()

    async def sign(_: float) -> None:
        clock.advance(timedelta(seconds=3))
        await far.beat("sweep")

    near = Presence(sessions, identify("b", clock="1"), clock, duties="jobs", pause=sign)
    with pytest.raises(NameTaken):
        await near.enter()
    holder = await held_by(sessions)
    assert holder is not None
    assert (holder.who.host, holder.doing) == ("far", "sweep")


async def test_a_silent_name_of_another_machine_is_taken_over_and_its_holder_hears_of_it(
    sessions: Sessions, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    far, near = presence(sessions, clock, host="far"), presence(sessions, clock)
    await far.enter()
    with monkeypatch.context() as quick:
        quick.setattr(workers, "GONE_AFTER", timedelta(seconds=0.05))
        await near.enter()

    async def sign(_: float) -> None:
        clock.advance(timedelta(seconds=3))
        await near.beat("")

    far._pause = sign
    with pytest.raises(NameTaken):
        await far.beat("")
    await near.leave()


async def test_workers_that_have_long_been_gone_are_forgotten(
    sessions: Sessions, clock: SetClock
) -> None:
    await presence(sessions, clock, host="far").enter()
    async with transaction(sessions) as session:
        assert await workers.forget(session, before=clock()) == 0
        assert await workers.forget(session, before=clock() + timedelta(days=1)) == 1
