"""What runs on a clock: deliveries, new transfers, the re-check of every card, and tidying up."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Final, Protocol, runtime_checkable

from bots import texts
from bots.app import App
from bots.following import compare_all, follow, silence
from core import announcements, board, events, identity, questions
from core.access import SweepReport
from core.access.changes import forget_lists, waiting_changes
from core.credentials.codes import forget_codes
from core.database import transaction
from core.errors import KankeiError
from core.holdings import one_look

logger = logging.getLogger(__name__)

KEEP_BROWSERS: Final = timedelta(days=30)
KEEP_UPDATES: Final = timedelta(days=2)
KEEP_LISTS: Final = timedelta(days=30)  # who stood on the list of a settled change
TIDY_EVERY: Final = timedelta(hours=1)
RESTART_AFTER: Final = timedelta(seconds=5)  # a pump ends only by a mistake of ours
RETRY_EVERY: Final = timedelta(minutes=1)
LEARN_EVERY: Final = timedelta(seconds=10)  # another worker may have answered something
REMIND_EVERY: Final = timedelta(seconds=30)
SEATS_AFTER: Final = timedelta(minutes=2)
COMPARE_EVERY: Final = timedelta(hours=1)
KEEP_DRAFTS: Final = timedelta(days=2)
KEEP_CODES: Final = timedelta(days=365)  # what has been over for so long is only counted


@runtime_checkable
class Waiting(Protocol):
    """An adapter at whose doors people may wait until the chain answers again."""

    async def retry_pending(self) -> None: ...


async def recheck_everybody(app: App) -> None:
    """One sweep over all members, told in a line when anything came of it."""
    before = set(app.problems())
    async with one_look():
        await app.vaults.look_again()  # first, so that the sweep sees what is over
        report = await app.doorkeeper.sweep()
    report.add(await app.drift.look())
    app.wake()
    app.troubles["sweep"] = sorted(set(report.troubles))
    silence(app, "sweep", away=bool(report.missing))
    if report.opened or report.warned or report.closed:
        app.happenings.tell(
            "chat.happening.swept",
            members=report.members,
            opened=report.opened,
            warned=report.warned,
            closed=report.closed,
            unknown=report.unknown,
        )
    _tell_of_hands(app, report)
    await tell_of_changes(app)
    for trouble in set(app.problems()) - before:
        logger.warning("trouble", extra={"reason": trouble})


def _tell_of_hands(app: App, report: SweepReport) -> None:
    """What somebody moved by hand on a platform, put back or left for staff to see."""
    if report.repaired:
        app.happenings.tell("members.happening.repaired", count=report.repaired)
    language = app.happenings.language
    app.troubles["by-hand"] = [
        texts.say("members.happening.by-hand", language, room=_title(app, gate), count=count)
        for gate, count in sorted(report.by_hand.items())
        if count
    ]


def _title(app: App, gate_name: str) -> str:
    gate = app.town.gate(gate_name)
    return gate.title.get(app.happenings.language) if gate else gate_name


async def tell_of_changes(app: App) -> None:
    """Say once that a change waits for two people, and keep it before the eyes of staff."""
    async with transaction(app.sessions) as session:
        waiting = await waiting_changes(session)
    said = texts.say("members.happening.waits", app.happenings.language, count=waiting)
    if waiting and app.troubles.get("changes") != [said]:
        app.happenings.tell("members.happening.waits", count=waiting)
    app.troubles["changes"] = [said] if waiting else []


async def look_again(app: App) -> None:
    """Ask again for those who wait at a door because nobody could tell."""
    for adapter in app.adapters:
        if isinstance(adapter, Waiting):
            await adapter.retry_pending()


async def remind(app: App) -> None:
    """Tell whoever is to be told something of events now: reminders, news, free seats."""
    if told := await app.events.tell():
        app.wake()
        app.happenings.tell("events-desk.happening.told", count=told)


async def look_at_seats(app: App) -> None:
    """Look whether those who come to events still may."""
    async with one_look():
        await app.events.look()
    app.wake()


async def tidy(app: App) -> None:
    """Forget what is no longer needed, as the town pack says."""
    now, retention = app.clock(), app.town.retention
    async with transaction(app.sessions) as session:
        await identity.forget_updates(session, before=now - KEEP_UPDATES)
        await forget_codes(session, now=now, keep=KEEP_CODES)
        await forget_lists(session, before=now - KEEP_LISTS)
        await identity.forget_browsers(session, before=now - KEEP_BROWSERS)
        await board.forget_posts(session, before=now - timedelta(days=retention.room_post_days))
        await announcements.forget(session, before=now - timedelta(days=retention.delivery_days))
        await events.forget(session, before=now - timedelta(days=retention.event_days))
        await questions.forget(
            session,
            before=now - timedelta(days=retention.question_days),
            drafts_before=now - KEEP_DRAFTS,
        )
    await app.perks.tidy()


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
        await asyncio.sleep(interval.total_seconds())


@dataclass(frozen=True, slots=True)
class Job:
    """Something that is done again and again. Every turn may be repeated or cut short."""

    name: str
    every: Callable[[App], timedelta]
    turn: Callable[[App], Awaitable[None]]
    first: timedelta = timedelta(0)  # how long after the start
    everywhere: bool = False  # in each process; else one of them does it for all


JOBS: Final = (
    Job("sweep", lambda app: app.settings.recheck_every, recheck_everybody, timedelta(seconds=5)),
    Job("index", lambda app: app.settings.index_every, follow),
    Job("compare", lambda _: COMPARE_EVERY, compare_all, COMPARE_EVERY),
    Job("waiting", lambda _: RETRY_EVERY, look_again, RETRY_EVERY),
    Job("reminders", lambda _: REMIND_EVERY, remind, REMIND_EVERY),
    Job("seats", lambda app: app.settings.recheck_every, look_at_seats, SEATS_AFTER),
    Job("tidy", lambda _: TIDY_EVERY, tidy),
    Job("learn", lambda _: LEARN_EVERY, lambda app: app.learning.refresh(), LEARN_EVERY, True),
)
"""The clock of a town: one line a job."""


async def run(app: App) -> None:
    """All jobs, until cancelled."""
    async with asyncio.TaskGroup() as group:
        app.start_pump = lambda pump: group.create_task(every(RESTART_AFTER, pump.run))
        for pump in app.pumps.values():
            app.start_pump(pump)
        for job in JOBS:
            group.create_task(every(job.every(app), partial(job.turn, app), first=job.first))
