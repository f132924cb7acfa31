"""Announcements: messages a second and CPU a message, beside loops that keep no records.

All contestants write to `benchmarks.sink`, a process of its own on 127.0.0.1, so that its work is
not counted as theirs. Part one has no rate limit; part two keeps 30 a second against a platform
that takes 0, 50 or 200 ms to answer; part three meets one that answers 429 beyond 30 a second.

* aiohttp: a bare loop, nothing remembered; what is in flight at a crash is lost or sent twice
* PTB gather: python-telegram-bot as it comes, every message a task of `asyncio.gather`
* PTB x100: the same, one hundred at a time; and over our transport
* records only: our pump into a messenger that does nothing
* Kankei: the pump, the messenger and the transport of the product, SQLite
"""

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("PTB_TIMEDELTA", "true")

import aiohttp
from sqlalchemy import insert
from telegram import Bot
from telegram.constants import ParseMode
from telegram.error import TelegramError
from telegram.request import BaseRequest

from benchmarks.measure import Lap, heading, lap, load_after, median, table
from bots.notices import render_for
from bots.telegram.layout import lay_out_outgoing
from bots.telegram.messenger import TelegramMessenger
from bots.telegram.transport import AiohttpRequest
from core import announcements
from core import town as town_pack
from core.announcements import (
    AnnouncementState,
    Audience,
    Delivered,
    Kind,
    Messenger,
    Outcome,
    Outgoing,
    Pump,
)
from core.clock import system_clock
from core.database import Sessions, connect, migrate, session_factory, transaction
from core.tables import AccountRow, MemberRow

TOWN = Path(__file__).resolve().parent.parent / "towns" / "mine"
TOKEN = "1:benchmark-only"
MOST = 2_000
FIRST_CHAT = 5_000_000_000
AT_ONCE = 100
NO_LIMIT = 1e6
TEXTS = {
    "ja": {
        "heading": "秋吉台の山焼きのお知らせ",
        "body": "2月の第3日曜日に山焼きを行います。当日は台地の中の道を通れません。"
        "見学は展望台からお願いします。",
    }
}
DIRECT = Audience(Kind.DIRECT)


@dataclass(slots=True)
class Run:
    """One sending: what it took, and what the sink saw."""

    taken: Lap
    seen: dict[str, Any]
    lost: int = 0

    @property
    def rate(self) -> float:
        """Messages a second from the first arrival to the last."""
        times = self.seen["times"]
        return (len(times) - 1) / (times[-1] - times[0]) if len(times) > 1 else 0.0

    def most_in_a_second(self) -> int:
        times: list[float] = self.seen["times"]
        most = first = 0
        for last, at in enumerate(times):
            while times[first] <= at - 1:
                first += 1
            most = max(most, last - first + 1)
        return most


class Platform:
    """The sink, as the benchmark speaks to it between the runs."""

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self.url = url
        self._session = session

    async def begin(self, *, latency: float = 0.0, per_second: float = 0.0) -> None:
        wanted = {"latency": latency, "per_second": per_second}
        async with self._session.post(f"{self.url}/set", json=wanted) as response:
            await response.read()

    async def seen(self) -> dict[str, Any]:
        async with self._session.get(f"{self.url}/seen") as response:
            return dict(await response.json())


@asynccontextmanager
async def platform() -> AsyncIterator[Platform]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.sink", stdout=subprocess.PIPE
    )
    if process.stdout is None:
        raise RuntimeError("no pipe")
    url = (await process.stdout.readline()).decode().strip()
    try:
        async with aiohttp.ClientSession() as session:
            yield Platform(url, session)
    finally:
        process.terminate()
        await process.wait()


# Contestants. Each sends `count` messages and returns how many it gave up.

Send = Callable[[Platform, int], Awaitable[tuple[Lap, int]]]


async def _each_of(jobs: Sequence[Coroutine[Any, Any, bool]], at_once: int) -> int:
    """Run all, at most so many at once; returns how many failed."""
    room = asyncio.Semaphore(at_once)

    async def one(job: Coroutine[Any, Any, bool]) -> bool:
        async with room:
            return await job

    return (await asyncio.gather(*map(one, jobs))).count(False)


def words() -> str:
    """The message as the product lays it out, so that all send the same bytes."""
    render = render_for(town_pack.load(TOWN))
    return lay_out_outgoing(render(Kind.DIRECT, TEXTS, "ja"))[0]


async def by_aiohttp(sink: Platform, count: int) -> tuple[Lap, int]:
    text = words()
    connector = aiohttp.TCPConnector(limit=AT_ONCE)
    async with aiohttp.ClientSession(connector=connector) as session:

        async def send(chat: int) -> bool:
            form = {"chat_id": str(chat), "text": text, "parse_mode": "HTML"}
            url = f"{sink.url}/bot{TOKEN}/sendMessage"
            async with session.post(url, data=form) as response:
                await response.read()
                return response.status == 200

        with lap() as taken:
            lost = await _each_of([send(FIRST_CHAT + each) for each in range(count)], AT_ONCE)
    return taken, lost


def by_ptb(request: Callable[[], BaseRequest | None], at_once: int) -> Send:
    async def run(sink: Platform, count: int) -> tuple[Lap, int]:
        text = words()
        bot = Bot(TOKEN, base_url=f"{sink.url}/bot", request=request())

        async def send(chat: int) -> bool:
            try:
                await bot.send_message(chat, text, parse_mode=ParseMode.HTML)
            except TelegramError:
                return False
            return True

        async with bot:
            with lap() as taken:
                lost = await _each_of([send(FIRST_CHAT + each) for each in range(count)], at_once)
        return taken, lost

    return run


class Counting:
    """Another messenger, and how many messages it has been given."""

    platform = "telegram"

    def __init__(self, inner: Messenger | None) -> None:
        self._inner = inner
        self.given = 0

    async def send_direct(self, account: str, message: Outgoing, *, delivery: int) -> Outcome:
        self.given += 1
        if self._inner is None:
            return Delivered(str(delivery))
        return await self._inner.send_direct(account, message, delivery=delivery)

    async def post(self, place: str, message: Outgoing, *, delivery: int) -> Outcome:
        return await self.send_direct(place, message, delivery=delivery)


@asynccontextmanager
async def records(count: int) -> AsyncIterator[tuple[Sessions, int]]:
    """A new SQLite file with so many residents, and an announcement to all that is confirmed."""
    with tempfile.TemporaryDirectory() as folder:
        engine = connect(f"sqlite+aiosqlite:///{folder}/records.sqlite3")
        await migrate(engine)
        sessions = session_factory(engine)
        now = system_clock()
        people = [
            {"id": each, "locale": "ja", "wants_messages": True, "created_at": now}
            for each in range(1, count + 1)
        ]
        accounts = [
            {
                "member_id": each,
                "platform": "telegram",
                "external_id": str(FIRST_CHAT + each),
                "created_at": now,
            }
            for each in range(1, count + 1)
        ]
        town = town_pack.load(TOWN)
        async with transaction(sessions) as session:
            await session.execute(insert(MemberRow), people)
            await session.execute(insert(AccountRow), accounts)
            number = await announcements.compose(
                session, town=town, author="staff", audience=DIRECT, texts=TEXTS, now=now
            )
            sent = await announcements.confirm(session, number, town=town, by="staff", now=now)
            if sent.state is announcements.AnnouncementState.ASKED:
                await announcements.approve(session, number, by="colleague", now=now)
        yield sessions, number
        await engine.dispose()


def by_pump(rate: float, *, over_http: bool = True) -> Send:
    async def run(sink: Platform, count: int) -> tuple[Lap, int]:
        bot = Bot(TOKEN, base_url=f"{sink.url}/bot", request=AiohttpRequest())
        messenger = Counting(TelegramMessenger(bot) if over_http else None)
        async with records(count) as (sessions, number), bot:
            pump = Pump(
                sessions,
                messenger,
                render_for(town_pack.load(TOWN)),
                system_clock,
                rate=rate,
                worker="benchmark",
            )
            with lap() as taken:
                task = asyncio.create_task(pump.run())
                shown = await _until_done(sessions, number, messenger, count)
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
        return taken, shown.total - shown.delivered

    return run


async def _until_done(
    sessions: Sessions, number: int, messenger: Counting, count: int
) -> announcements.Announcement:
    while True:
        await asyncio.sleep(0.02)
        if messenger.given >= count:  # asked earlier, this would hold the pump up
            async with transaction(sessions) as session:
                shown = await announcements.progress(session, number)
            if shown.state is AnnouncementState.DONE:
                return shown


async def measured(
    send: Send, sink: Platform, count: int, *, latency: float = 0.0, per_second: float = 0.0
) -> Run:
    await sink.begin(latency=latency, per_second=per_second)
    taken, lost = await send(sink, count)
    return Run(taken, await sink.seen(), lost)


AIOHTTP, KANKEI = "aiohttp, no records", "Kankei: pump and records"


async def without_limit(sink: Platform, count: int, repeats: int) -> None:
    contestants: dict[str, Send] = {
        AIOHTTP: by_aiohttp,
        "PTB gather, stock transport": by_ptb(lambda: None, MOST),
        f"PTB x{AT_ONCE}, stock transport": by_ptb(lambda: None, AT_ONCE),
        f"PTB x{AT_ONCE}, our transport": by_ptb(AiohttpRequest, AT_ONCE),
        "records only, nothing sent": by_pump(NO_LIMIT, over_http=False),
        KANKEI: by_pump(NO_LIMIT),
    }
    runs: dict[str, list[Run]] = {name: [] for name in contestants}
    for _ in range(repeats):
        for name, send in contestants.items():
            runs[name].append(await measured(send, sink, count))
    wall = {name: count / median([each.taken.wall for each in of]) for name, of in runs.items()}
    cpu = {name: median([each.taken.cpu for each in of]) / count for name, of in runs.items()}
    print(f"without a limit: {count} messages, median of {repeats} turns")
    table(
        ("what", "messages/s", "CPU ms each", "lost", "rate / aiohttp", "CPU / aiohttp"),
        [
            (
                name,
                f"{wall[name]:,.0f}",
                f"{cpu[name] * 1e3:.2f}",
                "/".join(str(each.lost) for each in runs[name]),
                f"{wall[name] / wall[AIOHTTP]:.2f}",
                f"{cpu[name] / cpu[AIOHTTP]:.1f}",
            )
            for name in contestants
        ],
    )


async def rate_kept(sink: Platform, count: int, rate: float) -> None:
    rows = []
    for latency in (0.0, 0.05, 0.2):
        run = await measured(by_pump(rate), sink, count, latency=latency)
        rows.append(
            (
                f"{latency * 1e3:.0f} ms",
                f"{run.rate:.2f}",
                f"{run.rate / rate:.3f}",
                str(run.most_in_a_second()),
                f"{run.taken.cpu / count * 1e3:.1f}",
                str(run.lost),
            )
        )
    print(f"{rate:g} a second: {count} messages by the pump")
    table(
        ("the platform answers in", "mean a s", "/ limit", "most in 1 s", "CPU ms each", "lost"),
        rows,
    )


async def with_floods(sink: Platform, count: int, limit: float) -> None:
    contestants: dict[str, Send] = {
        "PTB gather, stock transport": by_ptb(lambda: None, MOST),
        f"Kankei at {limit:g}": by_pump(limit),
        f"Kankei wrongly at {2 * limit:g}": by_pump(2 * limit),
    }
    rows = []
    for name, send in contestants.items():
        began = time.perf_counter()
        run = await measured(send, sink, count, latency=0.05, per_second=limit + 1)
        seen = run.seen
        rows.append(
            (
                name,
                f"{seen['chats']}/{count}",
                str(seen["messages"] - seen["chats"]),
                str(seen["refused"]),
                str(seen["in_ban"]),
                f"{time.perf_counter() - began:.1f}",
            )
        )
    print(f"429 beyond {limit:g} in any second, for 3 s; answers in 50 ms")
    table(("what", "arrived", "twice", "429", "sent in a ban", "seconds"), rows)


async def run(count: int, slow: int, repeats: int) -> None:
    heading("Announcements", "python-telegram-bot", "aiohttp", "httpx", "sqlalchemy", "aiosqlite")
    async with platform() as sink:
        await without_limit(sink, count, repeats)
        await rate_kept(sink, slow, 30.0)
        await with_floods(sink, slow, 30.0)
    load_after()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=1_000)
    parser.add_argument("--slow", type=int, default=300, help="messages of the rate-limited parts")
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    if max(options.messages, options.slow) > MOST:
        parser.error(f"at most {MOST} messages")
    asyncio.run(run(options.messages, options.slow, options.repeats))


if __name__ == "__main__":
    main()
