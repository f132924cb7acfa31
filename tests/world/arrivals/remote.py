"""The platform in a process of its own, as whoever started it speaks to it."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from tests.world.arrivals.conduct import Conduct
from tests.world.arrivals.log import Log


class RemoteTelegram:
    """A `CountingTelegram` elsewhere on this machine."""

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self.url = url
        self._session = session

    @property
    def base_url(self) -> str:
        """What `telegram.Bot` is given."""
        return f"{self.url}/bot"

    async def begin(self, conduct: Conduct) -> None:
        """Forget what came, and behave like this from now on."""
        await self._ask("begin", conduct.json())

    async def behave(self, conduct: Conduct) -> None:
        await self._ask("behave", conduct.json())

    async def ban(self, seconds: float) -> None:
        await self._ask("ban", {"seconds": seconds})

    async def count(self) -> int:
        """How many requests were carried out so far."""
        return int((await self._ask("count", {}))["count"])

    async def seen(self) -> Log:
        return Log.of_json(await self._ask("seen", {}))

    async def until(self, count: int, *, timeout: float = 30) -> None:  # noqa: ASYNC109
        """Wait until so many were carried out. Raises `TimeoutError`."""
        async with asyncio.timeout(timeout):
            while await self.count() < count:  # noqa: ASYNC110 - another process counts
                await asyncio.sleep(0.005)

    async def _ask(self, what: str, told: dict[str, Any]) -> dict[str, Any]:
        async with self._session.post(f"{self.url}/control/{what}", json=told) as response:
            response.raise_for_status()
            return dict(await response.json())


@asynccontextmanager
async def remote() -> AsyncIterator[RemoteTelegram]:
    """Start one, and stop it at the end."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.world.arrivals"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    if process.stdin is None or process.stdout is None:
        raise RuntimeError("no pipe")
    try:
        url = (await process.stdout.readline()).decode().strip()
        async with aiohttp.ClientSession() as session:
            yield RemoteTelegram(url, session)
    finally:
        process.stdin.close()
        await process.wait()
