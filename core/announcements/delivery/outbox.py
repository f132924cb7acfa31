"""The outbox: what is to leave, from when on, and what is to be changed after it has arrived."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from core.announcements.audience import count
from core.announcements.delivery.changes import DELIVERY
from core.announcements.delivery.lanes import DeliveryState, lane_code
from core.announcements.delivery.lanes import milliseconds as ms
from core.announcements.missing import missed
from core.announcements.nouns import AnnouncementState, Kind
from core.announcements.records import audience, get, move, step
from core.tables import AccountRow, AnnouncementRunRow

BEFORE_ALL: Final = -(2**40)
"""A cursor before every recipient."""

__all__ = ["amend", "begin", "expire", "missed", "put", "put_each"]


async def begin(
    session: AsyncSession,
    announcement_id: int,
    platforms: Sequence[str],
    now: datetime,
    found: Mapping[str, int] | None = None,
) -> None:
    """Let an announcement leave, once; the caller has put it into ``sending``.

    Posts in rooms are written down. Of members nobody is: a cursor walks over the accounts that
    are there now, and each is looked at in their turn. `total` says how many that would be now:
    `found` by platform, where it was counted before.
    """
    row = await get(session, announcement_id)
    whom = audience(row)
    if found is None:
        found = await count(session, whom, now=now)
    first = last = 0
    if whom.kind is Kind.ROOM:
        lanes = {
            -number: lane_code(platform, Kind.ROOM)
            for number, (platform, _) in enumerate(whom.places, 1)
        }
        await put(session, announcement_id, lanes, now)
    else:
        ends = await session.execute(select(func.min(AccountRow.id), func.max(AccountRow.id)))
        first, last = (each or 0 for each in ends.one())
    session.add_all(
        AnnouncementRunRow(
            announcement_id=announcement_id,
            platform=platform,
            active=platform in found,
            cursor=max(first - 1, 0),
            last=last if platform in found else 0,
            claimed=found.get(platform, 0) if whom.kind is Kind.ROOM else 0,
        )
        for platform in platforms
    )
    row.total = sum(found.values())
    await session.flush()


async def put(
    session: AsyncSession, announcement_id: int, lanes: Mapping[int, int], now: datetime
) -> None:
    """Write recipients down, each with its lane, due now."""
    places = [(announcement_id, recipient, lane) for recipient, lane in lanes.items()]
    await put_each(session, places, now)


async def put_each(
    session: AsyncSession, places: Sequence[tuple[int, int, int]], now: datetime
) -> None:
    """The same for many announcements at once: number, recipient and lane of each."""
    if not places:
        return
    rows = [
        {
            "announcement_id": announcement_id,
            "recipient": recipient,
            "lane": lane,
            "state": DeliveryState.WAITING,
            "attempts": 0,
            "in_doubt": 0,
            "revision": 1,
            "due_at": ms(now),
        }
        for announcement_id, recipient, lane in places
    ]
    await session.execute(insert(DELIVERY), rows)


async def hold_runs(session: AsyncSession, announcement_id: int) -> None:
    """Let no pump go on with it before the commit. To be asked before the announcement's row."""
    run = AnnouncementRunRow
    await session.execute(
        select(run.platform)
        .where(run.announcement_id == announcement_id)
        .order_by(run.platform)
        .with_for_update()
    )


async def amend(session: AsyncSession, announcement_id: int) -> None:
    """Begin to change what has arrived, or to take it back: as the newest revision says.

    May be repeated; what was changed already is left alone. The announcement's `amended` and
    `amend_failed` count how far it has gone.
    """
    await session.execute(
        update(AnnouncementRunRow)
        .where(AnnouncementRunRow.announcement_id == announcement_id)
        .values(amend_cursor=BEFORE_ALL, active=True)
        .execution_options(synchronize_session=False)
    )


async def expire(session: AsyncSession, announcement_id: int, *, now: datetime) -> None:
    """The deadline has come: what has not left stays, counted by `waiting`."""
    row = await get(session, announcement_id)
    before = {AnnouncementState.SENDING, AnnouncementState.PAUSED}
    stopped = await move(
        session,
        announcement_id,
        before,
        AnnouncementState.CANCELLED,
        paused_why="deadline",
        finished_at=now,
    )
    if stopped:
        detail = {"left": max(row.total - row.settled, 0)}
        await step(session, announcement_id, "too-late", by="kankei", now=now, detail=detail)
