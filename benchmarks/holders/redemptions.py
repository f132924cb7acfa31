"""Perks at the window: exactly the permitted number, and what a redemption costs.

Alone and shorter: ``python -m benchmarks.holders.redemptions --count 200``. On each database:

* one pass: the same text scanned 1,000 times at once: one is taken
* one card: 1,000 passes of a card with 12 uses, scanned at once at two windows: twelve are taken
* one queue: 1,000 members one after the other at one window, CPU and wall time of each
* one rush: the same 1,000 members at once

The chain is a fake that answers at once: what is measured is ours.
"""

import argparse
import asyncio
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path

from benchmarks.measure import Lap, heading, lap, load_after, percentile, table
from core import identity
from core import town as town_pack
from core.access import decide
from core.clock import system_clock
from core.database import Sessions, connect, migrate, session_factory, transaction
from core.perks import Desk, Desks, Pass, PassKeys, Perks, Reason, Verdict
from core.testing import FakeEvidence
from core.town import Perk

TOWN = Path(__file__).resolve().parents[2] / "towns" / "mine"
HOUR = timedelta(hours=1)
USES = 12


@dataclass(slots=True)
class Window:
    """A town with one perk, members and two desks."""

    sessions: Sessions
    perks: Perks
    desks: tuple[Desk, Desk]
    chain: FakeEvidence

    async def members(self, count: int, *, first_card: int) -> list[int]:
        members = []
        async with transaction(self.sessions) as session:
            for number in range(first_card, first_card + count):
                account = await identity.account(
                    session, "telegram", str(number), locale="ja", now=system_clock()
                )
                members.append(account.member_id)
                self.chain.cards[account.member_id] = {number}
        return members

    async def shown(self, member: int) -> str:
        shown = await self.perks.issue(member, "cave", lifetime=HOUR)
        if not isinstance(shown, Pass):
            raise SystemExit(f"no pass: {shown.reason}")
        return shown.text

    async def scan(self, number: int, text: str) -> Verdict:
        desk = self.desks[number % 2]
        return await self.perks.redeem(text, desk, request_id=f"{time.perf_counter_ns()}-{number}")

    async def at_once(self, texts: Sequence[str]) -> tuple[Counter[Reason], Lap]:
        with lap() as taken:
            verdicts = await asyncio.gather(
                *(self.scan(number, text) for number, text in enumerate(texts))
            )
        return Counter(each.reason for each in verdicts), taken


def perk() -> Perk:
    return Perk.model_validate(
        {
            "name": "cave",
            "title": {"ja": "秋芳洞の入洞"},
            "gate": "residents",
            "facilities": ["akiyoshido"],
            "uses": USES,
            "per": "ever",
            "counted_by": "token",
            "value_yen": 1600,
            "legal_note": {"ja": "見本です。"},
        }
    )


@asynccontextmanager
async def window(url: str) -> AsyncIterator[Window]:
    town = town_pack.load(TOWN).model_copy(update={"perks": (perk(),)})
    engine = connect(url)
    await migrate(engine)
    sessions = session_factory(engine)
    chain = FakeEvidence()
    keys = PassKeys.in_memory(now=system_clock())
    judge = partial(decide, town=town)
    perks = Perks(
        town,
        sessions,
        chain,
        judge,
        keys,
        system_clock,
        secret="benchmark" * 4,
        passes_at_once=1_000_000,
    )
    made = Desks(town, sessions, system_clock)
    one = (await made.make("akiyoshido", "1", by="benchmark")).desk
    other = (await made.make("akiyoshido", "2", by="benchmark")).desk
    try:
        yield Window(sessions, perks, (one, other), chain)
    finally:
        await engine.dispose()


async def measure(name: str, url: str, count: int) -> list[list[str]]:
    async with window(url) as town:
        rows = [await one_pass(town, count), await one_card(town, count)]
        rows += await one_queue(town, count)
    return [[f"{name}, {row[0]}", *row[1:]] for row in rows]


async def one_pass(town: Window, count: int) -> list[str]:
    (member,) = await town.members(1, first_card=1)
    text = await town.shown(member)
    reasons, taken = await town.at_once([text] * count)
    return row("one pass", reasons, taken, count, permitted=1)


async def one_card(town: Window, count: int) -> list[str]:
    (member,) = await town.members(1, first_card=2)
    texts = [await town.shown(member) for _ in range(count)]
    reasons, taken = await town.at_once(texts)
    return row("one card, 12 uses", reasons, taken, count, permitted=USES)


async def one_queue(town: Window, count: int) -> list[list[str]]:
    members = await town.members(count, first_card=1_000)
    with lap() as issuing:
        texts = [await town.shown(member) for member in members]
    times, reasons = [], Counter[Reason]()
    with lap() as taken:
        for number, text in enumerate(texts):
            began = time.perf_counter()
            reasons[(await town.scan(number, text)).reason] += 1
            times.append(1000 * (time.perf_counter() - began))
    texts = [await town.shown(member) for member in members]
    rush, rushing = await town.at_once(texts)
    return [
        ["a pass issued", str(count), "", each(issuing.cpu, count), each(issuing.wall, count), ""],
        [*row("one queue", reasons, taken, count, permitted=count)[:-1], p95(times)],
        row("one rush", rush, rushing, count, permitted=count),
    ]


def row(
    what: str, reasons: Counter[Reason], taken: Lap, count: int, *, permitted: int
) -> list[str]:
    got = reasons[Reason.OK]
    if got != permitted or sum(reasons.values()) != count:
        raise SystemExit(f"{what}: {got} taken, {permitted} permitted: {reasons}")
    return [what, str(count), str(got), each(taken.cpu, count), each(taken.wall, count), ""]


def each(seconds: float, count: int) -> str:
    return f"{1000 * seconds / count:.2f}"


def p95(times: Sequence[float]) -> str:
    return f"{percentile(times, 0.5):.1f} / {percentile(times, 0.95):.1f}"


@contextmanager
def postgres() -> Iterator[str | None]:
    """A private PostgreSQL cluster that syncs to disk; `None` where none is installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        yield None
        return
    folder = Path(tempfile.mkdtemp(prefix="kankei-pg-"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = int(listener.getsockname()[1])
    as_user: list[str] = []
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        shutil.chown(folder, "postgres")
        as_user = ["runuser", "-u", "postgres", "--"]
    data, binaries = folder / "data", found[-1].parent

    def run(*command: str) -> None:
        subprocess.run([*as_user, *command], check=True, capture_output=True, cwd=folder)

    run(str(binaries / "initdb"), "-D", str(data), "-A", "trust", "-U", "kankei", "-E", "UTF8")
    options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1"
    control = (str(binaries / "pg_ctl"), "-D", str(data))
    run(*control, "-o", options, "-w", "-l", str(folder / "log"), "start")
    try:
        yield f"postgresql+asyncpg://kankei@127.0.0.1:{port}/postgres"
    finally:
        run(*control, "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)


def run(count: int = 1_000) -> None:
    """Measure both databases. Ends with a sentence if more or fewer than permitted were taken."""
    heading("Redemptions", "sqlalchemy", "aiosqlite", "cryptography")
    with tempfile.TemporaryDirectory() as folder, postgres() as server:
        rows = asyncio.run(measure("SQLite", f"sqlite+aiosqlite:///{folder}/perks.sqlite3", count))
        if server is None:
            print("no PostgreSQL here: its half is left out")
        else:
            rows += asyncio.run(measure("PostgreSQL", server, count))
    head = ["", "scans", "taken", "CPU ms each", "wall ms each", "p50 / p95 ms"]
    table(head, rows)
    load_after()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1_000, help="how many scans at once")
    run(parser.parse_args().count)
