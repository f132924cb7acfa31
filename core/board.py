"""What is written on the web: posts in rooms, and messages to one person."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from core.announcements import Outgoing
from core.tables import RoomPostRow, WebMessageRow

BOARD: Final = "board"
"""The place of what is for everybody; the home page shows it."""

MAX_POST: Final = 500
MAX_NICKNAME: Final = 24


async def posts(session: AsyncSession, place: str, *, limit: int = 100) -> Sequence[RoomPostRow]:
    """The newest posts of a room or of the board, newest first."""
    rows = await session.scalars(
        select(RoomPostRow)
        .where(RoomPostRow.gate == place)
        .order_by(RoomPostRow.id.desc())
        .limit(limit)
    )
    return rows.all()


async def write(
    session: AsyncSession, place: str, *, member_id: int, author: str, body: str, now: datetime
) -> None:
    session.add(
        RoomPostRow(
            gate=place,
            member_id=member_id,
            author=author[:MAX_NICKNAME],
            body=body[:MAX_POST],
            created_at=now,
        )
    )
    await session.flush()


async def post_official(
    session: AsyncSession, place: str, message: Outgoing, *, delivery: int, now: datetime
) -> int:
    """Put an announcement up once; the same delivery again changes nothing. Returns its number."""
    row = RoomPostRow(
        gate=place,
        author=message.sender[:64],
        official=True,
        heading=message.heading[:200],
        body=message.body,
        delivery_id=delivery,
        created_at=now,
    )
    return await _once(session, row)


async def messages(session: AsyncSession, account_id: int) -> Sequence[WebMessageRow]:
    """What was sent to one person, newest first."""
    rows = await session.scalars(
        select(WebMessageRow)
        .where(WebMessageRow.account_id == account_id)
        .order_by(WebMessageRow.id.desc())
        .limit(50)
    )
    return rows.all()


async def opened(session: AsyncSession, account_id: int, *, now: datetime) -> None:
    """Its person has all their messages before them; of each the first time counts."""
    await session.execute(
        update(WebMessageRow)
        .where(WebMessageRow.account_id == account_id, WebMessageRow.opened_at.is_(None))
        .values(opened_at=now)
        .execution_options(synchronize_session=False)
    )


async def message(session: AsyncSession, account_id: int, number: int) -> WebMessageRow | None:
    row = await session.get(WebMessageRow, number)
    return row if row is not None and row.account_id == account_id else None


async def answered(session: AsyncSession, account_id: int, number: int) -> None:
    """The button under a message has done its work."""
    if (row := await message(session, account_id, number)) is not None:
        row.action = None


async def send(
    session: AsyncSession, account_id: int, outgoing: Outgoing, *, delivery: int, now: datetime
) -> int:
    """Keep a message for one person once. Returns its number."""
    row = WebMessageRow(
        account_id=account_id,
        heading=outgoing.heading[:200],
        body="\n\n".join(part for part in (outgoing.body, outgoing.footnote) if part),
        action=outgoing.action[0][1] if outgoing.action else None,
        delivery_id=delivery,
        created_at=now,
    )
    return await _once(session, row)


async def forget_posts(session: AsyncSession, *, before: datetime) -> None:
    """Delete what is older than the town keeps it (``[retention] room_post_days``)."""
    await session.execute(delete(RoomPostRow).where(RoomPostRow.created_at < before))


async def _once(session: AsyncSession, row: RoomPostRow | WebMessageRow) -> int:
    """Add a row unless its delivery is there already; the unique constraint decides."""
    table = type(row)
    try:
        async with session.begin_nested():
            session.add(row)
    except IntegrityError:
        found = select(table.id).where(table.delivery_id == row.delivery_id)
        return (await session.scalars(found)).one()
    return row.id
