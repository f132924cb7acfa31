"""What members want to hear of. All topics together are off while somebody wants no messages."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.ext.asyncio import AsyncSession

from core.announcements.nouns import Fault
from core.errors import BadAnnouncement
from core.tables import WishRow
from core.town import TownPack


async def wants(session: AsyncSession, member_id: int, *, town: TownPack) -> Mapping[str, bool]:
    """Each topic of the pack in its order, and whether the member wants to hear of it."""
    rows = await session.scalars(select(WishRow).where(WishRow.member_id == member_id))
    said = {row.topic: row.wants for row in rows}
    return {each.name: said.get(each.name, each.default) for each in town.announcements.topics}


async def set_topic(
    session: AsyncSession,
    member_id: int,
    topic: str,
    *,
    wants: bool,
    town: TownPack,
    now: datetime,
) -> None:
    """Keep what a member says about a topic. Raises `BadAnnouncement` for one of no pack."""
    if town.topic(topic) is None:
        raise BadAnnouncement(Fault.TOPIC, topic)
    on_sqlite = session.get_bind().dialect.name == "sqlite"
    said = (sqlite_insert if on_sqlite else postgresql_insert)(WishRow).values(
        member_id=member_id, topic=topic, wants=wants, said_at=now
    )
    await session.execute(
        said.on_conflict_do_update(
            index_elements=[WishRow.member_id, WishRow.topic],
            set_={"wants": wants, "said_at": now},
        )
    )


async def export(session: AsyncSession, member_id: int) -> list[Mapping[str, object]]:
    """What a member chose, for themselves."""
    rows = await session.scalars(
        select(WishRow).where(WishRow.member_id == member_id).order_by(WishRow.topic)
    )
    return [
        {"topic": row.topic, "wants": row.wants, "since": row.said_at.isoformat()} for row in rows
    ]
