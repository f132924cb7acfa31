"""Voices: what people say to the bot on Telegram, and what it says back.

Size and length are looked at before anything is fetched. The written answer always comes first: the
voice follows it, without a second sound of the phone, and where it cannot be sent it is left out.

* https://core.telegram.org/bots/api#voice, #audio, #sendvoice (Ogg/Opus is shown as a voice)
"""

import logging
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from telegram import Audio, Document, Message, User, Voice
from telegram.constants import ChatAction
from telegram.error import BadRequest, TelegramError

from bots import texts
from bots.conversation import Reply, Upload
from bots.telegram.messenger import Place, TelegramMessenger
from bots.telegram.outcome import reason
from bots.voice import MAX_SECONDS, VoiceTooLarge, languages_of, sentence
from core import identity
from core.database import transaction
from core.errors import KankeiError
from knowledge.errors import AudioTooLong, VoiceError
from knowledge.voice.port import Heard

if TYPE_CHECKING:
    from bots.app import App  # the composition root, which imports the adapters

logger = logging.getLogger(__name__)

MUSICAL: Final = ("performer", "title")


@dataclass(frozen=True, slots=True)
class NotListened:
    """What is no question aloud: the key of what is said about it."""

    key: str


class Voices:
    """Hears people and speaks to them, where the town has a voice."""

    def __init__(self, app: "App", messenger: TelegramMessenger) -> None:
        self._app = app
        self._messenger = messenger
        self._listening: set[str] = set()  # updates

    @property
    def hears(self) -> bool:
        """Whether a voice message can be a question."""
        return self._app.voice is not None and self._app.voice.hears

    async def hear(self, message: Message, user: User, place: Place) -> Heard | None:
        """The question in a recording; `None` if there is none, and the person was told why."""
        voice = self._app.voice
        languages = await languages_of(
            self._app.sessions, self._app.town, "telegram", str(user.id), user.language_code
        )

        async def tell(before: int) -> None:
            await self._say(place, texts.say("voice.wait.before", languages[0], before=before))

        try:
            upload = self._recording(message)
            if isinstance(upload, NotListened) or voice is None:
                key = upload.key if isinstance(upload, NotListened) else "errors.voice-off"
                await self._say(place, texts.say(key, languages[0]))
                return None
            async with self._messenger.busy(place, ChatAction.RECORD_VOICE):
                return await voice.question(
                    upload, person=f"telegram:{user.id}", languages=languages, tell=tell
                )
        except (KankeiError, VoiceError) as error:
            await self._say(place, sentence(error, languages[0]))
            return None

    @asynccontextmanager
    async def once(self, update: str) -> AsyncIterator[bool]:
        """Whether an update is new: Telegram repeats what it did not see answered in time."""
        if update in self._listening:
            yield False
            return
        self._listening.add(update)
        try:
            async with transaction(self._app.sessions) as session:
                finished = await identity.is_finished(session, "telegram", update)
            yield not finished
        finally:
            self._listening.discard(update)

    async def refused(self, update: str) -> None:
        """Nothing more will be said to this update; the person knows why."""
        async with transaction(self._app.sessions) as session:
            await identity.take_update(session, "telegram", update, now=self._app.clock())
            await identity.finish_update(session, "telegram", update)

    async def answer(self, place: Place, reply: Reply) -> None:
        """Say an answer that has been written. Without a voice the written one stands alone."""
        voice = self._app.voice
        if voice is None or not reply.aloud or not voice.speaks(reply.language):
            return
        try:
            async with self._messenger.busy(place, ChatAction.RECORD_VOICE):
                note = await voice.note(reply)
            if note is not None:
                length = timedelta(seconds=math.ceil(note.seconds))
                await self._messenger.say(place, note.audio, length)
        except (KankeiError, VoiceError) as error:
            logger.warning("telegram-answer-not-said", extra={"code": error.code})
        except TelegramError as error:  # such as VOICE_MESSAGES_FORBIDDEN: they want none
            logger.info("telegram-answer-not-said", extra={"reason": reason(error)})

    def _recording(self, message: Message) -> Upload | NotListened:
        """What somebody said. Raises `AudioTooLong`; what is too large is refused by the voice."""
        if message.video_note is not None or message.video is not None:
            return NotListened("voice.refused.video")
        recorded = message.voice or message.audio or message.document
        if recorded is None or _is_music(recorded):
            return NotListened("voice.refused.music")
        if not isinstance(recorded, Document) and _seconds(recorded) > MAX_SECONDS:
            raise AudioTooLong
        number, bot = recorded.file_id, self._messenger.bot

        async def read() -> bytes:
            try:
                return bytes(await (await bot.get_file(number)).download_as_bytearray())
            except BadRequest as error:
                if "too big" in error.message.lower():
                    raise VoiceTooLarge from error
                raise

        return Upload(recorded.file_size or 0, read)

    async def _say(self, place: Place, words: str) -> None:
        await self._messenger.reply(place, Reply(words))


def _is_music(recorded: Voice | Audio | Document) -> bool:
    return isinstance(recorded, Audio) and any(getattr(recorded, each) for each in MUSICAL)


def _seconds(recorded: Voice | Audio) -> float:
    length = recorded.duration
    return length.total_seconds() if isinstance(length, timedelta) else float(length)
