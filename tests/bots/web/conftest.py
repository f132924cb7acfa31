"""A town of its own for each test, and a real browser."""

import logging
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, async_playwright

from core.testing import SetClock
from tests.bots.web.stage import World, open_town
from tests.conftest import lacking


@pytest.fixture
async def world(tmp_path: Path, clock: SetClock) -> AsyncIterator[World]:
    async with open_town(tmp_path, clock, demo=False) as opened:
        yield opened


@pytest.fixture
async def demo_world(tmp_path: Path, clock: SetClock) -> AsyncIterator[World]:
    async with open_town(tmp_path, clock, demo=True) as opened:
        yield opened


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    logging.getLogger("asyncio").setLevel(logging.ERROR)
    path = shutil.which("chromium")
    if path is None:
        lacking("chromium")
    async with async_playwright() as playwright:
        opened = await playwright.chromium.launch(
            executable_path=path,
            args=["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        yield opened
        await opened.close()
