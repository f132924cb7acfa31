"""Staff take a card off a member: a second look, a reason, a notice, and the way back."""

import hashlib
import hmac
import re
from dataclasses import replace

from sqlalchemy import select

from bots.marks import mark_of
from core import identity
from core.audit import verify
from core.database import reading, transaction
from core.tables import AnnouncementRow, AuditRow, GrantRow
from tests.bots.web.stage import World
from tests.bots.web.test_console import enter
from tests.bots.web.test_members import WALLETS, arrive

SAFE = "0x6813Eb9362372EEF6200f3b1dbC3f819671cBA69"
LINK = re.compile(r'href="(/console/members/\d+/cards/[0-9a-f]{16})"')


async def test_a_card_is_taken_off_after_a_second_look_with_a_reason_and_the_member_is_told(
    world: World,
) -> None:
    member, other, _ = await arrive(world)
    async with world.visitor() as hana:
        await enter(world, hana)
        page = await hana.get(f"/console/members/{member}")
        (path,) = LINK.findall(page.text)
        look = await hana.get(path)
        assert "0x7E…df" in look.text
        assert "Digital" in look.text  # the room that it opened
        assert "0x7E5F" not in look.text + page.text
        for wrong in ({"reason": "lost"}, {"sure": "yes"}, {"reason": " ", "sure": "yes"}):
            refused = await hana.post(path, wrong)
            assert refused.status == 422
            assert f'value="{wrong.get("reason", "").strip()}"' in refused.text
        async with reading(world.app.sessions) as session:
            assert await identity.wallets_of(session, member) == [WALLETS[0]]
        done = await hana.post(path, reason="lost <b>phone</b>", sure="yes")
        assert "The card was taken off" in done.text
        assert "closing soon" in done.text
        assert "no longer linked" in (await hana.post(path, reason="x", sure="yes")).text
        assert "no longer linked" in (await hana.get(path)).text
    async with reading(world.app.sessions) as session:
        assert await identity.wallets_of(session, member) == []
        assert await identity.wallets_of(session, other) == [WALLETS[1]]
        rows = list(await session.scalars(select(AuditRow).order_by(AuditRow.id)))
        (entry,) = [each for each in rows if each.action == "wallet.unlinked"]
        assert (entry.actor, entry.subject) == ("staff:hana", f"member:{member}")
        assert entry.detail == {"reason": "lost <b>phone</b>"}
        assert await verify(session) is None
        told = await session.scalars(select(AnnouncementRow.texts))
        told_of = [each for each in told if each["key"] == "card-unlinked"]
        assert len(told_of) == 2  # both accounts, once
        assert told_of[0]["values"] == {"card": "0x7E…df", "why": "lost <b>phone</b>"}
        states = await session.scalars(select(GrantRow.state).where(GrantRow.member_id == member))
        assert set(states) == {"leaving"}, "with notice and grace, not at once"


async def test_no_link_tells_whose_address_it_is_to_who_tries_those_on_the_chain(
    world: World,
) -> None:
    member, *_ = await arrive(world)
    async with world.visitor() as hana:
        await enter(world, hana)
        (path,) = LINK.findall((await hana.get(f"/console/members/{member}")).text)
    plain = f"{WALLETS[0]}:0".encode()
    for key in (b"", b"wallet-marks"):
        assert hmac.new(key, plain, hashlib.sha256).hexdigest()[:16] not in path
    assert hashlib.sha256(plain).hexdigest()[:16] not in path
    async with reading(world.app.sessions) as session:
        (wallet,) = await identity.linked_wallets(session, member)
    assert mark_of("of this town", wallet) != mark_of("of another", wallet)
    elsewhere = replace(wallet, chain_id=137)
    assert mark_of("of this town", wallet) != mark_of("of this town", elsewhere)


async def test_the_member_who_proves_again_keeps_the_room(world: World) -> None:
    member, *_ = await arrive(world)
    async with world.visitor() as hana:
        await enter(world, hana)
        (path,) = LINK.findall((await hana.get(f"/console/members/{member}")).text)
        await hana.post(path, reason="lost", sure="yes")
    async with transaction(world.app.sessions) as session:
        await identity.link_wallet(session, member, WALLETS[0], world.chain_id, now=world.clock())
    await world.app.doorkeeper.recheck(member)
    async with reading(world.app.sessions) as session:
        states = await session.scalars(select(GrantRow.state).where(GrantRow.member_id == member))
        assert set(states) == {"open"}


async def test_a_contract_account_is_named_with_its_chain_and_taken_off_there_alone(
    world: World,
) -> None:
    member, *_ = await arrive(world)
    chain = world.app.town.chains[0]
    async with transaction(world.app.sessions) as session:
        for number in (chain.id, 4_242):
            await identity.link_wallet(
                session, member, SAFE, number, now=world.clock(), contract_wallet=True
            )
    async with world.visitor() as hana:
        await enter(world, hana)
        page = (await hana.get(f"/console/members/{member}")).text
        assert f"on {chain.name} only" in page
        assert "on 4242 only" in page
        paths = LINK.findall(page)
        assert len(set(paths)) == 3
        for path in paths:
            if "on 4242 only" in (await hana.get(path)).text:
                await hana.post(path, reason="another person's", sure="yes")
    async with reading(world.app.sessions) as session:
        left = await identity.linked_wallets(session, member)
    assert {(each.address, each.chain_id) for each in left} == {
        (WALLETS[0], None),
        (SAFE, chain.id),
    }


async def test_the_pages_are_for_staff_alone(world: World) -> None:
    member, *_ = await arrive(world)
    async with reading(world.app.sessions) as session:
        (wallet,) = await identity.linked_wallets(session, member)
    path = f"/console/members/{member}/cards/{world.app.mark(wallet)}"
    async with world.visitor() as stranger:
        assert (await stranger.get(path)).status == 403
        assert (await stranger.post(path, reason="x", sure="yes")).status == 403
    async with reading(world.app.sessions) as session:
        assert await identity.wallets_of(session, member) == [WALLETS[0]]
