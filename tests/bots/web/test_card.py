"""The member's card: a pass that renews itself, says when it was used, and is nobody else's."""

import re
from datetime import timedelta

from playwright.async_api import Browser, expect

from core.database import transaction
from core.identity import (
    CARD,
    LINK_LIFETIME,
    account,
    forget,
    link_wallet,
    make_link,
    merge,
    propose_merge,
)
from core.perks import Desk, Reason
from tests.bots.web.stage import Visitor, World
from tests.bots.web.window import PERK, Window, open_window, phone, resident

NOT_LEGAL = "法律上の住民票ではありません"


async def link_of(window: Window, *, purpose: str = CARD) -> str:
    """What /card sends to the member's chat; its path."""
    world = window.world
    async with transaction(world.app.sessions) as session:
        mine = await account(session, "telegram", "77", locale="ja", now=world.clock())
        token = await make_link(session, mine.id, now=world.clock(), purpose=purpose)
    return f"/card/open/{token}"


async def open_card(window: Window, visitor: Visitor) -> None:
    seen = await visitor.post(await link_of(window))
    assert "使える特典" in seen.text


def desk_of(window: Window) -> Desk:
    return window.made.desk


async def test_the_card_says_what_it_is_not_and_what_is_left(world: World) -> None:
    window = await open_window(world)
    async with world.visitor("ja") as member:
        await open_card(window, member)
        text = (await member.get("/card")).text
        assert NOT_LEGAL in text
        assert "あと1回" in text
        assert "秋芳洞" in text
        await world.app.perks.redeem(await window.new_pass(), desk_of(window), request_id="1")
        text = (await member.get("/card")).text
        assert "使い終わりました" in text
        assert "12:00 秋芳洞" in text
        assert f'href="/card/{PERK}"' not in text


async def test_every_language_reads_the_notice_on_the_card(world: World) -> None:
    window = await open_window(world)
    for language, notice in (
        ("en", "This is not a legal certificate of residence."),
        ("zh-TW", "這不是法律上的居民票。"),
        ("zh-CN", "这不是法律上的居民票。"),
        ("ko", "법률상의 주민표가 아닙니다."),
    ):
        async with world.visitor(language) as member:
            path = await link_of(window)
            assert (await member.get(path)).status == 200
            await member.post("/language", language=_ours(language))
            assert notice in (await member.post(path)).text


def _ours(tag: str) -> str:
    return {"zh-TW": "zh-Hant", "zh-CN": "zh-Hans"}.get(tag, tag)


async def test_a_link_from_a_chat_opens_once_by_a_press_and_nothing_but_the_card(
    world: World,
) -> None:
    window = await open_window(world)
    path = await link_of(window)
    async with world.visitor("ja") as member, world.visitor("ja") as other:
        for _ in range(2):  # what looks ahead at links uses nothing up
            assert "この端末で会員証を開く" in (await member.get(path)).text
        assert "使える特典" in (await member.post(path)).text
        assert (await other.post(path)).status == 410
        assert "使う" in (await member.get("/card")).text
        assert (await member.post("/mydata/export")).status == 403
        assert "web.rooms" not in (await member.get("/rooms")).text
        await member.post("/card/close")
        assert f"/card/{PERK}" not in (await member.get("/card")).text


async def test_a_link_for_one_purpose_opens_nothing_else(world: World) -> None:
    window = await open_window(world)
    join = await link_of(window, purpose="join")
    card = await link_of(window)
    async with world.visitor("ja") as member:
        assert (await member.get(join)).status == 410
        assert (await member.get(card.replace("/card/open/", "/verify/"))).status == 410
        world.clock.advance(LINK_LIFETIME + timedelta(seconds=1))
        assert (await member.post(card)).status == 410


async def test_a_card_opened_from_a_chat_closes_by_itself(world: World) -> None:
    window = await open_window(world)
    async with world.visitor("ja") as member:
        await open_card(window, member)
        assert (await member.get(f"/card/{PERK}/pass")).status == 200
        world.clock.advance(timedelta(hours=12, seconds=1))
        assert (await member.get(f"/card/{PERK}/pass")).status == 403


async def test_a_browser_of_somebody_who_left_never_shows_a_newcomers_card(
    world: World,
) -> None:
    window = await open_window(world)
    async with world.visitor("ja") as member:
        await open_card(window, member)
        async with transaction(world.app.sessions) as session:
            await forget(session, window.member, now=world.clock())
        await resident(world, "88", 8)  # SQLite gives them the account's number
        assert (await member.get(f"/card/{PERK}/pass")).status == 403


async def test_after_two_members_became_one_the_card_is_opened_again(world: World) -> None:
    async with transaction(world.app.sessions) as session:
        older = await account(session, "discord", "88", locale="ja", now=world.clock())
    window = await open_window(world)
    async with world.visitor("ja") as member:
        await open_card(window, member)
        async with transaction(world.app.sessions) as session:
            code = await propose_merge(
                session, member_id=window.member, other_id=older.member_id, now=world.clock()
            )
        async with transaction(world.app.sessions) as session:
            await merge(session, code, by_member=older.member_id, now=world.clock())
        assert (await member.get(f"/card/{PERK}/pass")).status == 403
        await open_card(window, member)
        assert (await member.get(f"/card/{PERK}/pass")).status == 200


async def test_each_pass_is_new_and_its_picture_holds_the_text(world: World) -> None:
    window = await open_window(world)
    async with world.visitor("ja") as member:
        await open_card(window, member)
        one = await (await member.get(f"/card/{PERK}/pass")).read()
        two = await (await member.get(f"/card/{PERK}/pass")).read()
        assert one["svg"].startswith("<svg")
        assert "style" not in one["svg"]
        assert one["svg"] != two["svg"]
        assert re.fullmatch(r"\d{8}", one["code"])


async def test_a_perk_that_is_used_up_says_since_when_and_until_when(world: World) -> None:
    window = await open_window(world)
    await world.app.perks.redeem(await window.new_pass(), desk_of(window), request_id="1")
    async with world.visitor("ja") as member:
        await open_card(window, member)
        text = (await member.get(f"/card/{PERK}")).text
        assert "使い終わりました" in text
        assert "12:00 秋芳洞" in text
        assert "closed" in await (await member.get(f"/card/{PERK}/pass")).read()
        assert (await member.get("/card/no-such-perk")).status == 404


async def test_who_gave_the_card_away_is_told_so_and_until_when_the_room_is_open(
    world: World,
) -> None:
    address = "0x" + "7" * 40
    async with transaction(world.app.sessions) as session:
        mine = await account(session, "web", "hana", locale="ja", now=world.clock())
        await link_wallet(session, mine.member_id, address, world.chain_id, now=world.clock())
        token = await make_link(session, mine.id, now=world.clock(), purpose=CARD)
    world.holdings.give_tokens(address, "resident-card", {7: 1})
    async with world.visitor("ja") as member:
        await member.post(f"/card/open/{token}")
        assert "/tokens/resident-card/7" in (await member.get("/card")).text
        await world.app.doorkeeper.recheck(mine.member_id)
        world.holdings.give_tokens(address, "resident-card", {})
        await world.app.doorkeeper.sweep()
        text = (await member.get("/card")).text
        assert "会員証が手もとを離れたため、会員の特典は使えません。" in text
        assert "部屋には、2026年" in text
        assert "デジタル住民になると、ここに" not in text
        usable, _, unusable = text.partition("いまは使えない特典")
        assert "化石館の割引券" in usable
        assert "秋芳洞の入洞" in unusable


async def test_a_use_that_was_taken_back_is_said_on_the_page_that_showed_it(world: World) -> None:
    window = await open_window(world)
    async with world.visitor("ja") as member:
        await open_card(window, member)
        since = int(world.clock().timestamp())
        await world.app.perks.redeem(await window.new_pass(), desk_of(window), request_id="1")
        used = await (await member.get(f"/card/{PERK}/state?since={since}")).read()
        assert "使いました" in used["html"]
        path = f"/card/{PERK}/state?since={since}&used={used['at']}"
        assert "undone" not in await (await member.get(path)).read()
        (row,) = await world.app.perks.redemptions()
        await world.app.perks.undo(row.id, desk_of(window), reason="x")
        undone = await (await member.get(path)).read()
        assert "取り消されました。もう一度使えます" in undone["html"]
        assert f'href="/card/{PERK}"' in undone["html"]


async def test_nobody_without_a_card_is_given_a_pass(world: World) -> None:
    await open_window(world)
    async with world.visitor("ja") as stranger:
        assert "デジタル住民になると" in (await stranger.get("/card")).text
        assert (await stranger.get(f"/card/{PERK}/pass")).status == 403
        await stranger.post("/join")
        closed = await (await stranger.get(f"/card/{PERK}/pass")).read()
        assert "会員証が見つかりません" in closed["closed"]


async def test_the_page_changes_by_itself_once_the_pass_was_used(
    world: World, browser: Browser
) -> None:
    window = await open_window(world)
    path = await link_of(window)
    async with phone(browser) as member:
        page = await member.new_page()
        await page.goto(world.url + path)
        await page.get_by_role("button", name="この端末で会員証を開く").click()
        await page.get_by_role("link", name="「秋芳洞の入洞(見本の特典)」を使う").click()
        await expect(page.get_by_text("窓口の人に見せてください")).to_be_visible()
        await expect(page.get_by_text("秒で新しくなります")).to_be_visible()
        code = (await page.locator("[data-manual]").inner_text()).replace(" ", "")
        verdict = await world.app.perks.redeem(code, desk_of(window), request_id="1")
        assert verdict.reason is Reason.OK
        await expect(page.get_by_role("heading", name="使いました")).to_be_focused()
        await expect(page.get_by_text("12:00 秋芳洞")).to_be_visible()
        await expect(page.locator("[data-code]")).to_be_hidden()


async def test_no_page_of_perks_is_wider_than_a_phone_or_hard_to_touch(
    world: World, browser: Browser
) -> None:
    window = await open_window(world)
    path = await link_of(window)
    async with phone(browser) as member:
        page = await member.new_page()
        await page.goto(world.url + path)
        await page.get_by_role("button", name="この端末で会員証を開く").click()
        for where in (
            *("/card", f"/card/{PERK}", "/perks", "/tokens", "/tokens/resident-card/7"),
            window.address.removeprefix(world.url),
        ):
            await page.goto(world.url + where)
            assert await page.evaluate("document.documentElement.scrollWidth") <= 360, where
            assert await page.evaluate(SMALL) == [], where


SMALL = """() => [...document.querySelectorAll('main button, main .button, main input, summary')]
  .filter((each) => each.checkVisibility() && each.type !== 'hidden')
  .filter((each) => each.getBoundingClientRect().height < 44)
  .map((each) => each.outerHTML.slice(0, 80))"""
"""Controls that a thumb would miss."""


async def test_the_pass_renews_itself_and_says_when_it_cannot(
    world: World, browser: Browser
) -> None:
    window = await open_window(world)
    path = await link_of(window)
    async with phone(browser) as member:
        page = await member.new_page()
        await page.clock.install()
        await page.goto(world.url + path)
        await page.get_by_role("button", name="この端末で会員証を開く").click()
        await page.goto(f"{world.url}/card/{PERK}")
        first = await page.locator("[data-code]").inner_html()
        await page.clock.run_for(31_000)
        await expect(page.locator("[data-code] svg")).to_be_visible()
        await page.wait_for_function(
            "first => document.querySelector('[data-code]').innerHTML !== first", arg=first
        )
        await member.set_offline(True)
        await page.clock.run_for(35_000)
        await expect(page.get_by_text("電波がありません")).to_be_visible()
        await page.clock.run_for(40_000)
        await expect(page.get_by_text("QRコードの期限が切れました")).to_be_visible()
        await member.set_offline(False)
        await page.clock.run_for(5_000)
        await expect(page.get_by_text("QRコードの期限が切れました")).to_be_hidden()
