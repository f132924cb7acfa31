"""What becomes of announcements when a town is opened again from a backup.

Between the backup and the restore the town may have sent what the backup says is still to be sent.
So nothing of it goes out by itself: staff look at each and resume it, or cancel it. Leases need no
care: they are half a minute long, and the records are older.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, update
from sqlalchemy.ext.asyncio import AsyncSession

from core.announcements.nouns import AnnouncementState, Kind
from core.announcements.records import step
from core.tables import AnnouncementRow

RESTORED: Final = "restored"
"""Why it waits, as `AnnouncementRow.paused_why` says it."""


@dataclass(frozen=True, slots=True)
class Held:
    """How many announcements a restore kept from going out."""

    paused: int  # they were going out
    drafts: int  # they would have begun between the backup and now
    cancelled: int  # past their deadline
    notices: int  # to one person each; staff have no hand in them, so they are given up


async def hold_after_restore(session: AsyncSession, *, now: datetime) -> Held:
    """Let nothing go out by itself that may have gone out since the backup.

    What was going out is paused; what should have begun since is a draft again; what is past its
    deadline is cancelled, and so are notices, which leave within seconds of their making.
    """
    sending = AnnouncementRow.state == AnnouncementState.SENDING
    notice = AnnouncementRow.kind == Kind.NOTICE
    planned = AnnouncementRow.state == AnnouncementState.SCHEDULED
    asked = AnnouncementRow.state == AnnouncementState.ASKED

    async def change(which: ColumnElement[bool], word: str, **values: Any) -> int:
        changed = await session.execute(
            update(AnnouncementRow)
            .where(which)
            .values(paused_why=RESTORED, **values)
            .returning(AnnouncementRow.id, AnnouncementRow.kind)
            .execution_options(synchronize_session=False)
        )
        rows = changed.all()
        for number, kind in rows:
            if kind != Kind.NOTICE:
                await step(session, number, word, by="kankei", now=now, detail={"why": RESTORED})
        return len(rows)

    over = {"state": AnnouncementState.CANCELLED, "finished_at": now}
    notices = await change(sending & notice, "cancelled", **over)
    cancelled = await change(
        (sending | planned | asked) & (AnnouncementRow.deadline <= now),
        "too-late",
        **over,
    )
    paused = await change(sending, "paused", state=AnnouncementState.PAUSED)
    drafts = await change(
        planned & (AnnouncementRow.start_at <= now),
        "drafted",
        state=AnnouncementState.DRAFT,
        confirmed_at=None,
        start_at=None,
        asked_by=None,
        approved_by=None,
    )
    return Held(paused, drafts, cancelled, notices)
