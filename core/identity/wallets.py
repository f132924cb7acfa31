"""Wallets that stand for members: proved by a signature, or named by one that was (delegate.xyz).

The key of an address is the same on every chain; the code of a contract wallet is not. So a wallet
proved by its key counts everywhere, one proved by its contract only on the chain that was asked,
and a vault only on the chain whose registry names its delegate.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from core import audit
from core.errors import WalletTaken
from core.identity.accounts import note_arrival
from core.tables import CredentialRow, WalletRow

MAX_VAULTS: Final = 20
"""So many wallets may stand behind one that a member has proved."""


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
    bound = row.contract_wallet or row.via is not None
    return Wallet(row.address, row.chain_id if bound else None, row.via)


async def linked_wallets(session: AsyncSession, member_id: int) -> list[Wallet]:
    """The wallets of a member with the chains on which each counts, in order of address."""
    rows = await session.scalars(
        select(WalletRow).where(WalletRow.member_id == member_id).order_by(WalletRow.address)
    )
    return [_wallet(row) for row in rows]


async def wallets_of(session: AsyncSession, member_id: int) -> list[str]:
    """The addresses alone: whom a wallet stands for, not what it opens (`linked_wallets`)."""
    return [each.address for each in await linked_wallets(session, member_id)]


async def members_with_proof(session: AsyncSession) -> list[int]:
    """Everybody who has proved something: a wallet, or anything else that makes a credential."""
    wallets = select(WalletRow.member_id)
    return list(await session.scalars(wallets.union(select(CredentialRow.member_id))))


async def has_proof(session: AsyncSession, member_id: int) -> bool:
    """Whether a member has proved anything at all, be it over by now."""
    for table in (WalletRow, CredentialRow):
        found = await session.scalar(select(table.member_id).where(table.member_id == member_id))
        if found is not None:
            return True
    return False


async def holder_of(session: AsyncSession, address: str) -> int | None:
    """The member a wallet stands for."""
    return await session.scalar(select(WalletRow.member_id).where(WalletRow.address == address))


async def proved_holder(
    session: AsyncSession, address: str, chain_id: int, *, contract_wallet: bool
) -> int | None:
    """The member whom a proof of `address` shows to be here. `None`: it shows nobody.

    A key is the same everywhere. A contract at the same address on another chain may be another
    person's, so its signature speaks only for who is known by that address on `chain_id` alone.
    """
    row = await session.get(WalletRow, address)
    return row.member_id if row is not None and _speaks(row, chain_id, contract_wallet) else None


def _speaks(row: WalletRow, chain_id: int, contract_wallet: bool) -> bool:
    return not contract_wallet or _wallet(row).chain_id == chain_id


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
    delegate; a contract does so on the chain alone whose registry names it. A key
    (`contract_wallet` false) is worth more than a contract on one chain.

    Raises `WalletTaken` if another member has proved it. The primary key decides a race.
    """
    if await _add(session, member_id, address, chain_id, None, contract_wallet, now):
        await note_arrival(session, member_id, now=now)
        await audit.record_of_member(session, member_id, "wallet.linked", now=now)
        return
    row = await session.get_one(WalletRow, address, populate_existing=True, with_for_update=True)
    speaks = _speaks(row, chain_id, contract_wallet)
    if row.member_id != member_id and not (row.via is not None and speaks):
        raise WalletTaken
    if not speaks or (row.via is None and (contract_wallet or not row.contract_wallet)):
        return
    if row.member_id != member_id:
        await audit.record_of_member(
            session, row.member_id, "wallet.unlinked", detail={"why": "proved-by-another"}, now=now
        )
    row.member_id, row.via, row.chain_id = member_id, None, chain_id
    row.contract_wallet, row.proved_at = contract_wallet, now
    await session.flush()
    await audit.record_of_member(session, member_id, "wallet.linked", now=now)


async def unlink_wallet(
    session: AsyncSession, member_id: int, address: str, *, by: str, now: datetime, why: str = ""
) -> bool:
    """Let a wallet, and the vaults behind it, stand for nobody. Returns whether it was linked.

    The caller looks at the member's rooms again: they close with notice and grace as always.
    """
    gone = await session.execute(
        delete(WalletRow)
        .where(WalletRow.address == address, WalletRow.member_id == member_id)
        .returning(WalletRow.address)
    )
    if gone.first() is None:
        return False
    await audit.record_of_member(
        session, member_id, "wallet.unlinked", by=by, detail={"why": why}, now=now
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
    hot = await session.get(WalletRow, via)
    if hot is None or hot.member_id != member_id or hot.via is not None or vault == via:
        return False
    if not _wallet(hot).counts_on(chain_id):
        return False
    behind = await session.scalars(select(WalletRow.address).where(WalletRow.via == via))
    if len(behind.all()) >= MAX_VAULTS:
        return False
    if await _add(session, member_id, vault, chain_id, via, False, now):
        await audit.record_of_member(session, member_id, "wallet.vault-linked", now=now)
        return True
    return await holder_of(session, vault) == member_id


async def vaults(session: AsyncSession) -> list[tuple[int, Wallet]]:
    """Every vault with its member, for looking at the delegations again."""
    rows = await session.scalars(
        select(WalletRow).where(WalletRow.via.is_not(None)).order_by(WalletRow.address)
    )
    return [(row.member_id, _wallet(row)) for row in rows]


async def drop_vault(session: AsyncSession, vault: str, *, via: str, now: datetime) -> bool:
    """The registry no longer names this delegate. Nothing happens if the vault was proved since."""
    gone = await session.execute(
        delete(WalletRow)
        .where(WalletRow.address == vault, WalletRow.via == via)
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
    via: str | None,
    contract_wallet: bool,
    now: datetime,
) -> bool:
    if await holder_of(session, address) is not None:
        return False
    try:
        async with session.begin_nested():
            session.add(
                WalletRow(
                    address=address,
                    member_id=member_id,
                    chain_id=chain_id,
                    contract_wallet=contract_wallet,
                    via=via,
                    proved_at=now,
                )
            )
    except IntegrityError:
        return False
    return True
