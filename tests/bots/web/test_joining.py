"""From the personal link over one signature to the rooms, and what can go wrong on the way."""

from datetime import timedelta

from eth_account import Account

from core import identity
from core.database import transaction
from core.tables import WalletRow
from core.testing import FakeKeeper
from tests.bots.web.stage import World, sign


async def test_a_card_opens_the_room_to_the_browser_that_proved_it(world: World) -> None:
    key = Account.create()
    world.holdings.give(key.address, 1)
    async with world.visitor() as visitor:
        before = await visitor.get("/rooms/residents")
        assert (before.status, "who meet these conditions" in before.text) == (403, True)
        proved = await visitor.prove(await visitor.link(), key, world.chain_id)
        assert "Welcome, digital resident!" in proved.text
        assert (await visitor.get("/rooms/residents")).status == 200
        assert "Open to you" in (await visitor.get("/rooms")).text
    async with world.visitor() as stranger:
        assert (await stranger.get("/rooms/residents")).status == 403


async def test_a_proof_without_a_card_says_so_and_opens_nothing(world: World) -> None:
    async with world.visitor() as visitor:
        proved = await visitor.prove(await visitor.link(), Account.create(), world.chain_id)
        assert "no card was found" in proved.text
        rooms = await visitor.get("/rooms")
        assert "Digital resident card (sample)”: 1 or more (now 0)" in rooms.text
        assert (await visitor.get("/rooms/residents")).status == 403


async def test_when_the_chain_is_silent_nothing_is_refused_for_good(world: World) -> None:
    key = Account.create()
    world.holdings.give(key.address, 1)
    world.holdings.outage = {"latest", "finalized"}
    async with world.visitor() as visitor:
        proved = await visitor.prove(await visitor.link(), key, world.chain_id)
        assert "cannot be checked right now" in proved.text
        world.holdings.outage = set()
        assert "Open to you" in (await visitor.get("/rooms")).text


async def test_an_expired_link_offers_a_new_one(world: World) -> None:
    async with world.visitor() as visitor:
        link = await visitor.link()
        world.clock.advance(timedelta(minutes=31))
        seen = await visitor.get(link)
        assert (seen.status, "This link has expired." in seen.text) == (410, True)
        assert "Make a new link" in seen.text
        asked = await visitor.json(
            f"{link}/challenge", {"address": Account.create().address, "chain_id": world.chain_id}
        )
        assert (asked.status, (await asked.read())["fault"]) == (410, "link-expired")


async def test_every_bad_proof_is_a_clean_refusal(world: World) -> None:
    key, other = Account.create(), Account.create()
    async with world.visitor() as visitor:
        link = await visitor.link()
        body = {"address": key.address, "chain_id": world.chain_id}
        message = (await (await visitor.json(f"{link}/challenge", body)).read())["message"]
        for signature in (sign(other, message), "0x", "zz", "0x" + "00" * 65, "0x" + "ff" * 9_999):
            seen = await visitor.json(f"{link}/proof", {"message": message, "signature": signature})
            assert (seen.status, (await seen.read())["fault"]) == (422, "bad-signature")
        odd: tuple[object, ...] = ([], {"message": 1}, {"message": "x" * 9_999, "signature": "0x"})
        for strange in odd:
            assert (await visitor.json(f"{link}/proof", strange)).status == 422
        wrong = await visitor.json(f"{link}/challenge", {**body, "chain_id": 999})
        assert (await wrong.read())["fault"] == "wrong-chain"
        good = {"message": message, "signature": sign(key, message)}
        assert (await visitor.json(f"{link}/proof", good)).status == 200
        again = await visitor.json(f"{link}/proof", good)
        assert (await again.read())["fault"] == "link-expired"
        forged = await visitor.json(f"{link}/proof", good, csrf="wrong")
        assert forged.status == 403


async def test_a_resident_who_signs_in_another_browser_is_the_same_resident(world: World) -> None:
    key = Account.create()
    world.holdings.give(key.address, 1)
    async with world.visitor() as first, world.visitor() as second:
        await first.prove(await first.link(), key, world.chain_id)
        proved = await second.prove(await second.link(), key, world.chain_id)
        assert "Welcome, digital resident!" in proved.text
        assert (await second.get("/rooms/residents")).status == 200
    async with transaction(world.app.sessions) as session:
        assert await identity.member_count(session) == {"members": 1, "proved": 1}


async def test_signing_in_again_with_a_used_signature_is_refused(world: World) -> None:
    key = Account.create()
    async with world.visitor() as first, world.visitor() as second:
        await first.prove(await first.link(), key, world.chain_id)
        link = await second.link()
        body = {"address": key.address, "chain_id": world.chain_id}
        message = (await (await second.json(f"{link}/challenge", body)).read())["message"]
        good = {"message": message, "signature": sign(key, message)}
        assert (await second.json(f"{link}/proof", good)).status == 200
        assert (await second.json(f"{link}/proof", good)).status in {410, 422}


async def test_two_people_with_one_wallet_on_the_web_are_not_made_one(world: World) -> None:
    mine, theirs = Account.create(), Account.create()
    async with world.visitor() as first, world.visitor() as second:
        await first.prove(await first.link(), theirs, world.chain_id)
        await second.prove(await second.link(), mine, world.chain_id)
        taken = await second.prove(await second.link(), theirs, world.chain_id)
        assert (taken.status, (await taken.read())["fault"]) == (409, "wallet-taken")


async def test_a_link_from_telegram_opens_its_doors_and_this_browser(world: World) -> None:
    key = Account.create()
    world.holdings.give(key.address, 1)
    world.app.keepers["telegram"] = FakeKeeper("telegram")
    world.bots["telegram"] = "@mine_guide_bot"
    async with transaction(world.app.sessions) as session:
        now = world.clock()
        hana = await identity.account(session, "telegram", "77", locale="ko", now=now)
        link = f"/verify/{await identity.make_link(session, hana.id, now=now)}"
    async with world.visitor("en") as visitor:
        page = await visitor.get(link)
        assert '<html lang="ko">' in page.text  # she spoke Korean with the bot
        assert "@mine_guide_bot" in page.text
        proved = await visitor.prove(link, key, world.chain_id)
        assert "https://door.example/77" in (await proved.read())["html"]
        assert (await visitor.get("/rooms/residents")).status == 200
    async with transaction(world.app.sessions) as session:
        accounts = await identity.accounts_of(session, hana.member_id)
        assert [each.platform for each in accounts] == ["telegram", "web"]


async def test_a_link_from_a_chat_asks_by_name_whether_it_is_the_reader_s(world: World) -> None:
    async with transaction(world.app.sessions) as session:
        now = world.clock()
        ken = await identity.account(session, "telegram", "78", locale="en", now=now)
        token = await identity.make_link(session, ken.id, now=now)
    async with world.visitor("en") as visitor:
        page = await visitor.get(f"/verify/{token}")
        assert "Is this you?" in page.text
        assert "an account on Telegram" in page.text
        world.app.enrolment.remember_name(token, "Ken <b>\u202e Sato")
        page = await visitor.get(f"/verify/{token}")
        assert "“Ken &lt;b&gt; Sato” on Telegram" in page.text
        assert "do not sign" in page.text
        world.clock.advance(identity.LINK_LIFETIME)
        assert world.app.enrolment.name_of(token) == ""


async def test_one_s_own_browser_is_not_asked_and_another_is(world: World) -> None:
    async with world.visitor("en") as mine, world.visitor("en") as other:
        link = await mine.link()
        assert "Is this you?" not in (await mine.get(link)).text
        assert "made in another browser" in (await other.get(link)).text


async def test_an_empty_web_account_gives_way_to_the_member_who_proved(world: World) -> None:
    async with world.visitor() as visitor:
        await visitor.link()  # this browser has an account of its own now
        async with transaction(world.app.sessions) as session:
            now = world.clock()
            hana = await identity.account(session, "telegram", "77", locale="ja", now=now)
            link = f"/verify/{await identity.make_link(session, hana.id, now=now)}"
        await visitor.prove(link, Account.create(), world.chain_id)
    async with transaction(world.app.sessions) as session:
        assert await identity.member_count(session) == {"members": 1, "proved": 1}


async def test_a_wallet_of_somebody_on_telegram_needs_their_word(world: World) -> None:
    key = Account.create()
    async with transaction(world.app.sessions) as session:
        now = world.clock()
        hana = await identity.account(session, "telegram", "77", locale="ja", now=now)
        session.add(
            WalletRow(
                address=key.address,
                member_id=hana.member_id,
                chain_id=0,
                proved_on=world.chain_id,
                proved_at=now,
            )
        )
    async with world.visitor() as visitor:
        # Without a room of its own this browser could be anybody: Telegram is asked first.
        proved = await visitor.prove(await visitor.link(), key, world.chain_id)
        assert "One step left" in proved.text
        assert "Telegram" in proved.text


async def test_the_demo_wallet_takes_a_card_and_signs_without_a_script(demo_world: World) -> None:
    async with demo_world.visitor() as visitor:
        link = await visitor.link()
        seen = await visitor.post(f"{link}/demo")
        assert "Welcome, digital resident!" in seen.text
        assert (await visitor.get("/rooms/residents")).status == 200
        gone = await visitor.post("/demo/card", do="take")
        assert "You gave the sample card away." in gone.text
        assert "You can stay until 28 November 2026" in gone.text
        back = await visitor.post("/demo/card", do="give")
        assert "Open to you" in back.text


async def test_a_real_town_has_no_demo_routes(world: World) -> None:
    async with world.visitor() as visitor:
        link = await visitor.link()
        for path in (f"{link}/demo", "/demo/card", "/console/demo"):
            assert (await visitor.post(path)).status in {404, 405}
        assert "sample card" not in (await visitor.get(link)).text
