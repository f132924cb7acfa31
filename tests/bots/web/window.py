"""A ticket window of the tests: a member with a card, a clerk's phone, a member's phone."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from eth_account import Account
from playwright.async_api import Browser, BrowserContext, Locator, Page, Playwright, expect

from core.database import transaction
from core.identity import account, link_wallet
from core.perks import Closed, NewDesk
from tests.bots.web.stage import World
from tests.conftest import chromium
from tests.world.camera import film, flags

PERK = "akiyoshido-entry"
FACILITY = "akiyoshido"


@dataclass
class Window:
    """One window of the town's cave, and a member who may use a perk there once a year."""

    world: World
    made: NewDesk
    member: int

    @property
    def address(self) -> str:
        return f"{self.world.url}/desk/{self.made.token}"

    async def new_pass(self, perk: str = PERK) -> str:
        """The text of the QR code on the member's phone."""
        return (await self.issue(perk))[0]

    async def issue(self, perk: str = PERK) -> tuple[str, str]:
        """A pass's text and its eight digits."""
        issued = await self.world.app.perks.issue(self.member, perk, code=True)
        assert not isinstance(issued, Closed)
        return issued.text, issued.code or ""

    async def uses(self) -> list[str]:
        """What counts as used, by perk."""
        rows = await self.world.app.perks.redemptions()
        return [row.perk for row in rows if row.undone_at is None]

    async def open(self, context: BrowserContext) -> Page:
        """A clerk's page that is ready, for today also without signal."""
        page = await context.new_page()
        await page.goto(self.address)
        await page.locator("#pin").fill(self.made.pin)
        await page.keyboard.press("Enter")
        await expect(page.locator("body[data-state=ready]")).to_be_visible()
        return page


async def open_window(world: World, *, card: int = 7, facility: str = FACILITY) -> Window:
    made = await world.app.desks.make(facility, "正面窓口", by="staff")
    return Window(world, made, await resident(world, "77", card))


async def resident(world: World, name: str, card: int) -> int:
    """The number of a member who holds a card."""
    async with transaction(world.app.sessions) as session:
        mine = await account(session, "telegram", name, locale="ja", now=world.clock())
        address = Account.create().address
        await link_wallet(session, mine.member_id, address, world.chain_id, now=world.clock())
    world.holdings.give_tokens(address, "resident-card", {card: 1})
    return mine.member_id


@asynccontextmanager
async def phone(browser: Browser, language: str = "ja") -> AsyncIterator[BrowserContext]:
    """A phone; a script error or a breach of the content policy fails the test."""
    context = await browser.new_context(viewport={"width": 360, "height": 740}, locale=language)
    wrong: list[str] = []
    context.on("weberror", lambda error: wrong.append(str(error.error)))
    context.on(
        "console",
        lambda line: wrong.append(line.text) if "Content Security Policy" in line.text else None,
    )
    yield context
    await context.close()
    assert wrong == []


@asynccontextmanager
async def camera(
    playwright: Playwright, folder: Path, text: str, more: Sequence[str] = ()
) -> AsyncIterator[Browser]:
    """A browser before whose camera the code of `text` is held."""
    path = film(folder / "camera.y4m", text)
    browser = await chromium(playwright, [*flags(path), *more])
    try:
        yield browser
    finally:
        await browser.close()


def verdict(page: Page) -> Locator:
    return page.locator("dialog.verdict[open]")


async def type_code(page: Page, text: str) -> None:
    """Hand something to the page as a clerk does who cannot scan it."""
    form = page.locator("details.desk-code")
    if await form.get_attribute("open") is None:
        await form.locator("summary").click()
    await page.locator("#code").fill(text)
    await page.keyboard.press("Enter")
