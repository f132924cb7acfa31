"""Voice: questions that were said, and answers said back, for every platform alike.

`Voice` is on `App.voice`. A recording is heard and dropped: it is never written down, and neither
it nor its words reach a log.
"""

from bots.voice.faults import TooOften, VoiceBusy, VoiceOff, VoiceTooLarge, sentence
from bots.voice.languages import answered_in, languages_of
from bots.voice.opening import open_voice, prepare
from bots.voice.service import MAX_BYTES, MAX_SECONDS, QUESTIONS_A_MINUTE, Voice

__all__ = [
    "MAX_BYTES",
    "MAX_SECONDS",
    "QUESTIONS_A_MINUTE",
    "TooOften",
    "Voice",
    "VoiceBusy",
    "VoiceOff",
    "VoiceTooLarge",
    "answered_in",
    "languages_of",
    "open_voice",
    "prepare",
    "sentence",
]
