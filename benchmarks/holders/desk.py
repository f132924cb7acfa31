"""The ticket window: from a code before the camera to yes or no on the screen.

Run alone with ``python -m benchmarks.holders.desk``. Chromium in a phone's size sees a film of
passes, one after the other, each of another member with a card of their own on the embedded EVM;
ownership is read there at every scan. The page leaves User Timing measures:

* decoded to verdict: the request, the live reading of the chain, the booking, the painting
* frame to verdict: the same from the camera's frame in which the code was found, so with jsQR
* without signal: decoded to verdict by the day's kit alone

Everything shares one machine: browser, camera, town, chain and this script.
"""

import argparse
import asyncio
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import cast

import uvicorn
from eth_account import Account
from playwright.async_api import Page, async_playwright

from benchmarks.measure import heading, load_after, percentile, table
from bots.app import App, running
from bots.demo.chain import CHAIN_ID, EmbeddedChain
from bots.web.app import create_web
from core.database import transaction
from core.identity import account, link_wallet
from core.perks import NewDesk, Pass
from core.settings import Settings
from knowledge.answer import Guide
from knowledge.library import Library
from knowledge.taught import Taught
from tests.conftest import ROOT, chromium, free_port
from tests.world.camera import film, flags

PERK = "akiyoshido-entry"
HOUR = timedelta(hours=1)
HOLD = 4  # frames
FPS = 2  # two seconds a pass
TARGET_MS = 300


class _NoGuide:
    """A guide that was made from nothing."""

    ready = True
    library = Library(passages=(), documents=())
    taught: tuple[Taught, ...] = ()

    async def wait(self) -> None:
        """It is there."""


@dataclass(slots=True)
class Window:
    """A running town with a window, and the members before it."""

    app: App
    made: NewDesk
    members: Sequence[int]

    async def passes(self) -> list[str]:
        found = [await self.app.perks.issue(each, PERK, lifetime=HOUR) for each in self.members]
        return [each.text for each in found if isinstance(each, Pass)]


@asynccontextmanager
async def window(folder: Path, count: int) -> AsyncIterator[Window]:
    chain = await asyncio.to_thread(EmbeddedChain)
    settings = Settings(
        _env_file=None,
        town=ROOT / "towns" / "mine",
        data_dir=folder,
        port=free_port(),
        chain_endpoints={CHAIN_ID: (await chain.serve(),)},
    )
    async with running(settings, guide=cast("Guide", _NoGuide())) as app:
        members = []
        for number in range(count):
            address = str(Account.create().address)
            await chain.call(chain.mint, address)
            async with transaction(app.sessions) as session:
                mine = await account(session, "telegram", str(number), locale="ja", now=app.clock())
                await link_wallet(session, mine.member_id, address, CHAIN_ID, now=app.clock())
            members.append(mine.member_id)
        await app.index.turn()
        made = await app.desks.make("akiyoshido", "正面窓口", by="benchmark")
        web = create_web(app, secret=app.secret)
        config = uvicorn.Config(
            web, port=settings.port, log_config=None, access_log=False, lifespan="off"
        )
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve())
        while not server.started:  # noqa: ASYNC110 - uvicorn offers no event
            await asyncio.sleep(0.01)
        try:
            yield Window(app, made, members)
        finally:
            server.should_exit = True
            await serving
    await chain.close()


async def scans(page: Page, count: int) -> int:
    """Take pass after pass; how many got a yes."""
    await page.locator("[data-read]").click()
    yes = 0
    for _ in range(count):
        verdict = page.locator("dialog.verdict[open]")
        await verdict.wait_for(timeout=30_000)
        yes += "verdict-yes" in (await verdict.get_attribute("class") or "")
        await page.keyboard.press("Escape")
    return yes


async def measures(page: Page, name: str) -> list[float]:
    found = await page.evaluate(
        "name => performance.getEntriesByName(name).map((each) => each.duration)", name
    )
    return [float(each) for each in found]


def row(name: str, taken: Sequence[float]) -> list[str]:
    p95 = percentile(taken, 0.95)
    return [
        name,
        str(len(taken)),
        *(f"{percentile(taken, share):.0f} ms" for share in (0.5, 0.95, 1)),
        "met" if p95 <= TARGET_MS else "**missed**",
    ]


async def measure(count: int) -> None:
    heading("From a pass before the camera to the verdict", "playwright", "web3")
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        async with window(Path(folder), count) as town, async_playwright() as playwright:
            path = film(Path(folder) / "film.y4m", *await town.passes(), hold=HOLD, fps=FPS)
            browser = await chromium(playwright, flags(path))
            for offline in (True, False):  # what is taken without signal is never sent here
                context = await browser.new_context(viewport={"width": 360, "height": 740})
                page = await context.new_page()
                await page.goto(f"{town.app.settings.address}/desk/{town.made.token}")
                await page.locator("#pin").fill(town.made.pin)
                await page.keyboard.press("Enter")
                await page.locator("body[data-state=ready]").wait_for()
                if offline:
                    await page.locator("b[data-ready]", has_text="for today").wait_for()
                await context.set_offline(offline)
                yes = await scans(page, count)
                decoded = await measures(page, "desk-decoded-to-verdict")
                if offline:
                    rows.append(row(f"without signal: decoded to verdict ({yes} yes)", decoded))
                else:
                    rows.append(row(f"decoded to verdict ({yes} yes)", decoded))
                    frames = await measures(page, "desk-frame-to-verdict")
                    rows.append(row("frame to verdict", frames))
                await context.close()
            await browser.close()
    table(["", "scans", "median", "p95", "most", f"p95 ≤ {TARGET_MS} ms"], rows)
    load_after()


def run(count: int = 50) -> None:
    asyncio.run(measure(count))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scans", type=int, default=50)
    run(parser.parse_args().scans)
