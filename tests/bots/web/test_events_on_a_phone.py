"""One evening on phones of 360 px: staff plan an event, a member comes, the reception ticks off."""

from pathlib import Path

import pytest
from playwright.async_api import Browser, Page

from bots.web.session import staff_link
from core.database import transaction
from core.identity import account as make_account
from tests.bots.web.stage import SECRET, World
from tests.bots.web.window import phone

LINK = "https://meet.example/mayor"


async def look(page: Page, folder: Path, name: str) -> None:
    """Nothing scrolls sideways; every control is as high as a finger."""
    await page.screenshot(path=folder / f"{name}.png", full_page=True)
    assert await page.evaluate("document.documentElement.scrollWidth") <= 360, name
    heights = await page.locator("main button:visible, main a.button:visible").evaluate_all(
        "each => each.map(one => one.getBoundingClientRect().height)"
    )
    assert all(height >= 43.5 for height in heights), (name, heights)


async def plan(page: Page, world: World, folder: Path) -> str:
    """Staff make an event with one seat. The address of its public page."""
    await page.goto(world.url + staff_link(SECRET, "hana", world.clock()))
    await page.locator("main form button").click()
    await page.goto(f"{world.url}/console/events")
    await look(page, folder, "console-empty")
    await page.get_by_role("link", name="イベントを作る").first.click()
    await page.get_by_label("名前 必須").fill("町長と話す夕べ(見本)")
    await page.get_by_label("説明 必須").fill("町長とオンラインで話します。見本です。")
    await page.get_by_label("始まり 必須").fill("2026-11-28T19:00")
    await page.get_by_label("終わり 必須").fill("2026-11-28T20:00")
    await page.get_by_label("オンライン会場のリンク").fill(LINK)
    await page.get_by_label("定員").fill("1")
    await look(page, folder, "form")
    await page.locator("main form button.button-big").click()
    await page.get_by_text("イベントを作りました。").wait_for()
    await look(page, folder, "console-event")
    return f"{world.url}/events/{page.url.rpartition('/')[2]}"


async def test_an_event_from_the_first_plan_to_the_reception_on_a_phone(
    world: World, browser: Browser, tmp_path: Path
) -> None:
    async with phone(browser, "ja") as office, phone(browser, "ja") as home:
        staff, hana = await office.new_page(), await home.new_page()
        address = await plan(staff, world, tmp_path)
        await hana.goto(f"{world.url}/events")
        await look(hana, tmp_path, "list")
        await hana.get_by_role("link", name="町長と話す夕べ(見本)").first.click()
        await look(hana, tmp_path, "event")
        assert LINK not in await hana.content()
        await hana.get_by_role("button", name="参加する").click()
        await hana.get_by_text("参加します。受付番号は1番です。").wait_for()
        assert LINK in await hana.content()
        await look(hana, tmp_path, "coming")
        async with hana.expect_download() as saved:
            await hana.get_by_role("link", name="カレンダーに入れる").click()
        assert (await saved.value).suggested_filename.endswith(".ics")
        async with transaction(world.app.sessions) as session:
            ken = await make_account(session, "telegram", "5", locale="ja", now=world.clock())
        await world.app.events.come(int(address.rpartition("/")[2]), ken)
        await staff.reload()
        await look(staff, tmp_path, "reception")
        await staff.get_by_role("button", name="1: 来た").click()
        await staff.get_by_text("来た人 1組 / 1組").wait_for()
        await hana.goto(f"{world.url}/events")
        await hana.get_by_role("button", name="アドレスを作る").click()
        await hana.get_by_text("このアドレスが見られるのは、いまだけです。").wait_for()
        await look(hana, tmp_path, "calendar")


@pytest.mark.parametrize("language", ["en", "ja-easy", "zh-Hant", "ko"])
async def test_no_language_makes_a_page_of_events_too_wide(
    world: World, browser: Browser, language: str, tmp_path: Path
) -> None:
    from tests.bots.web.test_events import make

    event = await make(world, gate="residents", online=LINK, capacity=20, companions=3)
    async with phone(browser, language) as visitor:
        page = await visitor.new_page()
        for path in ("/events", f"/events/{event}", "/"):
            await page.goto(world.url + path)
            await page.screenshot(path=tmp_path / f"{path.replace('/', '-')}.png", full_page=True)
            assert await page.evaluate("document.documentElement.scrollWidth") <= 360, path
