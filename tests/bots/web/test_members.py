"""The console's pages on members and rooms, and the buttons of the two-person rule."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from core import identity
from core.access.changes import ChangeState, changes
from core.database import transaction
from core.holdings.transfers import word
from core.tables import AuditRow, BalanceRow, ContractRow, GrantRow, OverrideRow
from core.town import TokenRule
from tests.bots.web.stage import World
from tests.bots.web.test_console import enter

WALLETS = ["0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf", "0x" + "2" * 40, "0x" + "3" * 40]


async def arrive(world: World) -> list[int]:
    """Three members with a card each, inside the room on the web."""
    members = []
    for number, wallet in enumerate(WALLETS):
        async with transaction(world.app.sessions) as session:
            account = await identity.account(
                session, "telegram", f"70{number}", locale="ja", now=world.clock()
            )
            await identity.web_account(session, account.member_id, now=world.clock())
            await identity.link_wallet(
                session, account.member_id, wallet, world.chain_id, now=world.clock()
            )
        world.holdings.give(wallet, 1)
        members.append(account.member_id)
    await world.app.doorkeeper.sweep()
    return members


async def in_the_index(world: World, token: int, owner: str) -> None:
    collection = world.app.town.collections[0]
    async with transaction(world.app.sessions) as session:
        row = ContractRow(
            chain_id=collection.chain_id,
            address=bytes.fromhex(collection.contract[2:]),
            standard="ERC-721",
            first_block=0,
            block=1,
            block_hash="",
            head=1,
            told_block=1,
        )
        session.add(row)
        await session.flush()
        number, one = word(token), word(1)
        address = bytes.fromhex(owner[2:])
        session.add(BalanceRow(contract_id=row.id, token=number, owner=address, amount=one))


async def test_staff_see_who_is_in_which_room_why_and_since_when(world: World) -> None:
    members = await arrive(world)
    async with world.visitor("ja") as hana:
        await enter(world, hana)
        overview = (await hana.get("/console/members")).text
        assert '<td class="number" data-label="中にいる人">3</td>' in overview
        assert "「デジタル住民票(見本)」1枚以上" in overview
        listed = (await hana.get("/console/members/rooms/residents")).text
        assert listed.count("デジタル住民票(見本)</td>") == 3
        table = (await hana.get("/console/members/rooms/residents/list.csv")).text
        assert f"{members[0]},web,open," in table
        assert table.startswith(
            "\ufeff会員,サービス,状態,いつから,開いている理由,出る日時,足りないもの"
        )
        assert "0x7E5F" not in table + listed + overview


@pytest.mark.parametrize("words", ["700", WALLETS[0], WALLETS[0].lower(), "#4021"])
async def test_a_member_is_found_by_platform_id_card_address_and_card_number(
    world: World, words: str
) -> None:
    members = await arrive(world)
    await in_the_index(world, 4021, WALLETS[0])
    async with world.visitor() as hana:
        await enter(world, hana)
        found = await hana.post("/console/members/search", words=words)
        assert f"Member {members[0]}" in found.text
        assert str(found.answer.url.path) == f"/console/members/{members[0]}"
        missing = await hana.post("/console/members/search", words="99999999")
        assert "Nobody was found" in missing.text
        assert 'value="99999999"' in missing.text
    async with world.app.sessions() as session:
        rows = await session.scalars(select(AuditRow))
        assert all(words not in f"{row.detail}{row.subject}{row.action}" for row in rows)


async def test_a_members_page_has_rooms_and_history_but_no_address(world: World) -> None:
    members = await arrive(world)
    world.holdings.give(WALLETS[0], 0)
    async with world.visitor() as hana:
        await enter(world, hana)
        page = await hana.post(f"/console/members/{members[0]}/look")
        assert "Looked again." in page.text
        assert "closing soon" in page.text
        assert "“Digital resident card (sample)”: 1 or more (now 0)" in page.text
        assert "was told to leave a room soon" in page.text
        assert "0x7E5F" not in page.text
        assert (await hana.get("/console/members/4000")).status == 404


async def test_staff_let_somebody_in_until_a_day_and_take_it_back(world: World) -> None:
    async with transaction(world.app.sessions) as session:
        account = await identity.account(session, "telegram", "5", locale="ja", now=world.clock())
        await identity.web_account(session, account.member_id, now=world.clock())
    until = (world.clock() + timedelta(days=10)).date().isoformat()
    path = f"/console/members/{account.member_id}/override"
    given = {"gate": "residents", "effect": "admit", "reason": "講師", "until": until}
    async with world.visitor() as hana:
        await enter(world, hana)
        for wrong, said in (
            ({"reason": " "}, "give a reason"),
            ({"until": "2020-01-01"}, "last day between"),
            ({"until": "x"}, "last day between"),
            ({"gate": "no"}, "choose the room"),
        ):
            refused = await hana.post(path, {**given, **wrong})
            assert refused.status == 422
            assert said in refused.text
            assert f'value="{({**given, **wrong})["reason"].strip()}"' in refused.text.replace(
                'value=" "', 'value=""'
            )
        page = await hana.post(path, given)
        assert "an invitation by the town office" in page.text
        assert "decided by hana" in page.text
        async with world.app.sessions() as session:
            number = (await session.scalars(select(OverrideRow.id))).one()
        ended = await hana.post(f"/console/members/overrides/{number}/end")
        assert "closing soon" in ended.text
    async with world.app.sessions() as session:
        actions = list(await session.scalars(select(AuditRow.action).order_by(AuditRow.id)))
    assert actions.index("access.override-admit") < actions.index("access.override-ended")


async def test_two_of_the_staff_agree_to_a_change_and_one_alone_cannot(world: World) -> None:
    await arrive(world)
    rule = TokenRule(collection="resident-card", at_least=2)
    gate = world.app.town.gates[0].model_copy(update={"rule": rule})
    access = world.app.town.access.model_copy(update={"approve_above": 1})
    stricter = world.app.town.model_copy(update={"gates": (gate,), "access": access})
    looking = world.app.doorkeeper._looking
    for part in (world.app.doorkeeper, looking, looking._doors):
        part._town = stricter
    world.app.town = stricter
    assert (await world.app.doorkeeper.sweep()).held == 3
    async with world.app.sessions() as session:
        (change,) = await changes(session)
    path = f"/console/changes/{change.id}"
    async with world.visitor() as hana, world.visitor() as ken:
        await enter(world, hana, "hana")
        await enter(world, ken, "ken")
        page = (await hana.get(path)).text
        assert "This would take a room from 3 people." in page
        assert "“Digital resident card (sample)”: 2 or more" in page
        assert "residents,web" in (await hana.get(f"{path}/list.csv")).text
        assert "Proposed." in (await hana.post(f"{path}/agree", digest=change.digest)).text
        again = await hana.post(f"{path}/agree", digest=change.digest)
        assert "You were the first." in again.text
        assert "hana was the first" in (await ken.get(path)).text
        stale = await ken.post(f"{path}/agree", digest="another list")
        assert "The list has changed" in stale.text
        assert "Approved." in (await ken.post(f"{path}/agree", digest=change.digest)).text
    assert (await world.app.doorkeeper.sweep()).warned == 3
    async with world.app.sessions() as session:
        (settled,) = await changes(session)
        grants = list(await session.scalars(select(GrantRow)))
    assert settled.state is ChangeState.APPROVED
    assert {each.change_id for each in grants if each.state == "leaving"} == {change.id}


async def test_the_pages_are_for_staff_alone(world: World) -> None:
    members = await arrive(world)
    async with world.visitor() as visitor:
        for path in (
            "/members",
            "/members/rooms/residents",
            "/members/rooms/residents/list.csv",
            f"/members/{members[0]}",
            "/changes",
            "/changes/1",
            "/changes/1/list.csv",
        ):
            assert (await visitor.get(f"/console{path}")).status == 403
        for path in ("/members/search", f"/members/{members[0]}/override", "/changes/1/agree"):
            assert (await visitor.post(f"/console{path}")).status == 403
