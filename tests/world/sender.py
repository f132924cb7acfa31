"""A process that sends announcements until it is killed: the real pump over real HTTP.

``python -m tests.world.sender DATABASE TELEGRAM WORKER RATE`` starts one afresh, imports and all.
`Senders` forks them from one that has imported everything already, so that fifty deaths are a
matter of seconds.
"""

import asyncio
import contextlib
import gc
import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import astuple, dataclass
from multiprocessing import get_context
from multiprocessing.process import BaseProcess

os.environ.setdefault("PTB_TIMEDELTA", "true")

from telegram import Bot

from bots.notices import render_for
from bots.telegram.messenger import TelegramMessenger
from bots.telegram.transport import AiohttpRequest
from core.announcements import Pump
from core.clock import system_clock
from core.database import connect, session_factory
from tests.world.arrivals import TOKEN
from tests.world.news import town


@dataclass(frozen=True, slots=True)
class Sending:
    """What one process needs to know."""

    database: str
    telegram: str  # base URL of the Bot API
    worker: str
    rate: float


async def send(what: Sending) -> None:
    """Pump until killed, or until asked to end, then draining."""
    engine = connect(what.database)
    async with Bot(TOKEN, base_url=what.telegram, request=AiohttpRequest()) as bot:
        pump = Pump(
            session_factory(engine),
            TelegramMessenger(bot),
            render_for(town()),
            system_clock,
            rate=what.rate,
            worker=what.worker,
        )
        running = asyncio.create_task(pump.run())
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, running.cancel)
        with contextlib.suppress(asyncio.CancelledError):
            await running
        await pump.drain()
    await engine.dispose()


def run(what: Sending) -> None:
    gc.freeze()  # as `bots.__main__` does
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    asyncio.run(send(what))


class Senders:
    """The living processes, by their workers' names."""

    def __init__(self) -> None:
        self._context = get_context("forkserver")
        self._context.set_forkserver_preload(["tests.world.sender"])
        self.living: dict[str, BaseProcess] = {}

    def start(self, what: Sending) -> None:
        process = self._context.Process(target=run, args=(what,), daemon=True)
        process.start()
        self.living[what.worker] = process

    async def kill(self, *workers: str) -> None:
        """SIGKILL: no goodbye, nothing is written down; returns when they are gone."""
        doomed = [self.living.pop(each) for each in workers]
        for process in doomed:
            process.kill()
        for process in doomed:
            await asyncio.to_thread(process.join)

    async def stop(self) -> None:
        """End them as a service manager does."""
        for process in self.living.values():
            process.terminate()
        for process in self.living.values():
            await asyncio.to_thread(process.join, 15)
        self.living.clear()


@contextlib.contextmanager
def senders() -> Iterator[Senders]:
    """Nobody outlives this."""
    made = Senders()
    try:
        yield made
    finally:
        for process in made.living.values():
            process.kill()
            process.join()


def command(what: Sending) -> list[str]:
    """How the same is started as a program of its own."""
    return [sys.executable, "-m", "tests.world.sender", *map(str, astuple(what))]


if __name__ == "__main__":
    database, telegram, worker, rate = sys.argv[1:]
    run(Sending(database, telegram, worker, float(rate)))
