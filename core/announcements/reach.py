"""Whom an announcement would reach, how long that takes, and whether a second person agrees.

All of it only reads: counting a million takes seconds, in which nobody should have to wait.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from core.announcements.audience import by_zone, count, people
from core.announcements.checks import checked_audience, terms_of
from core.announcements.delivery.quiet import QuietHours
from core.announcements.forecast import finish, lanes
from core.announcements.nouns import AnnouncementState, Audience, Counted, Kind, Preview, Reach
from core.announcements.records import announcement, audience, get
from core.tables import AnnouncementRow
from core.town import TownPack


async def preview(
    session: AsyncSession,
    announcement_id: int,
    *,
    town: TownPack,
    rates: Mapping[str, float],
    now: datetime,
    platforms: Collection[str],
) -> Preview:
    """How many would receive it, and when the last of them at `rates` (messages a second).

    `platforms` are those that are open: whoever is on no other is counted as unreachable.

    A lane that has learned to be slower, or has to be silent for a while, counts as it is. Only
    reads: open the session with `core.database.reading`, so that counting 100,000 members keeps
    nobody from writing.
    """
    row = await get(session, announcement_id)
    found = await reach(
        session,
        audience(row),
        town=town,
        rates=rates,
        now=now,
        start=row.start_at,
        quiet=bool(row.extras.get("quiet", True)),
        platforms=platforms,
    )
    return Preview(
        announcement(row),
        found.recipients,
        finishes_in=found.finishes_in,
        needs_second=found.needs_second,
        people=found.people,
        unreachable=found.unreachable,
    )


async def reach(
    session: AsyncSession,
    whom: Audience,
    *,
    town: TownPack,
    rates: Mapping[str, float],
    now: datetime,
    start: datetime | None = None,
    quiet: bool = True,
    platforms: Collection[str],
) -> Reach:
    """The same of an audience for which nothing is kept yet: while somebody is choosing.

    Raises `BadAnnouncement` if the pack has no such audience.
    """
    whom = checked_audience(town, whom, platforms=platforms)
    counted = await by_zone(session, _with_closed(town, whom), now=now)
    found = {platform: sum(zones.values()) for platform, zones in counted.items()}
    closed = frozenset() if whom.kind is not Kind.DIRECT else found.keys() - whom.terms.platforms
    recipients = {each: number for each, number in found.items() if each not in closed}
    direct = whom.kind is Kind.DIRECT
    reached = sum(recipients.values()) if direct else await people(session, whom, now=now)
    hours = town.announcements.quiet if direct and quiet else None
    silent = QuietHours(*hours.hours, town.town.timezone) if hours else None
    begin = max(now, start or now)
    paces = await lanes(session, rates)
    ends = [
        finish(zones, paces[platform], start=begin, quiet=silent)
        for platform, zones in counted.items()
        if platform in paces and platform not in closed
    ]
    return Reach(
        recipients,
        finishes_in=max(ends, default=begin) - begin,
        needs_second=needs_second(whom, reached),
        people=reached,
        unreachable={each: found[each] for each in sorted(closed)},
    )


def _with_closed(town: TownPack, whom: Audience) -> Audience:
    """The same with closed platforms at the end: there, who has no account on an open one."""
    named = terms_of(town, whom.topic).platforms
    every = tuple(dict.fromkeys((*whom.terms.platforms, *named)))
    return replace(whom, terms=replace(whom.terms, platforms=every))


async def count_audience(
    session: AsyncSession,
    announcement_id: int,
    *,
    town: TownPack,
    now: datetime,
    platforms: Collection[str],
) -> Counted:
    """How many it would reach on `platforms`, for who is about to `confirm` it.

    Counting a million takes seconds, in which nobody could write: open the session with
    `core.database.reading`, and give what this returns to the transaction that follows.
    """
    whom = checked_audience(
        town, audience(await get(session, announcement_id)), platforms=platforms
    )
    return await _counted(session, whom, now=now)


async def count_asked(session: AsyncSession, announcement_id: int, *, now: datetime) -> Counted:
    """The same for who is about to `approve` it: whom it was confirmed for."""
    return await _counted(session, audience(await get(session, announcement_id)), now=now)


async def count_due(session: AsyncSession, *, now: datetime) -> dict[int, Counted]:
    """The same for all that `start_due` is about to begin."""
    planned = await session.scalars(due(now))
    return {row.id: await _counted(session, audience(row), now=now) for row in planned.all()}


async def _counted(session: AsyncSession, whom: Audience, *, now: datetime) -> Counted:
    recipients = await count(session, whom, now=now)
    direct = whom.kind is Kind.DIRECT
    reached = sum(recipients.values()) if direct else await people(session, whom, now=now)
    return Counted(whom, recipients, reached)


async def fitting(
    session: AsyncSession, whom: Audience, counted: Counted | None, *, now: datetime
) -> Counted:
    """What was counted before, unless the audience has been changed since."""
    if counted is not None and counted.audience == whom:
        return counted
    return await _counted(session, whom, now=now)


def needs_second(whom: Audience, reached: int) -> bool:
    """Whether so many people are reached that a second member of staff has to agree."""
    return 0 < whom.terms.approve_above < reached


def due(now: datetime) -> Select[AnnouncementRow]:
    """What is planned for now, the first first; at most a hundred."""
    return (
        select(AnnouncementRow)
        .where(
            AnnouncementRow.state == AnnouncementState.SCHEDULED, AnnouncementRow.start_at <= now
        )
        .order_by(AnnouncementRow.start_at)
        .limit(100)
    )
