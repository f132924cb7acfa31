"""When the last message of an announcement would leave: pace, pauses of the platform, quiet hours.

A forecast, not a promise: a platform that asks for pauses on the way, or another announcement on
the same lane, makes it later.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from core.announcements.delivery.quiet import QuietHours
from core.announcements.schedule import start_of
from core.tables import LaneRow

_STEPS: Final = 2_000
"""Quiet hours begin and end at most so often before the forecast says "later than this"."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast one platform takes messages."""

    gap: timedelta  # between two messages
    free_at: datetime | None = None  # nothing leaves before


async def lanes(session: AsyncSession, rates: Mapping[str, float]) -> dict[str, Pace]:
    """The pace of each platform that has a rate; what its lane has learned and a ban count."""
    rows = {row.platform: row for row in await session.scalars(select(LaneRow))}
    found = {}
    for platform, rate in rates.items():
        if rate > 0:
            gap, row = timedelta(seconds=1 / rate), rows.get(platform)
            found[platform] = (
                Pace(max(gap, timedelta(microseconds=row.gap_us)), row.banned_until)
                if row
                else Pace(gap)
            )
    return found


def finish(
    people: Mapping[str | None, int],
    pace: Pace,
    *,
    start: datetime,
    quiet: QuietHours | None,
) -> datetime:
    """When the last of `people`, by their zones (none: the town's), is told.

    Those whose night it is wait; the others go on, at the lane's pace together.
    """
    waiting = {zone: count for zone, count in people.items() if count}
    now = max(start, pace.free_at or start)
    for _ in range(_STEPS):
        if not waiting:
            break
        asleep = {zone: end for zone in waiting if quiet and (end := quiet.end(now, zone))}
        awake = {zone: count for zone, count in waiting.items() if zone not in asleep}
        if not awake:
            now = min(asleep.values())
            continue
        done = now + sum(awake.values()) * pace.gap
        change = _next_change(now, done, awake, asleep, quiet)
        if change is None:
            waiting, now = {zone: waiting[zone] for zone in asleep}, done
            continue
        waiting = _told(waiting, awake, int((change - now) / pace.gap))
        now = change
    return now


def _next_change(
    now: datetime,
    done: datetime,
    awake: Mapping[str | None, int],
    asleep: Mapping[str | None, datetime],
    quiet: QuietHours | None,
) -> datetime | None:
    """The first moment before `done` at which a night begins or ends."""
    moments = list(asleep.values())
    if quiet is not None:
        moments += [_evening(quiet, now, zone or quiet.zone) for zone in awake]
    return min((each for each in moments if now < each < done), default=None)


def _evening(quiet: QuietHours, now: datetime, zone: str) -> datetime:
    """When the next quiet hours of a zone begin."""
    today = now.astimezone(ZoneInfo(zone)).date()
    begins = start_of(today, quiet.start, zone=zone).at
    if begins > now:
        return begins
    return start_of(today + timedelta(days=1), quiet.start, zone=zone).at


def _told(
    waiting: Mapping[str | None, int], awake: Mapping[str | None, int], count: int
) -> dict[str | None, int]:
    """Who still waits after `count` of those awake were told, each zone in its share."""
    left, rest = dict(waiting), count
    total = sum(awake.values())
    for zone, number in awake.items():
        share = min(number, count * number // total)
        left[zone] -= share
        rest -= share
    for zone in awake:
        more = min(left[zone], rest)
        left[zone] -= more
        rest -= more
    return {zone: number for zone, number in left.items() if number}
