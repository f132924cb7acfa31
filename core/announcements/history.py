"""How far announcements have gone, for staff."""

from collections.abc import Collection
from dataclasses import replace

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from core.announcements.nouns import Announcement, AnnouncementState, Kind
from core.announcements.reads import reads
from core.announcements.records import announcement, get
from core.tables import AnnouncementRow


async def progress(session: AsyncSession, announcement_id: int) -> Announcement:
    """How far it has gone, and how many have read it where that is known. Raises `NotFound`."""
    found = announcement(await get(session, announcement_id))
    return replace(found, reads=await reads(session, announcement_id))


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
