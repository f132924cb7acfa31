"""Rooms, messages and one's own data."""

import json

from eth_account import Account

from bots.web.messenger import WebMessenger
from core import identity
from core.announcements import Outgoing
from core.database import transaction
from tests.bots.web.stage import Visitor, World


async def enter(world: World, visitor: Visitor) -> None:
    key = Account.create()
    world.holdings.give(key.address, 1)
    await visitor.prove(await visitor.link(), key, world.chain_id)


async def test_residents_write_in_their_room_and_strangers_do_not(world: World) -> None:
    async with world.visitor() as hana, world.visitor() as stranger:
        await enter(world, hana)
        seen = await hana.post("/rooms/residents", nickname="Hana", text="Hello <b>all</b>")
        assert "Hello &lt;b&gt;all&lt;/b&gt;" in seen.text
        refused = await stranger.post("/rooms/residents", nickname="Eve", text="let me in")
        assert refused.status == 403
        assert "let me in" not in (await hana.get("/rooms/residents")).text
        assert (await stranger.get("/rooms/residents/posts")).status == 403
        assert (await hana.get("/rooms/unknown")).status == 404


async def test_a_post_that_cannot_be_taken_says_why_and_keeps_the_text(world: World) -> None:
    async with world.visitor("ja") as hana:
        await enter(world, hana)
        for nickname, text, sentence in (
            ("\u200b", "hello", "呼び名を書いてください。"),
            ("美祢市", "hello", "この呼び名は町が使います。"),
            ("ミネドン", "hello", "この呼び名は町が使います。"),
            ("Hana", "\u2060", "書き込みが空です。"),
            ("Hana", "長" * 501, "書き込みは500文字までです。"),
        ):
            seen = await hana.post("/rooms/residents", nickname=nickname, text=text)
            assert (seen.status, sentence in seen.text) == (422, True)
        assert "長" * 501 in seen.text


async def test_who_sold_the_card_reads_until_the_grace_ends(world: World) -> None:
    async with world.visitor() as hana:
        await enter(world, hana)
        for owner in list(world.holdings.latest):
            world.holdings.give(owner, 0)
        rooms = await hana.get("/rooms")
        assert "You can stay until 28 November 2026" in rooms.text
        assert (await hana.get("/rooms/residents")).status == 200
        world.clock.advance(world.app.town.access.grace)
        rooms = await hana.get("/rooms")
        assert "Closed to you" in rooms.text
        assert (await hana.get("/rooms/residents")).status == 403


async def test_direct_messages_come_to_who_asked_and_can_be_stopped(world: World) -> None:
    async with world.visitor() as hana:
        await enter(world, hana)
        assert "You will receive messages" in (await hana.post("/rooms/messages", wants="yes")).text
        assert "no more messages" in (await hana.post("/rooms/messages", wants="no")).text


async def test_a_question_about_another_account_is_answered_once(world: World) -> None:
    async with world.visitor() as hana, world.visitor() as eve:
        await enter(world, hana)
        await eve.link()
        async with transaction(world.app.sessions) as session:
            account = next(
                each for each in await identity.accounts_of(session, 1) if each.platform == "web"
            )
            ken = await identity.account(session, "telegram", "5", locale="ja", now=world.clock())
            code = await identity.propose_merge(
                session, member_id=ken.member_id, other_id=account.member_id, now=world.clock()
            )
        question = Outgoing(
            "Is it you?", "…", "town", action=(("Yes, that is me", f"merge:{code}"),)
        )
        messenger = WebMessenger(world.app.sessions, world.clock)
        await messenger.send_direct(account.external_id, question, delivery=1)
        assert "Yes, that is me" in (await hana.get("/rooms")).text
        assert (await eve.post("/rooms/messages/1", choice="0")).status == 404
        answered = await hana.post("/rooms/messages/1", choice="0")
        assert "Yes, that is me" not in answered.text
        assert (await hana.post("/rooms/messages/1", choice="0")).status == 404
    async with transaction(world.app.sessions) as session:
        accounts = await identity.accounts_of(session, account.member_id)
    assert {each.platform for each in accounts} == {"web", "telegram"}


async def test_a_member_sees_and_deletes_what_is_kept(world: World) -> None:
    async with world.visitor() as hana:
        await enter(world, hana)
        await hana.post("/rooms/residents", nickname="Hana", text="remember me")
        kept = json.loads((await hana.post("/mydata/export")).text)
        assert kept["posts"][0]["text"] == "remember me"
        assert "Nothing was deleted" in (await hana.post("/mydata/delete")).text
        assert (
            "All your data has been deleted" in (await hana.post("/mydata/delete", sure="yes")).text
        )
        assert (await hana.get("/rooms/residents")).status == 403
        assert (await hana.post("/mydata/export")).status == 403
    async with transaction(world.app.sessions) as session:
        assert (await identity.member_count(session))["members"] == 0
