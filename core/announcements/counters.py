"""What the last results mean for an announcement: it is over, or too much goes wrong."""

from datetime import datetime

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from core.announcements.nouns import AnnouncementState
from core.tables import AnnouncementRow


async def finish_if_settled(session: AsyncSession, announcement_id: int, *, now: datetime) -> None:
    """The last result finishes an announcement."""
    settled = (
        AnnouncementRow.delivered
        + AnnouncementRow.blocked
        + AnnouncementRow.failed
        + AnnouncementRow.unsure
    )
    await session.execute(
        update(AnnouncementRow)
        .where(
            AnnouncementRow.id == announcement_id,
            AnnouncementRow.total <= settled,
            AnnouncementRow.state == AnnouncementState.SENDING,
        )
        .values(state=AnnouncementState.DONE, finished_at=now)
    )
