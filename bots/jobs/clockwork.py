"""The clockwork of one process: its pumps, its plain loops, and its part in the shared clock.

Once a second a process looks which jobs are due (`core.turns`). Whoever sees it first queues the
turn in the engine, whose deduplication keeps a job from being queued or under way twice; any worker
takes it. A clock that is set forward brings each job one turn, one that is set back keeps no job
waiting for longer than its interval.
"""

import asyncio
import logging
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from bots import texts
from bots.app import App
from bots.jobs import lives
from bots.jobs.engine import FIRST_PAUSE, TRIES, VERSION, Broken, Engine, TooLong
from bots.jobs.janitor import Janitor
from bots.jobs.job import Job, following
from bots.jobs.presence import Elsewhere, NameTaken, Presence, identify, same_machine
from bots.jobs.stories import turn_id
from core import turns, workers
from core.database import reading, transaction
from core.errors import ChainUnavailable, KankeiError, PlatformUnavailable, RecordsUnavailable
from core.turns import Outcome, Turn

logger = logging.getLogger(__name__)


class ClockEnded(KankeiError):
    """The clock stopped by a mistake of ours: the process ends, so that it is started anew."""

    code = "clock-ended"


RESTART_AFTER: Final = timedelta(seconds=5)  # a pump ends only by a mistake of ours
ENGINE_AFTER: Final = timedelta(seconds=1)  # the first page comes first
ENGINE_AGAIN: Final = timedelta(seconds=30)
LOOK_EVERY: Final = timedelta(seconds=1)
SETTLE_EVERY: Final = timedelta(seconds=5)
POSTPONED_FOR: Final = timedelta(minutes=1)

AWAY: Final = (RecordsUnavailable, ChainUnavailable, PlatformUnavailable)
"""Errors after which a turn is postponed: nothing was wrong with it."""


async def every(
    interval: timedelta, job: Callable[[], Awaitable[None]], *, first: timedelta = timedelta(0)
) -> None:
    """Run `job` again and again. One that fails is logged and runs again at its next turn."""
    await asyncio.sleep(first.total_seconds())
    while True:
        try:
            await job()
        except KankeiError as error:
            logger.warning("job-postponed", extra={"reason": error.code})
        except Exception:
            # The job runner is an edge: one bad turn must not end the clock.
            logger.exception("job-failed")
        if (task := asyncio.current_task()) is not None and task.cancelling():
            raise asyncio.CancelledError  # the job turned its cancellation into an error
        await asyncio.sleep(interval.total_seconds())


class Clockwork:
    """What one process does on the clock."""

    def __init__(
        self,
        app: App,
        presence: Presence,
        jobs: Sequence[Job],
        *,
        version: str = VERSION,
        tries: int = TRIES,
        first_pause: timedelta = FIRST_PAUSE,
    ) -> None:
        self._app = app
        self._presence = presence
        self._everywhere = [each for each in jobs if each.everywhere]
        self._jobs: Mapping[str, Job] = {each.name: each for each in jobs if not each.everywhere}
        self._tries = tries
        self._doing: set[str] = set()
        self._done: set[str] = set()  # jobs whose last turn was perhaps done here
        self._owed: set[str] = set()  # turns that the database kept us from postponing
        self._idle = asyncio.Event()
        self._idle.set()
        self._closing = False
        self.runs: bool | None = None  # until it is asked to
        self.engine = Engine(
            app.settings.database,
            worker=presence.me.name,
            turn=self.turn,
            steps=lives.steps(app),
            version=version,
            tries=tries,
            first_pause=first_pause,
        )
        self._janitor = Janitor(self.engine, app.sessions, presence.me)

    @property
    def me(self) -> workers.Identity:
        return self._presence.me

    async def run(self) -> None:
        """All of it, until cancelled. Raises `ClockEnded` if a part of it ends."""
        self.runs = True
        try:
            await self._run()
        except Exception as error:
            logger.critical("clock-ended", exc_info=error)
            raise ClockEnded(type(error).__name__) from error
        finally:
            self.runs = False

    async def _run(self) -> None:
        app = self._app
        async with asyncio.TaskGroup() as group:
            app.start_pump = lambda pump: group.create_task(every(RESTART_AFTER, pump.run))
            for pump in app.pumps.values():
                app.start_pump(pump)
            for job in self._everywhere:
                turn = partial(job.turn, app)
                group.create_task(every(job.every(app), turn, first=job.first))
            group.create_task(every(workers.BEAT_EVERY, self._beat, first=workers.BEAT_EVERY))
            group.create_task(self._turn_the_clock())

    async def drain(self) -> None:
        """Hand out nothing more, and wait for the turns that are under way here."""
        self._closing = True
        await self._idle.wait()

    async def stop(self) -> None:
        self._closing = True
        await self.engine.stop()

    async def _beat(self) -> None:
        try:
            await self._presence.beat(",".join(sorted(self._doing)))
        except NameTaken as error:
            # Two under one name would take back each other's messages: the younger stays.
            logger.critical("worker-name-lost", extra={"worker": str(error)})
            os.kill(os.getpid(), signal.SIGTERM)

    # The clock

    async def _turn_the_clock(self) -> None:
        await asyncio.sleep(ENGINE_AFTER.total_seconds())
        while not await self._opened():  # noqa: ASYNC110 - the database tells nobody that it is back
            await asyncio.sleep(ENGINE_AGAIN.total_seconds())
        await self._until_done(self._wind_up)
        async with asyncio.TaskGroup() as group:
            group.create_task(every(LOOK_EVERY, self.look))
            group.create_task(every(SETTLE_EVERY, self.settle))

    async def _opened(self) -> bool:
        try:
            await self.engine.start()
        except Exception:
            # Whatever the library dislikes about its tables: the town runs on, staff are told.
            logger.exception("engine-not-started")
            self._app.troubles["clock"] = [texts.say("jobs.trouble.engine", self._language)]
            return False
        self._app.troubles.pop("clock", None)
        return True

    async def _until_done(self, work: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                return await work()
            except RecordsUnavailable as error:
                logger.warning("clock-waits-for-database", extra={"reason": str(error)})
                await asyncio.sleep(LOOK_EVERY.total_seconds())

    async def _wind_up(self) -> None:
        """Put new jobs on the clock. The first worker of a town looks at everything again."""
        app, now = self._app, self._app.clock()
        async with transaction(app.sessions) as session:
            await turns.put_on(session, {each.name: now + each.first for each in self._mine()})
            known = await workers.everybody(session)
            others = [each for each in known if each.who.name != self.me.name]
            await turns.cut_short(session, [self.me.name], now=now)
            if all(each.gone(now) for each in others):
                for job in self._mine():
                    if job.at is None and job.first < job.every(app):
                        await turns.bring_forward(session, job.name, to=now + job.first)

    def _mine(self) -> list[Job]:
        return list(self._jobs.values())

    async def settle(self) -> None:
        """The janitor's round."""
        if not self._closing:
            await self._janitor.settle(now=self._app.clock())

    async def look(self) -> None:
        """Hand out what is due."""
        app, now = self._app, self._app.clock()
        await self._pay_back(now)
        async with reading(app.sessions) as session:
            rows = await turns.every(session)
        self._show(rows)
        self._learn_troubles(rows)
        for row in rows:
            job = self._jobs.get(row.name)
            if job is not None and not self._closing:
                await self._hand_out(job, row, now)

    async def _hand_out(self, job: Job, row: Turn, now: datetime) -> None:
        after = following(job, self._app, now)
        if now < row.due_at <= after:
            return
        if row.due_at > after:  # the clock was set back, or the interval is shorter now
            async with transaction(self._app.sessions) as session:
                await turns.skip(session, row, following=after)
            return
        taken = await self.engine.begin_turn(job.name, turn_id(job.name, row.number, row.due_at))
        async with transaction(self._app.sessions) as session:
            if taken:
                await turns.hand_out(session, row, following=after)
            else:
                await turns.skip(session, row, following=after)

    def _show(self, rows: Sequence[Turn]) -> None:
        """Jobs that have failed to the end stand before the eyes of staff until they succeed."""
        failing = [
            each.name
            for each in rows
            if each.outcome is Outcome.FAILED or each.failures >= self._tries
        ]
        self._app.troubles["jobs"] = [
            texts.say("jobs.trouble.failed", self._language, job=title(name, self._language))
            for name in failing
        ]

    def _learn_troubles(self, rows: Sequence[Turn]) -> None:
        """What a turn of another process, or of an earlier life, left for staff to mend."""
        for row in rows:
            job = self._jobs.get(row.name)
            if job is None or (row.worker == self.me.name and row.name in self._done):
                continue
            self._done.discard(row.name)
            for kind in job.troubles:
                self._app.troubles[kind] = list(row.troubles.get(kind, ()))

    @property
    def _language(self) -> str:
        return self._app.happenings.language

    # A turn

    async def turn(self, name: str, attempt: int = 1) -> str:
        """Do a job's turn here, on the town's loop. Raises `Broken` when it should be tried again.

        A turn whose node, platform or database is away is postponed: it comes again soon, and
        nothing counts as failed. `attempt` is the number of the try, from 1.
        """
        if name in self._doing:  # taken for dead by another process, and handed out once more
            return Outcome.POSTPONED
        job = self._jobs.get(name)
        if job is None or self._closing:
            # Newer code put it on the clock, and a newer worker will do it; or this one ends.
            await self._note(
                name, Outcome.POSTPONED, "unknown-here" if job is None else "worker-ends"
            )
            return Outcome.POSTPONED
        self._doing.add(name)
        self._idle.clear()
        try:
            await self._begin(name)
            await self._within(job)
        except AWAY as error:
            logger.warning("job-postponed", extra={"job": name, "reason": error.code})
            await self._note(name, Outcome.POSTPONED, error.code)
            return Outcome.POSTPONED
        except Exception as error:
            code = error.code if isinstance(error, KankeiError) else type(error).__name__
            logger.exception("job-failed", extra={"job": name})
            last = attempt >= self._tries or isinstance(error, TooLong)
            await self._note(name, Outcome.FAILED if last else Outcome.RETRYING, code)
            raise (error if isinstance(error, TooLong) else Broken(code)) from None
        finally:
            self._doing.discard(name)
            if not self._doing:
                self._idle.set()
        troubles = {kind: self._app.troubles.get(kind, []) for kind in job.troubles}
        await self._note(name, Outcome.DONE, troubles=troubles)
        return Outcome.DONE

    async def _begin(self, name: str) -> None:
        async with transaction(self._app.sessions) as session:
            await turns.begin(session, name, worker=self.me.name, now=self._app.clock())
        self._done.add(name)

    async def _within(self, job: Job) -> None:
        """One turn within its limit. Raises `TooLong` if it was ended there."""
        limit = asyncio.timeout(job.limit.total_seconds())
        try:
            async with limit:
                await job.turn(self._app)
        except TimeoutError:
            if limit.expired():
                raise TooLong("TooLong") from None
            raise

    async def _note(
        self,
        name: str,
        outcome: Outcome,
        reason: str = "",
        troubles: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        now = self._app.clock()
        try:
            async with transaction(self._app.sessions) as session:
                await turns.end(
                    session,
                    name,
                    outcome,
                    worker=self.me.name,
                    reason=reason,
                    troubles=troubles,
                    now=now,
                )
                if outcome is Outcome.POSTPONED:
                    await turns.bring_forward(session, name, to=now + POSTPONED_FOR)
        except RecordsUnavailable as error:
            logger.warning("turn-not-written-down", extra={"job": name, "reason": str(error)})
            if outcome is Outcome.POSTPONED:
                self._owed.add(name)

    async def _pay_back(self, now: datetime) -> None:
        """What could not be postponed while the database was away comes again soon."""
        for name in sorted(self._owed):
            async with transaction(self._app.sessions) as session:
                await turns.bring_forward(session, name, to=now + POSTPONED_FOR)
            self._owed.discard(name)

    # Announcements

    async def follow(self, announcement: int, story: str) -> None:
        if self.engine.open and not self._closing:
            await self.engine.begin_life(announcement, story)


def title(job: str, language: str) -> str:
    """What staff call a job; its own name where the locale files have none."""
    key = f"jobs.title.{job}"
    return texts.say(key, language) if texts.knows(key) else job


async def one_machine(app: App, me: workers.Identity) -> None:
    """A SQLite file is safe for the processes of one machine alone. Raises `Elsewhere`."""
    if app.engine.dialect.name != "sqlite":
        return
    async with reading(app.sessions) as session:
        known = await workers.everybody(session)
    for each in known:
        if not each.gone(app.clock()) and not same_machine(each.who, me):
            raise Elsewhere(each.who.name)


@asynccontextmanager
async def at_work(
    app: App, jobs: Sequence[Job], *, duties: str, version: str = VERSION
) -> AsyncIterator[Clockwork]:
    """This process under its name. Raises `NameTaken` before anything is begun."""
    me = identify(app.worker, clock=version)
    presence = Presence(app.sessions, me, app.clock, duties=duties)
    await presence.enter()
    app.clockwork = Clockwork(app, presence, jobs, version=version)
    try:
        yield app.clockwork
    finally:
        await app.clockwork.stop()
        app.clockwork = None
        await presence.leave()
