"""From a dead process to the next message: a new program, imports and all."""

import asyncio
import os
import sys
import time
from typing import Final, Protocol

from benchmarks.announcements._report import Report
from benchmarks.announcements._world import DATABASES, Records, World
from benchmarks.measure import median, table
from tests.world import news
from tests.world.arrivals import TOKEN, Conduct
from tests.world.sender import Senders, Sending, command

TURNS: Final = 3
RATE: Final = 30.0
PEOPLE: Final = 2_000


async def run(world: World, report: Report) -> None:
    rows = []
    for kind in world.databases:
        async with world.records(kind) as records:
            await news.settle(records.sessions, PEOPLE)
            await news.announce(records.sessions)
            for name, alive in _ways(world, records):
                taken = await _restarts(world, alive)
                what = f"{DATABASES[kind]}, {name}"
                shown = [f"{each:.2f}" for each in (median(taken), min(taken), max(taken))]
                rows.append((what, *shown))
                report.at_most(f"restart to first message, {what}", median(taken), 1.0, "s")
    print(f"\nseconds from the start to the first arrival, {TURNS} turns after kill -9")
    table(("records", "median", "best", "worst"), rows)


def _ways(world: World, records: Records) -> list[tuple[str, "Living"]]:
    sending = Sending(records.database, world.telegram.base_url, "a", RATE)
    settings = {
        "KANKEI_TOWN": str(news.TOWN),
        "KANKEI_DATA_DIR": str(world.folder),
        "KANKEI_DATABASE_URL": records.database,
        "KANKEI_TELEGRAM_TOKEN": TOKEN,
        "KANKEI_TELEGRAM_API_URL": world.telegram.base_url,
        "KANKEI_TELEGRAM_RATE": str(RATE),
        "KANKEI_ADDRESS": "http://127.0.0.1:8000",
    }
    whole = [sys.executable, "-m", "bots", "worker", "--name", "w"]
    return [
        ("imports done", Forked(sending)),
        ("a program that only sends", Program(command(sending))),
        ("kankei worker", Program(whole, settings)),
    ]


class Living(Protocol):
    async def start(self) -> None: ...
    async def kill(self) -> None: ...


class Forked:
    """A process whose imports were done before."""

    def __init__(self, sending: Sending) -> None:
        self._sending, self._senders = sending, Senders()

    async def start(self) -> None:
        self._senders.start(self._sending)

    async def kill(self) -> None:
        await self._senders.kill(self._sending.worker)


class Program:
    """A program started afresh."""

    def __init__(self, words: list[str], settings: dict[str, str] | None = None) -> None:
        self._words, self._settings = words, settings or {}
        self._process: asyncio.subprocess.Process

    async def start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            *self._words,
            env={**os.environ, **self._settings},
            stdout=asyncio.subprocess.DEVNULL,
        )

    async def kill(self) -> None:
        self._process.kill()
        await self._process.wait()


async def _restarts(world: World, alive: Living) -> list[float]:
    found = []
    await world.telegram.begin(Conduct(latency=0.05))
    for _ in range(TURNS + 1):
        before = await world.telegram.count()
        began = time.monotonic()
        await alive.start()
        await world.telegram.until(before + 1, timeout=300)
        found.append((await world.telegram.seen()).times[before] - began)
        await world.telegram.until(before + 10)
        await alive.kill()
    return found[1:]  # the first had nobody's leases to void
