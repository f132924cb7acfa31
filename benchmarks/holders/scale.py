"""100,000 holders: what they weigh in memory, and what one transfer costs among them.

The index is filled by its own reading of made-up logs, then a process of its own opens it and is
measured: memory idle, after turns with a transfer each, and after the figures of the report. The
time of a turn with a single transfer is taken at 1,000 and at 100,000 holders. Goals: at most
150 MB above idle, and a time that does not grow with the holders.
"""

import asyncio
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.measure import heading, lap, load_after, median, table
from core.clock import system_clock
from core.database import connect, migrate, session_factory, transaction
from core.holdings import IndexedHoldings, LiveHoldings, OwnerIndex, concentration
from tests.core.holdings.fake import CARD, ZERO, FakeChain, transfer_log, wallet

FEW, MANY, GOAL_MB, TURNS, PAGE, BASE = 1_000, 100_000, 150, 30, 2_000, 0x100000


def chain_of(holders: int, *, full: bool) -> FakeChain:
    """One token each, 500 a block; without its logs it is only the end of that chain."""
    chain = FakeChain(page=PAGE // 500)
    for start in range(0, holders, 500):
        logs = (
            [
                transfer_log(CARD.contract, ZERO, wallet(BASE + number), number)
                for number in range(start, start + 500)
            ]
            if full
            else []
        )
        chain.mine(*logs)
    return chain


async def fill(folder: Path, holders: int) -> None:
    engine = connect(f"sqlite+aiosqlite:///{folder / f'{holders}.sqlite3'}")
    await migrate(engine)
    index = OwnerIndex(chain_of(holders, full=True), session_factory(engine), [CARD], system_clock)
    while (await index.turn()).behind:
        pass
    await index.acted_upon(await index.changes())
    await engine.dispose()


def resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() / 1e6


async def weigh(folder: Path, holders: int) -> None:
    """Print MB above idle, and the median ms CPU of a turn with one transfer."""
    chain = chain_of(holders, full=False)
    engine = connect(f"sqlite+aiosqlite:///{folder / f'{holders}.sqlite3'}")
    sessions = session_factory(engine)
    index = OwnerIndex(chain, sessions, [CARD], system_clock)
    holdings = IndexedHoldings(index, chain, LiveHoldings(chain, [CARD]), sessions, system_clock)
    await index.turn()
    idle, turns = resident_mb(), []
    for number in range(TURNS):
        sender, receiver = wallet(BASE + number), wallet(BASE + holders + number)
        chain.mine(transfer_log(CARD.contract, sender, receiver, number))
        with lap() as taken:
            await index.turn()
            changes = await index.changes()
            await holdings.read(sorted(changes.owners), finality="latest")
            await index.acted_upon(changes)
        turns.append(taken.cpu * 1e3)
    one = resident_mb() - idle
    async with transaction(sessions) as session:
        await concentration(session, [CARD])
    figures = resident_mb() - idle
    await engine.dispose()
    print(f"{median(turns):.3f} {one:.1f} {figures:.1f}")


def alone(*words: str) -> list[float]:
    """Measure in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.holders.scale", *words],
        capture_output=True,
        text=True,
        check=True,
    )
    return [float(each) for each in done.stdout.split()]


def run() -> None:
    heading("One transfer among few and many holders, and their weight", "sqlalchemy", "aiosqlite")
    with tempfile.TemporaryDirectory() as name:
        for holders in (FEW, MANY):
            asyncio.run(fill(Path(name), holders))
        few, many = alone(name, str(FEW)), alone(name, str(MANY))
    table(
        ("holders", "ms CPU a transfer", "MB above idle", "with the report's figures"),
        [
            (f"{FEW:,}", f"{few[0]:.1f}", f"{few[1]:.1f}", f"{few[2]:.1f}"),
            (f"{MANY:,}", f"{many[0]:.1f}", f"{many[1]:.1f}", f"{many[2]:.1f}"),
        ],
    )
    load_after()
    if max(many[1:]) > GOAL_MB or many[0] > 1.5 * few[0]:
        raise SystemExit("goal missed")
    print(f"goals: at most {GOAL_MB} MB, and no growth with the holders (at most half more): met")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        asyncio.run(weigh(Path(sys.argv[1]), int(sys.argv[2])))
    else:
        run()
