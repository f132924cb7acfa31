"""Wallets of a member: where each counts, what stands behind another, and how they are let go."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Date,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    select,
)
from sqlalchemy.ext.asyncio import AsyncSession

from core import identity
from core.audit import has
from core.database import Sessions, transaction
from core.errors import NotFound, WalletTaken
from core.identity import Wallet
from core.identity.people import keys_of, member_columns
from core.identity.wallets import MAX_VAULTS
from core.tables import AuditRow, Base, CredentialRow, FactRow, MemberRow, ToldRow, WalletRow
from core.tables.base import UtcDateTime

HOT = "0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf"
VAULT = "0x2B5AD5c4795c026514f8317c7a215E218DcCD6cF"
SAFE = "0x6813Eb9362372EEF6200f3b1dbC3f819671cBA69"
NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
AMOY, POLYGON = 80002, 137


async def join(sessions: Sessions, external: str, platform: str = "telegram") -> int:
    async with transaction(sessions) as session:
        account = await identity.account(session, platform, external, locale="ja", now=NOW)
    return account.member_id


async def link(
    sessions: Sessions,
    member: int,
    address: str,
    *,
    contract: bool = False,
    chain: int = POLYGON,
) -> None:
    async with transaction(sessions) as session:
        await identity.link_wallet(
            session, member, address, chain, now=NOW, contract_wallet=contract
        )


async def vault(sessions: Sessions, member: int, address: str = VAULT, via: str = HOT) -> bool:
    async with transaction(sessions) as session:
        return await identity.link_vault(session, member, address, POLYGON, via=via, now=NOW)


async def linked(sessions: Sessions, member: int) -> list[Wallet]:
    async with transaction(sessions) as session:
        return await identity.linked_wallets(session, member)


async def test_a_key_counts_on_every_chain_and_a_contract_where_it_signed(
    sessions: Sessions,
) -> None:
    member = await join(sessions, "1")
    await link(sessions, member, HOT)
    await link(sessions, member, SAFE, contract=True)
    safe, hot = await linked(sessions, member)
    assert (hot.address, hot.chain_id, hot.via) == (HOT, None, None)
    assert (safe.address, safe.chain_id) == (SAFE, POLYGON)
    assert safe.counts_on(POLYGON)
    assert not safe.counts_on(AMOY)
    assert hot.counts_on(AMOY)


async def test_a_key_that_signs_later_is_worth_more_than_its_contract_and_stays_so(
    sessions: Sessions,
) -> None:
    member = await join(sessions, "1")
    await link(sessions, member, SAFE, contract=True)
    await link(sessions, member, SAFE)
    await link(sessions, member, SAFE, contract=True)
    assert [each.chain_id for each in await linked(sessions, member)] == [None]


async def test_a_vault_counts_on_its_registry_s_chain_and_goes_with_its_delegate(
    sessions: Sessions,
) -> None:
    member = await join(sessions, "1")
    await link(sessions, member, HOT)
    assert await vault(sessions, member)
    assert await vault(sessions, member)  # looked at again
    found, hot = await linked(sessions, member)
    assert found == Wallet(VAULT, POLYGON, HOT)
    async with transaction(sessions) as session:
        assert await identity.vaults(session) == [(member, found)]
        assert await identity.unlink_wallet(session, member, HOT, by="member:1", now=NOW)
        assert not await identity.unlink_wallet(session, member, HOT, by="member:1", now=NOW)
    assert hot.address == HOT
    assert await linked(sessions, member) == []


async def test_a_vault_belongs_to_one_member_and_its_own_key_wins(sessions: Sessions) -> None:
    first, second = await join(sessions, "1"), await join(sessions, "2")
    await link(sessions, first, HOT)
    await link(sessions, second, SAFE)
    assert await vault(sessions, first)
    assert not await vault(sessions, second, via=SAFE)
    await link(sessions, second, VAULT)
    assert [each.address for each in await linked(sessions, first)] == [HOT]
    assert Wallet(VAULT, None, None) in await linked(sessions, second)
    assert not await vault(sessions, first)
    with pytest.raises(WalletTaken):
        await link(sessions, first, VAULT)


async def test_a_contract_takes_a_vault_on_the_chain_alone_that_it_signed_for(
    sessions: Sessions,
) -> None:
    first, second = await join(sessions, "1"), await join(sessions, "2")
    await link(sessions, first, HOT)
    await vault(sessions, first)
    await link(sessions, second, VAULT, contract=True, chain=AMOY)
    assert Wallet(VAULT, POLYGON, HOT) in await linked(sessions, first)
    assert await linked(sessions, second) == [Wallet(VAULT, AMOY, None)]
    await link(sessions, second, VAULT, contract=True)  # on the registry's chain
    assert Wallet(VAULT, POLYGON, None) in await linked(sessions, second)
    assert [each.address for each in await linked(sessions, first)] == [HOT]


async def test_a_contract_account_is_one_person_s_on_each_chain(sessions: Sessions) -> None:
    first, second = await join(sessions, "1"), await join(sessions, "2")
    await link(sessions, first, SAFE, contract=True)
    await link(sessions, second, SAFE, contract=True, chain=AMOY)
    with pytest.raises(WalletTaken):
        await link(sessions, second, SAFE, contract=True)
    with pytest.raises(WalletTaken):
        await link(sessions, second, SAFE)  # nobody else's contract gives way to a key
    async with transaction(sessions) as session:
        assert await identity.members_at(session, SAFE) == [first, second]  # by chain
        for chain, member in ((POLYGON, first), (AMOY, second), (1, None)):
            found = await identity.holders_of(session, [SAFE, HOT], chain_id=chain)
            assert found == ({SAFE: member} if member else {})
            assert await identity.all_wallets(session, chain_id=chain) == found
        shown = await identity.proved_holder(session, SAFE, AMOY, contract_wallet=True)
        assert shown == second
        assert await identity.proved_holder(session, SAFE, 1, contract_wallet=True) is None


async def test_a_key_stands_for_its_contracts_of_all_chains_and_the_vaults_behind_them(
    sessions: Sessions,
) -> None:
    member, other = await join(sessions, "1"), await join(sessions, "2")
    await link(sessions, member, HOT, contract=True)
    await link(sessions, member, HOT, contract=True, chain=AMOY)
    await vault(sessions, member)
    await link(sessions, member, HOT)
    assert await linked(sessions, member) == [Wallet(VAULT, POLYGON, HOT), Wallet(HOT, None, None)]
    for chain in (POLYGON, AMOY):
        with pytest.raises(WalletTaken):
            await link(sessions, other, HOT, contract=True, chain=chain)
    await link(sessions, member, HOT, contract=True)  # an account that has delegated to code
    assert Wallet(HOT, None, None) in await linked(sessions, member)
    async with transaction(sessions) as session:
        assert await identity.unlink_wallet(session, member, HOT, by="member:1", now=NOW)
    assert await linked(sessions, member) == []


async def test_of_a_key_and_a_contract_entered_at_once_the_key_counts(sessions: Sessions) -> None:
    """They share no key of the table: both may be there, and one answer is given everywhere."""
    first, second = await join(sessions, "1"), await join(sessions, "2")
    async with transaction(sessions) as session:
        for member, chain in ((second, POLYGON), (first, 0)):
            session.add(
                WalletRow(
                    address=SAFE,
                    chain_id=chain,
                    member_id=member,
                    proved_on=POLYGON,
                    proved_at=NOW,
                )
            )
    assert await linked(sessions, second) == []
    assert await linked(sessions, first) == [Wallet(SAFE, None, None)]
    async with transaction(sessions) as session:
        assert await identity.members_at(session, SAFE) == [first]
        for chain in (POLYGON, AMOY):
            assert await identity.all_wallets(session, chain_id=chain) == {SAFE: first}
            holders = await identity.holders_of(session, [SAFE], chain_id=chain)
            assert holders == {SAFE: first}


async def test_of_many_who_prove_a_contract_at_once_one_gets_it_on_each_chain(
    sessions: Sessions,
) -> None:
    members = [await join(sessions, str(number)) for number in range(6)]

    async def prove(number: int, member: int) -> bool:
        try:
            chain = (POLYGON, AMOY)[number % 2]
            await link(sessions, member, SAFE, contract=True, chain=chain)
        except WalletTaken:
            return False
        return True

    won = await asyncio.gather(*(prove(*each) for each in enumerate(members)))
    assert (sum(won[::2]), sum(won[1::2])) == (1, 1)


async def test_a_contract_is_taken_off_on_one_chain_and_stays_on_the_other(
    sessions: Sessions,
) -> None:
    member = await join(sessions, "1")
    await link(sessions, member, SAFE, contract=True)
    await link(sessions, member, SAFE, contract=True, chain=AMOY)
    async with transaction(sessions) as session:
        assert await identity.unlink_wallet(
            session, member, SAFE, chain_id=POLYGON, by="member:1", now=NOW
        )
    assert await linked(sessions, member) == [Wallet(SAFE, AMOY, None)]


async def test_a_vault_counts_on_each_chain_whose_registry_names_its_delegate(
    sessions: Sessions,
) -> None:
    member, other = await join(sessions, "1"), await join(sessions, "2")
    await link(sessions, member, HOT)
    await link(sessions, other, SAFE)
    assert await vault(sessions, member)
    async with transaction(sessions) as session:
        for owner, via in ((other, SAFE), (member, HOT)):
            theirs = await identity.link_vault(session, owner, VAULT, AMOY, via=via, now=NOW)
            assert theirs is (owner == other), "it is another's on that chain"
    await link(sessions, other, VAULT)
    assert [each.address for each in await linked(sessions, member)] == [HOT]
    assert Wallet(VAULT, None, None) in await linked(sessions, other)


async def test_a_contract_acts_for_no_vault_of_another_chain(sessions: Sessions) -> None:
    member = await join(sessions, "1")
    await link(sessions, member, HOT, contract=True)
    async with transaction(sessions) as session:
        assert not await identity.link_vault(session, member, VAULT, AMOY, via=HOT, now=NOW)
    assert await vault(sessions, member)


async def test_only_a_wallet_that_was_proved_acts_for_others_and_not_for_endless_ones(
    sessions: Sessions,
) -> None:
    first, second = await join(sessions, "1"), await join(sessions, "2")
    await link(sessions, first, HOT)
    assert not await vault(sessions, second)
    assert not await vault(sessions, first, via=SAFE)
    for number in range(MAX_VAULTS):
        assert await vault(sessions, first, f"0x{number:040x}")
    assert not await vault(sessions, first)


async def test_a_vault_counts_once_among_those_that_one_may_have_whatever_its_chains(
    sessions: Sessions,
) -> None:
    member = await join(sessions, "1")
    await link(sessions, member, HOT)
    for number in range(MAX_VAULTS - 1):
        assert await vault(sessions, member, f"0x{number:040x}")
    async with transaction(sessions) as session:
        for chain in (AMOY, 1):
            assert await identity.link_vault(
                session, member, f"0x{0:040x}", chain, via=HOT, now=NOW
            )
    assert await vault(sessions, member)
    assert not await vault(sessions, member, SAFE)
    async with transaction(sessions) as session:
        assert await identity.link_vault(session, member, VAULT, AMOY, via=HOT, now=NOW)
    assert await vault(sessions, member)  # known: looked at again


async def test_a_wallet_of_who_is_gone_is_refused_at_once(sessions: Sessions) -> None:
    for contract in (False, True):
        with pytest.raises(NotFound):
            await link(sessions, 4711, HOT, contract=contract)


async def test_a_browser_joins_by_the_vault_that_it_proves_whoever_had_it(
    sessions: Sessions,
) -> None:
    first, second = await join(sessions, "1"), await join(sessions, "2", "web")
    await link(sessions, first, HOT)
    await vault(sessions, first)
    await link(sessions, second, VAULT, contract=True)
    async with transaction(sessions) as session:
        assert await has(session, "member.joined", f"member:{second}")


async def test_a_delegation_that_is_over_lets_the_vault_go_unless_it_was_proved_since(
    sessions: Sessions,
) -> None:
    member = await join(sessions, "1")
    await link(sessions, member, HOT)
    await vault(sessions, member)
    async with transaction(sessions) as session:
        assert await identity.drop_vault(session, VAULT, POLYGON, via=HOT, now=NOW)
    await link(sessions, member, VAULT)
    async with transaction(sessions) as session:
        assert not await identity.drop_vault(session, VAULT, POLYGON, via=HOT, now=NOW)
        actions = [each.action for each in await session.scalars(select(AuditRow))]
    assert len(await linked(sessions, member)) == 2
    assert actions.count("wallet.vault-linked") == 1
    assert actions.count("wallet.unlinked") == 1


# Two members who are one person


def test_a_merge_moves_all_that_names_the_member() -> None:
    moved = {(each.table.name, each.name) for each in member_columns()}
    named = {
        (table.name, key.parent.name)
        for table in Base.metadata.sorted_tables
        for key in table.foreign_keys
        if key.column.table is MemberRow.__table__
    }
    assert named - moved == {("merge", "member_id"), ("merge", "other_id")}


SAMPLES: dict[type, object] = {
    BigInteger: 1,
    Integer: 1,
    Boolean: False,
    String: "a",
    Text: "a",
    Date: NOW.date(),
    UtcDateTime: NOW,
    JSON: {},
}


OTHERS = {Integer: (1, 2), String: ("a", "b")}


def apart(column: Column[Any]) -> set[Column[Any]]:
    """What two rows of a table cannot share, whoever's they are."""
    return {
        each
        for key in column.table.constraints
        if isinstance(key, UniqueConstraint) and column not in set(key.columns)
        for each in key.columns
        if not each.foreign_keys
    }


async def put(session: AsyncSession, table: Table, **given: object) -> dict[str, object]:
    """A row of any table, with what it refers to; what is not given is the same each time."""
    row = dict(given)
    for column in table.columns:
        if column.name in row or column.nullable:
            continue
        if column.foreign_keys:
            (key,) = column.foreign_keys
            referred = (await session.execute(select(key.column).limit(1))).scalar()
            if referred is None:
                referred = (await put(session, key.column.table))[key.column.name]
            row[column.name] = referred
        else:
            row[column.name] = SAMPLES[type(column.type)]
    await session.execute(table.insert().values(row))
    return row


@pytest.mark.parametrize(
    "column", [each for each in member_columns() if keys_of(each)], ids=lambda each: each.table.name
)
async def test_two_members_with_the_same_in_any_table_become_one(
    sessions: Sessions, column: Column[Any]
) -> None:
    stays, goes = await join(sessions, "1"), await join(sessions, "9", "discord")
    async with transaction(sessions) as session:
        for number, member in enumerate((stays, goes), 1):
            given = {each.name: OTHERS[type(each.type)][number - 1] for each in apart(column)}
            await put(session, column.table, **{column.name: member, **given})
        code = await identity.propose_merge(session, member_id=goes, other_id=stays, now=NOW)
    async with transaction(sessions) as session:
        assert await identity.merge(session, code, by_member=stays, now=NOW) == stays
        assert list(await session.scalars(select(column))) == [stays]


async def test_what_both_had_stays_once_and_what_one_had_stays(sessions: Sessions) -> None:
    stays, goes = await join(sessions, "1"), await join(sessions, "9", "discord")
    await link(sessions, stays, HOT)
    await link(sessions, goes, SAFE, contract=True)
    today = NOW.date()
    async with transaction(sessions) as session:
        for number in (1, 2):
            fact = FactRow(
                id=number,
                state="active",
                question="q",
                answers={},
                author="a",
                as_of=today,
                review_by=today,
                changed_at=NOW,
            )
            session.add(fact)
        for proof, member in (("a", stays), ("b", goes)):
            row = CredentialRow(member_id=member, proof=proof, subject="s", proved_at=NOW)
            session.add(row)
        await session.flush()
        for fact_id, member in ((1, stays), (1, goes), (2, goes)):
            session.add(ToldRow(fact_id=fact_id, member_id=member, announcement_id=1))
        code = await identity.propose_merge(session, member_id=goes, other_id=stays, now=NOW)
    async with transaction(sessions) as session:
        await identity.merge(session, code, by_member=stays, now=NOW)
    async with sessions() as session:
        credentials = await session.scalars(select(CredentialRow.member_id))
        assert list(credentials) == [stays, stays]
        told = await session.execute(select(ToldRow.fact_id, ToldRow.member_id))
        assert sorted(tuple(each) for each in told) == [(1, stays), (2, stays)]
    assert {each.address for each in await linked(sessions, stays)} == {HOT, SAFE}
