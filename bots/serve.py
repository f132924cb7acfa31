"""Processes of a town: one with everything, and workers beside it that send and do jobs."""

import asyncio
import logging
import signal
import socket
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Final

import uvicorn
from fastapi import FastAPI

from bots import jobs
from bots.app import App, running
from bots.discord.adapter import DiscordAdapter
from bots.discord.sender import DiscordSender
from bots.doors import Platform
from bots.guiding import in_daemon
from bots.listening import PortTaken, Server, listen
from bots.operations.listener import watched
from bots.telegram.adapter import TelegramAdapter
from bots.telegram.sender import TelegramSender
from bots.voice import prepare
from bots.voice.service import CLOSE_SECONDS
from bots.web.app import create_web
from bots.web.demo import DemoShop
from bots.web.voice.messages import MAX_MESSAGE
from core.errors import (
    PlatformRefused,
    PlatformUnavailable,
)
from core.settings import Settings

__all__ = ["PortTaken", "listen"]

logger = logging.getLogger(__name__)

DRAIN_SECONDS: Final = 10
CANCEL_SECONDS: Final = 3
RETRY_SECONDS: Final = 30


@asynccontextmanager
async def town(
    settings: Settings,
    *,
    demo: bool,
    progress: Callable[[str], None],
    language: str,
    worker: str = "kankei",
) -> AsyncIterator[tuple[App, DemoShop | None]]:
    """The app, and the demo's chain and shop; its platforms are not open yet."""
    async with AsyncExitStack() as stack:
        chain = None
        if demo:
            # Only the demo's extra installs an EVM.
            from bots.demo.chain import CHAIN_ID, EmbeddedChain

            chain = await asyncio.to_thread(EmbeddedChain, settings.data_dir / "chain.txt")
            stack.push_async_callback(chain.close)
            endpoints = {**settings.chain_endpoints, CHAIN_ID: (await chain.serve(),)}
            settings = settings.model_copy(update={"chain_endpoints": endpoints})
            progress("chain")
        app = await stack.enter_async_context(
            running(settings, progress=progress, language=language, worker=worker)
        )
        if chain is None:
            yield app, None
            return
        from bots.demo.evening import plan_evening
        from bots.demo.shop import Shop

        await plan_evening(app)
        yield app, Shop(chain, app.secret)


def _telegram(app: App) -> TelegramAdapter:
    secret = app.settings.telegram_webhook_secret
    return TelegramAdapter(
        app, webhook_secret=secret.get_secret_value() if secret else app.derived("telegram")
    )


def doors(app: App) -> dict[str, Callable[[App], Platform]]:
    """The platforms whose tokens are set, each by how its adapter is made."""
    made: dict[str, Callable[[App], Platform]] = {}
    if app.settings.telegram_token is not None:
        made["telegram"] = _telegram
    if app.settings.discord_token is not None:
        made["discord"] = DiscordAdapter
    return made


def senders(app: App) -> dict[str, Callable[[App], Platform]]:
    """The same platforms for a worker, which sends and keeps rooms but receives nothing."""
    made: dict[str, Callable[[App], Platform]] = {}
    if app.settings.telegram_token is not None:
        made["telegram"] = TelegramSender
    if app.settings.discord_token is not None:
        made["discord"] = DiscordSender
    return made


async def keep_open(app: App, name: str, make: Callable[[App], Platform], rate: float) -> None:
    """Start a door; while its platform is away, try again. A refusal is left to staff.

    Only an open door gets messages to send: until then they wait in the outbox.
    """
    while True:
        adapter = make(app)
        try:
            await adapter.start()
        except PlatformRefused as error:
            _closed(app, name, str(error))
            return
        except PlatformUnavailable as error:
            _closed(app, name, str(error))
        except Exception as error:
            # One door's mistake must not be silent, nor keep the others shut.
            logger.exception("door-broke", extra={"platform": name})
            _closed(app, name, f"{name}: {type(error).__name__}")
        else:
            app.troubles.pop(name, None)
            app.add_platform(adapter.keeper, adapter.messenger, rate=rate)
            app.adapters.append(adapter)
            app.names[name] = adapter.name
            if isinstance(adapter, TelegramAdapter):
                app.telegram_receive = adapter.receive
            return
        await asyncio.sleep(RETRY_SECONDS)


def _closed(app: App, name: str, sentence: str) -> None:
    app.troubles[name] = [sentence]
    logger.warning("door-closed", extra={"platform": name, "reason": sentence})
    app.happenings.tell("chat.happening.trouble", sentence=sentence)


class Stop:
    """SIGINT and SIGTERM: the first ends in order, a second does not wait for what is in flight."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.hurry = asyncio.Event()

    def __call__(self) -> None:
        (self.hurry if self.asked.is_set() else self.asked).set()

    def if_failed(self, task: asyncio.Task[None]) -> None:
        """Without this task the process is of no use."""
        if not task.cancelled() and task.exception() is not None:
            self.asked.set()

    def listen(self) -> None:
        loop = asyncio.get_running_loop()
        for each in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(each, self)


async def serve(
    settings: Settings,
    *,
    demo: bool,
    progress: Callable[[str], None],
    ready: Callable[[App], None],
    language: str = "ja",
    worker: str = "kankei",
) -> None:
    """Run until SIGINT or SIGTERM; what is in flight has `DRAIN_SECONDS` to end.

    Raises `jobs.NameTaken` if a process is at work under this worker's name.
    """
    stop = Stop()
    with listen(settings.host, settings.port) as listener:
        settings = settings.model_copy(update={"port": listener.getsockname()[1]})
        async with (
            town(settings, demo=demo, progress=progress, language=language, worker=worker) as made,
            watched(made[0]),
            jobs.at_work(made[0], jobs.JOBS, duties="pages,platforms,jobs") as clockwork,
        ):
            app, shop = made
            await app.events.follow_pack()  # here alone: a worker may have an older copy
            stop.listen()
            # What waits to be sent does not wait for the guide, nor do the pages.
            background = [_turning(clockwork, stop), *_opened(app, doors(app))]
            server = Server(
                _uvicorn(create_web(app, secret=app.secret, demo=shop, bots=app.names), settings)
            )
            serving = asyncio.create_task(_serve_pages(server, listener, stop))
            reading = asyncio.create_task(_read_guide(app, progress, ready))
            reading.add_done_callback(stop.if_failed)
            await _until(serving, stop.asked.wait(), None)
            await _end(app, clockwork, background, stop)
            await serving
            if not reading.cancel():
                reading.result()
            _whole(background)


async def _serve_pages(server: uvicorn.Server, listener: socket.socket, stop: Stop) -> None:
    """The pages, until they are asked to stop; a second signal cuts their connections."""

    async def ask() -> None:
        await stop.asked.wait()
        server.should_exit = True
        await stop.hurry.wait()
        server.force_exit = True

    asking = asyncio.create_task(ask())
    try:
        await server.serve(sockets=[listener])
    finally:
        asking.cancel()


async def work(
    settings: Settings,
    *,
    worker: str,
    progress: Callable[[str], None],
    ready: Callable[[App], None],
    language: str = "ja",
) -> None:
    """Send, keep rooms and do jobs beside other processes of the town, until SIGINT or SIGTERM.

    No pages, and nothing is received from the platforms, so the guide is never read. Raises
    `jobs.NameTaken`, and `jobs.Elsewhere` when the records are a SQLite file that another machine
    works on, and `signing.NoKey` where the town's signing key is not.
    """
    stop = Stop()
    async with (
        running(settings, progress=progress, language=language, worker=worker, joins=True) as app,
        watched(app),
        jobs.at_work(app, jobs.JOBS, duties="platforms,jobs") as clockwork,
    ):
        await jobs.one_machine(app, clockwork.me)
        stop.listen()
        background = [_turning(clockwork, stop), *_opened(app, senders(app))]
        ready(app)
        await stop.asked.wait()
        await _end(app, clockwork, background, stop)
        _whole(background)


def _turning(clockwork: jobs.Clockwork, stop: Stop) -> asyncio.Task[None]:
    """The clock; a process without it would look well and do nothing, so it ends."""
    turning = asyncio.create_task(clockwork.run())
    turning.add_done_callback(stop.if_failed)
    return turning


def _whole(background: list[asyncio.Task[None]]) -> None:
    """Raises `jobs.ClockEnded` if that was the end of the clock."""
    turning = background[0]
    if turning.done() and not turning.cancelled():
        turning.result()


def _opened(app: App, made: Mapping[str, Callable[[App], Platform]]) -> list[asyncio.Task[None]]:
    return [
        asyncio.create_task(
            keep_open(app, name, make, getattr(app.settings, f"{name}_rate")), name=name
        )
        for name, make in made.items()
    ]


async def _end(
    app: App, clockwork: jobs.Clockwork, background: list[asyncio.Task[None]], stop: Stop
) -> None:
    """Let what is in flight arrive and be written down, so that the next start repeats nothing.

    The pumps claim nothing more and the clock hands out nothing more; then the platforms close.
    The engine and the records are closed after this, by whoever opened them.
    """
    app.draining = True
    app.guide.stop()
    loop = asyncio.get_running_loop()
    deadline = loop.time() + DRAIN_SECONDS
    draining = asyncio.gather(
        clockwork.drain(), *(pump.drain() for pump in app.pumps.values()), return_exceptions=True
    )
    await _until(draining, stop.hurry.wait(), DRAIN_SECONDS)
    if not draining.done():
        logger.warning("drain-cut-short", extra={"hurry": stop.hurry.is_set()})
        draining.cancel()
    for outcome in await asyncio.gather(draining, return_exceptions=True):
        for each in outcome if isinstance(outcome, list) else ():
            if isinstance(each, Exception):
                logger.warning("drain-cut-short", extra={"reason": type(each).__name__})
    for task in background:
        task.cancel()
    # A driver waits for a database that is silent, even when it is cancelled.
    await asyncio.wait(background, timeout=CANCEL_SECONDS)
    for task in background:
        if not task.done():
            logger.warning("job-left-behind", extra={"job": task.get_name()})
        elif not task.cancelled() and (error := task.exception()) is not None:
            logger.error("job-ended", exc_info=error)
    closing = asyncio.gather(*(each.stop() for each in app.adapters), return_exceptions=True)
    await _until(closing, stop.hurry.wait(), max(deadline - CLOSE_SECONDS - loop.time(), 1.0))
    if app.voice is not None:  # who is still being heard is told so, and can write
        await _until(asyncio.ensure_future(app.voice.close()), stop.hurry.wait(), CLOSE_SECONDS)
    if not closing.done():
        await _until(closing, stop.hurry.wait(), 1.0)
    if not closing.done():
        logger.warning("platforms-cut-short")
        closing.cancel()


async def _until(
    work: asyncio.Future[Any], signal_of: Coroutine[Any, Any, Any], seconds: float | None
) -> None:
    """Wait for `work`, but no longer than for the signal or the time."""
    signalled = asyncio.create_task(signal_of)
    await asyncio.wait({work, signalled}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    signalled.cancel()


async def _read_guide(
    app: App, progress: Callable[[str], None], ready: Callable[[App], None]
) -> None:
    """Then load models and voice before the first question, and encode what is still missing."""
    await app.read_guide()
    progress("guide")
    ready(app)
    await in_daemon(app.guide.warm_up)
    await _prepare_voice(app)
    await in_daemon(app.guide.catch_up)


async def _prepare_voice(app: App) -> None:
    """A town without a voice goes on in writing, whatever is wrong with it."""
    try:
        offered = app.town.town.languages
        if found := await prepare(app.voice, app.settings, app.happenings, offered):
            app.troubles["voice"] = found
    except Exception:
        logger.exception("voice-not-ready")


def _uvicorn(web: FastAPI, settings: Settings) -> uvicorn.Config:
    return uvicorn.Config(
        web,
        log_config=None,
        access_log=False,
        lifespan="off",
        timeout_graceful_shutdown=DRAIN_SECONDS,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=list(settings.trusted_proxies),
        ws_max_size=MAX_MESSAGE,
        ws_per_message_deflate=False,  # sound is compressed already
    )
