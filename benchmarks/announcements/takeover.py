"""Two workers share a lane and one is killed for good: how long the lane is silent."""

import asyncio
import time
from typing import Final

from benchmarks.announcements._report import Report
from benchmarks.announcements._world import DATABASES, World
from benchmarks.measure import table
from tests.world import news
from tests.world.arrivals import Conduct, Log
from tests.world.ordeal import until_finished
from tests.world.sender import Sending, senders

RATE: Final = 30.0
PEOPLE: Final = 240
LATENCY: Final = 0.05


async def run(world: World, report: Report) -> None:
    rows = []
    for kind in world.databases:
        log, killed_at, lost = await _one_dies(world, kind)
        after = [each for each in log.times if each > killed_at + LATENCY]
        gap = max(b - a for a, b in zip([killed_at, *after], after, strict=False))
        silent = next(iter(after)) - killed_at
        rows.append(
            (
                DATABASES[kind],
                f"{silent * 1e3:.0f}",
                f"{gap * 1e3:.0f}",
                f"{log.times[-1] - killed_at:.1f}",
                str(log.twice),
                str(lost),
            )
        )
        report.at_most(f"takeover: lane silent, {DATABASES[kind]}", silent, 1.0, "s")
        report.at_most(f"takeover: lost, {DATABASES[kind]}", lost, 0)
    print("\n30 a second, answers in 50 ms, one of two workers killed and never started again")
    head = ("records", "silent ms", "largest gap ms", "last message after s", "twice", "lost")
    table(head, rows)


async def _one_dies(world: World, kind: str) -> tuple[Log, float, int]:
    async with world.records(kind) as records:
        await news.settle(records.sessions, PEOPLE)
        number = await news.announce(records.sessions)
        await world.telegram.begin(Conduct(latency=LATENCY))
        with senders() as alive:
            for name in ("dies", "lives"):
                alive.start(Sending(records.database, world.telegram.base_url, name, RATE))
            await world.telegram.until(PEOPLE // 2)
            killed_at = time.monotonic()
            await alive.kill("dies")
            await until_finished(records.sessions, number, timeout=90)
            await alive.stop()
        await asyncio.sleep(0.1)
        log = await world.telegram.seen()
    return log, killed_at, PEOPLE - len(log.sent)
