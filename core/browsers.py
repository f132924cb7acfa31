"""Members who are no more than a browser, forgotten with all that waits for them.

What was to be sent to an account goes before the account does: nobody may ever get what was meant
for somebody else.
"""

from datetime import datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from core import announcements, identity
from core.identity import Account

AT_ONCE: Final = 100
"""Browsers that one call of `forget_browsers` forgets at most."""


async def give_way(session: AsyncSession, account: Account, *, now: datetime) -> bool:
    """Forget a member who has nothing but this one web account. Returns whether it was so."""
    if not await identity.only_a_browser(session, account):
        return False
    await announcements.withdraw(session, [account.id], now=now)
    await identity.forget(session, account.member_id, now=now)
    return True


async def forget_browsers(session: AsyncSession, *, before: datetime, now: datetime) -> int:
    """Forget those who only asked something before a day and wait for nothing.

    At most `AT_ONCE`; returns how many accounts it was.
    """
    idle = await identity.idle_browsers(session, before=before, limit=AT_ONCE)
    accounts = [account for _, account in idle]
    await announcements.withdraw(session, accounts, now=now)
    await identity.drop_members(session, {member for member, _ in idle})
    return len(accounts)
