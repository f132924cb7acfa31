"""The page of a resident's settings, and how announcements stand on our own pages."""

import re

import aiohttp
from eth_account import Account

from bots import qr
from bots.web.messenger import WebMessenger
from core import announcements, board, identity
from core.announcements import Delivered, Failed, Outgoing, Picture
from core.database import transaction
from tests.bots.web.stage import Visitor, World

PICTURE = Picture(qr.png("K1"), "image/png", "橋の上から見た湖")
NEWS = Outgoing(
    "山焼き",
    "二月に行います。",
    "美祢市",
    action=(("「催しもの」のお知らせを止める", "topic:events:off"),),
    links=(("くわしく", "https://town.example/yamayaki"),),
    picture=PICTURE,
)


async def enter(world: World, visitor: Visitor) -> identity.Account:
    key = Account.create()
    world.holdings.give(key.address, 1)
    await visitor.prove(await visitor.link(), key, world.chain_id)
    async with transaction(world.app.sessions) as session:
        (member,) = await identity.members_at(session, key.address)
        assert member is not None
        (account,) = await identity.accounts_of(session, member)
    return account


async def again(world: World, account: identity.Account) -> identity.Account:
    async with transaction(world.app.sessions) as session:
        return await identity.account_by_id(session, account.id)


async def test_a_resident_chooses_topics_and_place_and_the_time_follows(world: World) -> None:
    async with world.visitor("ja") as hana:
        account = await enter(world, hana)
        assert "山口県" in (await hana.get("/settings")).text
        saved = await hana.post(
            "/settings",
            {"wants": "yes", "area": "JP-35", "zone": "area", "topic-seasons": "yes"},
        )
        assert "設定を保存しました" in saved.text
        assert re.search(r'value="JP-35" selected', saved.text)
        kept = await again(world, account)
        assert (kept.area, kept.zone, kept.wants_messages) == ("JP-35", "Asia/Tokyo", True)
        async with transaction(world.app.sessions) as session:
            wanted = await announcements.wants(session, kept.member_id, town=world.app.town)
        assert wanted == {"events": False, "perks": False, "seasons": True}

        await hana.post("/settings", area="", zone="area")
        kept = await again(world, account)
        assert (kept.area, kept.zone, kept.wants_messages) == (None, None, False)


async def test_a_zone_of_ones_own_stays_until_it_is_changed(world: World) -> None:
    async with world.visitor("en") as hana:
        account = await enter(world, hana)
        await hana.post("/settings", area="US", zone="America/Los_Angeles")
        page = (await hana.get("/settings")).text
        assert 'value="America/Los_Angeles" selected' in page
        assert (await again(world, account)).zone == "America/Los_Angeles"


async def test_what_is_no_choice_is_refused_and_changes_nothing(world: World) -> None:
    async with world.visitor("en") as hana:
        account = await enter(world, hana)
        assert (await hana.post("/settings", area="XX", zone="")).status == 400
        assert (await hana.post("/settings", area="", zone="Mars/Base")).status == 400
        kept = await again(world, account)
        assert (kept.area, kept.zone) == (None, None)


async def test_a_stranger_is_shown_how_to_become_a_resident(world: World) -> None:
    async with world.visitor("en") as stranger:
        assert "/join" in (await stranger.get("/settings")).text
        assert (await stranger.post("/settings", area="KR", zone="")).status == 403


async def test_a_message_shows_its_picture_and_links_and_is_new_once(world: World) -> None:
    async with world.visitor("ja") as hana:
        account = await enter(world, hana)
        messenger = WebMessenger(world.app.sessions, world.clock)
        for _ in range(2):
            await messenger.send_direct(account.external_id, NEWS, delivery=(7 << 36) | account.id)
        page = (await hana.get("/rooms")).text
        assert page.count("橋の上から見た湖") == 1
        assert 'href="https://town.example/yamayaki"' in page
        assert "新着" in page
        assert "新着" not in (await hana.get("/rooms")).text
        async with transaction(world.app.sessions) as session:
            (message,) = await board.messages(session, account.id)
        assert message.opened_at == world.clock()

        stopped = await hana.post(f"/rooms/messages/{message.id}", choice="0")
        assert "「催しもの」を止めました。設定で戻せます。" in stopped.text


async def test_a_picture_is_served_by_us_for_ever_and_under_no_other_name(world: World) -> None:
    messenger = WebMessenger(world.app.sessions, world.clock)
    await messenger.post("board", NEWS, delivery=1)
    async with world.visitor("ja") as anybody:
        home = (await anybody.get("/")).text
        found = re.search(r"/pictures/[0-9a-f]{64}", home)
        assert found
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"{world.url}{found[0]}") as answer,
        ):
            assert await answer.read() == PICTURE.content
            headers = answer.headers
        assert headers["Content-Type"] == "image/png"
        assert headers["Cache-Control"] == "private, max-age=31536000, immutable"
        assert headers["X-Content-Type-Options"] == "nosniff"
        for wrong in ("0" * 64, "x" * 64, "..%2f..%2fsecret", found[0][10:40]):
            assert (await anybody.get(f"/pictures/{wrong}")).status == 404


async def test_an_edited_post_says_since_when_and_a_withdrawn_one_says_nothing_else(
    world: World,
) -> None:
    messenger = WebMessenger(world.app.sessions, world.clock)
    sent = await messenger.post("board", NEWS, delivery=1)
    assert isinstance(sent, Delivered)
    number = sent.message_id or ""
    later = Outgoing("山焼き(延期)", "三月に行います。", "美祢市", picture=PICTURE)
    for _ in range(2):
        assert await messenger.edit("board", number, later, direct=False) == sent
    async with world.visitor("ja") as anybody:
        home = (await anybody.get("/")).text
        assert "三月に行います" in home
        assert "に書き直しました" in home
        for _ in range(2):
            assert await messenger.retract("board", number, direct=False) == sent
        home = (await anybody.get("/")).text
        assert "取り下げたお知らせ" in home
        assert "三月に行います" not in home
        assert "/pictures/" not in home
    assert isinstance(await messenger.edit("board", number, later, direct=False), Failed)


async def test_pictures_that_no_page_shows_are_forgotten(world: World) -> None:
    messenger = WebMessenger(world.app.sessions, world.clock)
    sent = await messenger.post("board", NEWS, delivery=1)
    assert isinstance(sent, Delivered)
    async with transaction(world.app.sessions) as session:
        await board.forget_pictures(session, before=world.clock.now.replace(year=2030))
        (post,) = await board.posts(session, board.BOARD)
        assert post.picture is not None
        assert await board.picture(session, post.picture) is not None
    digest = post.picture
    await messenger.retract("board", sent.message_id or "", direct=False)
    async with transaction(world.app.sessions) as session:
        await board.forget_pictures(session, before=world.clock.now.replace(year=2030))
    async with transaction(world.app.sessions) as session:
        assert await board.picture(session, digest) is None
