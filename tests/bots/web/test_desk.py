"""The ticket window on a phone with a real camera stack: one yes, in a second, or a no that says
why; and on without signal."""

import asyncio
from datetime import timedelta
from pathlib import Path

from playwright.async_api import Browser, Playwright, Route, expect

from core.perks import CARD_LIFETIME, ConflictState
from tests.bots.web.stage import World
from tests.bots.web.window import (
    FACILITY,
    PERK,
    Window,
    camera,
    open_window,
    phone,
    resident,
    type_code,
    verdict,
)


async def test_a_pass_before_the_camera_is_a_green_yes_with_what_is_left(
    world: World, playwright: Playwright, tmp_path: Path
) -> None:
    window = await open_window(world)
    async with (
        camera(playwright, tmp_path, await window.new_pass()) as browser,
        phone(browser) as clerk,
    ):
        page = await window.open(clerk)
        await page.get_by_role("button", name="読み取る").click()
        await expect(verdict(page)).to_have_class("verdict verdict-yes")
        await expect(verdict(page)).to_contain_text("使えます")
        await expect(verdict(page)).to_contain_text("秋芳洞の入洞")
        await expect(verdict(page)).to_contain_text("あと0回")
        await expect(page.get_by_role("button", name="次の人へ")).to_be_visible()
        await expect(page.locator("[data-verdict-said]")).to_be_focused()
        shown = await page.locator("body").inner_text()
        assert "77" not in shown  # the clerk never learns who it is
        await page.keyboard.press("Escape")
        await expect(verdict(page)).to_have_count(0)
        await expect(page.locator("[data-today] li")).to_contain_text("使えた")
    assert await window.uses() == [PERK]


async def test_of_two_windows_that_scan_one_pass_at_once_one_says_yes(
    world: World, playwright: Playwright, tmp_path: Path
) -> None:
    window = await open_window(world)
    async with (
        camera(playwright, tmp_path, await window.new_pass()) as browser,
        phone(browser) as one,
        phone(browser) as other,
    ):
        pages = [await window.open(one), await window.open(other)]
        await asyncio.gather(*(page.locator("[data-read]").click() for page in pages))
        for page in pages:
            await expect(verdict(page)).to_be_visible()
        colours = [await verdict(page).get_attribute("class") for page in pages]
        assert sorted(str(each) for each in colours) == [
            "verdict verdict-no",
            "verdict verdict-yes",
        ]
        loser = pages[colours.index("verdict verdict-no")]
        await expect(verdict(loser)).to_contain_text("もう使われています(12:00 秋芳洞)")
    assert await window.uses() == [PERK]


async def test_a_screenshot_shown_too_late_is_refused(
    world: World, playwright: Playwright, tmp_path: Path
) -> None:
    window = await open_window(world)
    text = await window.new_pass()
    world.clock.advance(CARD_LIFETIME + timedelta(seconds=1))
    async with camera(playwright, tmp_path, text) as browser, phone(browser) as clerk:
        page = await window.open(clerk)
        await page.locator("[data-read]").click()
        await expect(verdict(page)).to_have_class("verdict verdict-no")
        await expect(verdict(page)).to_contain_text("期限が切れています")
    assert await window.uses() == []


async def test_a_perk_of_another_facility_says_where_it_is_used(
    world: World, playwright: Playwright, tmp_path: Path
) -> None:
    window = await open_window(world)
    text = await window.new_pass("fossil-museum")
    async with camera(playwright, tmp_path, text) as browser, phone(browser) as clerk:
        page = await window.open(clerk)
        await page.locator("[data-read]").click()
        await expect(verdict(page)).to_have_class("verdict verdict-no")
        await expect(verdict(page)).to_contain_text("使える場所:美祢市化石館")


async def test_eight_digits_do_where_a_camera_does_not(world: World, browser: Browser) -> None:
    window = await open_window(world)
    _, code = await window.issue()
    async with phone(browser) as clerk:
        page = await window.open(clerk)
        await page.locator("[data-read]").click()  # this phone has no camera
        await expect(page.get_by_text("カメラが見つかりません。")).to_be_visible()
        await type_code(page, "12345678")
        await expect(verdict(page)).to_have_class("verdict verdict-warn")
        await page.keyboard.press("Enter")  # the next button, or the heading: both lead on
        await page.keyboard.press("Escape")
        await type_code(page, f"{code[:4]} {code[4:]}")
        await expect(verdict(page)).to_have_class("verdict verdict-yes")
    assert await window.uses() == [PERK]


async def test_a_use_is_taken_back_with_a_reason_and_can_be_used_again(
    world: World, browser: Browser
) -> None:
    window = await open_window(world)
    async with phone(browser) as clerk:
        page = await window.open(clerk)
        await type_code(page, (await window.issue())[1])
        await page.get_by_role("button", name="取り消す", exact=True).click()
        await page.get_by_role("button", name="読みまちがい").first.click()
        await expect(verdict(page)).to_have_class("verdict verdict-done")
        said = page.locator("[data-verdict-said]")
        assert (await said.inner_text()).split() == [
            "✓",
            "取り消しました",
            "お客さまは、また使えます。",
        ]
        assert await window.uses() == []
        await page.get_by_role("button", name="次の人へ").click()
        await expect(page.locator("[data-today] li")).to_contain_text("取り消し")
        await type_code(page, (await window.issue())[1])
        await expect(verdict(page)).to_have_class("verdict verdict-yes")
    rows = await world.app.perks.redemptions()
    assert [row.undo_reason for row in rows] == ["", "読みまちがい"]


async def test_the_list_takes_back_what_was_taken_earlier(world: World, browser: Browser) -> None:
    window = await open_window(world)
    async with phone(browser) as clerk:
        page = await window.open(clerk)
        await type_code(page, (await window.issue())[1])
        await page.get_by_role("button", name="次の人へ").click()
        await page.locator("[data-today] summary").click()
        await page.locator("[data-today]").get_by_role("button", name="その他").click()
        await expect(page.locator("[data-today] .desk-undone")).to_have_count(1)
    assert await window.uses() == []


async def test_without_signal_the_page_opens_decides_and_sends_later(
    world: World, playwright: Playwright, tmp_path: Path
) -> None:
    window = await open_window(world)
    text = await window.new_pass()
    async with camera(playwright, tmp_path, text) as browser, phone(browser) as clerk:
        page = await window.open(clerk)
        await expect(page.locator("[data-ready]")).to_have_text("今日は電波がなくても使えます。")
        await clerk.set_offline(True)
        await page.reload()
        await expect(page.locator("[data-signal]")).to_have_text("電波なし")
        await page.locator("[data-read]").click()
        await expect(verdict(page)).to_have_class("verdict verdict-yes")
        await expect(verdict(page)).to_contain_text("使えます(電波なし・あとで送ります)")
        await page.keyboard.press("Escape")
        await expect(page.get_by_role("button", name="未送信 1件")).to_be_visible()
        assert await window.uses() == []
        await page.reload()  # what waits survives the page
        await expect(page.get_by_role("button", name="未送信 1件")).to_be_visible()
        await page.locator("[data-read]").click()
        await expect(verdict(page)).to_contain_text("この電話で、もう読み取っています")
        await clerk.set_offline(False)
        await expect(page.locator("[data-unsent]")).to_be_hidden()
        kept = await page.evaluate(KEPT)
        assert kept == []
    assert await window.uses() == [PERK]


async def test_a_scan_whose_answer_is_lost_is_queued_and_sent_under_the_same_number(
    world: World, playwright: Playwright, tmp_path: Path
) -> None:
    window = await open_window(world)
    sent: list[str] = []

    async def lose_the_answer(route: Route) -> None:
        sent.append((route.request.post_data_json or {})["id"])
        await route.fetch()  # the town books it
        await clerk.set_offline(True)
        await route.abort()

    text = await window.new_pass()
    async with camera(playwright, tmp_path, text) as browser, phone(browser) as clerk:
        page = await window.open(clerk)
        await page.route("**/scan", lose_the_answer)
        await page.locator("[data-read]").click()
        await expect(verdict(page)).to_contain_text("あとで送ります")
        assert [each["id"] for each in await page.evaluate(KEPT)] == sent
        await page.keyboard.press("Escape")
        await clerk.set_offline(False)
        await expect(page.locator("[data-unsent]")).to_be_hidden()
        await expect(page.locator("[data-conflicts]")).to_be_hidden()
    assert await window.uses() == [PERK]
    assert await world.app.perks.conflicts() == []


async def test_what_waits_for_signal_stands_in_the_list_and_can_be_taken_back(
    world: World, playwright: Playwright, tmp_path: Path
) -> None:
    window = await open_window(world)
    text = await window.new_pass()
    async with camera(playwright, tmp_path, text) as browser, phone(browser) as clerk:
        page = await window.open(clerk)
        await clerk.set_offline(True)
        await page.locator("[data-read]").click()
        await expect(verdict(page)).to_have_class("verdict verdict-yes")
        await page.keyboard.press("Escape")
        await expect(page.locator("[data-as-of]")).to_have_text("12:00時点の記録です。")
        waiting = page.locator("[data-queued] li")
        await expect(waiting).to_contain_text("秋芳洞の入洞")
        await expect(waiting).to_contain_text("送信待ち")
        await page.locator("[data-stop]").click()
        await waiting.locator("summary").click()
        await waiting.get_by_role("button", name="読みまちがい").click()
        await expect(page.locator("[data-queued] .desk-undone")).to_contain_text("読みまちがい")
        await expect(page.locator("[data-unsent]")).to_be_hidden()
        assert await page.evaluate(KEPT) == []
        await page.locator("[data-read]").click()  # it never happened: the same pass is good
        await expect(verdict(page)).to_have_class("verdict verdict-yes")
        await page.keyboard.press("Escape")
        await clerk.set_offline(False)
        await expect(page.locator("[data-sent]")).to_have_text("1件を送りました。")
        await expect(page.locator("[data-today] li")).to_contain_text("使えた")
        await expect(page.locator("[data-as-of]")).to_be_hidden()
    assert await window.uses() == [PERK]


async def test_a_use_whose_answer_was_lost_is_taken_back_once_there_is_signal(
    world: World, playwright: Playwright, tmp_path: Path
) -> None:
    window = await open_window(world)
    text = await window.new_pass()
    async with camera(playwright, tmp_path, text) as browser, phone(browser) as clerk:
        page = await window.open(clerk)
        await page.evaluate(LOSE)
        await page.locator("[data-read]").click()
        await expect(verdict(page)).to_contain_text("あとで送ります")
        assert await window.uses() == [PERK]
        await page.get_by_role("button", name="取り消す", exact=True).click()
        await page.get_by_role("button", name="読みまちがい").last.click()
        await expect(verdict(page)).to_have_class("verdict verdict-done")
        await page.keyboard.press("Escape")
        await page.locator("[data-stop]").click()
        await page.evaluate("window.fetch = window.found")
        await page.locator("[data-unsent]").click()
        await expect(page.locator("[data-today] .desk-undone")).to_have_count(1)
    assert await window.uses() == []


async def test_a_page_opened_without_signal_says_of_when_its_list_is(
    world: World, browser: Browser
) -> None:
    window = await open_window(world)
    async with phone(browser) as clerk:
        page = await window.open(clerk)
        await expect(page.locator("[data-ready]")).to_have_text("今日は電波がなくても使えます。")
        await type_code(page, (await window.issue())[1])
        await page.get_by_role("button", name="次の人へ").click()
        await expect(page.locator("[data-today] li")).to_contain_text("使えた")
        await clerk.set_offline(True)
        await page.reload()
        await expect(page.locator("[data-today] li")).to_contain_text("使えた")
        await expect(page.locator("[data-as-of]")).to_have_text("12:00時点の記録です。")
        (row,) = await world.app.perks.redemptions()
        world.clock.advance(timedelta(minutes=1))
        await world.app.perks.undo(row.id, "staff", reason="x")
        await clerk.set_offline(False)
        await expect(page.locator("[data-today] .desk-undone")).to_have_count(1)


async def test_a_code_that_is_too_short_is_said_beside_the_field_and_kept(
    world: World, browser: Browser
) -> None:
    window = await open_window(world)
    async with phone(browser) as clerk:
        page = await window.open(clerk)
        for typed, said in (
            ("12", "数字が足りません。8けたの数字を入れてください。"),
            ("abcd", "数字が足りません。8けたの数字を入れてください。"),
            ("123456789", "8けたの数字だけを入れてください。"),
        ):
            await type_code(page, typed)
            await expect(page.locator("#code-fault")).to_contain_text(said)
            await expect(page.locator("#code")).to_have_value(typed)
            await expect(verdict(page)).to_have_count(0)
        _, code = await window.issue()
        await type_code(page, code)
        await expect(verdict(page)).to_have_class("verdict verdict-yes")
        await expect(page.locator("#code-fault")).not_to_contain_text("8けた")


LOSE = """() => {
  window.found = window.fetch;
  window.fetch = async (address, how) => {
    const answer = await window.found(address, { ...how, signal: undefined });
    if (address.endsWith('/scan') || address.endsWith('/sync')) throw new TypeError('lost');
    return answer;
  };
}"""
"""The town hears of scans, and its answers are lost."""


KEPT = """async () => {
  const [{ name }] = (await indexedDB.databases()).filter((each) => each.name.startsWith('kankei'));
  const base = await new Promise((done) => {
    const asked = indexedDB.open(name);
    asked.onsuccess = () => done(asked.result);
  });
  const queue = base.transaction('queue').objectStore('queue').getAll();
  return new Promise((done) => { queue.onsuccess = () => done(queue.result); });
}"""
"""What the page's database holds of passes."""


async def test_two_windows_without_signal_let_one_in_each_and_staff_see_the_conflict(
    world: World, playwright: Playwright, tmp_path: Path
) -> None:
    window = await open_window(world)
    second = Window(world, await world.app.desks.make(FACILITY, "裏口", by="staff"), window.member)
    text = await window.new_pass()
    async with (
        camera(playwright, tmp_path, text) as browser,
        phone(browser) as one,
        phone(browser) as other,
    ):
        pages = [await window.open(one), await second.open(other)]
        for context, page in zip((one, other), pages, strict=True):
            await context.set_offline(True)
            await page.locator("[data-read]").click()
            await expect(verdict(page)).to_contain_text("あとで送ります")
            await page.keyboard.press("Escape")
        for context, page in zip((one, other), pages, strict=True):
            await context.set_offline(False)
            await expect(page.locator("[data-unsent]")).to_be_hidden()
        await expect(pages[0].locator("[data-conflicts]")).to_be_hidden()
        await expect(pages[1].locator("[data-conflicts]")).to_contain_text("重なった記録")
    assert await window.uses() == [PERK]
    (conflict,) = await world.app.perks.conflicts()
    assert conflict.state is ConflictState.OPEN
    assert conflict.against is not None


COUNT = """async ({ left, seen }) => {
  const { Kit } = await import(document.querySelector('[data-desk]').dataset.kit);
  const kit = Object.create(Kit.prototype, { now: { value: 60 * 60000 } });
  const perk = { reentry_minutes: 30, reentries: 2 };
  const handle = seen.map(([minute, reentry]) => ({ at: minute * 60000, reentry, sent: false }));
  const { ok, reentry = false, reason = '' } = kit.count({ left, issued: 0 }, perk, { handle });
  return [ok, reentry, reason];
}"""
"""What the page decides of somebody whom it saw in these minutes; it is minute 60."""


async def test_without_signal_somebody_comes_in_again_within_the_time_and_so_many_times(
    world: World, browser: Browser
) -> None:
    window = await open_window(world)
    use, again = False, True
    async with phone(browser) as clerk:
        page = await window.open(clerk)
        for left, seen, said in (
            (1, [], [True, False, ""]),
            (1, [(40, use)], [True, True, ""]),
            (1, [(40, use), (50, again)], [True, True, ""]),
            (1, [(40, use), (50, again), (55, again)], [False, False, "offline-seen"]),
            (2, [(40, use), (50, again), (55, again)], [True, False, ""]),
            (2, [(40, use), (50, again), (55, again), (57, use)], [True, True, ""]),
            (1, [(20, use), (45, again)], [False, False, "offline-seen"]),  # 30 minutes of the use
        ):
            assert await page.evaluate(COUNT, {"left": left, "seen": seen}) == said


async def test_without_signal_nothing_forged_or_expired_gets_a_yes(
    world: World, playwright: Playwright, tmp_path: Path
) -> None:
    window = await open_window(world)
    good = await window.new_pass()
    forged = good[:-20] + ("A" * 20 if not good.endswith("A" * 20) else "B" * 20)
    for text, said in ((forged, "この町のQRコードではありません"), (good, "期限が切れています")):
        async with camera(playwright, tmp_path, text) as browser, phone(browser) as clerk:
            world.clock.advance(timedelta(minutes=4))
            page = await window.open(clerk)
            await clerk.set_offline(True)
            await page.locator("[data-read]").click()
            await expect(verdict(page)).to_have_class("verdict verdict-no")
            await expect(verdict(page)).to_contain_text(said)
            assert await page.locator("[data-unsent]").is_hidden()


async def test_wrong_pins_make_the_window_wait(world: World) -> None:
    window = await open_window(world)
    path = f"/desk/{window.made.token}"
    async with world.visitor("ja") as clerk:
        wrong = "000000" if window.made.pin != "000000" else "111111"
        for _ in range(10):
            seen = await clerk.post(path, pin=wrong)
            if seen.status == 429:
                break
            assert "番号がちがいます" in seen.text
        assert "待ってから入れてください" in seen.text
        assert (await clerk.post(path, pin=window.made.pin)).status == 429
        world.clock.advance(timedelta(hours=2))
        assert "読み取る" in (await clerk.post(path, pin=window.made.pin)).text


async def test_a_new_pin_and_a_revoked_link_shut_the_page_that_is_open(world: World) -> None:
    window = await open_window(world)
    path = f"/desk/{window.made.token}"
    async with world.visitor("ja") as clerk:
        full_width = window.made.pin.translate({ord("0") + n: ord("０") + n for n in range(10)})
        assert "読み取る" in (await clerk.post(path, pin=full_width)).text
        pin = await world.app.desks.rotate_pin(window.made.desk.id, by="staff")
        assert "暗証番号" in (await clerk.get(path)).text
        assert (await clerk.json(f"{path}/scan", {"text": "K1.", "id": "1"})).status == 403
        assert "読み取る" in (await clerk.post(path, pin=pin)).text
        await world.app.desks.revoke(window.made.desk.id, by="staff")
        seen = await clerk.post(path, pin=pin)
        assert "このリンクは使えません" in seen.text
        seen = await clerk.get(path)  # said before a PIN is asked for
        assert "このリンクは使えません" in seen.text
        assert 'name="pin"' not in seen.text


async def test_only_the_window_may_use_the_camera(world: World) -> None:
    window = await open_window(world)
    async with world.visitor("ja") as clerk:
        seen = await clerk.post(f"/desk/{window.made.token}", pin=window.made.pin)
        assert "camera=(self)" in seen.answer.headers["Permissions-Policy"]
        assert "unsafe" not in seen.answer.headers["Content-Security-Policy"]
        for path in ("/", "/perks", "/card", "/desk/unknown-link"):
            assert "camera=()" in (await clerk.get(path)).answer.headers["Permissions-Policy"]


async def test_what_the_page_is_sent_says_nothing_of_the_member(world: World) -> None:
    window = await open_window(world, card=4711)
    other = await resident(world, "secret-account", 4712)
    path = f"/desk/{window.made.token}"
    async with world.visitor("ja") as clerk:
        await clerk.post(path, pin=window.made.pin)
        text = await window.new_pass()
        answers = [await clerk.json(f"{path}/scan", {"text": text, "id": "one"})]
        answers += [await clerk.get(f"{path}/{name}") for name in ("kit", "today")]
        assert all(each.status == 200 for each in answers)
        for each in answers:
            assert "4711" not in each.text
            assert "secret-account" not in each.text
            assert f'"member": {other}' not in each.text


async def test_nonsense_sent_to_the_window_is_no_and_breaks_nothing(world: World) -> None:
    window = await open_window(world)
    path = f"/desk/{window.made.token}"
    async with world.visitor("ja") as clerk:
        await clerk.post(path, pin=window.made.pin)
        bodies: tuple[object, ...] = (
            {},
            {"text": "x" * 5000, "id": "1"},
            {"text": None, "id": None},
            [],
        )
        for body in bodies:
            assert (await clerk.json(f"{path}/scan", body)).status in {200, 400}
        for scans in (None, [1], [{"id": "a", "text": "b", "at": 1e300}], [{"id": "a"}]):
            seen = await clerk.json(f"{path}/sync", {"scans": scans})
            assert seen.status == 200
        assert (await clerk.json(f"{path}/undo", {"number": 99, "reason": "other"})).status == 200
    assert await window.uses() == []
