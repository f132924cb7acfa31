"""What runs on a clock: each job once for all processes, and the pumps in every one.

`JOBS` is the clock of a town. A turn is a plain function that may be repeated or cut short.
`bots.jobs.clockwork` says when a turn is due, `bots.jobs.engine` remembers what was begun,
`bots.jobs.janitor` settles what dead workers left.
"""

from datetime import time, timedelta
from typing import Final

from bots.app import App
from bots.following import compare_all, follow
from bots.jobs import lives
from bots.jobs.clockwork import (
    RESTART_AFTER,
    ClockEnded,
    Clockwork,
    at_work,
    every,
    one_machine,
    title,
)
from bots.jobs.engine import VERSION
from bots.jobs.gatherings import look_at_seats, remind
from bots.jobs.job import Job, following, next_daily
from bots.jobs.presence import Elsewhere, NameTaken
from bots.jobs.stories import CLOSED, FAILED
from bots.jobs.sweeps import Waiting, look_again, recheck_everybody, tell_of_changes
from bots.jobs.tidying import tidy
from bots.operations.upgrades import LOOK_EVERY, notice_newer_schema
from core import turns, workers
from core.database import transaction

RETRY_EVERY: Final = timedelta(minutes=1)
LEARN_EVERY: Final = timedelta(seconds=10)  # another worker may have answered something
COMPARE_EVERY: Final = timedelta(hours=1)
TIDY_EVERY: Final = timedelta(hours=1)
START_EVERY: Final = timedelta(seconds=5)
ADOPT_EVERY: Final = timedelta(seconds=30)
REMIND_EVERY: Final = timedelta(seconds=30)
SEATS_AFTER: Final = timedelta(minutes=2)
KEEP_DONE: Final = timedelta(days=1)
KEEP_FAILED: Final = timedelta(days=30)  # what went wrong, and workers that are no more


async def clear_books(app: App) -> None:
    """Forget turns that are over, workers that have long been gone, and jobs that are no more."""
    now = app.clock()
    async with transaction(app.sessions) as session:
        await workers.forget(session, before=now - KEEP_FAILED)
        await turns.take_off(session, {each.name for each in JOBS}, before=now - KEEP_DONE)
    if app.clockwork is not None and app.clockwork.engine.open:
        await app.clockwork.engine.forget_old(CLOSED, before=now - KEEP_DONE)
        await app.clockwork.engine.forget_old(FAILED, before=now - KEEP_FAILED)


JOBS: Final[tuple[Job, ...]] = (
    Job(
        "sweep",
        lambda app: app.settings.recheck_every,
        recheck_everybody,
        timedelta(seconds=5),
        troubles=("sweep", "by-hand", "changes", "silent-sweep"),
    ),
    Job(
        "index",
        lambda app: app.settings.index_every,
        follow,
        troubles=("index", "moved", "silent-index"),
    ),
    Job("compare", lambda _: COMPARE_EVERY, compare_all, COMPARE_EVERY),
    Job("waiting", lambda _: RETRY_EVERY, look_again, RETRY_EVERY, everywhere=True),
    Job("reminders", lambda _: REMIND_EVERY, remind, REMIND_EVERY),
    Job("seats", lambda app: app.settings.recheck_every, look_at_seats, SEATS_AFTER),
    Job("schema", lambda _: LOOK_EVERY, notice_newer_schema, LOOK_EVERY, everywhere=True),
    Job("tidy", lambda _: TIDY_EVERY, tidy),
    Job("start", lambda _: START_EVERY, lives.start_due, everywhere=True),
    Job("announcements", lambda _: ADOPT_EVERY, lives.adopt),
    Job("pauses", lambda _: ADOPT_EVERY, lives.tell_of_pauses, everywhere=True),
    Job("staff-news", lambda _: START_EVERY, lives.tell_news, START_EVERY),
    Job("books", lambda _: timedelta(days=1), clear_books, timedelta(hours=1), at=time(4, 10)),
    Job("learn", lambda _: LEARN_EVERY, lambda app: app.learning.refresh(), LEARN_EVERY, True),
)
"""The clock of a town: one line a job."""


async def run(app: App) -> None:
    """All jobs, until cancelled. Raises `NameTaken` if another process has this worker's name."""
    async with at_work(app, JOBS, duties="jobs") as clockwork:
        await clockwork.run()


__all__ = [
    "JOBS",
    "RESTART_AFTER",
    "VERSION",
    "ClockEnded",
    "Clockwork",
    "Elsewhere",
    "Job",
    "NameTaken",
    "Waiting",
    "at_work",
    "every",
    "following",
    "look_again",
    "look_at_seats",
    "next_daily",
    "one_machine",
    "recheck_everybody",
    "remind",
    "run",
    "tell_of_changes",
    "tidy",
    "title",
]
