"""Staff pause an announcement and let it go on: how soon that is seen."""

import asyncio
import time
from typing import Final

from benchmarks.announcements._report import Report
from benchmarks.announcements._world import DATABASES, World
from benchmarks.measure import median, table
from core import announcements
from core.clock import system_clock
from core.database import transaction
from tests.world import news
from tests.world.arrivals import Conduct
from tests.world.sender import Sending, senders

RATE: Final = 30.0
TURNS: Final = 5


async def run(world: World, report: Report) -> None:
    rows = []
    for kind in world.databases:
        after, resumed = await _turns(world, kind)
        name = DATABASES[kind]
        rows.append((name, str(max(after)), f"{median(resumed):.2f}", f"{max(resumed):.2f}"))
        report.at_most(f"messages after a pause, {name}, worst", max(after), RATE * 0.2)
        report.at_most(f"resume to message, {name}, median", median(resumed), 0.2, "s")
    print(f"\n30 a second, answers in 50 ms, {TURNS} pauses by another process")
    head = ("records", "messages after a pause, most", "resume to message s, median", "worst")
    table(head, rows)


async def _turns(world: World, kind: str) -> tuple[list[int], list[float]]:
    after, resumed = [], []
    async with world.records(kind) as records:
        await news.settle(records.sessions, 2_000)
        number = await news.announce(records.sessions)
        await world.telegram.begin(Conduct(latency=0.05))
        with senders() as alive:
            alive.start(Sending(records.database, world.telegram.base_url, "a", RATE))
            for _ in range(TURNS):
                await world.telegram.until(await world.telegram.count() + 20)
                async with transaction(records.sessions) as session:
                    await announcements.pause(session, number, by="staff", now=system_clock())
                paused = time.monotonic()
                await asyncio.sleep(1)
                times = (await world.telegram.seen()).times
                after.append(sum(each > paused for each in times))
                async with transaction(records.sessions) as session:
                    await announcements.resume(session, number, by="staff", now=system_clock())
                began = time.monotonic()
                await world.telegram.until(len(times) + 1)
                resumed.append((await world.telegram.seen()).times[len(times)] - began)
            await alive.kill("a")
    return after, resumed
