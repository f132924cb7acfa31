"""A million recipients: how soon the first message leaves, and the sender's memory."""

import asyncio
import time
from typing import Final

from sqlalchemy import bindparam, text

from benchmarks.announcements._memory import peak
from benchmarks.announcements._report import Report
from benchmarks.announcements._world import DATABASES, Records, World
from benchmarks.measure import table
from core.clock import system_clock
from core.database import transaction
from core.tables import MemberRow
from tests.world import news
from tests.world.arrivals import Conduct
from tests.world.sender import Sending, senders

PEOPLE: Final = 1_000_000
RATE: Final = 1_000.0
SECONDS: Final = 5.0
NUMBERS: Final = {
    "sqlite": "with recursive g(n) as (select 1 union all select n + 1 from g where n < :people)",
    "postgresql": "with g(n) as (select generate_series(1, :people))",
}


async def run(world: World, report: Report) -> None:
    rows = []
    for kind in world.databases:
        async with world.records(kind) as records:
            rows.append(await _one(world, kind, records, report))
    print(f"\n{PEOPLE:,} recipients, {RATE:,.0f} a second, answers in 50 ms")
    head = ("records", "confirm s", "first message s", "rate", "idle MiB", "sending MiB")
    table(head, rows)


async def _one(world: World, kind: str, records: Records, report: Report) -> tuple[str, ...]:
    name = DATABASES[kind]
    await _settle(kind, records)
    await world.telegram.begin(Conduct(latency=0.05))
    with senders() as alive:
        alive.start(Sending(records.database, world.telegram.base_url, "a", RATE))
        await asyncio.sleep(2)  # until it waits for something to send
        process = alive.living["a"]
        idle = peak(process.pid or 0) / 2**20
        began = time.monotonic()
        await news.announce(records.sessions)
        confirmed = time.monotonic() - began
        await world.telegram.until(1, timeout=120)
        await asyncio.sleep(SECONDS)
        memory = peak(process.pid or 0) / 2**20
        log = await world.telegram.seen()
        await alive.kill("a")
    first = log.times[0] - began
    report.at_most(f"{PEOPLE:,}: confirmed and first message, {name}", first, 1.0, "s")
    report.at_most(f"{PEOPLE:,}: memory of the sender, {name}", memory, 100.0, "MiB")
    shown = (f"{confirmed:.2f}", f"{first:.2f}", f"{log.rate:,.0f}", f"{idle:.0f}", f"{memory:.0f}")
    return (name, *shown)


async def _settle(kind: str, records: Records) -> None:
    """A million residents, written by the database itself."""
    numbers = NUMBERS[kind]
    now = bindparam("now", system_clock(), type_=MemberRow.created_at.type)
    members = text(
        "insert into member (id, locale, wants_messages, created_at) "
        f"{numbers} select n, 'ja', true, :now from g"
    ).bindparams(now, people=PEOPLE)
    accounts = text(
        "insert into account (id, member_id, platform, external_id, reachable, created_at) "
        f"{numbers} select n, n, 'telegram', cast(cast(:first as bigint) + n as text), true, :now "
        "from g"
    ).bindparams(now, people=PEOPLE, first=news.FIRST_CHAT)
    async with transaction(records.sessions) as session:
        await session.execute(members)
        await session.execute(accounts)
