"""Notices: something that concerns one person, in words that the locale files hold."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from core.announcements.delivery import outbox
from core.announcements.delivery.lanes import DeliveryState, lane_code
from core.announcements.nouns import AnnouncementState, Kind
from core.identity import Account
from core.tables import AnnouncementRow, DeliveryRow


async def notify(
    session: AsyncSession,
    account: Account,
    key: str,
    values: Mapping[str, str],
    *,
    now: datetime,
    action: str | None = None,
    deadline: datetime | None = None,
) -> int:
    """Tell one person something that concerns them, in the caller's transaction.

    The words stand in the locale files under ``notice.<key>``. Returns the notice's number.
    `deadline`: after it the notice is worth nothing and does not leave any more.
    """
    row = AnnouncementRow(
        kind=Kind.NOTICE,
        state=AnnouncementState.SENDING,
        author="kankei",
        texts={"key": key, "values": dict(values), "action": action},
        total=1,
        created_at=now,
        confirmed_at=now,
        deadline=deadline,
    )
    session.add(row)
    await session.flush()
    await outbox.put(session, row.id, {account.id: lane_code(account.platform, Kind.NOTICE)}, now)
    return row.id


async def recall(session: AsyncSession, notices: Sequence[int]) -> list[int]:
    """Stop notices of which no try has begun; returns those. What is on its way or there stays."""
    begun = select(DeliveryRow.announcement_id).where(
        DeliveryRow.announcement_id.in_(notices),
        or_(DeliveryRow.state != DeliveryState.WAITING, DeliveryRow.attempts > 0),
    )
    stopped = await session.execute(
        update(AnnouncementRow)
        .where(
            AnnouncementRow.id.in_(notices),
            AnnouncementRow.kind == Kind.NOTICE,
            AnnouncementRow.state == AnnouncementState.SENDING,
            AnnouncementRow.id.not_in(begun),
        )
        .values(state=AnnouncementState.CANCELLED)
        .returning(AnnouncementRow.id)
        .execution_options(synchronize_session=False)
    )
    return list(stopped.scalars())
