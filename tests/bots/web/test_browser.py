"""Real Chromium on real pages: the wallet's one signature, the chat, the console's preview."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from eth_account import Account
from eth_account.signers.local import LocalAccount
from playwright.async_api import Browser, Page, expect

from tests.bots.web.stage import Wallet, World, give_wallet, sign

PHONE = {"width": 390, "height": 844}


@asynccontextmanager
async def tab(browser: Browser, wallet: Wallet | None = None) -> AsyncIterator[Page]:
    """A tab on a phone; a script error or a breach of the content policy fails the test."""
    context = await browser.new_context(
        viewport={"width": PHONE["width"], "height": PHONE["height"]}, locale="en"
    )
    page = await context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on(
        "console",
        lambda line: wrong.append(line.text) if "Content Security Policy" in line.text else None,
    )
    if wallet is not None:
        await give_wallet(page, wallet)
    yield page
    await context.close()
    assert wrong == []


def wallet_of(key: LocalAccount, asked: list[str], chain: int = 1) -> Wallet:
    """A wallet whose `personal_sign` is eth-account, and which allows everything."""

    async def answer(question: str) -> str:
        request = json.loads(question)
        asked.append(request["method"])
        if request["method"] == "eth_requestAccounts":
            return json.dumps({"result": [key.address.lower()]})
        if request["method"] == "eth_chainId":
            return json.dumps({"result": hex(chain)})
        message, address = request["params"]
        assert address == key.address
        return json.dumps({"result": sign(key, bytes.fromhex(message[2:]).decode())})

    return answer


def refusing(code: int, method: str = "eth_requestAccounts") -> Wallet:
    async def answer(question: str) -> str:
        if json.loads(question)["method"] == method:
            return json.dumps({"code": code})
        return json.dumps({"result": [Account.create().address]})

    return answer


SECOND_CHAIN = """document.addEventListener('readystatechange', () => {
  const root = document.querySelector('[data-chains]');
  if (root) root.dataset.chains = '%s';
});"""
"""Before the page's own script begins, the town has a chain more, and that one first."""


async def join(page: Page, world: World) -> None:
    await page.goto(world.url)
    await page.get_by_role("link", name="Become a digital resident").click()
    await page.get_by_role("button", name="Start").click()
    await expect(page.get_by_role("heading", name="Show your card")).to_be_visible()


async def test_one_signature_of_a_browsers_own_wallet_opens_the_room(
    world: World, browser: Browser
) -> None:
    key, asked = Account.create(), list[str]()
    world.holdings.give(key.address, 1)
    async with tab(browser, wallet_of(key, asked)) as page:
        await join(page, world)
        await page.get_by_role("button", name="Test Wallet").click()
        await expect(page.get_by_role("heading", name="Welcome, digital resident!")).to_be_focused()
        await page.get_by_role("link", name="Enter the room").click()
        await page.get_by_label("Nickname").fill("Hana")
        await page.get_by_label("Your post").fill("Hello from Tokyo")
        await page.get_by_role("button", name="Post").click()
        await expect(page.get_by_text("Hello from Tokyo")).to_be_visible()
    assert asked == ["eth_requestAccounts", "personal_sign"]


async def test_a_wallet_that_refuses_is_told_apart_and_can_be_asked_again(
    world: World, browser: Browser
) -> None:
    for code, method, sentence in (
        (4001, "eth_requestAccounts", "“Reject” was chosen"),
        (4001, "personal_sign", "“Reject” was chosen"),
        (-32002, "eth_requestAccounts", "waiting for your answer"),
        (4100, "personal_sign", "Another account is selected"),
        (-32603, "personal_sign", "unexpected answer"),
    ):
        async with tab(browser, refusing(code, method)) as page:
            await join(page, world)
            await page.get_by_role("button", name="Test Wallet").click()
            await expect(page.get_by_text(sentence)).to_be_visible()
            await page.get_by_role("button", name="Try again").click()
            await expect(page.get_by_role("button", name="Test Wallet")).to_be_focused()


async def test_in_a_town_of_several_chains_the_card_is_proved_on_the_one_its_wallet_is_on(
    world: World, browser: Browser
) -> None:
    key, asked = Account.create(), list[str]()
    world.holdings.give(key.address, 1)

    async with tab(browser, wallet_of(key, asked, world.chain_id)) as page:
        await page.add_init_script(SECOND_CHAIN % f"4242 {world.chain_id}")
        await join(page, world)
        await page.get_by_role("button", name="Test Wallet").click()
        await expect(page.get_by_role("heading", name="Welcome, digital resident!")).to_be_visible()
    assert asked == ["eth_requestAccounts", "eth_chainId", "personal_sign"]


async def test_a_wallet_that_signs_with_another_account_is_refused(
    world: World, browser: Browser
) -> None:
    chosen, other = Account.create(), Account.create()

    async def answer(question: str) -> str:
        request = json.loads(question)
        if request["method"] == "eth_requestAccounts":
            return json.dumps({"result": [chosen.address]})
        return json.dumps({"result": sign(other, bytes.fromhex(request["params"][0][2:]).decode())})

    async with tab(browser, answer) as page:
        await join(page, world)
        await page.get_by_role("button", name="Test Wallet").click()
        await expect(page.get_by_text("The signature could not be confirmed.")).to_be_visible()


async def test_without_a_wallet_the_page_says_what_to_do(world: World, browser: Browser) -> None:
    async with tab(browser) as page:
        await join(page, world)
        await expect(page.get_by_text("No wallet was found in this browser.")).to_be_visible()
        await page.get_by_text("Open in another browser").click()
        await page.get_by_role("button", name="Copy the link").click()
        await expect(page.get_by_text("Copied.")).to_be_visible()
        link = await page.get_by_label("Your personal link").input_value()
    async with tab(browser) as elsewhere:  # the link carries its session in itself
        await elsewhere.goto(link)
        await expect(elsewhere.get_by_role("heading", name="Show your card")).to_be_visible()


async def test_the_link_that_expired_while_the_page_was_open_says_so(
    world: World, browser: Browser
) -> None:
    async with tab(browser, wallet_of(Account.create(), [])) as page:
        await join(page, world)
        world.clock.advance(world.app.town.access.grace)
        await page.get_by_role("button", name="Test Wallet").click()
        await expect(page.get_by_text("This link has expired.")).to_be_visible()


async def test_the_demo_wallet_needs_no_wallet(demo_world: World, browser: Browser) -> None:
    async with tab(browser) as page:
        await join(page, demo_world)
        await page.get_by_role("button", name="Sign with the demo wallet").click()
        await expect(page.get_by_role("heading", name="Welcome, digital resident!")).to_be_visible()


async def test_the_chat_answers_in_place_and_keeps_what_was_said(
    world: World, browser: Browser
) -> None:
    async with tab(browser) as page:
        await page.goto(world.url)
        await page.get_by_label("Your question").fill("How late is it open?")
        await page.keyboard.press("Enter")
        await expect(page.get_by_text("You asked: How late is it open?")).to_be_visible()
        await expect(page.get_by_role("link", name="美祢市観光協会")).to_be_visible()
        await expect(page.get_by_label("Your question")).to_be_focused()
        ready = world.app.town.persona.examples[0].get("en")
        await page.get_by_role("button", name=ready).click()
        await expect(page.get_by_text(f"You asked: {ready}")).to_be_visible()
        await page.reload()
        await expect(page.get_by_text("You asked: How late is it open?")).to_be_attached()


async def test_a_question_that_is_too_long_says_by_how_much(world: World, browser: Browser) -> None:
    async with tab(browser) as page:
        await page.goto(world.url)
        await page.get_by_label("Your question").fill("🦕" * 503)
        await expect(page.get_by_text("3 characters too many")).to_be_visible()
        await expect(page.get_by_role("button", name="Send")).to_be_disabled()


async def test_no_page_is_wider_than_a_phone(demo_world: World, browser: Browser) -> None:
    async with tab(browser) as page:
        await join(page, demo_world)
        await page.get_by_role("button", name="Sign with the demo wallet").click()
        await page.goto(demo_world.url)
        await page.get_by_role("button", name="Enter as staff (demo)").click()
        for path in (
            *("/", "/join", "/rooms", "/rooms/residents", "/mydata", "/nowhere", "/console"),
            *("/console/announcements", "/console/announcements/new", "/console/audit"),
        ):
            await page.goto(demo_world.url + path)
            wide = await page.evaluate("document.documentElement.scrollWidth")
            assert wide <= PHONE["width"], path


async def test_every_control_has_a_name_and_is_large_enough_to_touch(
    demo_world: World, browser: Browser
) -> None:
    async with tab(browser) as page:
        await join(page, demo_world)
        for path in ("", "/join", "/mydata", page.url.removeprefix(demo_world.url)):
            await page.goto(demo_world.url + path)
            small = await page.evaluate(
                """() => [...document.querySelectorAll('button, .button, input, textarea, summary')]
                  .filter(each => each.checkVisibility() && each.type !== 'hidden')
                  .filter(each => each.type !== 'checkbox')
                  .filter(each => each.getBoundingClientRect().height < 44
                    || !(each.textContent.trim() || each.labels?.length
                         || each.getAttribute('aria-label')))
                  .map(each => each.outerHTML.slice(0, 120))"""
            )
            assert small == []
