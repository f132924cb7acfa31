"""The delivery rows: their results, counted; who may read them, and when they go."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, delete, func, insert, literal, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from core.announcements.audience import candidates
from core.announcements.counters import finish_if_settled
from core.announcements.nouns import AnnouncementState, Kind
from core.announcements.records import audience, get
from core.tables import AccountRow, AnnouncementRow, DeliveryRow


async def begin(
    session: AsyncSession, announcement_id: int, platforms: Sequence[str], now: datetime
) -> None:
    """Write down the recipients of an announcement, once, and how many they are."""
    row = await get(session, announcement_id)
    whom = audience(row)
    if whom.kind is Kind.ROOM:
        session.add_all(
            DeliveryRow(
                announcement_id=row.id,
                platform=platform,
                target=place,
                language="ja",
                state="waiting",
                due_at=now,
            )
            for platform, place in whom.places
        )
        await session.flush()
    else:
        for platform in platforms:
            chosen = candidates(whom, platform, now=now).subquery()
            await session.execute(
                insert(DeliveryRow).from_select(
                    [
                        *("announcement_id", "account_id", "platform", "target", "language"),
                        *("state", "attempts", "in_doubt", "due_at"),
                    ],
                    select(
                        literal(row.id),
                        chosen.c.id,
                        literal(platform),
                        chosen.c.external_id,
                        chosen.c.locale,
                        literal("waiting"),
                        literal(0),
                        literal(0),
                        literal(now, DeliveryRow.due_at.type),
                    ),
                )
            )
    counted = select(func.count()).where(DeliveryRow.announcement_id == row.id)
    row.total = await session.scalar(counted) or 0
    await session.flush()


async def amend(session: AsyncSession, announcement_id: int) -> None:
    """Begin to change, or take back, what has arrived."""


def missed(announcement_id: int) -> Select[int]:
    """Account ids of those whom it did not reach."""
    return (
        select(AccountRow.id)
        .join(DeliveryRow, DeliveryRow.account_id == AccountRow.id)
        .where(
            DeliveryRow.announcement_id == announcement_id,
            DeliveryRow.state != "delivered",
        )
    )


async def recipients(
    session: AsyncSession, announcement_id: int, *, limit: int = 100_000
) -> Sequence[Mapping[str, Any]]:
    """The result for each recipient, for the CSV: members by number, rooms by place."""
    rows = await session.execute(
        select(DeliveryRow, AccountRow.member_id)
        .outerjoin(AccountRow, AccountRow.id == DeliveryRow.account_id)
        .where(DeliveryRow.announcement_id == announcement_id)
        .order_by(DeliveryRow.id)
        .limit(limit)
    )
    return [
        {
            "recipient": f"member:{member}" if row.account_id else row.target,
            "platform": row.platform,
            "language": row.language,
            "result": row.state,
            "reason": row.reason or "",
            "attempts": row.attempts,
        }
        for row, member in rows
    ]


async def received(session: AsyncSession, account_ids: Sequence[int]) -> list[Mapping[str, Any]]:
    """What was sent to these accounts, for the person whose accounts they are."""
    rows = await session.execute(
        select(DeliveryRow, AnnouncementRow)
        .join(AnnouncementRow, AnnouncementRow.id == DeliveryRow.announcement_id)
        .where(DeliveryRow.account_id.in_(account_ids))
        .order_by(DeliveryRow.id)
    )
    return [
        {
            "announcement": announcement.id,
            "kind": announcement.kind,
            "at": announcement.created_at.isoformat(),
            "platform": row.platform,
            "result": row.state,
        }
        for row, announcement in rows
    ]


async def withdraw(session: AsyncSession, account_ids: Sequence[int], *, now: datetime) -> None:
    """Take a person out of the outbox, their address out of the results, and their notices' words.

    A notice may quote what they asked.
    """
    await session.execute(
        update(AnnouncementRow)
        .where(
            AnnouncementRow.kind == Kind.NOTICE,
            AnnouncementRow.id.in_(
                select(DeliveryRow.announcement_id).where(DeliveryRow.account_id.in_(account_ids))
            ),
        )
        .values(texts={"key": "left", "values": {}})
        .execution_options(synchronize_session=False)
    )
    rows = await session.scalars(
        select(DeliveryRow).where(DeliveryRow.account_id.in_(account_ids)).with_for_update()
    )
    for row in rows:
        row.target, row.message_id = f"left:{row.id}", None
        if row.state in {"waiting", "sending"}:
            await settle(session, row, "failed", "left the town", now=now)


async def settle(
    session: AsyncSession, row: DeliveryRow, state: str, reason: str | None, *, now: datetime
) -> None:
    """Give one delivery its result and count it."""
    conclude(row, state, reason)
    await session.flush()
    await tally(session, row.announcement_id, state, 1, now=now)


def conclude(row: DeliveryRow, state: str, reason: str | None) -> str:
    """Give a delivery its result; the caller counts it with `tally`."""
    row.state = state
    row.reason = reason[:200] if reason else None
    return state


async def tally(
    session: AsyncSession, announcement_id: int, state: str, count: int, *, now: datetime
) -> None:
    """Count results; the last one finishes the announcement."""
    counter = getattr(AnnouncementRow, state)
    await session.execute(
        update(AnnouncementRow)
        .where(AnnouncementRow.id == announcement_id)
        .values({counter: counter + count})
    )
    await finish_if_settled(session, announcement_id, now=now)


async def forget(session: AsyncSession, *, before: datetime) -> None:
    """Delete what was finished, cancelled or left a draft before a day, with every result."""
    over = (AnnouncementState.DONE, AnnouncementState.CANCELLED, AnnouncementState.DRAFT)
    await session.execute(
        delete(AnnouncementRow).where(
            AnnouncementRow.state.in_(over), AnnouncementRow.created_at < before
        )
    )
