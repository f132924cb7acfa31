"""From a dead process to the next message: a new program, imports and all."""

import asyncio
import time
from typing import Final

from benchmarks.announcements._report import Report
from benchmarks.announcements._world import DATABASES, World
from benchmarks.measure import median, table
from tests.world import news
from tests.world.arrivals import Conduct
from tests.world.sender import Sending, command

TURNS: Final = 5
RATE: Final = 30.0
PEOPLE: Final = 2_000


async def run(world: World, report: Report) -> None:
    rows = []
    for kind in world.databases:
        taken = await _restarts(world, kind)
        shown = [f"{each:.2f}" for each in (median(taken), min(taken), max(taken))]
        rows.append((DATABASES[kind], *shown))
        report.at_most(f"restart to first message, {DATABASES[kind]}", median(taken), 1.0, "s")
    print(f"\nseconds from starting the program to its first arrival, {TURNS} turns after kill -9")
    table(("records", "median", "best", "worst"), rows)


async def _restarts(world: World, kind: str) -> list[float]:
    found = []
    async with world.records(kind) as records:
        await news.settle(records.sessions, PEOPLE)
        await news.announce(records.sessions)
        await world.telegram.begin(Conduct(latency=0.05))
        sending = Sending(records.database, world.telegram.base_url, "a", RATE)
        for _ in range(TURNS + 1):
            before = await world.telegram.count()
            began = time.monotonic()
            process = await asyncio.create_subprocess_exec(*command(sending))
            await world.telegram.until(before + 1)
            found.append((await world.telegram.seen()).times[before] - began)
            await world.telegram.until(before + 10)
            process.kill()
            await process.wait()
    return found[1:]  # the first had nobody's leases to void
