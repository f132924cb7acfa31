"""The world of the tests: real databases, a real EVM, and what a machine may lack."""

import logging
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import pytest
from playwright.async_api import Browser, Playwright, async_playwright

from core.database import Sessions, connect, migrate, session_factory
from core.tables import Base
from core.testing import SetClock
from core.town import TownPack, load

ROOT = Path(__file__).resolve().parent.parent

# python-telegram-bot 22 warns about numbers of seconds unless this is set.
os.environ.setdefault("PTB_TIMEDELTA", "true")
for name in [each for each in os.environ if each.startswith("KANKEI_")]:
    del os.environ[name]


def lacking(what: str) -> None:
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
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        lacking("PostgreSQL")
    binaries = found[-1].parent
    folder = Path(tempfile.mkdtemp(prefix="kankei-pg-"))
    port = free_port()
    as_user: list[str] = []
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        shutil.chown(folder, "postgres")
        as_user = ["runuser", "-u", "postgres", "--"]
    data = folder / "data"

    def run(*command: str) -> None:
        subprocess.run([*as_user, *command], check=True, capture_output=True, cwd=folder)

    run(str(binaries / "initdb"), "-D", str(data), "-A", "trust", "-U", "kankei", "-E", "UTF8")
    options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off"
    run(
        *(str(binaries / "pg_ctl"), "-D", str(data), "-o", options),
        *("-w", "-l", str(folder / "log"), "start"),
    )
    try:
        yield f"postgresql+asyncpg://kankei@127.0.0.1:{port}/postgres"
    finally:
        run(str(binaries / "pg_ctl"), "-D", str(data), "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=["sqlite", "postgresql"])
async def sessions(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Sessions]:
    """The town's records, empty, on each database that we promise."""
    if request.param == "sqlite":
        url = f"sqlite+aiosqlite:///{tmp_path / 'kankei.sqlite3'}"
    else:
        url = request.getfixturevalue("postgres")
    engine = connect(url)
    await migrate(engine)
    try:
        yield session_factory(engine)
    finally:
        if request.param == "postgresql":
            async with engine.begin() as connection:
                for table in reversed(Base.metadata.sorted_tables):
                    await connection.execute(table.delete())
        await engine.dispose()


@pytest.fixture
async def lite(tmp_path: Path) -> AsyncIterator[Sessions]:
    """The town's records on SQLite alone, where the database is not what is tested."""
    engine = connect(f"sqlite+aiosqlite:///{tmp_path / 'lite.sqlite3'}")
    await migrate(engine)
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
    async with async_playwright() as opened:
        yield opened


@pytest.fixture
async def browser(playwright: Playwright) -> AsyncIterator[Browser]:
    opened = await chromium(playwright)
    yield opened
    await opened.close()
