"""What a recipient takes on disk once all is settled, the shares of the indexes with it."""

from typing import Final

from sqlalchemy import text

from benchmarks.announcements._report import Report
from benchmarks.announcements._world import DATABASES, Records, World
from benchmarks.measure import table
from core.database import transaction
from tests.world import news
from tests.world.arrivals import Conduct

PEOPLE: Final = 40_000
GOALS: Final = {"sqlite": 64.0, "postgresql": 128.0}


async def run(world: World, report: Report) -> None:
    rows = []
    for kind in world.databases:
        async with world.records(kind) as records:
            await news.settle(records.sessions, PEOPLE)
            before = await _bytes(kind, records)
            number = await news.announce(records.sessions)
            taken = await world.send(records, number, Conduct(), how="nowhere")
            each = (await _bytes(kind, records) - before) / PEOPLE
        rate = PEOPLE / taken.wall
        rows.append((DATABASES[kind], f"{each:.0f}", f"{rate:,.0f}", f"{taken.cpu_of(PEOPLE):.3f}"))
        report.at_most(f"bytes a recipient, {DATABASES[kind]}", round(each, 1), GOALS[kind])
    print(f"\n{PEOPLE:,} recipients, settled; the messenger sends nothing")
    table(("records", "bytes a recipient", "records/s", "CPU ms each"), rows)


async def _bytes(kind: str, records: Records) -> int:
    """As it stands in the files, whatever an update has left behind with it."""
    async with transaction(records.sessions) as session:
        if kind == "postgresql":
            size = await session.scalar(text("select pg_total_relation_size('delivery')"))
            return int(size or 0)
        used = "(select page_count from pragma_page_count)"
        free = "(select freelist_count from pragma_freelist_count)"
        page = "(select page_size from pragma_page_size)"
        return int(await session.scalar(text(f"select ({used} - {free}) * {page}")) or 0)
