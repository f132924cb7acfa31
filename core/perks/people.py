"""Who a person is to the counters, what is kept of them, and what remains when they leave.

Uses are counted for a person by every name that we know of them: their number, their wallets, the
subjects of their other proofs, their chat accounts. Each name has its own count, so that nobody
begins anew by leaving and coming back with the same wallet, code, identity or chat account. All
names but the number are HMAC-SHA-256 with a key of the town; they go when the period is over.
A browser's account has no name that outlives it.

A contract is named by its address and chain: elsewhere it may be somebody else's. A key speaks on
every chain, so who has it has those names too, and the address alone.
"""

import hashlib
import hmac
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import select, union_all, update
from sqlalchemy.ext.asyncio import AsyncSession

from core.credentials import subjects_asked
from core.identity import accounts_asked, accounts_of, wallets_asked
from core.tables import ConflictRow, PassRow, RedemptionRow, StandingRow

BROWSER: Final = ("account", "web")
"""No name that outlives it."""


@dataclass(frozen=True, slots=True)
class Names:
    """By which names a person's uses are counted."""

    own: list[str]  # the number first; the next use is counted by each
    older: list[str]  # a contract's address alone: what was counted before chains were told apart


async def names_of(
    session: AsyncSession, member_id: int, secret: bytes, *, chains: Collection[int]
) -> Names:
    """Every name of a person. `chains`: on which a key speaks for the contract at its address."""
    asked = wallets_asked(member_id), subjects_asked(member_id), accounts_asked(member_id)
    rows = [each for each in await session.execute(union_all(*asked)) if each[:2] != BROWSER]
    own = {name for each in rows for name in _names(*each, chains)}
    older = {f"wallet:{where}" for kind, where, chain in rows if kind == "wallet" and chain} - own
    return Names(
        [f"member:{member_id}", *sorted(_hidden(each, secret) for each in own)],
        sorted(_hidden(each, secret) for each in older),
    )


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


def _names(kind: str, where: str, what: str, chains: Collection[int]) -> Iterator[str]:
    """The names of one thing that a person has."""
    if kind != "wallet":
        yield f"{kind}:{where}:{what}"
    elif what:
        yield f"wallet:{where}@{what}"
    else:
        yield f"wallet:{where}"
        yield from (f"wallet:{where}@{chain}" for chain in chains)


def _hidden(name: str, secret: bytes) -> str:
    return hmac.new(secret, b"person:" + name.encode(), hashlib.sha256).hexdigest()
