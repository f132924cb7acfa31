"""Voices: voice messages that people send on Discord, and those that we answer with.

A voice message is one Ogg/Opus attachment with its length and a picture of its loudness, and says
nothing else; so the written answer always comes first. Where Discord takes no voice message of us
(the right *Send Voice Messages* is missing, or the answer is for one person's eyes), it is a file.

https://docs.discord.com/developers/resources/message#voice-messages
"""

import asyncio
import base64
import io
import logging
import re
from typing import TYPE_CHECKING, Any, Final

import aiohttp
import discord
import numpy as np
from discord.http import handle_message_parameters

from bots import texts
from bots.conversation import Reply, Upload
from bots.voice import MAX_SECONDS, VoiceOff, languages_of, sentence
from core.errors import KankeiError
from knowledge.errors import AudioTooLong, NothingHeard, VoiceError
from knowledge.voice.port import HEARING_RATE, Heard, Piece

if TYPE_CHECKING:  # the app builds its adapters, so they cannot import it
    from bots.app import App

logger = logging.getLogger(__name__)

FILE: Final = "voice-message.ogg"
A_POINT: Final = 0.1  # seconds: what one point of the picture stands for, at least
POINTS: Final = 256
LOUDEST: Final = 255
QUIET: Final = 1e-3

_TROUBLES: Final = (discord.DiscordException, aiohttp.ClientError, OSError)


class Voices:
    """Hears people and speaks to them, where the town has a voice."""

    def __init__(self, app: "App") -> None:
        self._app = app

    def recording(self, message: discord.Message) -> discord.Attachment | None:
        """What somebody said with a message; `None` where nothing could hear it.

        A file beside written words is no question: the words are.
        """
        voice = self._app.voice
        if voice is None or not voice.hears:
            return None
        written = re.sub(r"<@!?\d+>", "", message.content).strip()
        sounds = (
            each
            for each in message.attachments
            if each.is_voice_message() or (not written and _is_sound(each))
        )
        return next(sounds, None)

    async def hear(self, message: discord.Message, recording: discord.Attachment) -> Heard | None:
        """The question in a recording; `None` if there is none, and the person was told why."""
        voice, user = self._app.voice, str(message.author.id)
        languages = await languages_of(self._app.sessions, self._app.town, "discord", user, None)

        async def tell(before: int) -> None:
            await _write(message, texts.say("voice.wait.before", languages[0], before=before))

        try:
            if voice is None:
                raise VoiceOff
            if (recording.duration or 0) > MAX_SECONDS:
                raise AudioTooLong
            upload = Upload(recording.size, recording.read)
            return await voice.question(
                upload, person=f"discord:{user}", languages=languages, tell=tell
            )
        except NothingHeard as error:
            # A file without a voice in it is music, as far as anybody can tell.
            music = texts.say("voice.refused.music", languages[0])
            said = recording.is_voice_message()
            await _write(message, sentence(error, languages[0]) if said else music)
            return None
        except (KankeiError, VoiceError) as error:
            await _write(message, sentence(error, languages[0]))
            return None

    async def note(self, reply: Reply) -> Piece | None:
        """The answer as a voice message; `None` where it is not to be said or cannot be."""
        voice = self._app.voice
        if voice is None or not reply.aloud or not voice.speaks(reply.language):
            return None
        try:
            return await voice.note(reply)
        except (KankeiError, VoiceError) as error:
            logger.warning("discord-answer-not-said", extra={"code": error.code})
            return None

    async def say(self, channel: discord.abc.Messageable, reply: Reply) -> None:
        """Say an answer that has been written. Without a voice the written one stands alone."""
        note = await self.note(reply)
        if note is None:
            return
        try:
            await _send_voice(channel, note)
        except discord.HTTPException:
            await self._say_in_a_file(channel, note)
        except _TROUBLES as error:
            logger.info("discord-answer-not-said", extra={"reason": type(error).__name__})

    async def _say_in_a_file(self, channel: discord.abc.Messageable, note: Piece) -> None:
        try:
            await channel.send(file=file_of(note), silent=True)
        except _TROUBLES as error:
            logger.info("discord-answer-not-said", extra={"reason": type(error).__name__})


def file_of(note: Piece) -> discord.File:
    """An answer as a file that Discord plays."""
    return discord.File(io.BytesIO(note.audio), "answer.ogg")


class VoiceFile(discord.File):
    """The attachment of a voice message; the library knows how to read one, not how to send it."""

    def __init__(self, note: Piece, waveform: bytes) -> None:
        super().__init__(io.BytesIO(note.audio), FILE)
        self._note, self._waveform = note, waveform

    def to_dict(self, index: int) -> dict[str, Any]:
        """The attachment as Discord wants it described."""
        return {
            **super().to_dict(index),
            "duration_secs": round(self._note.seconds, 3),
            "waveform": base64.b64encode(self._waveform).decode("ascii"),
        }


async def _write(message: discord.Message, words: str) -> None:
    reference = message.to_reference(fail_if_not_exists=False)
    await message.channel.send(words, reference=reference, mention_author=False)


async def _send_voice(channel: discord.abc.Messageable, note: Piece) -> None:
    place = await channel._get_channel()  # noqa: SLF001 - as `Messageable.send` does
    waveform = await asyncio.to_thread(picture_of, note.audio)
    flags = discord.MessageFlags(voice=True, suppress_notifications=True)
    with handle_message_parameters(file=VoiceFile(note, waveform), flags=flags) as parameters:
        await place._state.http.send_message(place.id, params=parameters)  # noqa: SLF001


def picture_of(audio: bytes) -> bytes:
    """Its loudness, a byte a point, as clients draw it."""
    from knowledge.voice.codec import AvCodec  # only where somebody speaks

    clip = AvCodec().decode(audio, rate=HEARING_RATE, limit=10 * MAX_SECONDS)
    points = max(1, min(POINTS, round(clip.seconds / A_POINT)))
    parts = np.array_split(clip.samples, points)
    loudness = np.array([np.sqrt(np.mean(each**2)) if len(each) else 0.0 for each in parts])
    scaled = loudness / max(float(loudness.max()), QUIET)
    return (scaled * LOUDEST).astype(np.uint8).tobytes()


def _is_sound(attachment: discord.Attachment) -> bool:
    return (attachment.content_type or "").startswith("audio/")
