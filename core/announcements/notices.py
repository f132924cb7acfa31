"""Notices: something that concerns one person, in words that the locale files hold."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from core.announcements.delivery import outbox
from core.announcements.delivery.lanes import DeliveryState, lane_code
from core.announcements.nouns import AnnouncementState, Kind
from core.identity import Account
from core.tables import AnnouncementRow, DeliveryRow


@dataclass(frozen=True, slots=True)
class Notice:
    """What one person is told. `deadline`: after it the notice does not leave any more."""

    account: Account
    key: str  # of the words, under ``notice.``
    values: Mapping[str, str]
    deadline: datetime | None = None
    action: str | None = None


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
    (number,) = await notify_all(session, [Notice(account, key, values, deadline, action)], now=now)
    return number


async def notify_all(
    session: AsyncSession, notices: Sequence[Notice], *, now: datetime
) -> list[int]:
    """Tell many at once, each what concerns them, as `notify` does. Returns the numbers."""
    rows = [
        AnnouncementRow(
            kind=Kind.NOTICE,
            state=AnnouncementState.SENDING,
            author="kankei",
            texts={"key": each.key, "values": dict(each.values), "action": each.action},
            total=1,
            created_at=now,
            confirmed_at=now,
            deadline=each.deadline,
        )
        for each in notices
    ]
    session.add_all(rows)
    await session.flush()
    places = [
        (row.id, each.account.id, lane_code(each.account.platform, Kind.NOTICE))
        for row, each in zip(rows, notices, strict=True)
    ]
    await outbox.put_each(session, places, now)
    return [row.id for row in rows]


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
