"""One process: the pages, the platforms whose tokens are set, and the jobs, until it is stopped."""

import asyncio
import contextlib
import errno
import logging
import signal
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

import uvicorn
from fastapi import FastAPI

from bots import jobs
from bots.app import App, Platform, running
from bots.discord.adapter import DiscordAdapter
from bots.telegram.adapter import TelegramAdapter
from bots.web.app import create_web
from bots.web.demo import DemoShop
from core.errors import (
    KankeiError,
    PlatformRefused,
    PlatformUnavailable,
    RecordsUnavailable,
)
from core.settings import Settings

logger = logging.getLogger(__name__)

DRAIN_SECONDS: Final = 10
RETRY_SECONDS: Final = 30


class PortTaken(KankeiError):
    """Another program listens on the port already."""

    code = "port-taken"


class _Server(uvicorn.Server):
    """uvicorn without its own signal handlers: the whole process ends together."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def listen(host: str, port: int) -> socket.socket:
    """The socket of the pages, before anything else is opened. Raises `PortTaken`."""
    try:
        listener = socket.create_server((host, port), backlog=256)
    except OSError as error:
        if error.errno in {errno.EADDRINUSE, errno.EACCES}:
            raise PortTaken(str(port)) from error
        raise
    # Inherited by every connection; without it each small answer waits 40 ms for the next one.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


@asynccontextmanager
async def town(
    settings: Settings, *, demo: bool, progress: Callable[[str], None], language: str
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
            running(settings, progress=progress, language=language)
        )
        if chain is None:
            yield app, None
            return
        from bots.demo.shop import Shop

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


async def serve(
    settings: Settings,
    *,
    demo: bool,
    progress: Callable[[str], None],
    ready: Callable[[App], None],
    language: str = "ja",
) -> None:
    """Run until SIGINT or SIGTERM; what is in flight has `DRAIN_SECONDS` to end."""
    with listen(settings.host, settings.port) as listener:
        settings = settings.model_copy(update={"port": listener.getsockname()[1]})
        async with town(settings, demo=demo, progress=progress, language=language) as (app, shop):
            server = _Server(
                _uvicorn(create_web(app, secret=app.secret, demo=shop, bots=app.names), settings)
            )
            loop = asyncio.get_running_loop()
            for each in (signal.SIGINT, signal.SIGTERM):
                loop.add_signal_handler(each, lambda: setattr(server, "should_exit", True))
            # A daemon: leaving must not wait for a model. What it stores is stored whole.
            threading.Thread(target=_warm_up, args=(app,), daemon=True).start()
            background = [asyncio.create_task(jobs.run(app))]
            ready(app)
            background += [
                asyncio.create_task(keep_open(app, name, make, getattr(settings, f"{name}_rate")))
                for name, make in doors(app).items()
            ]
            try:
                await server.serve(sockets=[listener])
            finally:
                app.guide.stop()
                await _drain(app)
                for task in background:
                    task.cancel()
                for outcome in await asyncio.gather(*background, return_exceptions=True):
                    if isinstance(outcome, Exception):
                        logger.error("job-ended", exc_info=outcome)
                for adapter in app.adapters:
                    await adapter.stop()


async def _drain(app: App) -> None:
    """Let what is in flight arrive and be written down, so that the next start repeats nothing."""
    try:
        async with asyncio.timeout(DRAIN_SECONDS):
            await asyncio.gather(*(pump.drain() for pump in app.pumps.values()))
    except (TimeoutError, RecordsUnavailable) as error:
        logger.warning("drain-cut-short", extra={"reason": type(error).__name__})


def _warm_up(app: App) -> None:
    """Load the models before the first question, then encode what is still missing."""
    app.guide.warm_up()
    app.guide.catch_up()


def _uvicorn(web: FastAPI, settings: Settings) -> uvicorn.Config:
    return uvicorn.Config(
        web,
        log_config=None,
        access_log=False,
        lifespan="off",
        timeout_graceful_shutdown=DRAIN_SECONDS,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=list(settings.trusted_proxies),
    )
