"""Wallets that stand for members: proved by a signature, or named by one that was (delegate.xyz).

The key of an address is the same on every chain; the code of a contract wallet is not. So a wallet
proved by its key counts everywhere, one proved by its contract only on the chain that was asked,
and a vault only on the chain whose registry names its delegate. The same address on another chain
is another wallet, which may be another person's. An account whose key has delegated to code
(EIP-7702) is still its key's.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import (
    Select,
    String,
    case,
    cast,
    delete,
    exists,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from core import audit
from core.errors import NotFound, WalletTaken
from core.identity.accounts import note_arrival
from core.tables import CredentialRow, WalletRow

MAX_VAULTS: Final = 20
"""So many wallets may stand behind one that a member has proved."""

EVERY_CHAIN: Final = 0
"""In the place of a chain in the records: proved by its key, it counts on all of them."""

_ByKey = aliased(WalletRow)
_COUNTS = or_(
    WalletRow.chain_id == EVERY_CHAIN,
    ~exists().where(_ByKey.address == WalletRow.address, _ByKey.chain_id == EVERY_CHAIN),
)
"""Who has an address's key has it on every chain, whoever was entered for one chain meanwhile."""


@dataclass(frozen=True, slots=True)
class Wallet:
    """A wallet that stands for a member, and where its holdings count."""

    address: str  # EIP-55
    chain_id: int | None  # the one chain on which it counts; None: on every chain
    via: str | None  # the proved wallet that acts for this one; None: proved itself

    def counts_on(self, chain_id: int) -> bool:
        """Whether what it holds on this chain is the member's."""
        return self.chain_id in (None, chain_id)


def _wallet(row: WalletRow) -> Wallet:
    return Wallet(row.address, row.chain_id or None, row.via)


async def linked_wallets(session: AsyncSession, member_id: int) -> list[Wallet]:
    """The wallets of a member with the chains on which each counts, in order of address."""
    rows = await session.scalars(
        select(WalletRow)
        .where(WalletRow.member_id == member_id, _COUNTS)
        .order_by(WalletRow.address, WalletRow.chain_id)
    )
    return [_wallet(row) for row in rows]


async def wallets_of(session: AsyncSession, member_id: int) -> list[str]:
    """The addresses alone: whom a wallet stands for, not what it opens (`linked_wallets`)."""
    return sorted({each.address for each in await linked_wallets(session, member_id)})


def wallets_asked(member_id: int) -> Select[str, str, str]:
    """For one question with others: ``wallet``, the address, and the chain, empty for every one."""
    chain = case(
        (WalletRow.chain_id == EVERY_CHAIN, ""), else_=cast(WalletRow.chain_id, String(20))
    )
    return select(literal("wallet"), WalletRow.address, chain).where(
        WalletRow.member_id == member_id, _COUNTS
    )


async def members_with_proof(session: AsyncSession) -> list[int]:
    """Everybody who has proved something: a wallet, or anything else that makes a credential."""
    wallets = select(WalletRow.member_id)
    return list(await session.scalars(wallets.union(select(CredentialRow.member_id))))


async def has_proof(session: AsyncSession, member_id: int) -> bool:
    """Whether a member has proved anything at all, be it over by now."""
    for table in (WalletRow, CredentialRow):
        found = await session.scalar(
            select(table.member_id).where(table.member_id == member_id).limit(1)
        )
        if found is not None:
            return True
    return False


async def members_at(session: AsyncSession, address: str) -> list[int]:
    """The members an address stands for: one by its key, or one a chain by its contracts."""
    found = await session.scalars(
        select(WalletRow.member_id)
        .where(WalletRow.address == address, _COUNTS)
        .order_by(WalletRow.chain_id)
    )
    return list(dict.fromkeys(found))


async def proved_holder(
    session: AsyncSession, address: str, chain_id: int, *, contract_wallet: bool
) -> int | None:
    """The member whom a proof of `address` shows to be here. `None`: it shows nobody.

    A key is the same everywhere. A contract at the same address on another chain may be another
    person's, so its signature speaks only for who is known by that address on `chain_id` alone.
    """
    rows = await _rows(session, address)
    by_key = rows.get(EVERY_CHAIN)
    if contract_wallet:
        row = rows.get(chain_id) if by_key is None else None
        return row.member_id if row is not None else None
    if by_key is not None:
        return by_key.member_id
    # A contract that signed is a person's own word; a delegation is its delegate's.
    known = sorted(rows.values(), key=lambda row: (row.via is not None, row.chain_id))
    return known[0].member_id if known else None


async def _rows(session: AsyncSession, address: str, *, lock: bool = False) -> dict[int, WalletRow]:
    """What is known of an address, by chain; `lock`: as it stands by now, until we commit."""
    asked = select(WalletRow).where(WalletRow.address == address).order_by(WalletRow.chain_id)
    if lock:
        asked = asked.with_for_update().execution_options(populate_existing=True)
    return {row.chain_id: row for row in await session.scalars(asked)}


async def link_wallet(
    session: AsyncSession,
    member_id: int,
    address: str,
    chain_id: int,
    *,
    now: datetime,
    contract_wallet: bool = False,
) -> None:
    """Let a proved wallet stand for a member; again for the same member is fine.

    Its own proof is worth more than a delegation: who proves a vault gets it, whoever had it by a
    delegate; a contract does so on the chain alone that it signed for. A key (`contract_wallet`
    false) is worth more than a contract, and takes the place of what its member had on one chain.

    Raises `WalletTaken` if another member has proved it, and `NotFound` if it cannot be entered:
    the member is gone. The primary key decides a race; of a key and a contract at once, which share
    none, the key counts.
    """
    for _ in range(2):  # Somebody was quicker by a moment: then what they entered decides.
        if await _link(
            session, member_id, address, chain_id, now=now, contract_wallet=contract_wallet
        ):
            return
    raise NotFound(f"member {member_id}")


async def _link(
    session: AsyncSession,
    member_id: int,
    address: str,
    chain_id: int,
    *,
    now: datetime,
    contract_wallet: bool,
) -> bool:
    """Whether it is the member's now; not if it could not be entered. Raises `WalletTaken`."""
    here = chain_id if contract_wallet else EVERY_CHAIN
    rows = await _rows(session, address, lock=True)
    if EVERY_CHAIN in rows:
        if rows[EVERY_CHAIN].member_id != member_id:
            raise WalletTaken
        return True
    if not contract_wallet and any(
        row.via is None and row.member_id != member_id for row in rows.values()
    ):
        raise WalletTaken
    there = rows.get(here)
    if there is not None and there.via is None:
        if there.member_id != member_id:
            raise WalletTaken
        return True
    known = any(row.member_id == member_id for row in rows.values())
    if there is not None:
        await _take_over(session, there, member_id, chain_id, now)
    elif not await _add(session, member_id, address, here, now=now, proved_on=chain_id):
        return False
    if not contract_wallet:
        for row in rows.values():
            await _give_way(session, row, member_id, now)
    if not known:
        await note_arrival(session, member_id, now=now)
    await audit.record_of_member(session, member_id, "wallet.linked", now=now)
    return True


async def _take_over(
    session: AsyncSession, row: WalletRow, member_id: int, chain_id: int, now: datetime
) -> None:
    """A vault has proved itself: it is no longer its delegate's."""
    await _tell_former(session, row, member_id, now)
    row.member_id, row.via, row.via_chain_id = member_id, None, None
    row.proved_on, row.proved_at = chain_id, now
    await session.flush()


async def _give_way(session: AsyncSession, row: WalletRow, member_id: int, now: datetime) -> None:
    """The key of the address was proved: what counted on one chain is part of that."""
    await _tell_former(session, row, member_id, now)
    await session.execute(
        update(WalletRow)
        .where(WalletRow.via == row.address, WalletRow.via_chain_id == row.chain_id)
        .values(via_chain_id=EVERY_CHAIN)
    )
    await session.delete(row)
    await session.flush()


async def _tell_former(
    session: AsyncSession, row: WalletRow, member_id: int, now: datetime
) -> None:
    if row.member_id != member_id:
        await audit.record_of_member(
            session, row.member_id, "wallet.unlinked", detail={"why": "proved-by-another"}, now=now
        )


async def unlink_wallet(
    session: AsyncSession,
    member_id: int,
    address: str,
    *,
    chain_id: int | None = None,
    by: str,
    now: datetime,
    reason: str = "",
) -> bool:
    """Let a wallet, and the vaults behind it, stand for nobody. Returns whether it was linked.

    `chain_id` as in `Wallet`: `None` is the one that counts everywhere, with all that the member
    has at this address; `reason` is what staff wrote. The caller looks at the member's rooms again:
    they close with notice and grace as always.
    """
    mine = [WalletRow.address == address, WalletRow.member_id == member_id]
    if chain_id is not None:
        mine.append(WalletRow.chain_id == chain_id)
    gone = await session.execute(delete(WalletRow).where(*mine).returning(WalletRow.address))
    if not gone.all():
        return False
    await audit.record_of_member(
        session, member_id, "wallet.unlinked", by=by, detail={"reason": reason}, now=now
    )
    return True


# Vaults: wallets that named a proved one as their delegate


async def link_vault(
    session: AsyncSession, member_id: int, vault: str, chain_id: int, *, via: str, now: datetime
) -> bool:
    """Let a vault stand for the member who proved its delegate. Returns whether it does now.

    `via` is a wallet that the member proved itself and that counts on `chain_id`, whose registry
    names it. A vault of another member stays theirs. The primary key decides a race.
    """
    hot = await session.scalar(
        select(WalletRow).where(
            WalletRow.address == via,
            WalletRow.member_id == member_id,
            WalletRow.chain_id.in_((EVERY_CHAIN, chain_id)),
            WalletRow.via.is_(None),
            _COUNTS,
        )
    )
    if hot is None or vault == via:
        return False
    behind = await session.scalars(
        select(WalletRow.address).where(
            WalletRow.via == via, WalletRow.via_chain_id == hot.chain_id
        )
    )
    known = set(behind)
    if vault not in known and len(known) >= MAX_VAULTS:
        return False
    rows = await _rows(session, vault)
    there = rows.get(EVERY_CHAIN) or rows.get(chain_id)
    if there is None:
        if await _add(session, member_id, vault, chain_id, now=now, proved_on=chain_id, via=hot):
            await audit.record_of_member(session, member_id, "wallet.vault-linked", now=now)
            return True
        there = (await _rows(session, vault, lock=True)).get(chain_id)
    return there is not None and there.member_id == member_id


async def vaults(session: AsyncSession) -> list[tuple[int, Wallet]]:
    """Every vault with its member, for looking at the delegations again."""
    rows = await session.scalars(
        select(WalletRow)
        .where(WalletRow.via.is_not(None))
        .order_by(WalletRow.address, WalletRow.chain_id)
    )
    return [(row.member_id, _wallet(row)) for row in rows]


async def drop_vault(
    session: AsyncSession, vault: str, chain_id: int, *, via: str, now: datetime
) -> bool:
    """The registry of a chain no longer names this delegate. Not if the vault was proved since."""
    gone = await session.execute(
        delete(WalletRow)
        .where(WalletRow.address == vault, WalletRow.chain_id == chain_id, WalletRow.via == via)
        .returning(WalletRow.member_id)
    )
    member_id = gone.scalar()
    if member_id is None:
        return False
    await audit.record_of_member(
        session,
        member_id,
        "wallet.unlinked",
        by="kankei",
        detail={"why": "delegation-over"},
        now=now,
    )
    return True


async def _add(
    session: AsyncSession,
    member_id: int,
    address: str,
    chain_id: int,
    *,
    now: datetime,
    proved_on: int,
    via: WalletRow | None = None,
) -> bool:
    """Whether it could be entered: the place of an address on a chain is given away once."""
    try:
        async with session.begin_nested():
            session.add(
                WalletRow(
                    address=address,
                    chain_id=chain_id,
                    member_id=member_id,
                    proved_on=proved_on,
                    via=via and via.address,
                    via_chain_id=via and via.chain_id,
                    proved_at=now,
                )
            )
    except IntegrityError:
        return False
    return True
