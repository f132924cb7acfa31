"""What every part needs: fresh records on each database, the platform, and the contestants."""

import asyncio
import json
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sqlalchemy import make_url, text

from bots.notices import render_for
from bots.telegram.layout import lay_out_outgoing
from core.announcements import Kind
from core.database import Sessions, connect, migrate, session_factory
from tests.world import news
from tests.world.arrivals import TOKEN, Conduct, Log, RemoteTelegram, remote
from tests.world.clusters import installed, postgresql

PEERS: Final = Path(
    os.environ.get("KANKEI_BENCHMARK_PEERS", "/tmp/kankei-benchmarks/peers/bin/python")
)
OURS: Final = (sys.executable, "-m", "benchmarks.announcements._ours")
NO_LIMIT: Final = 1e6
DATABASES: Final = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}


@dataclass(frozen=True, slots=True)
class Taken:
    """What one contestant took, and what arrived."""

    cpu: float  # seconds, of all its processes
    wall: float  # seconds, of the slowest
    rss: int  # bytes, of its largest process
    failed: int
    log: Log

    @property
    def cpu_each(self) -> float:
        """Milliseconds of CPU a message."""
        return self.cpu_of(len(self.log.times))

    def cpu_of(self, count: int) -> float:
        """The same for what nobody counted."""
        return self.cpu / max(1, count) * 1e3


@dataclass(frozen=True, slots=True)
class Records:
    """Fresh records of a town."""

    sessions: Sessions
    database: str


class World:
    """One run of the benchmark."""

    def __init__(self, telegram: RemoteTelegram, cluster: str | None, folder: Path) -> None:
        self.telegram = telegram
        self._cluster = cluster
        self.folder = folder
        self._made = 0
        self._migrating = asyncio.Lock()

    @property
    def databases(self) -> list[str]:
        return [each for each in DATABASES if each == "sqlite" or self._cluster]

    @property
    def peers(self) -> bool:
        return PEERS.exists()

    @asynccontextmanager
    async def records(self, kind: str) -> AsyncIterator[Records]:
        """Empty records, gone at the end."""
        self._made += 1
        url = f"sqlite+aiosqlite:///{self.folder}/{self._made}/kankei.sqlite3"
        if kind == "postgresql":
            url = await self._new_database(f"town{self._made}")
        engine = connect(url)
        try:
            async with self._migrating:  # Alembic keeps one environment a process
                await migrate(engine)
            yield Records(session_factory(engine), url)
        finally:
            await engine.dispose()

    async def _new_database(self, name: str) -> str:
        if self._cluster is None:
            raise RuntimeError("no PostgreSQL")
        engine = connect(self._cluster)
        async with engine.connect() as connection:
            alone = await connection.execution_options(isolation_level="AUTOCOMMIT")
            await alone.execute(text(f"create database {name}"))
        await engine.dispose()
        url = make_url(self._cluster).set(database=name)
        return str(url.render_as_string(hide_password=False))

    async def ours(
        self,
        kind: str,
        count: int,
        conduct: Conduct,
        *,
        rate: float = NO_LIMIT,
        workers: int = 1,
        how: str = "telegram",
    ) -> Taken:
        """The product's senders, in processes of their own, to so many people.

        `how`: "telegram", as the product sends; "bare", the pump over bare aiohttp.
        """
        async with self.records(kind) as records:
            await news.settle(records.sessions, count)
            number = await news.announce(records.sessions)
            return await self.send(records, number, conduct, rate=rate, workers=workers, how=how)

    async def send(
        self,
        records: Records,
        number: int,
        conduct: Conduct,
        *,
        rate: float = NO_LIMIT,
        workers: int = 1,
        how: str = "telegram",
    ) -> Taken:
        """One announcement, by so many processes; `how` may also be "nowhere": records alone."""
        await self.telegram.begin(conduct)
        told = {
            "database": records.database,
            "base_url": self.telegram.base_url,
            "rate": rate,
            "number": number,
            "how": how,
        }
        taken = await asyncio.gather(
            *(_run(OURS, {**told, "worker": f"w{each}"}) for each in range(workers))
        )
        return await self._taken(*taken)

    async def ptb_over_our_transport(self, count: int, conduct: Conduct) -> Taken:
        """What the library takes without pump and records."""
        await self.telegram.begin(conduct)
        told = {"how": "ptb", "base_url": self.telegram.base_url, "count": count, "text": words()}
        return await self._taken(await _run(OURS, told))

    async def peer(self, name: str, count: int, conduct: Conduct, *, rate: float = 30.0) -> Taken:
        """One of `_peers.PEERS`."""
        await self.telegram.begin(conduct)
        told = {
            "base_url": self.telegram.base_url,
            "token": TOKEN,
            "first_chat": news.FIRST_CHAT,
            "count": count,
            "rate": rate,
            "text": words(),
        }
        program = [str(PEERS), str(Path(__file__).with_name("_peers.py")), name]
        return await self._taken(await _run(program, told))

    async def _taken(self, *each: dict[str, Any]) -> Taken:
        return Taken(
            sum(one["cpu"] for one in each),
            max(one["wall"] for one in each),
            max(one["rss"] for one in each),
            sum(one["failed"] for one in each),
            await self.telegram.seen(),
        )


async def _run(program: Sequence[str], told: dict[str, Any]) -> dict[str, Any]:
    process = await asyncio.create_subprocess_exec(
        *program, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate(json.dumps(told).encode())
    if process.returncode:
        raise RuntimeError(f"{program[-1]} ended with {process.returncode}")
    return dict(json.loads(out))


def words() -> str:
    """The message as the product lays it out, so that all send the same bytes."""
    render = render_for(news.town())
    return lay_out_outgoing(render(Kind.DIRECT, news.TEXTS, "ja"))[0]


@asynccontextmanager
async def world() -> AsyncIterator[World]:
    binaries = installed()
    with tempfile.TemporaryDirectory(prefix="kankei-bench-") as folder:
        async with remote() as telegram:
            if binaries is None:
                print("no PostgreSQL on this machine: only SQLite is measured")
                yield World(telegram, None, Path(folder))
                return
            with postgresql(binaries, durable=True) as cluster:
                yield World(telegram, cluster, Path(folder))
