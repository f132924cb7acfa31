"""What a member may do with what is kept of them: see it, take it, have it deleted."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from core import announcements, credentials, events, identity, perks, questions
from core.access import Doorkeeper
from core.clock import Clock
from core.database import Sessions, transaction


async def export(session: AsyncSession, member_id: int) -> Mapping[str, Any]:
    """All that is kept of a member, as plain data for a JSON file."""
    accounts = [each.id for each in await identity.accounts_of(session, member_id)]
    return {
        **await identity.export(session, member_id),
        "proofs": await credentials.export(session, member_id),
        "announcements": await announcements.received(session, accounts),
        "questions": await questions.export(session, accounts),
        "perks": await perks.export(session, member_id),
        "events": await events.export(session, member_id),
    }


async def choose_messages(session: AsyncSession, member_id: int, *, wants: bool) -> None:
    """Direct messages, or none: then no answer that a member waited for is sent either."""
    await identity.set_wants_messages(session, member_id, wants=wants)
    if not wants:
        accounts = [each.id for each in await identity.accounts_of(session, member_id)]
        await questions.stop_telling(session, accounts)


async def leave(
    sessions: Sessions, doorkeeper: Doorkeeper, member_id: int, *, clock: Clock
) -> None:
    """Close every door of a member, then forget them.

    Raises what a platform raised if one door would not close: nothing is forgotten then, and
    leaving can be tried again.
    """
    async with doorkeeper.released(member_id), transaction(sessions) as session:
        accounts = [each.id for each in await identity.accounts_of(session, member_id)]
        await announcements.withdraw(session, accounts, now=clock())
        await questions.left(session, accounts)
        await perks.left(session, member_id)
        await events.left(session, member_id)
        await identity.forget(session, member_id, now=clock())
