"""Extras: what `pip` installs for hearing and speaking, and how to say that it is not there."""

from typing import Final

from knowledge.errors import VoiceMissing

VOICE: Final = "voice"
VOICE_PLUS: Final = "voice-plus"


def missing(package: str, extra: str = VOICE) -> VoiceMissing:
    """Return the error that names the package and the command that installs it."""
    return VoiceMissing(f"{package} is not installed; run: pip install 'kankei[{extra}]'")
