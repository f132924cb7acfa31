"""How far announcements have gone, for staff."""

from collections.abc import Collection
from dataclasses import replace

from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from core.announcements.delivery.lanes import lane_code
from core.announcements.nouns import Announcement, AnnouncementState, Kind
from core.announcements.reads import reads
from core.announcements.records import announcement, get
from core.tables import AnnouncementRow, AnnouncementRunRow, DeliveryRow


async def progress(session: AsyncSession, announcement_id: int) -> Announcement:
    """How far it has gone, and how many have read it where that is known. Raises `NotFound`."""
    found = announcement(await get(session, announcement_id))
    return replace(found, reads=await reads(session, announcement_id))


async def under_way_on(session: AsyncSession, announcement_id: int) -> list[str]:
    """The platforms on which something is left to send or to change, in order."""
    run, row = AnnouncementRunRow, DeliveryRow
    kind = Kind((await get(session, announcement_id)).kind)
    runs = await session.scalars(
        select(run)
        .where(run.announcement_id == announcement_id, run.active.is_(True))
        .order_by(run.platform)
    )
    found = []
    for each in runs.all():
        on_its_way = exists().where(
            row.lane == lane_code(each.platform, kind),
            row.announcement_id == announcement_id,
            row.due_at.is_not(None),
        )
        ahead = each.cursor < each.last or each.amend_cursor is not None
        if ahead or await session.scalar(select(on_its_way)):
            found.append(each.platform)
    return found


async def history(
    session: AsyncSession,
    *,
    states: Collection[AnnouncementState] = (),
    kind: Kind | None = None,
    topic: str | None = None,
    author: str | None = None,
    before: int | None = None,
    limit: int = 50,
) -> list[Announcement]:
    """What staff announced, newest first; notices to single persons are left out.

    `before`: only those older than this number, for the next page.
    """
    query = (
        select(AnnouncementRow)
        .where(AnnouncementRow.kind != Kind.NOTICE)
        .order_by(AnnouncementRow.id.desc())
        .limit(limit)
    )
    if states:
        query = query.where(AnnouncementRow.state.in_(states))
    if kind is not None:
        query = query.where(AnnouncementRow.kind == kind)
    if topic is not None:
        query = query.where(AnnouncementRow.topic == topic)
    if author is not None:
        query = query.where(AnnouncementRow.author == author)
    if before is not None:
        query = query.where(AnnouncementRow.id < before)
    return [announcement(row) for row in await session.scalars(query)]
