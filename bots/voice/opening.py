"""Which ears and which mouth a town has: engines of this machine, or endpoints of the settings."""

import logging
from functools import partial
from importlib.util import find_spec
from typing import Final

from bots.operations.meters import Meters
from bots.voice.service import MAX_SECONDS, Voice
from core.settings import Settings
from core.town import TownPack
from knowledge.voice.choice import SpeechEndpoint, VoiceChoice
from knowledge.voice.port import Ears, Mouth

logger = logging.getLogger(__name__)

HEARING: Final = ("faster_whisper", "av")
SPEAKING: Final = ("pyopenjtalk", "av")
"""The packages without which nothing is recognised or said on this machine."""

AT_ONCE_ELSEWHERE: Final = 4
"""How many recordings an endpoint gets at the same time; an engine here does one."""


def open_voice(settings: Settings, town: TownPack, meters: Meters) -> Voice | None:
    """The voice of a town, not opened yet; `None` where it is off or nothing could run.

    With ``KANKEI_VOICE=on`` it is there even so, and says what is missing.
    """
    if settings.voice == "off":
        return None
    wanted = settings.voice == "on"
    hears = wanted or settings.transcription_base_url or _installed(HEARING)
    speaks = wanted or settings.speech_base_url or _installed(SPEAKING)
    if not hears and not speaks:
        return None
    return Voice(
        ears=partial(_ears, settings, town) if hears else None,
        mouth=partial(_mouth, settings, town) if speaks else None,
        at_once=AT_ONCE_ELSEWHERE if settings.transcription_base_url else 1,
        meters=meters,
    )


def _installed(packages: tuple[str, ...]) -> bool:
    return all(find_spec(each) is not None for each in packages)


def _ears(settings: Settings, town: TownPack) -> Ears:
    from knowledge.voice.hearing import open_ears  # only where somebody speaks

    from knowledge.voice.names import names_of_town

    return open_ears(
        names=names_of_town(town.folder),
        endpoint=_transcription(settings),
        limit_seconds=MAX_SECONDS,
    )


def _mouth(settings: Settings, town: TownPack) -> Mouth:
    from knowledge.voice.speaking import open_mouth  # only where somebody listens

    from knowledge.voice.names import names_of_town

    chosen = town.persona.voice
    return open_mouth(
        names=names_of_town(town.folder),
        folder_for_cache=settings.data_dir / "voice",
        voice=VoiceChoice(settings.speech_voice or chosen.name, chosen.speed),
        endpoint=_speech(settings),
    )


def _transcription(settings: Settings) -> SpeechEndpoint | None:
    if not settings.transcription_base_url:
        return None
    key = settings.transcription_api_key
    return SpeechEndpoint(
        settings.transcription_base_url,
        settings.transcription_model,
        key.get_secret_value() if key else None,
        settings.transcription_timeout,
    )


def _speech(settings: Settings) -> SpeechEndpoint | None:
    if not settings.speech_base_url:
        return None
    key = settings.speech_api_key
    return SpeechEndpoint(
        settings.speech_base_url,
        settings.speech_model,
        key.get_secret_value() if key else None,
        settings.speech_timeout,
    )
