"""A clock in the test's hand: it goes on when it is looked at."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

from bots.app import App
from bots.jobs import Job
from bots.jobs.clockwork import Clockwork
from bots.jobs.engine import AtWork
from bots.jobs.presence import Presence, identify
from bots.jobs.stories import OPEN, Story
from core import turns
from core.database import reading
from core.turns import Turn

MINUTE = timedelta(minutes=1)


class Task:
    """A job whose turns are counted; each goes as prepared."""

    def __init__(self, name: str = "sweep", every: timedelta = 10 * MINUTE) -> None:
        self.begun = 0
        self.began = asyncio.Event()
        self.prepared: list[Exception] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.job = Job(name, lambda _: every, self.turn)

    async def turn(self, _: App) -> None:
        self.begun += 1
        self.began.set()
        await self.gate.wait()
        if self.prepared:
            raise self.prepared.pop(0)


@asynccontextmanager
async def wound_up(
    app: App, jobs: Sequence[Job], *, tries: int = 3, name: str = "kankei"
) -> AsyncIterator[Clockwork]:
    """The clock of `jobs`, wound up; `Clockwork.look` moves it on."""
    presence = Presence(app.sessions, identify(name, clock="1"), app.clock, duties="jobs")
    await presence.enter()
    clockwork = Clockwork(app, presence, jobs, tries=tries, first_pause=timedelta(milliseconds=10))
    app.clockwork = clockwork
    await clockwork.engine.start()
    await clockwork._wind_up()
    try:
        yield clockwork
    finally:
        await clockwork.stop()
        app.clockwork = None
        await presence.leave()


async def row(app: App, name: str = "sweep") -> Turn:
    async with reading(app.sessions) as session:
        return next(each for each in await turns.every(session) if each.name == name)


async def until(app: App, right: Callable[[Turn], bool], name: str = "sweep") -> Turn:
    """Wait until a job's row is so: the engine looks for work once a second."""
    async with asyncio.timeout(20):
        while not right(found := await row(app, name)):  # noqa: ASYNC110 - the engine polls too
            await asyncio.sleep(0.02)
    return found


async def told(
    clockwork: AtWork, states: Sequence[str], right: Callable[[list[Story]], bool] = bool
) -> list[Story]:
    """Wait until what the engine remembers in these states is so; by default, anything."""
    async with asyncio.timeout(20):
        while not right(found := await clockwork.engine.stories(states)):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    return found


async def ended(app: App, name: str = "sweep") -> Turn:
    """Wait until a job's turn has ended, for the engine, too: it closes the story after us."""
    found = await until(
        app, lambda turn: turn.ended_at is not None and turn.outcome != "retrying", name
    )
    if app.clockwork is not None:

        def closed(stories: list[Story]) -> bool:
            return not any(each.kind == "turn" and each.subject == name for each in stories)

        await told(app.clockwork, OPEN, closed)
    return found
