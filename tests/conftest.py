"""The world of the tests: real databases, a real EVM, and what a machine may lack."""

import logging
import os
import shutil
import socket
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import NoReturn

import pytest
from playwright.async_api import Browser, Playwright, async_playwright, expect

from core.database import Sessions, session_factory
from core.testing import SetClock
from core.town import TownPack, load
from tests.world.clusters import installed, postgresql
from tests.world.records import begin, empty, opened, shared

ROOT = Path(__file__).resolve().parent.parent

# python-telegram-bot 22 warns about numbers of seconds unless this is set.
os.environ.setdefault("PTB_TIMEDELTA", "true")
for name in [each for each in os.environ if each.startswith("KANKEI_")]:
    del os.environ[name]


def lacking(what: str) -> NoReturn:
    """Skip on a user's machine; in CI a skip is a failure."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"CI must have {what}")
    pytest.skip(f"this machine has no {what}")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@pytest.fixture(scope="session")
def town() -> TownPack:
    return load(ROOT / "towns" / "mine")


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """A private PostgreSQL cluster on a free port; its URL."""
    binaries = installed()
    if binaries is None:
        lacking("PostgreSQL")
    with postgresql(binaries, durable=False) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
async def sessions(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Sessions]:
    """The town's records, empty, on each database that we promise."""
    if request.param == "sqlite":
        engine = await opened(begin(tmp_path / "kankei.sqlite3"))
    else:
        engine = await opened(shared(request.getfixturevalue("postgres")))
    try:
        yield session_factory(engine)
    finally:
        if request.param == "postgresql":
            await empty(engine)
        await engine.dispose()


@pytest.fixture
async def lite(tmp_path: Path) -> AsyncIterator[Sessions]:
    """The town's records on SQLite alone, where the database is not what is tested."""
    engine = await opened(begin(tmp_path / "lite.sqlite3"))
    yield session_factory(engine)
    await engine.dispose()


async def chromium(playwright: Playwright, more: Sequence[str] = ()) -> Browser:
    """Debian's Chromium, without a screen."""
    path = shutil.which("chromium")
    if path is None:
        lacking("chromium")
    args = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    return await playwright.chromium.launch(executable_path=path, args=[*args, *more])


@pytest.fixture
async def playwright() -> AsyncIterator[Playwright]:
    logging.getLogger("asyncio").setLevel(logging.ERROR)
    expect.set_options(timeout=20_000)  # milliseconds: a browser beside other tests is slow
    async with async_playwright() as opened:
        yield opened


@pytest.fixture
async def browser(playwright: Playwright) -> AsyncIterator[Browser]:
    opened = await chromium(playwright)
    yield opened
    await opened.close()
