"""Photograph the pages of the demo: `python scripts/screenshots.py [FOLDER]`.

All go into the folder (``var/screenshots``); those of the README are copied to ``docs``.

Starts the sample town on a free port with a folder of its own, walks through it in headless
Chromium as a visitor and as staff, and writes one picture a page, desktop and phone.
"""

import asyncio
import os
import re
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
from playwright.async_api import Page, Playwright, async_playwright

ROOT = Path(__file__).resolve().parent.parent
DESKTOP = {"width": 1280, "height": 860}
PHONE = {"width": 390, "height": 844}
NARROW = {"width": 360, "height": 800}
IN_THE_README = (
    *("home.png", "chat.png", "verify.png", "room.png", "console.png", "compose.png"),
    "progress.png",
    *("phone-home.png", "phone-verify.png", "phone-pass.png", "phone-window.png"),
)
CHROMIUM = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


@asynccontextmanager
async def demo(town: str) -> AsyncIterator[str]:
    """The address of a demo that runs until the end of the block."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as data:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bots", "demo", "--port", str(port), "--data", data),
            *("--town", town),
            cwd=ROOT,
            env={**os.environ, "LANG": "ja_JP.UTF-8"},
            stdout=asyncio.subprocess.PIPE,
        )
        assert process.stdout is not None
        async with asyncio.timeout(180):
            while b"Ctrl-C" not in (line := await process.stdout.readline()):
                if not line:
                    raise RuntimeError("the demo did not start")
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            process.send_signal(signal.SIGINT)
            await process.wait()


async def walk(page: Page, url: str, folder: Path, prefix: str) -> None:
    """One visit: ask, join, look around, announce."""

    async def shoot(name: str) -> None:
        await page.evaluate("window.scrollTo(0, 0)")
        path = folder / f"{prefix}{name}.png"
        await page.screenshot(path=path)
        print(path)

    await page.goto(url)
    await page.fill("#question", "秋芳洞の入洞料はいくらですか?")
    await page.click("form[data-ask] button[type=submit]")
    await page.get_by_text(re.compile("1,600円")).first.wait_for()
    await shoot("home")
    await page.locator("section.chat").screenshot(path=folder / f"{prefix}chat.png")
    await page.click(".hero-call a")
    await page.click("form[action='/join'] button")
    await page.wait_for_url("**/verify/**")
    await shoot("verify")
    await page.click(".demo-wallet button")
    await page.wait_for_load_state("networkidle")
    await shoot("joined")
    for name in ("rooms", "about", "perks"):
        await page.goto(f"{url}/{name}")
        await shoot(name)
    await page.goto(f"{url}/card")
    await page.locator("a[href='/card/akiyoshido-entry']").wait_for()
    await shoot("card")
    await page.goto(f"{url}/card/akiyoshido-entry")
    await page.locator("[data-time]").wait_for()
    await shoot("pass")
    await page.goto(f"{url}/tokens/resident-card/1")
    await shoot("token")
    await page.goto(f"{url}/rooms/residents")
    await page.fill("#nickname", "はなこ")
    await page.fill("#text", "はじめまして。秋吉台の草紅葉を見に行きたいです。")
    await page.click("form:has(#nickname) button")
    await page.wait_for_load_state("networkidle")
    await shoot("room")
    await staff(page, url, shoot)
    await window(page, url, shoot)


def question(path: Path) -> Path:
    """Somebody asks aloud, for Chromium's microphone."""
    sys.path.insert(0, str(ROOT))
    from knowledge.voice.codec import AvCodec
    from knowledge.voice.port import Clip, Container
    from knowledge.voice.speaking.mei import Mei

    clip = Mei().speak("あきよしどうの、入洞料は、いくらですか", language="ja", speed=1.0)
    pauses = [[0.0] * clip.rate * seconds for seconds in (3, 60)]
    samples = np.concatenate([pauses[0], clip.samples, pauses[1]]).astype(np.float32)
    path.write_bytes(AvCodec().encode(Clip(samples, clip.rate), Container.WAV))
    return path


async def talk(page: Page, url: str, folder: Path, prefix: str) -> None:
    """One question begun and dropped; hands-free and its answer; then a microphone that is gone."""

    async def shoot(name: str) -> None:
        path = folder / f"{prefix}voice-{name}.png"
        await page.locator("section.chat").screenshot(path=path)
        print(path)

    mood = "[data-voice][data-mood={}]".format
    await page.goto(url)
    await page.locator(mood("idle")).wait_for()
    await shoot("idle")
    await page.locator("[data-talk]").press("Enter")
    await page.locator(mood("listening")).wait_for()
    await shoot("recording")
    await page.locator("[data-talk]").press("Escape")
    await page.locator("[data-handsfree]").check()
    await page.locator(mood("listening")).wait_for()
    await shoot("listening")
    await page.locator(mood("thinking")).or_(page.locator(mood("speaking"))).wait_for()
    await page.locator(mood("speaking")).wait_for(timeout=60_000)
    await shoot("speaking")
    await page.evaluate(
        """() => {
          const none = async () => { throw new DOMException('', 'NotFoundError'); };
          navigator.mediaDevices.getUserMedia = none;
        }"""
    )
    await page.locator("[data-handsfree]").uncheck()
    await page.locator("[data-talk]").press("Enter")
    await page.locator("[data-voice] [role=alert]:not(:empty)").wait_for()
    await shoot("none")


async def staff(page: Page, url: str, shoot: Callable[[str], Awaitable[None]]) -> None:
    """The console: an announcement, and how the town stands."""
    await page.goto(url)
    await page.click("form[action='/console/demo'] button")
    await page.wait_for_load_state("networkidle")
    await announce(page, url, shoot)
    for name in ("", "/chain", "/members", "/changes", "/proofs", "/report", "/audit"):
        await page.goto(f"{url}/console{name}")
        await shoot(f"console{name.replace('/', '-')}")


async def announce(page: Page, url: str, shoot: Callable[[str], Awaitable[None]]) -> None:
    """Written in two languages, looked at, posted, followed, and about to be taken back."""
    await page.goto(f"{url}/console/announcements/new")
    await page.click("#tab-en")
    await page.fill("#heading-en", "Volunteers wanted on the plateau")
    await page.fill("#body-en", "Help us keep the grassland of Akiyoshidai. Everybody is welcome.")
    await page.click("#tab-ja")
    await page.fill("#heading-ja", "山焼きのボランティアを募集します")
    await page.fill(
        "#body-ja", "秋吉台の草原を守る山焼きを、いっしょに手伝ってくださる方を募集します。"
    )
    await page.click("[data-link-more]")
    await page.fill("#label-1-ja", "くわしく見る")
    await page.fill("#link-1", "https://karusuto.com/")
    await page.locator(".look-web .button").wait_for()
    await shoot("compose")
    await page.locator("#to-title").scroll_into_view_if_needed()
    await page.locator("[data-direct-choice]").check()
    await shoot("compose-audience")
    await page.locator("input[name=reach]").first.check()
    await page.click("[data-next]")
    await page.locator("form[action$='/confirm'] button").wait_for()
    await shoot("confirm")
    await page.click("form[action$='/confirm'] button")
    await page.get_by_text("1件のうち1件").first.wait_for()
    await shoot("progress")
    address = page.url
    for name in ("change", "retract", "recipients"):
        await page.goto(f"{address}/{name}")
        await shoot(f"announcement-{name}")
    await page.goto(f"{url}/console/announcements")
    await shoot("announcements")


async def window(page: Page, url: str, shoot: Callable[[str], Awaitable[None]]) -> None:
    """A ticket window: made by staff, opened with its PIN, and a code that is none."""
    await page.goto(f"{url}/console/perks/desks")
    await page.fill("#label", "正面入口")
    await page.click("form:has(#label) button")
    await page.locator(".sheet").wait_for()
    await shoot("window-sheet")
    address = await page.locator(".sheet-address").inner_text()
    pin = await page.locator(".sheet-pin").inner_text()
    for name in ("desks", "settlement", "figures"):
        await page.goto(f"{url}/console/perks/{name}")
        await shoot(f"perks-{name}")
    await page.goto(address)
    await page.fill("#pin", pin)
    await page.keyboard.press("Enter")
    await page.locator("body[data-state=ready]").wait_for()
    await shoot("window")
    await page.click("details.desk-code summary")
    await page.fill("#code", "12345678")
    await page.keyboard.press("Enter")
    await page.locator("dialog[open]").wait_for()
    await shoot("window-check")


async def voices(playwright: Playwright, url: str, folder: Path) -> None:
    """The page that hears and speaks, where the extra `voice` is installed."""
    for prefix, viewport in (("", DESKTOP), ("phone-", NARROW)):
        with tempfile.TemporaryDirectory() as sounds:
            file = await asyncio.to_thread(question, Path(sounds) / "question.wav")
            browser = await playwright.chromium.launch(
                executable_path=shutil.which("chromium"),
                args=[
                    *CHROMIUM,
                    "--use-fake-ui-for-media-stream",
                    "--use-fake-device-for-media-stream",
                    f"--use-file-for-fake-audio-capture={file}%noloop",
                ],
            )
            page = await browser.new_page(
                viewport=viewport,  # type: ignore[arg-type]
                locale="ja-JP",
                device_scale_factor=2 if prefix else 1,
            )
            await talk(page, url, folder, prefix)
            await browser.close()


async def main(folder: Path) -> None:
    async with demo("towns/mine") as url, async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=CHROMIUM
        )
        for prefix, viewport in (("", DESKTOP), ("phone-", PHONE)):
            context = await browser.new_context(
                viewport=viewport,  # type: ignore[arg-type]
                locale="ja-JP",
                device_scale_factor=2 if prefix else 1,
            )
            await walk(await context.new_page(), url, folder, prefix)
            await context.close()
        await browser.close()
        await voices(playwright, url, folder)


if __name__ == "__main__":
    everything = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "var" / "screenshots"
    everything.mkdir(parents=True, exist_ok=True)
    asyncio.run(main(everything))
    shown = ROOT / "docs" / "screenshots"
    shown.mkdir(parents=True, exist_ok=True)
    for name in IN_THE_README:
        shutil.copy(everything / name, shown / name)
