"""Drafts as papers on a desk: written once more from what was sent, or thrown away."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from core.announcements.drafts import from_row
from core.announcements.nouns import AnnouncementState
from core.announcements.records import audience, hold, step
from core.errors import NotAllowed


async def duplicate(session: AsyncSession, announcement_id: int, *, by: str, now: datetime) -> int:
    """A new draft with the same words, extras and audience; returns its number.

    Raises `NotFound`.
    """
    row = await hold(session, announcement_id)
    return (await from_row(session, row, audience(row), by=by, now=now)).id


async def discard(session: AsyncSession, announcement_id: int, *, by: str, now: datetime) -> None:
    """Throw a draft away, with its picture. Raises `NotFound`, `NotAllowed` if it is no draft."""
    row = await hold(session, announcement_id)
    if row.state != AnnouncementState.DRAFT:
        raise NotAllowed(f"it is {row.state}")
    await session.delete(row)
    await step(session, announcement_id, "discarded", by=by, now=now)
    await session.flush()
