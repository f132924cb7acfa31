"""Two members who prove the same thing are one person, once both accounts have said so.

Who proves it now has spoken by proving, in an account that is theirs: nobody else has the wallet's
key, or signs in at the provider as this person. The other account is asked, and only its word makes
them one (`core.identity.merge`). A member who is nothing but a browser gives way without asking:
that is a resident whose browser is new, and who has just proved to be the member.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from core import announcements, browsers
from core.errors import WalletTaken
from core.identity import Account, accounts_of, open_proposal, propose_merge


@dataclass(frozen=True, slots=True)
class NeedsConsent:
    """It stands for a member on another platform, who has been asked to agree."""

    platforms: tuple[str, ...]


async def one_person(
    session: AsyncSession, account: Account, other: int, *, now: datetime
) -> NeedsConsent | None:
    """`account` proved what stands for the member `other`. `None`: the account gave way to them.

    The same proof again does not ask them again while the question waits.

    Raises `WalletTaken` if both have an account on the same platform and more than a browser.
    """
    both = {"member_id": account.member_id, "other_id": other}
    asked = await open_proposal(session, **both, now=now)
    try:
        code = await propose_merge(session, **both, now=now)
    except WalletTaken:
        if not await browsers.give_way(session, account, now=now):
            raise
        return None
    others = await accounts_of(session, other)
    for each in others if asked is None else ():
        values = {"platform": account.platform}
        action = f"merge:{code}"
        await announcements.notify(session, each, "merge", values, action=action, now=now)
    return NeedsConsent(tuple(sorted({each.platform for each in others})))
