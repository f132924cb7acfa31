"""Why a question was not heard, in words with a next step."""

from bots import texts
from core.errors import KankeiError
from knowledge.errors import VoiceError


class VoiceOff(KankeiError):
    """Nothing here can hear: ask them to write."""

    code = "voice-off"


class VoiceTooLarge(KankeiError):
    """More bytes than one question has: ask for a shorter one."""

    code = "voice-too-large"


class TooOften(KankeiError):
    """More questions aloud in a minute than are heard of one person."""

    code = "voice-too-often"


class VoiceBusy(KankeiError):
    """The line is full; `before` people are ahead. Ask them to write, or to come back."""

    code = "voice-busy"

    def __init__(self, before: int) -> None:
        super().__init__(str(before))
        self.before = before


def sentence(error: Exception, language: str) -> str:
    """What a person reads; anything that was not raised on purpose reads as ``unexpected``."""
    code = KankeiError.code
    if isinstance(error, KankeiError | VoiceError):
        code = error.code.replace("_", "-")
    key = f"errors.{code}" if texts.knows(f"errors.{code}") else f"errors.{KankeiError.code}"
    return texts.say(key, language, before=error.before if isinstance(error, VoiceBusy) else "")
