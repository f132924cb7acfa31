"""Places: in which voice channel of which server the mascot is, and what is said there.

Who hears an answer is who may enter the voice channel. So only what was written where all of them
may read is said aloud, and nothing that is for one person.
"""

import asyncio
import logging
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import discord

from bots import texts
from bots.conversation import Button, Reply
from bots.discord.channel.announced import posted, read_aloud
from bots.discord.channel.speaker import IDLE, Speaker, Turn
from bots.discord.channel.speech import missing_parts
from core.database import transaction

if TYPE_CHECKING:  # the app builds its adapters, so they cannot import it
    from bots.app import App

logger = logging.getLogger(__name__)

STOP: Final = "channel:stop"
LEAVE: Final = "channel:leave"
"""What the buttons do: the first also stands under an answer that is being said."""

RIGHTS: Final = ("view_channel", "connect", "speak")

ALONE: Final = 10.0
"""Seconds that the mascot stays in an empty channel: lines break, and people come back."""

CONNECT_WITHIN: Final = 20.0

Asked = tuple[Speaker, Turn]


class CannotEnter(Exception):
    """Why the mascot does not come: `key` of the sentence under ``voice-channel.cannot``."""

    def __init__(self, key: str, **values: object) -> None:
        super().__init__(key)
        self.key = key
        self.values = values


def can_speak(app: "App") -> bool:
    """Whether the town has a voice for any of its languages."""
    voice = app.voice
    return voice is not None and any(voice.speaks(each) for each in app.town.town.languages)


class Places:
    """The voice channels in which the mascot is: one a server at most."""

    def __init__(self, app: "App", client: discord.Client) -> None:
        self._app = app
        self._client = client
        self._speakers: dict[int, Speaker] = {}
        self._entering: dict[int, asyncio.Lock] = {}
        self._leaving: dict[int, asyncio.TimerHandle] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.alone, self.idle = ALONE, IDLE

    def speaker(self, guild: int | None) -> Speaker | None:
        """Who speaks in a server; nobody once the line is gone for good."""
        speaker = self._speakers.get(guild) if guild is not None else None
        if guild is not None and speaker is not None and not speaker.there:
            self._go(guild)  # a moderator disconnected the mascot, or its channel was deleted
            return None
        return speaker

    # --- coming and going ---------------------------------------------------------------------

    async def enter(self, channel: discord.VoiceChannel, *, staff: bool) -> Speaker:
        """Come into a channel. Staff may call the mascot away from others. Raises `CannotEnter`."""
        guild = channel.guild
        async with self._entering.setdefault(guild.id, asyncio.Lock()):
            there = self.speaker(guild.id)
            if there is not None and there.line.channel.id == channel.id:
                return there
            self.check(channel, staff=staff)
            await self.leave(guild.id)
            line = await self._connected(channel)
            speaker = Speaker(line, on_idle=partial(self._go, guild.id), idle=self.idle)
            self._speakers[guild.id] = speaker
            self.look(guild.id)
            return speaker

    def check(self, channel: discord.VoiceChannel, *, staff: bool) -> None:
        """Whether the mascot could come into a channel. Raises `CannotEnter`."""
        there = self.speaker(channel.guild.id)
        if there is not None and there.line.channel.id == channel.id:
            return
        if there is not None and not staff and listeners(there.line.channel):
            raise CannotEnter("elsewhere", channel=there.line.channel.name)
        missing = missing_parts()
        if not can_speak(self._app):  # an engine that could not be opened is known by now
            missing.append("voice")
        if missing:
            raise CannotEnter("missing", parts=", ".join(missing))
        rights = channel.permissions_for(channel.guild.me)
        lacking = [each for each in RIGHTS if not getattr(rights, each)]
        if lacking:
            raise CannotEnter("rights", channel=channel.name, lacking=lacking)
        full = channel.user_limit and len(channel.voice_states) >= channel.user_limit
        if full and not rights.move_members:
            raise CannotEnter("full", channel=channel.name)

    async def _connected(self, channel: discord.VoiceChannel) -> discord.VoiceClient:
        if isinstance(stale := channel.guild.voice_client, discord.VoiceClient):
            await stale.disconnect(force=True)  # of a connection that was lost
        try:
            return await channel.connect(timeout=CONNECT_WITHIN, self_deaf=True)
        except (discord.DiscordException, TimeoutError, OSError, RuntimeError) as error:
            logger.warning("discord-channel-shut", extra={"reason": type(error).__name__})
            raise CannotEnter("unreachable", channel=channel.name) from error

    async def leave(self, guild: int) -> bool:
        """Go; whether the mascot was there. What was being said is cut."""
        if (timer := self._leaving.pop(guild, None)) is not None:
            timer.cancel()
        speaker = self._speakers.pop(guild, None)
        if speaker is None:
            return False
        await speaker.close()
        return True

    def _go(self, guild: int) -> None:
        task = asyncio.get_running_loop().create_task(self._gone(guild))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _gone(self, guild: int) -> None:
        await self.leave(guild)

    def look(self, guild: int) -> None:
        """Somebody came, went or was moved: in an empty channel the mascot does not stay."""
        if (timer := self._leaving.pop(guild, None)) is not None:
            timer.cancel()
        speaker = self._speakers.get(guild)
        if speaker is not None and not _company(speaker.line.channel):
            loop = asyncio.get_running_loop()
            self._leaving[guild] = loop.call_later(self.alone, self._look_again, guild)

    def _look_again(self, guild: int) -> None:
        speaker = self.speaker(guild)
        if speaker is not None and not listeners(speaker.line.channel):
            self._go(guild)

    async def close(self) -> None:
        """Leave every channel."""
        for guild in tuple(self._speakers):
            await self.leave(guild)
        if self._tasks:
            await asyncio.wait(self._tasks)

    # --- answers ------------------------------------------------------------------------------

    def asked(self, guild: int | None, person: int) -> Asked | None:
        """Somebody asks, before everybody: what was being said to them is cut.

        The result is for `answered`. `None` where the mascot is in no channel.
        """
        speaker = self.speaker(guild)
        return (speaker, speaker.asked(str(person))) if speaker is not None else None

    def answered(self, asked: Asked | None, channel: object, reply: Reply) -> Reply:
        """Say an answer aloud too, where the asker is in the mascot's channel.

        The reply comes back with the button that stops it, and without a voice message of its own.
        """
        voice = self._app.voice
        if asked is None or voice is None or reply.private or not reply.spoken:
            return reply
        speaker, turn = asked
        line = speaker.line
        here = int(turn.person) in line.channel.voice_states
        if not here or not voice.speaks(reply.language) or not heard_by_readers(channel, line):
            return reply
        if not speaker.answer(turn, partial(voice.pieces, reply)):
            return reply
        stop = Button(texts.say("voice-channel.stop.button", reply.language), action=STOP)
        return replace(reply, buttons=(*reply.buttons, (stop,)), aloud=False)

    # --- announcements ------------------------------------------------------------------------

    async def read(self, message: discord.Message) -> None:
        """Read a post of ours aloud, if it is an announcement and staff switched that on."""
        voice = self._app.voice
        speaker = self.speaker(message.guild.id if message.guild else None)
        number = str(message.nonce or "")
        if voice is None or speaker is None or not speaker.reads_announcements:
            return
        if not number.isdecimal() or not heard_by_readers(message.channel, speaker.line):
            return
        async with transaction(self._app.sessions) as session:
            announcement = await posted(
                session,
                self._app.town,
                number=int(number),
                channel=message.channel.id,
                language=self._app.town.town.languages[0],
            )
        if announcement is not None and voice.speaks(announcement.language):
            speaker.announce(partial(voice.pieces, read_aloud(announcement)))


def listeners(channel: Any) -> int:
    """How many are in a voice channel beside us."""
    return sum(each != channel.guild.me.id for each in channel.voice_states)


def _company(channel: Any) -> bool:
    """Whether we are there, and somebody else."""
    return channel.guild.me.id in channel.voice_states and listeners(channel) > 0


def heard_by_readers(written: object, line: discord.VoiceClient) -> bool:
    """Whether everybody who may enter the voice channel may read where something was written."""
    spoken = line.channel
    if isinstance(written, discord.Thread):
        if written.is_private():
            return False
        written = written.parent
    if not isinstance(written, discord.abc.GuildChannel) or written.guild.id != spoken.guild.id:
        return False
    return all(
        written.permissions_for(role).view_channel
        for role in spoken.guild.roles
        if not role.is_bot_managed() and spoken.permissions_for(role).view_channel
    )
