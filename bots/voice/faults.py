"""Why a question was not heard, in words with a next step."""

from bots import texts
from core.errors import KankeiError
from knowledge.errors import Busy, VoiceError


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


def code_of(error: Exception) -> str:
    """The name of a fault; what was not raised on purpose is ``unexpected``."""
    if isinstance(error, KankeiError | VoiceError):
        return error.code.replace("_", "-")
    return KankeiError.code


def sentence(error: Exception, language: str) -> str:
    """What a person reads."""
    code = code_of(error)
    key = f"errors.{code}" if texts.knows(f"errors.{code}") else f"errors.{KankeiError.code}"
    return texts.say(key, language, before=_before(error))


def _before(error: Exception) -> int:
    match error:
        case VoiceBusy():
            return error.before
        case Busy():
            return error.waiting + 1  # and the one who is heard just now
    return 0
