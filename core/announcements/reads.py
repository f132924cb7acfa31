"""Who has read: only where a platform says so, and never guessed.

The web knows when a message was first on its person's page. Telegram and Discord tell a bot
nothing of the kind.
"""

from collections.abc import Mapping

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from core.announcements.delivery.lanes import delivery_number
from core.announcements.nouns import Kind
from core.tables import AnnouncementRow, AnnouncementRunRow, WebMessageRow


async def reads(session: AsyncSession, announcement_id: int) -> Mapping[str, int]:
    """How many opened it, by platform; a platform that does not say is not among them."""
    kind = await session.scalar(
        select(AnnouncementRow.kind).where(AnnouncementRow.id == announcement_id)
    )
    web = await session.get(AnnouncementRunRow, (announcement_id, "web"))
    if kind != Kind.DIRECT or web is None or not web.claimed:
        return {}
    first, end = (delivery_number(each, 0) for each in (announcement_id, announcement_id + 1))
    opened = await session.scalar(
        select(func.count()).where(
            WebMessageRow.delivery_id >= first,
            WebMessageRow.delivery_id < end,
            WebMessageRow.opened_at.is_not(None),
        )
    )
    return {"web": opened or 0}
