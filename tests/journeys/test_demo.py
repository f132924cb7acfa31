"""The demo in a real browser, as a person who cloned the project would try it."""

import json
import re
from pathlib import Path

from eth_account import Account
from eth_account.messages import encode_defunct
from playwright.async_api import Browser, expect

from tests.bots.web.stage import give_wallet
from tests.world.demo import Demo

VISITOR = Account.from_key("0x" + "6" * 64)


async def test_a_newcomer_becomes_a_resident_asks_the_mascot_and_reads_the_announcement(
    browser: Browser, tmp_path: Path
) -> None:
    async with Demo(tmp_path, "mine") as demo:
        page = await browser.new_page(locale="ja-JP")
        await page.goto(demo.url)

        # asks the mascot about the cave …
        await page.fill("#question", "秋芳洞の入洞料はいくらですか?")
        await page.click("form[data-ask] button[type=submit]")
        await expect(page.get_by_text(re.compile("1,600円")).first).to_be_visible()
        await expect(page.get_by_text(re.compile("2026年2月時点")).first).to_be_visible()

        # becomes a digital resident with the built-in wallet …
        await page.click(".hero-call a")
        await page.click("form[action='/join'] button")
        await page.wait_for_url("**/verify/**")
        await expect(page.locator("p.legal").first).to_contain_text("法律上の住民票ではありません")
        await page.click(".demo-wallet button")
        await page.get_by_role("link", name="部屋に入る").click()
        await page.wait_for_url("**/rooms/residents")

        # announces something as staff …
        await page.goto(demo.url)
        await page.click("form[action='/console/demo'] button")
        await page.goto(f"{demo.url}/console/announcements/new")
        await page.fill("#heading-ja", "草原の集い")
        await page.fill("#body-ja", "秋吉台でお会いしましょう。")
        await page.click("[data-next]")
        await page.click("form[action$='/confirm'] button")
        await expect(page.locator("#progress").get_by_text("1件のうち1件")).to_be_visible(
            timeout=15_000
        )

        # … which stands in the room.
        await page.goto(f"{demo.url}/rooms/residents")
        await expect(page.get_by_text("秋吉台でお会いしましょう。")).to_be_visible()
    told = "".join(demo.lines)
    assert "質問に、資料から答えました。" in told
    assert "職員がお知らせを送り始めました。" in told
    assert demo.process.returncode == 0


async def test_a_visitor_with_a_wallet_of_their_own_takes_a_sample_card(
    browser: Browser, tmp_path: Path
) -> None:
    async with Demo(tmp_path, "mine") as demo:
        page = await browser.new_page(locale="ja-JP")

        async def answer(asked: str) -> str:
            call = json.loads(asked)
            if call["method"] in {"eth_requestAccounts", "eth_accounts"}:
                return json.dumps({"result": [VISITOR.address]})
            assert call["method"] == "personal_sign", "nothing but one signature is asked for"
            text = bytes.fromhex(call["params"][0].removeprefix("0x")).decode()
            signed = VISITOR.sign_message(encode_defunct(text=text))
            return json.dumps({"result": signed.signature.to_0x_hex()})

        await give_wallet(page, answer)
        await page.goto(demo.url)
        await page.click(".hero-call a")
        await page.click("form[action='/join'] button")
        await page.wait_for_url("**/verify/**")
        await page.locator("[data-wallets] button").first.click()
        await expect(page.locator("[data-outcome]")).to_contain_text("会員証")

        await page.goto(f"{demo.url}/rooms")
        await page.locator("form[action='/demo/card'] button[value=give]").click()
        await expect(page.get_by_text("見本の会員証を受け取りました。")).to_be_visible()
        await page.goto(f"{demo.url}/rooms/residents")
        await expect(page.locator("#text")).to_be_visible()
