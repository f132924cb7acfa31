"""Who a person is to the counters: leaving, coming back, merging, and what is kept."""

import hashlib
import hmac
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import delete, select

from core import audit, identity, mydata, perks
from core.access import Doorkeeper, KeptTraits, MemberEvidence
from core.access.evidence import Evidence
from core.chain.values import Finality
from core.database import Sessions, transaction
from core.perks import Closed, Reason
from core.tables import CredentialRow, PassRow, RedemptionRow, StandingRow, UseRow
from core.testing import FakeHoldings
from core.town import TownPack
from tests.core.perks.world import World, perk

WALLET = "0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf"
HOT = "0x2B5AD5c4795c026514f8317c7a215E218DcCD6cF"


async def leave(world: World, member: int) -> None:
    traits = KeptTraits(world.sessions, None, world.clock)
    evidence = MemberEvidence(world.town, world.sessions, FakeHoldings(), traits, world.clock)
    doorkeeper = Doorkeeper(world.town, world.sessions, evidence, {}, world.clock)
    await mydata.leave(world.sessions, doorkeeper, member, clock=world.clock)


async def link(
    world: World, member: int, wallet: str = WALLET, *, contract_on: int | None = None
) -> None:
    async with transaction(world.sessions) as session:
        await identity.link_wallet(
            session,
            member,
            wallet,
            contract_on or 1,
            now=world.clock(),
            contract_wallet=contract_on is not None,
        )


async def credential(world: World, member: int, subject: str) -> None:
    async with transaction(world.sessions) as session:
        session.add(
            CredentialRow(
                member_id=member, proof="my-number", subject=subject, proved_at=world.clock()
            )
        )


async def reason(world: World, member: int) -> Reason:
    shown = await world.perks.issue(member, "cave")
    return shown.reason if isinstance(shown, Closed) else Reason.OK


async def test_leaving_and_coming_back_with_the_same_wallet_brings_no_new_use(
    town: TownPack, sessions: Sessions
) -> None:
    world = World(town, sessions, perk(counted_by="person"))
    first, desk = await world.member("hana", 1), await world.desk()
    await link(world, first)
    assert (await world.visit(first, desk)).ok
    await leave(world, first)
    second = await world.member("another-account", 1)
    assert await reason(world, second) is Reason.OK  # nothing yet says who they are
    await link(world, second)
    assert await reason(world, second) is Reason.USED_UP


async def test_a_contract_account_at_the_same_address_on_another_chain_is_somebody_else(
    town: TownPack, sessions: Sessions
) -> None:
    world = World(town, sessions, perk(counted_by="person"))
    first, desk = await world.member("hana", 1), await world.desk()
    other = await world.member("ken", 2)
    await link(world, first, contract_on=137)
    await link(world, other, contract_on=80002)
    assert (await world.visit(first, desk)).ok
    assert await reason(world, other) is Reason.OK
    await leave(world, first)
    again = await world.member("another-account", 3)
    await link(world, again, contract_on=137)
    assert await reason(world, again) is Reason.USED_UP


async def through(world: World, member: int, vault: str, chain: int) -> None:
    """Link a vault by way of a wallet that the member proved by its key."""
    await link(world, member, HOT)
    async with transaction(world.sessions) as session:
        assert await identity.link_vault(session, member, vault, chain, via=HOT, now=world.clock())


@pytest.mark.parametrize("by_key_first", [False, True])
async def test_a_vault_that_comes_back_by_its_key_or_the_other_way_brings_no_new_use(
    town: TownPack, sessions: Sessions, *, by_key_first: bool
) -> None:
    world = World(town, sessions, perk(counted_by="person"))
    chain = town.collections[0].chain_id
    first, desk = await world.member("hana", 1), await world.desk()
    if by_key_first:
        await link(world, first)
    else:
        await through(world, first, WALLET, chain)
    assert (await world.visit(first, desk)).ok
    await leave(world, first)
    second = await world.member("another-account", 1)
    assert await reason(world, second) is Reason.OK  # nothing yet says who they are
    if by_key_first:
        await through(world, second, WALLET, chain)
    else:
        await link(world, second)
    assert await reason(world, second) is Reason.USED_UP


async def test_what_was_counted_by_an_address_alone_still_counts_for_its_contract(
    town: TownPack, lite: Sessions
) -> None:
    """Before addresses of contracts were named with their chain."""
    world = World(town, lite, perk(counted_by="person"))
    first, desk = await world.member("hana", 1), await world.desk()
    await link(world, first)
    assert (await world.visit(first, desk)).ok
    await leave(world, first)
    name, key = f"person:wallet:{WALLET}".encode(), b"a secret of the tests"
    async with transaction(lite) as session:
        old = hmac.new(key, name, hashlib.sha256).hexdigest()
        await session.execute(delete(UseRow).where(UseRow.subject != old))
        assert len(list(await session.scalars(select(UseRow)))) == 1
    second = await world.member("another-account", 2)
    await link(world, second, contract_on=137)
    assert await reason(world, second) is Reason.USED_UP


async def test_a_proof_that_is_called_web_is_a_name_like_any_other(
    town: TownPack, lite: Sessions
) -> None:
    world = World(town, lite, perk(counted_by="person", gate=None))
    first, other, desk = await world.member("hana"), await world.member("ken"), await world.desk()
    async with transaction(world.sessions) as session:
        session.add(
            CredentialRow(member_id=first, proof="web", subject="b" * 64, proved_at=world.clock())
        )
    assert (await world.visit(first, desk)).ok
    await leave(world, first)
    async with transaction(world.sessions) as session:
        session.add(
            CredentialRow(member_id=other, proof="web", subject="b" * 64, proved_at=world.clock())
        )
    assert await reason(world, other) is Reason.USED_UP


async def test_the_same_chat_account_or_identity_is_the_same_person(
    town: TownPack, lite: Sessions
) -> None:
    world = World(town, lite, perk(counted_by="person", gate=None))
    first, desk = await world.member("hana"), await world.desk()
    await credential(world, first, "a" * 64)
    assert (await world.visit(first, desk)).ok
    await leave(world, first)
    assert await reason(world, await world.member("hana")) is Reason.USED_UP
    other = await world.member("other")
    assert await reason(world, other) is Reason.OK
    await credential(world, other, "a" * 64)
    assert await reason(world, other) is Reason.USED_UP


async def test_a_new_wallet_after_a_use_brings_no_new_use(town: TownPack, lite: Sessions) -> None:
    world = World(town, lite, perk(counted_by="person"))
    hana, desk = await world.member("hana", 1), await world.desk()
    assert (await world.visit(hana, desk)).ok
    await link(world, hana)
    assert await reason(world, hana) is Reason.USED_UP


async def test_two_members_who_turn_out_to_be_one_have_used_what_either_used(
    town: TownPack, sessions: Sessions
) -> None:
    world = World(town, sessions, perk(counted_by="person", uses=3))
    chat, web = await world.member("hana", 1), await world.member("w", 2, platform="web")
    desk = await world.desk()
    assert (await world.visit(chat, desk)).ok
    assert (await world.visit(web, desk)).ok
    async with transaction(sessions) as session:
        for member in (chat, web):  # both belonged without a card before
            session.add(StandingRow(member_id=member, gate="residents", token="", at=world.clock()))
        code = await identity.propose_merge(
            session, member_id=web, other_id=chat, now=world.clock()
        )
        await identity.merge(session, code, by_member=chat, now=world.clock())
    last = await world.visit(chat, desk)
    assert (last.ok, last.left) == (True, 0)
    async with transaction(sessions) as session:
        assert len((await perks.export(session, chat))["uses"]) == 3


async def test_what_was_used_can_be_taken_along(world: World) -> None:
    hana, desk = await world.member("hana", 1), await world.desk()
    await world.visit(hana, desk)
    async with transaction(world.sessions) as session:
        kept = (await mydata.export(session, hana))["perks"]
    assert [(each["perk"], each["token"]) for each in kept["passes"]] == [
        ("cave", "resident-card:1")
    ]
    assert [each["token"] for each in kept["entitled"]] == ["resident-card:1"]
    assert kept["uses"] == [
        {
            "perk": "cave",
            "facility": "akiyoshido",
            "at": world.clock().isoformat(),
            "kind": "use",
            "token": "resident-card:1",
            "value_yen": 1300,
            "undone": None,
        }
    ]


async def test_who_leaves_is_gone_from_the_uses_but_not_the_uses_from_the_settlement(
    world: World,
) -> None:
    hana, ken = await world.member("hana", 1), await world.member("ken")
    desk = await world.desk()
    await world.visit(hana, desk)
    await leave(world, hana)
    async with transaction(world.sessions) as session:
        row = (await session.scalars(select(RedemptionRow))).one()
        assert (row.member_id, row.token) == (None, None)
        for table in (PassRow, StandingRow):
            assert (await session.scalars(select(table))).all() == []
    settled = await world.perks.settlement(world.clock().date(), "akiyoshido")
    assert settled.total_yen == 1300
    world.chain.give(ken, 1)
    assert await reason(world, ken) is Reason.USED_UP  # the card's count stays with the card


async def test_neither_wallet_nor_card_nor_account_stands_in_log_or_counters(
    town: TownPack, lite: Sessions
) -> None:
    world = World(town, lite, perk(counted_by="both"))
    hana, desk = await world.member("hana-4711", 77), await world.desk()
    await link(world, hana)
    await world.visit(hana, desk)
    async with transaction(lite) as session:
        log = await audit.search(session, audit.Filter("perk"))
        said = " ".join(f"{each.actor} {each.subject} {each.detail}" for each in log)
        subjects = list(await session.scalars(select(UseRow.subject)))
    assert log
    for secret in (WALLET, WALLET.lower(), "hana-4711"):
        assert secret not in said
        assert not any(secret in each for each in subjects)
    assert "77" not in said


async def test_tidying_forgets_passes_counts_and_persons_in_their_time(
    town: TownPack, lite: Sessions
) -> None:
    world = World(town, lite, perk(counted_by="person", per="day"))
    hana, desk = await world.member("hana", 1), await world.desk()
    await world.visit(hana, desk)
    assert await world.perks.tidy() == 0
    world.pass_by(days=4)
    assert await world.perks.tidy() == 1
    world.pass_by(days=5)
    await world.perks.tidy()
    async with transaction(lite) as session:
        assert (await session.scalars(select(UseRow))).all() == []
    world.clock.advance(timedelta(days=365))
    await world.perks.tidy()
    async with transaction(lite) as session:
        row = (await session.scalars(select(RedemptionRow))).one()
    assert (row.member_id, row.token, row.value_yen) == (None, None, 1300)


async def test_counts_of_a_perk_per_ever_go_a_retention_after_its_last_day(
    town: TownPack, lite: Sessions
) -> None:
    world = World(
        town,
        lite,
        perk(per="ever", valid_until=date(2027, 3, 31)),
        perk("open", per="ever", counted_by="both"),
    )
    hana, desk = await world.member("hana", 1), await world.desk()
    for each in ("cave", "open"):
        await world.visit(hana, desk, each)
    kept = timedelta(days=town.retention.redemption_days)
    for day, names in (
        (datetime(2027, 4, 30, tzinfo=UTC), {"cave", "open"}),
        (datetime(2027, 4, 2, tzinfo=UTC) + kept, {"open"}),
    ):
        world.clock.now = day
        await world.perks.tidy()
        async with transaction(lite) as session:
            assert set(await session.scalars(select(UseRow.perk))) == names


async def test_what_stays_of_who_left_is_what_the_security_model_says(
    town: TownPack, lite: Sessions
) -> None:
    """The card's number and hidden names with the use that they count, and nothing plain."""
    world = World(town, lite, perk(per="ever", counted_by="both"))
    hana, desk = await world.member("hana", 7), await world.desk()
    await link(world, hana)
    await world.visit(hana, desk)
    await leave(world, hana)
    async with transaction(lite) as session:
        use = (await session.scalars(select(RedemptionRow))).one()
        counts = list(await session.scalars(select(UseRow)))
    assert (use.member_id, use.token) == (None, None)
    assert {each.redemption_id for each in counts} == {use.id}
    assert {each.ends_at for each in counts} == {None}
    plain = {each.subject for each in counts if len(each.subject) != 64}
    assert plain == {"resident-card:7", f"member:{hana}"}


async def test_a_pass_whose_owner_becomes_one_with_another_during_the_scan_is_read_again(
    town: TownPack, lite: Sessions
) -> None:
    world = World(town, lite)
    older = await world.member("hana", platform="discord")
    hana, desk = await world.member("hana", 1), await world.desk()
    shown = await world.shown(hana)
    read = world.chain.of

    async def merged_meanwhile(member_id: int, *, finality: Finality) -> Evidence:
        world.chain.of = read  # type: ignore[method-assign]
        async with transaction(lite) as session:
            code = await identity.propose_merge(
                session, member_id=hana, other_id=older, now=world.clock()
            )
            await identity.merge(session, code, by_member=older, now=world.clock())
        world.chain.give(older, 1)
        return await read(member_id, finality=finality)

    world.chain.of = merged_meanwhile  # type: ignore[method-assign]
    assert (await world.scan(shown.text, desk)).reason is Reason.UNKNOWN_PASS
    assert (await world.scan(shown.text, desk)).ok
