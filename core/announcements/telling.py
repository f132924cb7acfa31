"""What staff are told by themselves: that an announcement was paused because too much failed."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from core.announcements.notices import notify
from core.announcements.nouns import Announcement, AnnouncementState
from core.announcements.records import announcement
from core.identity import find_account
from core.tables import AnnouncementRow


async def failing(session: AsyncSession) -> list[Announcement]:
    """What stands still because too much of it failed, the newest first."""
    rows = await session.scalars(
        select(AnnouncementRow)
        .where(
            AnnouncementRow.state == AnnouncementState.PAUSED,
            AnnouncementRow.paused_why == "failures",
        )
        .order_by(AnnouncementRow.id.desc())
    )
    return [announcement(row) for row in rows]


async def tell_staff(
    session: AsyncSession, staff: Collection[tuple[str, str]], *, now: datetime
) -> int:
    """Send staff a notice of each new pause, once; returns how many pauses.

    `staff` are (platform, id there) of the settings; who never wrote to the bot cannot be told.
    """
    rows = await session.scalars(
        select(AnnouncementRow)
        .where(
            AnnouncementRow.state == AnnouncementState.PAUSED,
            AnnouncementRow.paused_why == "failures",
            AnnouncementRow.pause_told.is_(False),
        )
        .with_for_update(skip_locked=True)
    )
    paused = rows.all()
    for row in paused:
        row.pause_told = True
        for platform, external_id in sorted(staff):
            account = await find_account(session, platform, external_id)
            if account is not None:
                values = {"number": str(row.id), "heading": row.texts["ja"]["heading"]}
                await notify(
                    session,
                    account,
                    "announcement-paused",
                    values,
                    now=now,
                    action=f"announce:progress:{row.id}",
                )
    await session.flush()
    return len(paused)
