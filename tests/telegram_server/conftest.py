from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from telegram import Bot
from telegram.ext import Application, ApplicationBuilder, BaseHandler, ExtBot

from tests.telegram_server import TelegramServer

AnyApplication = Application[ExtBot[None], Any, Any, Any, Any, None]


@pytest.fixture(autouse=True)
def durations_are_timedeltas(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without this, python-telegram-bot 22 warns whenever it reads a `retry_after`."""
    monkeypatch.setenv("PTB_TIMEDELTA", "true")


@pytest.fixture
async def server() -> AsyncIterator[TelegramServer]:
    async with TelegramServer() as running:
        yield running


@pytest.fixture
async def bot(server: TelegramServer) -> AsyncIterator[Bot]:
    """An unmodified python-telegram-bot."""
    running = Bot(server.token, base_url=server.base_url, base_file_url=server.base_file_url)
    async with running:
        yield running


def build(server: TelegramServer, *handlers: BaseHandler[Any, Any, Any]) -> AnyApplication:
    app: AnyApplication = (
        ApplicationBuilder()
        .token(server.token)
        .base_url(server.base_url)
        .base_file_url(server.base_file_url)
        .job_queue(None)
        .build()
    )
    app.add_handlers(list(handlers))
    return app


@asynccontextmanager
async def polling(
    server: TelegramServer,
    *handlers: BaseHandler[Any, Any, Any],
    allowed_updates: list[str] | None = None,
) -> AsyncIterator[AnyApplication]:
    """Run a whole application that asks for its updates."""
    app = build(server, *handlers)
    async with app:
        if app.updater is None:
            raise RuntimeError("built without an updater")
        await app.start()
        await app.updater.start_polling(poll_interval=0.0, allowed_updates=allowed_updates)
        try:
            yield app
        finally:
            await app.updater.stop()
            await app.stop()
