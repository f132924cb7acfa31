"""Troubles in mid-announcement that nobody mends by hand: it goes on by itself, once to each."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from telegram import Bot

from bots.notices import render_for
from bots.telegram.messenger import TelegramMessenger
from bots.telegram.transport import AiohttpRequest
from core.announcements import Pump
from core.clock import Clock, system_clock
from core.database import Sessions, connect, session_factory
from core.testing import ShiftedClock
from tests.world import news
from tests.world.arrivals import TOKEN, Conduct, CountingTelegram
from tests.world.ordeal import until_finished
from tests.world.records import Proxy, address, disk_full, write_lock

RATE = 60.0
PEOPLE = 90
STALL = 10.0  # seconds
RESERVED = 0.15  # seconds for which a pump has slots in hand
SWIFT = Conduct(latency=0.02)


@asynccontextmanager
async def sending(
    sessions: Sessions,
    telegram: CountingTelegram,
    clock: Clock = system_clock,
    *,
    worker: str = "a",
    rate: float = RATE,
) -> AsyncIterator[Pump]:
    """A pump at work in this process."""
    async with Bot(TOKEN, base_url=telegram.base_url, request=AiohttpRequest()) as bot:
        messenger, render = TelegramMessenger(bot), render_for(news.town())
        pump = Pump(
            sessions,
            messenger,
            render,
            clock,
            rate=rate,
            worker=worker,
            monotonic=time.monotonic,  # which no jump of the clock reaches
        )
        task = asyncio.create_task(pump.run())
        try:
            yield pump
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def once_to_each(
    sessions: Sessions, number: int, telegram: CountingTelegram, people: int = PEOPLE
) -> None:
    sent = telegram.seen().sent
    assert len(sent) == people, "nobody is left out"
    assert set(sent.values()) == {1}, "nobody hears it twice"
    shown = await news.progress(sessions, number)
    assert shown.delivered == people


@pytest.mark.parametrize(
    "jump", [timedelta(days=1), timedelta(hours=-1)], ids=["a day forward", "an hour back"]
)
async def test_a_clock_that_jumps_neither_stops_nor_repeats_an_announcement(
    sessions: Sessions, jump: timedelta
) -> None:
    clock = ShiftedClock()
    await news.settle(sessions, PEOPLE, now=clock())
    number = await news.announce(sessions, now=clock())
    async with CountingTelegram(SWIFT) as telegram:
        async with sending(sessions, telegram, clock):
            await telegram.until(PEOPLE // 3)
            clock.advance(jump)
            await telegram.until(PEOPLE, timeout=10)
            await until_finished(sessions, number, timeout=10)
        # What was reserved just before the jump may meet what is reserved just after it.
        assert telegram.log.most_in_a_second() <= RATE * (1.05 + RESERVED) + 1
        await once_to_each(sessions, number, telegram)


async def test_a_disk_that_is_full_for_a_while_holds_an_announcement_up_and_no_more(
    sessions: Sessions, caplog: pytest.LogCaptureFixture
) -> None:
    people = 20 * PEOPLE  # so many that the file has to grow
    await news.settle(sessions, people)
    number = await news.announce(sessions)
    async with CountingTelegram(SWIFT) as telegram:
        async with sending(sessions, telegram, rate=10 * RATE):
            await telegram.until(people // 10)
            async with disk_full(sessions, "delivery"), asyncio.timeout(30):
                while "pump-waits-for-database" not in caplog.messages:  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
            await until_finished(sessions, number, timeout=20)
        await once_to_each(sessions, number, telegram, people)


async def test_a_database_that_stalls_for_ten_seconds_is_waited_for(sessions: Sessions) -> None:
    database = address(sessions)
    await news.settle(sessions, PEOPLE)
    number = await news.announce(sessions)
    async with CountingTelegram(SWIFT) as telegram:
        if database.startswith("sqlite"):
            async with sending(sessions, telegram):
                await telegram.until(PEOPLE // 3)
                async with write_lock(database):
                    await asyncio.sleep(STALL)
                await until_finished(sessions, number, timeout=20)
        else:
            async with Proxy(database) as proxy:
                engine = connect(proxy.database)
                async with sending(session_factory(engine), telegram):
                    await telegram.until(PEOPLE // 3)
                    proxy.stall()
                    await asyncio.sleep(STALL)
                    proxy.flow()
                    await until_finished(sessions, number, timeout=20)
                await engine.dispose()
        assert telegram.log.largest_gap() > STALL / 2, "it did stall"
        await once_to_each(sessions, number, telegram)
