"""Discord for a worker that sends and keeps the rooms but receives nothing.

Messages and roles go over REST, which needs no gateway session. Commands, buttons and people who
come back to the server are events of the gateway: the process of ``kankei run`` receives them.
"""

import logging
from typing import TYPE_CHECKING

import aiohttp
import discord

from bots import texts
from bots.discord.adapter import point_to
from bots.discord.keeper import DiscordKeeper, speaker_of
from bots.discord.messenger import PATIENCE, DiscordMessenger
from core.errors import PlatformRefused, PlatformUnavailable

if TYPE_CHECKING:
    from bots.app import App


class DiscordSender:
    """One town's bot, speaking only."""

    def __init__(self, app: "App") -> None:
        self._settings = app.settings
        self._language = speaker_of(app.town)
        self._client = discord.Client(intents=discord.Intents.none(), max_messages=None)
        self._client.http.max_ratelimit_timeout = PATIENCE
        self.keeper = DiscordKeeper(self._client, app.town)
        self.messenger = DiscordMessenger(self._client, app.town)
        self.problems: list[str] = []  # the receiving process compares the server and tells staff

    @property
    def name(self) -> str:
        return str(self._client.user or "")

    async def start(self) -> None:
        """Check the token. Raises `PlatformRefused` or `PlatformUnavailable`."""
        point_to(self._settings)
        library = logging.getLogger("discord")
        if library.getEffectiveLevel() < logging.INFO:
            library.setLevel(logging.INFO)  # its DEBUG lines hold message texts and tokens
        token = self._settings.discord_token
        try:
            await self._client.login(token.get_secret_value() if token else "")
        except discord.LoginFailure as error:
            await self._client.close()
            raise PlatformRefused(self._say("start.bad-token")) from error
        except (discord.DiscordException, aiohttp.ClientError, OSError) as error:
            await self._client.close()
            sentence = self._say("start.unreachable", reason=type(error).__name__)
            raise PlatformUnavailable(sentence) from error

    async def stop(self) -> None:
        await self._client.close()

    def _say(self, key: str, **values: object) -> str:
        return texts.say(f"discord.{key}", self._language, **values)
