"""Drafts as papers on a desk: written once more from what was sent, or thrown away."""

from dataclasses import replace
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from core.announcements import pictures
from core.announcements.drafts import remember
from core.announcements.nouns import AnnouncementState, Extras
from core.announcements.records import audience, hold, keep_audience, step
from core.errors import NotAllowed
from core.tables import AnnouncementRow


async def duplicate(session: AsyncSession, announcement_id: int, *, by: str, now: datetime) -> int:
    """A new draft with the same words, extras and audience; returns its number.

    Raises `NotFound`.
    """
    row = await hold(session, announcement_id)
    extras = Extras.unpacked(row.extras)
    if extras.picture is not None:
        twin = await pictures.copy(session, extras.picture, now=now)
        extras = replace(extras, picture=twin)
    draft = AnnouncementRow(
        kind=row.kind,
        state=AnnouncementState.DRAFT,
        author=by[:64],
        texts=row.texts,
        extras=extras.packed(),
        revision=1,
        created_at=now,
    )
    keep_audience(draft, audience(row))
    session.add(draft)
    await session.flush()
    if extras.picture is not None:
        await pictures.attach(session, extras.picture, draft.id)
    remember(session, draft, by=by, now=now)
    await session.flush()
    return draft.id


async def discard(session: AsyncSession, announcement_id: int, *, by: str, now: datetime) -> None:
    """Throw a draft away, with its picture. Raises `NotFound`, `NotAllowed` if it is no draft."""
    row = await hold(session, announcement_id)
    if row.state != AnnouncementState.DRAFT:
        raise NotAllowed(f"it is {row.state}")
    await session.delete(row)
    await step(session, announcement_id, "discarded", by=by, now=now)
    await session.flush()
