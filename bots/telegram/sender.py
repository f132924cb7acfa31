"""Telegram for a worker that sends and keeps the rooms but receives nothing.

Everything it does goes over the Bot API by HTTP, so any number of workers may do it at once. What
people write is received by the process of ``kankei run`` alone: Telegram gives it to one.
"""

import logging
from typing import TYPE_CHECKING

from telegram.error import InvalidToken, TelegramError
from telegram.ext import ExtBot

from bots import texts
from bots.telegram.keeper import TelegramKeeper
from bots.telegram.messenger import TelegramMessenger
from bots.telegram.outcome import reason
from bots.telegram.transport import AiohttpRequest
from core.errors import PlatformRefused, PlatformUnavailable

if TYPE_CHECKING:
    from bots.app import App


class TelegramSender:
    """One town's bot, speaking only."""

    def __init__(self, app: "App") -> None:
        settings = app.settings
        self._language = app.town.town.languages[0] if app.town.town.languages else "ja"
        token = settings.telegram_token
        self._bot: ExtBot[None] = ExtBot(
            token.get_secret_value() if token else "",
            base_url=settings.telegram_api_url,
            base_file_url=settings.telegram_file_url,
            request=AiohttpRequest(),
            get_updates_request=AiohttpRequest(connection_pool_size=1),
        )
        self.keeper = TelegramKeeper(self._bot, app.town)
        self.messenger = TelegramMessenger(self._bot)
        self.problems: list[str] = []  # the receiving process compares the rooms and tells staff

    @property
    def name(self) -> str:
        return f"@{self._bot.username}"

    async def start(self) -> None:
        """Check the token. Raises `PlatformRefused` or `PlatformUnavailable`."""
        # The library's DEBUG lines hold message texts.
        logging.getLogger("telegram").setLevel(logging.INFO)
        try:
            await self._bot.initialize()
        except InvalidToken:
            await self._bot.shutdown()
            raise PlatformRefused(self._words("bad-token")) from None  # its text holds the token
        except TelegramError as error:
            await self._bot.shutdown()
            raise PlatformUnavailable(self._words("unreachable", reason=reason(error))) from error

    async def stop(self) -> None:
        await self._bot.shutdown()

    def _words(self, name: str, **values: object) -> str:
        return texts.say(f"telegram.problem.{name}", self._language, **values)
