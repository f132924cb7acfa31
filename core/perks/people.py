"""Who a person is to the counters, what is kept of them, and what remains when they leave.

Uses are counted for a person by every name that we know of them: their number, their wallets, the
subjects of their other proofs, their chat accounts. Each name has its own count, so that nobody
begins anew by leaving and coming back with the same wallet, code, identity or chat account. All
names but the number are HMAC-SHA-256 with a key of the town; they go when the period is over.
A browser's account has no name that outlives it.
"""

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import select, union_all, update
from sqlalchemy.ext.asyncio import AsyncSession

from core.credentials import subjects_asked
from core.identity import accounts_asked, accounts_of, wallets_asked
from core.tables import ConflictRow, PassRow, RedemptionRow, StandingRow

BROWSER: Final = ("account", "web")
"""No name that outlives it."""


async def names_of(session: AsyncSession, member_id: int, secret: bytes) -> list[str]:
    """Every name of a person, the number first."""
    asked = wallets_asked(member_id), subjects_asked(member_id), accounts_asked(member_id)
    rows = await session.execute(union_all(*asked))
    known = [_name(kind, where, what) for kind, where, what in rows if (kind, where) != BROWSER]
    return [f"member:{member_id}", *sorted(_hidden(each, secret) for each in known)]


async def has_chat(session: AsyncSession, member_id: int) -> bool:
    """Whether somebody has an account that costs more than opening another browser."""
    return any(each.platform != "web" for each in await accounts_of(session, member_id))


async def export(session: AsyncSession, member_id: int) -> Mapping[str, Any]:
    """What is kept of a member here, as plain data: uses, passes, and the last yes of each gate."""
    mine = select(RedemptionRow).where(RedemptionRow.member_id == member_id)
    uses = await session.scalars(mine.order_by(RedemptionRow.id))
    passes = await session.scalars(
        select(PassRow).where(PassRow.member_id == member_id).order_by(PassRow.issued_at)
    )
    standings = await session.scalars(select(StandingRow).where(StandingRow.member_id == member_id))
    return {
        "uses": [
            {
                "perk": row.perk,
                "facility": row.facility,
                "at": row.at.isoformat(),
                "kind": row.kind,
                "token": row.token,
                "value_yen": row.value_yen,
                "undone": row.undone_at.isoformat() if row.undone_at else None,
            }
            for row in uses
        ],
        "passes": [
            {"perk": row.perk, "token": row.token, "issued": row.issued_at.isoformat()}
            for row in passes
        ],
        "entitled": [
            {"room": row.gate, "token": row.token or None, "read": row.at.isoformat()}
            for row in standings
        ],
    }


async def left(session: AsyncSession, member_id: int) -> None:
    """Take the person out of what must stay: the settlement's rows and open conflicts.

    The counts of cards and of the person's hidden names stay until their periods are over.
    """
    for table in (RedemptionRow, ConflictRow):
        await session.execute(
            update(table).where(table.member_id == member_id).values(member_id=None, token=None)
        )


def _name(kind: str, where: str, what: str) -> str:
    """One name. The same address is another wallet where another chain's code speaks for it."""
    if kind == "wallet":
        return f"wallet:{where}@{what}" if what else f"wallet:{where}"
    return f"{kind}:{where}:{what}"


def _hidden(name: str, secret: bytes) -> str:
    return hmac.new(secret, b"person:" + name.encode(), hashlib.sha256).hexdigest()
