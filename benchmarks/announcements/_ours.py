"""The product's sender: ``python -m benchmarks.announcements._ours``, JSON in, JSON out.

The pump, the messenger and the transport of the product, until the announcement is done.
"""

import asyncio
import gc
import json
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

os.environ.setdefault("PTB_TIMEDELTA", "true")

import aiohttp
from telegram import Bot
from telegram.constants import ParseMode

from benchmarks.announcements._memory import peak
from bots.notices import render_for
from bots.telegram.layout import lay_out_outgoing
from bots.telegram.messenger import TelegramMessenger
from bots.telegram.transport import AiohttpRequest
from core.announcements import Delivered, Messenger, Outcome, Outgoing, Pump
from core.clock import system_clock
from core.database import connect, session_factory
from tests.world import news
from tests.world.arrivals import TOKEN

LOOK_EVERY = 0.2  # seconds
AT_ONCE = 100  # as the peers


class Nowhere:
    """A messenger that sends nothing: what the records alone cost."""

    platform = "telegram"

    async def send_direct(self, account: str, message: Outgoing, *, delivery: int) -> Outcome:
        del account, message
        return Delivered(str(delivery % 2**31))

    async def post(self, place: str, message: Outgoing, *, delivery: int) -> Outcome:
        return await self.send_direct(place, message, delivery=delivery)


class Bare:
    """A messenger on bare aiohttp: the pump's own cost beside a loop of the same requests."""

    platform = "telegram"

    def __init__(self, base_url: str, session: aiohttp.ClientSession) -> None:
        self._url, self._session = f"{base_url}{TOKEN}/sendMessage", session

    async def send_direct(self, account: str, message: Outgoing, *, delivery: int) -> Outcome:
        del delivery
        form = {"chat_id": account, "text": lay_out_outgoing(message)[0], "parse_mode": "HTML"}
        async with self._session.post(self._url, data=form) as response:
            answer = await response.json()
        return Delivered(str(answer["result"]["message_id"]))

    async def post(self, place: str, message: Outgoing, *, delivery: int) -> Outcome:
        return await self.send_direct(place, message, delivery=delivery)


@asynccontextmanager
async def messenger_for(how: str, base_url: str) -> AsyncIterator[Messenger]:
    if how == "nowhere":
        yield Nowhere()
    elif how == "bare":
        connector = aiohttp.TCPConnector(limit=AT_ONCE)
        async with aiohttp.ClientSession(connector=connector) as session:
            yield Bare(base_url, session)
    else:
        async with Bot(TOKEN, base_url=base_url, request=AiohttpRequest()) as bot:
            yield TelegramMessenger(bot)


async def announce(told: dict[str, Any]) -> None:
    """Pump until the announcement is done."""
    engine = connect(told["database"])
    sessions = session_factory(engine)
    async with messenger_for(told["how"], told["base_url"]) as messenger:
        pump = Pump(
            sessions,
            messenger,
            render_for(news.town()),
            system_clock,
            rate=told["rate"],
            worker=told["worker"],
        )
        running = asyncio.create_task(pump.run())
        while not await news.finished(sessions, told["number"]):  # noqa: ASYNC110 - others write it
            await asyncio.sleep(LOOK_EVERY)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    await engine.dispose()


async def through_ptb_alone(told: dict[str, Any]) -> None:
    """No pump, no records: what python-telegram-bot takes over our transport."""
    room = asyncio.Semaphore(AT_ONCE)
    async with Bot(TOKEN, base_url=told["base_url"], request=AiohttpRequest()) as bot:

        async def send(chat: int) -> None:
            async with room:
                await bot.send_message(chat, told["text"], parse_mode=ParseMode.HTML)

        chats = range(news.FIRST_CHAT + 1, news.FIRST_CHAT + told["count"] + 1)
        await asyncio.gather(*map(send, chats))


async def main() -> None:
    told: dict[str, Any] = json.load(sys.stdin)
    gc.freeze()  # as the product does
    cpu, wall = time.process_time(), time.monotonic()
    await (through_ptb_alone if told["how"] == "ptb" else announce)(told)
    taken = {
        "cpu": time.process_time() - cpu,
        "wall": time.monotonic() - wall,
        "rss": peak(),
        "failed": 0,
    }
    print(json.dumps(taken))


if __name__ == "__main__":
    asyncio.run(main())
