"""What a job is, and when its next turn comes."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from bots.app import App

LIMIT: Final = timedelta(hours=2)


@dataclass(frozen=True, slots=True)
class Job:
    """Something that is done again and again. Every turn may be repeated or cut short."""

    name: str
    every: Callable[[App], timedelta]
    turn: Callable[[App], Awaitable[None]]
    first: timedelta = timedelta(0)  # how long after the start
    everywhere: bool = False  # in each process; else one of them does it for all
    limit: timedelta = LIMIT  # a turn that takes longer is ended, and has failed
    at: time | None = None  # once a day at this time of the town, whatever `every` says
    troubles: tuple[str, ...] = ()  # the kinds of `App.troubles` that its last turn decides about


def following(job: Job, app: App, now: datetime) -> datetime:
    """When the turn after `now` is due."""
    if job.at is None:
        return now + job.every(app)
    return next_daily(now, job.at, ZoneInfo(app.town.town.timezone))


def next_daily(after: datetime, at: time, zone: ZoneInfo) -> datetime:
    """The next time that a clock on the wall of `zone` shows `at`, once on every day.

    On a day that has the time twice the first counts; on a day that skips it, the time which is
    as long after midnight (PEP 495, ``fold=0``).
    """
    day = after.astimezone(zone).date()
    while True:
        due = datetime.combine(day, at, tzinfo=zone).astimezone(after.tzinfo)
        if due > after:
            return due
        day += timedelta(days=1)
