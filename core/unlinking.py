"""Staff take a card off a member: it was lost, stolen, or proved for somebody else.

The member is told with the reason, their rooms are looked at again by the caller and close with
notice and grace as always, and whoever has the key or the contract may prove it again.
"""

from datetime import datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from core import announcements
from core.announcements import Notice
from core.errors import NotAllowed
from core.identity import Wallet, accounts_of, unlink_wallet

MAX_REASON: Final = 200


async def unlink_by_staff(
    session: AsyncSession,
    member_id: int,
    wallet: Wallet,
    *,
    called: str,
    reason: str,
    by: str,
    now: datetime,
) -> bool:
    """Take a card, and what is linked by way of it, off a member, and tell them why.

    `called`: how the card is named to them. Returns whether it was still linked: of two who press
    at once one takes it off, and the member hears of it once.

    Raises `NotAllowed` without a reason, or with one of more than 200 characters.
    """
    reason = reason.strip()
    if not 1 <= len(reason) <= MAX_REASON:
        raise NotAllowed(f"taking a card off needs a reason of at most {MAX_REASON} characters")
    gone = await unlink_wallet(
        session,
        member_id,
        wallet.address,
        chain_id=wallet.chain_id,
        by=by,
        now=now,
        reason=reason,
    )
    if gone:
        values = {"card": called, "why": reason}
        accounts = await accounts_of(session, member_id)
        await announcements.notify_all(
            session, [Notice(each, "card-unlinked", values) for each in accounts], now=now
        )
    return gone
