"""A town office of three announces something: a real browser, from the first word to the CSV."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from playwright.async_api import Browser, Page, expect

from bots.web.session import staff_link
from core.announcements import Failed
from core.testing import SetClock
from knowledge.testing import FakeGenerator
from knowledge.translation import Translator
from tests.bots.web.announcing import ENGLISH, NEW, members, office, photo, pumped, telegram
from tests.bots.web.stage import SECRET, World

BODY = "2026年2月15日 午前9時から行います。定員は50名です。"
SLOW = 15_000
"""Milliseconds for an answer of a server that shares its cores with other tests."""
WRONG = "On 16 February 2026 from 9 a.m. Up to 50 people."


@asynccontextmanager
async def at_work(
    world: World, browser: Browser, name: str, *, width: int = 1280, language: str = "en"
) -> AsyncIterator[Page]:
    """A member of staff at their browser; a script error or a breach of the policy fails."""
    context = await browser.new_context(viewport={"width": width, "height": 900}, locale=language)
    page = await context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on(
        "console",
        lambda line: wrong.append(line.text) if "Content Security Policy" in line.text else None,
    )
    await page.goto(world.url + staff_link(SECRET, name, world.clock()))
    await page.locator("main form button").click()
    await page.get_by_role("heading", level=1).wait_for()
    yield page
    await context.close()
    assert wrong == []


async def compose(page: Page, world: World) -> None:
    """Write it, with a draft that changed a date, and choose whom it is for."""
    await page.goto(f"{world.url}{NEW}/new")
    await page.locator("#heading-ja").fill("山焼きのお知らせ")
    await page.locator("#body-ja").fill(BODY)
    looks = page.locator("[data-looks]")
    await expect(looks.locator(".look-telegram b")).to_have_text("山焼きのお知らせ")
    await expect(looks.locator(".look-discord")).to_contain_text("定員は50名です。")
    await page.get_by_role("tab", name="English").click()
    await page.locator("[data-translate='en']").click()
    await expect(page.locator("#body-en")).to_have_value(WRONG)
    check = page.locator("[data-check='en']")
    await expect(check).to_contain_text("A machine wrote this draft")
    await expect(check).to_contain_text("2026年2月15日")
    await expect(page.get_by_role("tab", name="English")).to_contain_text("check the figures")
    await page.locator("#body-en").fill(ENGLISH["body-en"])
    await expect(check).not_to_contain_text("2026年2月15日")
    await expect(looks.locator(".look-web")).to_contain_text("On 15 February 2026")
    await page.get_by_label("One by one").check()
    reach = page.locator("[data-reach]")
    await expect(reach).to_contain_text("3 people", timeout=SLOW)
    await page.get_by_label("English", exact=True).check()
    await expect(reach).to_contain_text("would reach nobody", timeout=SLOW)
    await expect(page.locator("[data-said]")).to_contain_text("nobody")
    await page.get_by_label("English", exact=True).uncheck()
    await expect(reach).to_contain_text("second member of staff", timeout=SLOW)


async def test_an_announcement_goes_from_the_first_word_to_the_results_of_each(
    tmp_path: Path, clock: SetClock, browser: Browser
) -> None:
    async with office(tmp_path, clock, approve_above=2) as world:
        await members(world, 3)
        said = f"{ENGLISH['heading-en']}\n\n{WRONG}"
        world.app.translator = Translator(FakeGenerator(said), timeout=5)
        telegram(world).prepared = [Failed("HTTP 400")]
        async with at_work(world, browser, "hana") as hana, at_work(world, browser, "ken") as ken:
            await compose(hana, world)
            await hana.get_by_role("button", name="Check and send").click()
            await expect(hana.locator("[data-faults]")).to_be_focused()
            await hana.get_by_role("link", name="Read it and tick the box").click()
            await expect(hana.locator("#read-en")).to_be_focused()
            await hana.locator("#read-en").check()
            await hana.get_by_role("button", name="Check and send").click()
            await hana.get_by_role("button", name="Ask for approval").click()
            await expect(hana.get_by_text("Another member of staff has to agree.")).to_be_visible()
            path = hana.url

            await ken.goto(f"{world.url}{NEW}")
            await ken.get_by_role("link", name="山焼きのお知らせ").first.click()
            await ken.get_by_role("button", name="Approve and send").click()
            await expect(ken.locator("#progress")).to_contain_text("0 of 3 settled (0%)")
            assert await pumped(world) == 3
            await expect(ken.locator("#progress")).to_contain_text("3 of 3 settled (100%)")
            await expect(ken.get_by_text("Send to those it missed (1)")).to_be_visible()

            await ken.get_by_role("link", name="Change the words").click()
            await ken.locator("#body-ja").fill(BODY.replace("50", "30"))
            await ken.locator("#body-en").fill(ENGLISH["body-en"].replace("50", "30"))
            await ken.get_by_role("button", name="Save and replace").click()
            await expect(
                ken.get_by_text("Another member of staff is asked to agree.")
            ).to_be_visible()
            await hana.goto(path)
            await hana.get_by_role("button", name="Agree and replace").click()
            await expect(hana.get_by_text("The change is on its way.")).to_be_visible()
            await pumped(world)
            await pumped(world, "web")  # which finds that nothing is left to change
            await ken.goto(path)
            await expect(ken.locator("#progress")).to_contain_text("Changed to the new words: 2")
            assert any("30名" in each[2].body for each in telegram(world).amended if each[2])

            await ken.get_by_role("link", name="Take it back").click()
            await ken.get_by_role("button", name="Take it back").click()
            await expect(ken.locator(".fault")).to_contain_text("It cannot be undone.")
            await ken.get_by_label("I understand").check()
            await ken.get_by_role("button", name="Take it back").click()
            await expect(ken.locator("#progress")).to_contain_text("Taken back")
            await pumped(world)
            assert [each[2] for each in telegram(world).amended[-2:]] == [None, None]

            await hana.goto(path)
            async with hana.expect_download() as download:
                await hana.get_by_role("link", name="Results as CSV").click()
            table = (await (await download.value).path()).read_text(encoding="utf-8-sig")
            assert len(table.splitlines()) == 4
            assert re.search(r"Member \d+,Telegram,日本語,Failed,HTTP 400,1", table)


async def test_a_picture_is_dropped_seen_in_the_preview_and_survives_a_fault(
    tmp_path: Path, clock: SetClock, browser: Browser
) -> None:
    async with office(tmp_path, clock) as world, at_work(world, browser, "hana") as page:
        await page.goto(f"{world.url}{NEW}/new")
        await page.locator("#heading-ja").fill("山焼き")
        await page.locator("#body-ja").fill("長" * 710)
        drop = """async ([bytes]) => {
          const box = document.querySelector('[data-picture-box]');
          const transfer = new DataTransfer();
          transfer.items.add(new File([new Uint8Array(bytes)], 'a.jpg', { type: 'image/jpeg' }));
          box.dispatchEvent(new DragEvent('drop', { dataTransfer: transfer, bubbles: true }));
        }"""
        await page.evaluate(drop, [list(photo((64, 48)))])
        await expect(page.locator(".picture-kept img")).to_be_visible()
        await expect(page.locator("[data-picture-said]")).to_have_text("The picture is there.")
        await expect(page.locator(".look-telegram img")).to_be_visible()
        await expect(page.locator("#count-body-ja")).to_contain_text("13 characters too many")
        await page.get_by_role("button", name="Check and send").click()
        await expect(page.locator("[data-faults]")).to_contain_text("at most 700 characters")
        await expect(page.locator(".picture-kept img")).to_be_visible()
        await page.get_by_role("button", name="Remove the picture").click()
        await expect(page.locator("#file")).to_be_focused()
        await expect(page.locator("#count-body-ja")).to_contain_text("2290 characters left")


async def test_the_form_is_filled_in_with_the_keyboard_alone(
    tmp_path: Path, clock: SetClock, browser: Browser
) -> None:
    async with office(tmp_path, clock) as world, at_work(world, browser, "hana") as page:
        await page.goto(f"{world.url}{NEW}/new")
        await page.locator("#tab-ja").focus()
        await page.keyboard.press("ArrowRight")
        await expect(page.locator("#tab-ja-easy")).to_be_focused()
        await expect(page.locator("#panel-ja-easy")).to_be_visible()
        await page.keyboard.press("Home")
        await page.keyboard.press("Tab")
        await expect(page.locator("#heading-ja")).to_be_focused()
        await page.keyboard.type("集い")
        await page.keyboard.press("Enter")  # sends nothing
        await page.keyboard.press("Tab")
        await page.keyboard.type("来てください。")
        await expect(page.locator(".look-web h3")).to_have_text("集い")
        await page.get_by_role("button", name="Check and send").press("Enter")
        await expect(page.get_by_role("button", name="Post in 1 place(s)")).to_be_visible()


async def test_every_page_fits_a_phone_and_every_control_can_be_touched(
    tmp_path: Path, clock: SetClock, browser: Browser
) -> None:
    small = """() => [...document.querySelectorAll(
        'main button, main .button, main input, main select, main textarea, main summary')]
      .filter(each => each.checkVisibility() && each.type !== 'hidden')
      .filter(each => !['checkbox', 'radio'].includes(each.type))
      .filter(each => each.getBoundingClientRect().height < 44
        || !(each.textContent.trim() || each.labels?.length || each.getAttribute('aria-label')))
      .map(each => each.outerHTML.slice(0, 120))"""
    async with (
        office(tmp_path, clock, approve_above=0) as world,
        at_work(world, browser, "hana", width=360, language="ja") as page,
    ):
        await members(world, 1)
        await page.goto(f"{world.url}{NEW}/new")
        await page.locator("#heading-ja").fill("とても長い見出しでも画面の幅におさまるかどうか" * 4)
        await page.locator("#body-ja").fill("https://example.com/" + "a" * 200)
        await page.get_by_label("希望した人へ1人ずつ").check()
        await expect(page.locator("[data-reach]")).to_contain_text("1人")
        seen = [page.url]
        await page.evaluate(
            "document.querySelectorAll('details').forEach(each => each.open = true)"
        )
        assert await page.evaluate("document.documentElement.scrollWidth") <= 360
        assert await page.evaluate(small) == []
        await page.get_by_role("button", name="確認へ進む").click()
        await page.wait_for_url(re.compile(r"/\d+$"))
        seen.append(page.url)
        await page.get_by_role("button", name="1人に送る").click()
        await expect(page.locator("#progress")).to_be_visible()
        await pumped(world)
        for path in ("", "/change", "/retract", "/recipients"):
            await page.goto(f"{seen[1]}{path}")
            assert await page.evaluate("document.documentElement.scrollWidth") <= 360, path
            assert await page.evaluate(small) == [], path
        await page.goto(f"{world.url}{NEW}")
        assert await page.evaluate("document.documentElement.scrollWidth") <= 360
