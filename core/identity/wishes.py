"""What members said they want to hear of, and what of two wishes holds when they are one person."""

from typing import Final

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.ext.asyncio import AsyncSession

from core.tables import MemberRow, WishRow

ALL: Final = "*"
"""In place of a topic: direct messages at all. No topic of a pack is called so."""


async def wishes_of(session: AsyncSession, member_id: int) -> dict[str, bool]:
    """What they said, by topic; what is not there they have not chosen."""
    rows = await session.scalars(
        select(WishRow)
        .where(WishRow.member_id == member_id)
        .order_by(WishRow.topic)
        .execution_options(populate_existing=True)
    )
    return {row.topic: row.wants for row in rows}


async def keep_wish(session: AsyncSession, member_id: int, topic: str, *, wants: bool) -> None:
    """Keep what a member says about a topic; the last word holds."""
    on_sqlite = session.get_bind().dialect.name == "sqlite"
    said = (sqlite_insert if on_sqlite else postgresql_insert)(WishRow).values(
        member_id=member_id, topic=topic, wants=wants
    )
    await session.execute(
        said.on_conflict_do_update(
            index_elements=[WishRow.member_id, WishRow.topic], set_={"wants": wants}
        )
    )


async def set_wants_messages(session: AsyncSession, member_id: int, *, wants: bool) -> None:
    """Direct messages, or none."""
    await session.execute(
        update(MemberRow).where(MemberRow.id == member_id).values(wants_messages=wants)
    )
    await keep_wish(session, member_id, ALL, wants=wants)


async def join_wishes(session: AsyncSession, gone: MemberRow, stays: MemberRow) -> None:
    """Before two members become one: of two wishes the stricter holds.

    Who never chose has no wish: a browser that nobody asked does not silence a chat.
    """
    both = [await wishes_of(session, each.id) for each in (gone, stays)]
    for topic in sorted({*both[0], *both[1]} - {ALL}):
        said = [each[topic] for each in both if topic in each]
        await keep_wish(session, stays.id, topic, wants=all(said))
    refused = any(each.get(ALL) is False for each in both)
    wanted = gone.wants_messages or stays.wants_messages
    if refused or wanted:
        await set_wants_messages(session, stays.id, wants=wanted and not refused)
