"""Which engine says what: the voices that a town chose, for Kokoro and for a service."""

from typing import Final

from knowledge.voice.choice import VoiceChoice
from knowledge.voice.speaking import kokoro, mei
from knowledge.voice.speaking.speech_endpoint import Tuning
from knowledge.voice.speaking.styles import USUAL
from knowledge.voice.speaking.voices import kokoro_installed

_SAID_ANYWHERE: Final = "alloy"  # a voice that every service with this interface knows


def languages_of_kokoro() -> frozenset[str]:
    """Return the languages that only Kokoro speaks here."""
    if not kokoro_installed():
        return frozenset()
    spoken = {"en": kokoro.speaks_english(), "zh": kokoro.speaks_chinese()}
    return frozenset(language for language, there in spoken.items() if there)


def kokoro_styles(voice: VoiceChoice) -> dict[str, str]:
    """Return Kokoro's style of each language; what is a service's own name is not one."""
    styles = dict(USUAL)
    for language in USUAL:
        engine, _, style = voice.named(language).partition(":")
        if engine == kokoro.NAME and style:
            styles[language] = style
    return styles


def tuning(voice: VoiceChoice) -> Tuning:
    """Name the voices as a service does: its own name, or that of the same voice there.

    A Kokoro voice of another language is for this machine, unless all of them are Kokoro's.
    """
    engine, _, name = voice.name.partition(":")
    own = engine == kokoro.NAME
    usual = (name or USUAL["ja"]) if own else voice.name
    others = {
        language: chosen.removeprefix(f"{kokoro.NAME}:")
        for language in ("en", "zh")
        if (chosen := voice.named(language)) and (own or not chosen.startswith(kokoro.NAME))
    }
    return Tuning(_SAID_ANYWHERE if voice.name == mei.NAME else usual, voice.speed, others)
