"""What becomes of announcements when a town is opened again from a backup.

Between the backup and the restore the town may have sent what the backup says is still to be sent.
So nothing of it goes out by itself: staff look at each and resume it, or cancel it.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, cast

from sqlalchemy import ColumnElement, Table, delete, false, update
from sqlalchemy.ext.asyncio import AsyncSession

from core.announcements.lanes import milliseconds
from core.announcements.nouns import AnnouncementState
from core.tables import AnnouncementRow, DeliveryRow, LaneRow

RESTORED: Final = "restored"
"""Why it waits, as `AnnouncementRow.paused_why` says it."""


@dataclass(frozen=True, slots=True)
class Held:
    """How many announcements a restore kept from going out."""

    paused: int  # they were going out
    drafts: int  # they would have begun between the backup and now
    cancelled: int  # past their deadline


async def hold_after_restore(session: AsyncSession, *, now: datetime) -> Held:
    """Let nothing go out by itself that may have gone out since the backup.

    What was going out is paused; what should have begun since is a draft again; what is past its
    deadline is cancelled. Nobody holds a lease, and no lane is banned.
    """
    table = cast("Table", AnnouncementRow.__table__)
    sending = table.c.state == AnnouncementState.SENDING
    planned = table.c.state == "scheduled"
    over: ColumnElement[bool] = false()
    due: ColumnElement[bool] = false()
    why: dict[str, Any] = {}
    if "deadline" in table.c:
        over, due = table.c.deadline <= now, table.c.start_at <= now
        why = {"paused_why": RESTORED}

    async def change(which: ColumnElement[bool], **values: Any) -> int:
        changed = await session.execute(
            update(table).where(which).values(**values).returning(table.c.id)
        )
        return len(changed.all())

    cancelled = await change((sending | planned) & over, state="cancelled", finished_at=now, **why)
    paused = await change(sending, state="paused", **why)
    again = {"start_at": None} if why else {}
    drafts = await change(planned & due, state="draft", confirmed_at=None, **again, **why)
    await session.execute(
        update(DeliveryRow)
        .where(DeliveryRow.worker.is_not(None))
        .values(worker=None, due_at=milliseconds(now))
    )
    await session.execute(delete(LaneRow))
    return Held(paused, drafts, cancelled)
