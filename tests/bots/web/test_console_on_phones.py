"""The console and the pages of visitors on a phone of 360 px: nothing is cut, nothing is hidden."""

from datetime import timedelta
from pathlib import Path

import pytest
from playwright.async_api import Browser

from bots.web.session import staff_link
from core.access.overrides import Effect, make_override
from core.database import transaction
from tests.bots.web.stage import SECRET, World
from tests.bots.web.test_members import arrive
from tests.bots.web.window import open_window, phone

PAGES = (
    *("", "/members", "/members/rooms/residents", "/members/{member}", "/changes", "/proofs"),
    *("/perks", "/perks/desks", "/perks/settlement", "/perks/figures", "/report", "/audit"),
    *("/chain", "/questions", "/announcements", "/announcements/new"),
)
HIDDEN = """() => [...document.querySelectorAll('main button, main a.button, nav a')]
  .filter((each) => each.checkVisibility())
  .filter((each) => each.getBoundingClientRect().right > innerWidth + 1)
  .map((each) => each.textContent.trim())"""


async def decide(world: World) -> int:
    """A decision of staff is in force, and a window is open. The member."""
    await open_window(world)
    member = (await arrive(world))[0]
    async with transaction(world.app.sessions) as session:
        await make_override(
            session,
            member,
            "residents",
            Effect.PROTECT,
            reason="講師",
            until=world.clock() + timedelta(days=9),
            by="staff:hana",
            now=world.clock(),
        )
    return member


@pytest.mark.parametrize("language", ["ja", "en"])
async def test_no_page_of_the_console_scrolls_sideways_or_hides_what_can_be_pressed(
    world: World, browser: Browser, language: str, tmp_path: Path
) -> None:
    member = await decide(world)
    async with phone(browser, language) as staff:
        page = await staff.new_page()
        await page.goto(world.url + staff_link(SECRET, "hana", world.clock()))
        await page.locator("main form button").click()
        for path in (each.format(member=member) for each in PAGES):
            await page.goto(f"{world.url}/console{path}")
            await page.screenshot(path=tmp_path / f"{path.replace('/', '-')}.png", full_page=True)
            assert await page.evaluate("document.documentElement.scrollWidth") <= 360, path
            assert await page.evaluate(HIDDEN) == [], path
