"""What members want to hear of. All topics together are off while somebody wants no messages."""

from collections.abc import Mapping

from sqlalchemy.ext.asyncio import AsyncSession

from core.announcements.nouns import Fault
from core.errors import BadAnnouncement
from core.identity import keep_wish, wishes_of
from core.town import TownPack


async def wants(session: AsyncSession, member_id: int, *, town: TownPack) -> Mapping[str, bool]:
    """Each topic of the pack in its order, and whether the member wants to hear of it."""
    said = await wishes_of(session, member_id)
    return {each.name: said.get(each.name, each.default) for each in town.announcements.topics}


async def set_topic(
    session: AsyncSession, member_id: int, topic: str, *, wants: bool, town: TownPack
) -> None:
    """Keep what a member says about a topic. Raises `BadAnnouncement` for one of no pack."""
    if town.topic(topic) is None:
        raise BadAnnouncement(Fault.TOPIC, topic)
    await keep_wish(session, member_id, topic, wants=wants)
