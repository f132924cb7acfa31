"""The life of an announcement: follow it until it is over, then report to staff, once.

Messages do not depend on it. `start_due` is asked every few seconds in every process, and the
pumps send what is due whether or not anybody follows.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping
from functools import partial
from typing import Any, Final

from bots import texts
from bots.app import App
from bots.jobs.stories import life_id
from core import announcements
from core.announcements import Announcement, AnnouncementState
from core.database import reading, transaction
from core.errors import NotFound, RecordsUnavailable

logger = logging.getLogger(__name__)

OPEN: Final = frozenset(
    {AnnouncementState.SCHEDULED, AnnouncementState.SENDING, AnnouncementState.PAUSED}
)
OVER: Final = frozenset({AnnouncementState.DONE, AnnouncementState.CANCELLED})
FOLLOW_EVERY: Final = 5.0  # seconds
AT_MOST: Final = 1000  # are followed at once


async def start_due(app: App) -> None:
    """Start what is due, and cancel what would come after its deadline."""
    now = app.clock()
    async with reading(app.sessions) as session:
        counted = await announcements.count_due(session, now=now)
    async with transaction(app.sessions) as session:
        started = await announcements.start_due(session, now=now, counted=counted)
    if started:
        app.wake()


async def adopt(app: App) -> None:
    """See to it that every open announcement is followed by one process."""
    if app.clockwork is None:
        return
    async with reading(app.sessions) as session:
        known = await announcements.history(session, states=OPEN, limit=AT_MOST)
    for each in known:
        story = life_id(each.id, each.confirmed_at or each.created_at)
        await app.clockwork.follow(each.id, story)


async def tell_of_pauses(app: App) -> None:
    """What was paused because too much failed: a line in the console until it goes on."""
    async with reading(app.sessions) as session:
        paused = await announcements.failing(session)
    language = app.happenings.language
    app.troubles["announcements"] = [
        texts.say("jobs.trouble.failing", language, number=each.id) for each in paused
    ]


async def tell_news(app: App) -> None:
    """Notices to staff: what has to be agreed to, paused, is over, came too late."""
    staff = {
        (platform, account): app.settings.staff_name(platform, account)
        for platform, _, account in _staff(app)
    }
    async with transaction(app.sessions) as session:
        told = await announcements.tell_news(session, staff, now=app.clock())
    if told:
        app.wake()


def _staff(app: App) -> Iterator[tuple[str, str, str]]:
    return (each.partition(":") for each in sorted(app.settings.staff))


def steps(app: App) -> Mapping[str, Callable[[int], Awaitable[Any]]]:
    """The steps of one life, by name; each may be repeated."""
    return {
        "follow": partial(follow, app),
        "report": partial(report, app),
    }


async def _progress(app: App, number: int) -> Announcement | None:
    """``None``: it is no more, such as after a restored backup."""
    while True:
        try:
            async with reading(app.sessions) as session:
                return await announcements.progress(session, number)
        except NotFound:
            return None
        except RecordsUnavailable as error:
            logger.warning("life-waits-for-database", extra={"reason": str(error)})
            await asyncio.sleep(FOLLOW_EVERY)


async def follow(app: App, number: int) -> str:
    """Wait until it is over, or a draft again, or no more; returns what it became."""
    while True:
        found = await _progress(app, number)
        if found is None or found.state not in OPEN:
            return found.state if found else "gone"
        await asyncio.sleep(FOLLOW_EVERY)  # another process may be the one that sends


async def report(app: App, number: int) -> str:
    """Tell staff once what came of it; of one that became a draft again there is nothing to say."""
    found = await _progress(app, number)
    if found is None or found.state not in OVER:
        return found.state if found else "gone"
    app.happenings.tell(
        f"jobs.happening.{'cancelled' if found.state is AnnouncementState.CANCELLED else 'sent'}",
        number=number,
        delivered=found.delivered,
        total=found.total,
        blocked=found.blocked,
        failed=found.failed + found.unsure,
    )
    return found.state
