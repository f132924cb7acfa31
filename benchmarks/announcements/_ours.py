"""The product's sender: ``python -m benchmarks.announcements._ours``, JSON in, JSON out.

The pump, the messenger and the transport of the product, until the announcement is done.
"""

import asyncio
import json
import os
import resource
import sys
import time
from typing import Any

os.environ.setdefault("PTB_TIMEDELTA", "true")

from telegram import Bot

from bots.notices import render_for
from bots.telegram.messenger import TelegramMessenger
from bots.telegram.transport import AiohttpRequest
from core.announcements import Delivered, Messenger, Outcome, Outgoing, Pump
from core.clock import system_clock
from core.database import connect, session_factory
from tests.world import news
from tests.world.arrivals import TOKEN

LOOK_EVERY = 0.2  # seconds


class Nowhere:
    """A messenger that sends nothing: what the records alone cost."""

    platform = "telegram"

    async def send_direct(self, account: str, message: Outgoing, *, delivery: int) -> Outcome:
        del account, message
        return Delivered(str(delivery % 2**31))

    async def post(self, place: str, message: Outgoing, *, delivery: int) -> Outcome:
        return await self.send_direct(place, message, delivery=delivery)


async def main() -> None:
    told: dict[str, Any] = json.load(sys.stdin)
    engine = connect(told["database"])
    sessions = session_factory(engine)
    base_url = told["base_url"]
    async with Bot(TOKEN, base_url=base_url or "http://x", request=AiohttpRequest()) as bot:
        messenger: Messenger = TelegramMessenger(bot) if base_url else Nowhere()
        pump = Pump(
            sessions,
            messenger,
            render_for(news.town()),
            system_clock,
            rate=told["rate"],
            worker=told["worker"],
        )
        cpu, wall = time.process_time(), time.monotonic()
        running = asyncio.create_task(pump.run())
        while not await news.finished(sessions, told["number"]):  # noqa: ASYNC110 - others write it
            await asyncio.sleep(LOOK_EVERY)
        taken = {
            "cpu": time.process_time() - cpu,
            "wall": time.monotonic() - wall,
            "rss": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
            "failed": 0,
        }
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    await engine.dispose()
    print(json.dumps(taken))


if __name__ == "__main__":
    asyncio.run(main())
