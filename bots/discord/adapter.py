"""The Discord adapter: connects, stands up the join button, and says what the server lacks.

The three addresses of Discord are class attributes of the library, so they hold for the whole
process: `discord.http.Route.BASE` (REST), `discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY` and
`discord.asset.Asset.BASE` (CDN). `DiscordAdapter.start` sets them from the settings; two adapters
with different addresses cannot live in one process.
"""

import asyncio
import logging
from contextlib import suppress
from enum import IntEnum
from typing import TYPE_CHECKING, Final

import aiohttp
import discord
import yarl
from discord.asset import Asset
from discord.gateway import DiscordWebSocket
from discord.http import Route

from bots import texts
from bots.discord.forms import JOIN_BUTTON, JoinView
from bots.discord.handlers import TownClient
from bots.discord.keeper import DiscordKeeper, speaker_of
from bots.discord.layout import escape, pack
from bots.discord.messenger import DiscordMessenger
from core.errors import PlatformRefused, PlatformUnavailable
from core.settings import Settings

if TYPE_CHECKING:  # the app builds its adapters, so they cannot import it
    from bots.app import App

logger = logging.getLogger(__name__)

START_WITHIN: Final = 60.0  # seconds
DRAIN_FOR: Final = 10.0
LOOK_BACK: Final = 500
"""Messages of the join channel that are searched for our button; members cannot write there."""


class CloseCode(IntEnum):
    """Why the gateway hangs up; after these two the library does not try again."""

    AUTHENTICATION_FAILED = 4004
    DISALLOWED_INTENTS = 4014


class DiscordAdapter:
    """One town's door on Discord."""

    def __init__(self, app: "App") -> None:
        self._app = app
        self._language = speaker_of(app.town)
        self._running: asyncio.Task[None] | None = None
        self.client = TownClient(app)
        self.keeper = DiscordKeeper(self.client, app.town)
        self.messenger = DiscordMessenger(self.client, app.town)
        self.problems: list[str] = []

    @property
    def name(self) -> str:
        return str(self.client.user or "")

    async def start(self) -> None:
        """Connect and look around; returns when the door is open.

        Raises `PlatformRefused` if token or intents are wrong (staff must act) and
        `PlatformUnavailable` if Discord does not answer (start again later), each in one sentence.
        An adapter that has failed or stopped is not started again: make a new one.
        """
        token = self._app.settings.discord_token
        if token is None or not token.get_secret_value():
            raise PlatformRefused(self._say("start.no-token"))
        point_to(self._app.settings)
        library = logging.getLogger("discord")
        if library.getEffectiveLevel() < logging.INFO:
            library.setLevel(logging.INFO)  # its DEBUG lines hold message texts and tokens
        self._running = asyncio.create_task(
            self.client.start(token.get_secret_value()), name="discord"
        )
        opened = asyncio.create_task(self.client.opened.wait())
        try:
            await asyncio.wait(
                {self._running, opened},
                timeout=START_WITHIN,
                return_when=asyncio.FIRST_COMPLETED,
            )
        finally:
            opened.cancel()
        if not self.client.opened.is_set():
            failure = await self._stopped()
            raise self._translated(failure) from failure
        self._running.add_done_callback(self._lost)
        await self.settle_in()

    async def stop(self) -> None:
        """Let what is being answered end, and close. May be called at any time, also twice."""
        if self._running is not None:
            self._running.remove_done_callback(self._lost)
        await self.client.drain(DRAIN_FOR)
        await self.client.places.close()  # while Discord can still say that we are out
        await self._stopped()

    async def settle_in(self) -> None:
        """Stand up the join button, compare the server with the town pack, and tell staff."""
        self.problems.clear()  # the same list throughout: others may hold it
        if (reason := self.client.trouble_with_commands) is not None:
            self.problems.append(self._say("problem.no-commands", reason=reason))
        try:
            self.problems.extend(await self.keeper.problems(self._app.town.gates))
        except (PlatformUnavailable, PlatformRefused) as error:
            self.problems.append(self._say("problem.unchecked", reason=str(error)))
        await self._stand_up_button()
        for sentence in self.problems:
            logger.warning("discord-problem", extra={"sentence": sentence})
            self._app.happenings.tell("discord.happening.problem", sentence=sentence)
        if self.problems:
            await self._tell_staff()
        self._app.happenings.tell("discord.happening.ready")

    # --- the join button ----------------------------------------------------------------------

    async def _stand_up_button(self) -> None:
        town = self._app.town.discord
        if town is None or town.join_channel is None:
            return
        channel = self.client.get_partial_messageable(town.join_channel, guild_id=town.guild)
        words, label = self._invitation(), self._say("join.button")
        try:
            standing = await self._standing(channel)
            if standing is None:
                await channel.send(words, view=JoinView(label), suppress_embeds=True)
            elif (standing.content, _label_of(standing)) != (words, label):
                await standing.edit(content=words, view=JoinView(label))
        except (discord.DiscordException, aiohttp.ClientError, OSError) as error:
            logger.warning("discord-join-message", extra={"reason": type(error).__name__})
            if not isinstance(error, (discord.Forbidden, discord.NotFound)):
                # A missing channel or right has its own sentence already.
                sentence = self._say("problem.no-join-message", channel=town.join_channel)
                self.problems.append(sentence)

    def _invitation(self) -> str:
        """In the town's first language and in English: newcomers have chosen no language yet."""
        head = self._app.town.town
        parts: list[str] = []
        for language in dict.fromkeys((self._language, "en")):
            town = escape(head.name.get(language))
            parts.append(texts.say("discord.join.text", language, town=town))
        if head.sample:
            url = f"<{head.official_url}>"
            parts.append(f"-# {self._say('join.sample', url=url)}")
        return pack(parts)[0]

    async def _standing(self, channel: discord.PartialMessageable) -> discord.Message | None:
        async for message in channel.history(limit=LOOK_BACK):
            if message.author.id == self.client.own_id and _label_of(message) is not None:
                return message
        return None

    # --- telling ------------------------------------------------------------------------------

    async def _tell_staff(self) -> None:
        heading = self._say("problem.for-staff", town=self._app.town.town.name.get(self._language))
        pages = pack([escape(heading), *(f"- {escape(each)}" for each in self.problems)])
        for entry in sorted(self._app.settings.staff):
            platform, _, account = entry.partition(":")
            if platform != "discord":
                continue
            try:
                opened = await self.client.http.start_private_message(int(account))
                for page in pages:
                    await self.client.get_partial_messageable(int(opened["id"])).send(page)
            except (discord.DiscordException, aiohttp.ClientError, OSError) as error:
                logger.warning("discord-staff-not-told", extra={"reason": type(error).__name__})

    def _lost(self, task: asyncio.Task[None]) -> None:
        """The connection ended for good, by itself."""
        failure = None if task.cancelled() else task.exception()
        sentence = str(self._translated(failure))
        logger.error("discord-lost", extra={"sentence": sentence})
        self.problems.append(sentence)
        self._app.happenings.tell("discord.happening.lost", sentence=sentence)

    # --- ending -------------------------------------------------------------------------------

    async def _stopped(self) -> BaseException | None:
        """Close what is open; the error that the connection ended with, if any."""
        failure: BaseException | None = None
        if self._running is not None:
            if self._running.done() and not self._running.cancelled():
                failure = self._running.exception()
            self._running.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await self._running
        await self.client.close()
        return failure

    def _translated(self, failure: BaseException | None) -> PlatformRefused | PlatformUnavailable:
        match failure:
            case (
                discord.LoginFailure()
                | discord.ConnectionClosed(code=CloseCode.AUTHENTICATION_FAILED)
            ):
                return PlatformRefused(self._say("start.bad-token"))
            case (
                discord.PrivilegedIntentsRequired()
                | discord.ConnectionClosed(code=CloseCode.DISALLOWED_INTENTS)
            ):
                return PlatformRefused(self._say("start.intents"))
            case None:
                reason = "time-out"
            case discord.HTTPException(status=status):
                reason = f"HTTP {status}"
            case AttributeError():
                reason = "gateway"  # the library's own stumble when its first connection fails
            case _:
                reason = type(failure).__name__
        return PlatformUnavailable(self._say("start.unreachable", reason=reason))

    def _say(self, key: str, **values: object) -> str:
        return texts.say(f"discord.{key}", self._language, **values)


def point_to(settings: Settings) -> None:
    """Set the library's addresses, for the whole process."""
    Route.BASE = settings.discord_api_url.rstrip("/")
    DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(settings.discord_gateway_url)
    Asset.BASE = settings.discord_cdn_url.rstrip("/")


def _label_of(message: discord.Message) -> str | None:
    """The label of our join button under a message, if it has one."""
    for row in message.components:
        for child in getattr(row, "children", ()):
            if getattr(child, "custom_id", None) == JOIN_BUTTON:
                return str(child.label)
    return None
