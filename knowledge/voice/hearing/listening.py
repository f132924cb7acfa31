"""Listening: what becomes of a recording in the worker process, step by step.

Decode, find where somebody speaks, leave out the rest, recognise. Recordings are decoded here and
not beside the chat because they are untrusted and decoders are written in C.
"""

import io
import wave
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from knowledge.errors import AudioUnreadable, NothingHeard, RecogniserFailed
from knowledge.voice.codec import AvCodec
from knowledge.voice.hearing.activity import Silero
from knowledge.voice.hearing.whisper import Whisper
from knowledge.voice.memory import DECODING, bounded
from knowledge.voice.port import (
    HEARING_RATE,
    Clip,
    Codec,
    Recogniser,
    Samples,
    Span,
    Transcript,
    VoiceActivity,
)

SHORTEST: Final = 0.2
"""Seconds of speech below which there are no words."""
_AROUND: Final = 0.3  # seconds of silence that stay before and after each span


@dataclass(frozen=True, slots=True)
class Speech:
    """What of a recording is speech."""

    clip: Clip
    seconds: float  # of the whole recording


class Listener:
    """The engines of one worker."""

    def __init__(
        self, codec: Codec, activity: VoiceActivity, recogniser: Recogniser | None = None
    ) -> None:
        self._codec = codec
        self._activity = activity
        self._recogniser = recogniser

    def speech(self, audio: bytes, limit: float) -> Speech:
        """Return what is said. Raises `AudioUnreadable`, `AudioTooLong`, `NothingHeard`."""
        try:
            with bounded(DECODING):
                clip = self._codec.decode(audio, rate=HEARING_RATE, limit=limit)
        except MemoryError:
            raise AudioUnreadable("the recording takes too much memory") from None
        spans = self._activity.spans(clip)
        if sum(each.end - each.start for each in spans) < SHORTEST:
            raise NothingHeard("nobody speaks")
        return Speech(Clip(_spoken(clip, spans), clip.rate), clip.seconds)

    def hear(
        self, audio: bytes, limit: float, languages: Sequence[str], prompts: Mapping[str, str]
    ) -> tuple[Transcript, float]:
        """Return what is said in words, and the seconds of the recording.

        Raises as `speech` does, and `RecogniserFailed`.
        """
        if self._recogniser is None:
            raise RecogniserFailed("this worker only finds speech")
        speech = self.speech(audio, limit)
        heard = self._recogniser.recognise(speech.clip, languages=languages, prompts=prompts)
        return heard, speech.seconds

    def sent(self, audio: bytes, limit: float) -> tuple[bytes, float, float]:
        """Return the speech as a WAV file for a service elsewhere.

        With it go the seconds of the speech and of the whole recording.
        """
        speech = self.speech(audio, limit)
        return _wav(speech.clip), speech.clip.seconds, speech.seconds


def open_listener(cache: Path | None) -> Listener:
    """Load all that is needed to hear on this machine. Raises `VoiceMissing`."""
    return Listener(AvCodec(), Silero(), Whisper(cache))


def open_gate() -> Listener:
    """Load what finds speech for a service elsewhere. Raises `VoiceMissing`."""
    return Listener(AvCodec(), Silero())


def _spoken(clip: Clip, spans: Sequence[Span]) -> Samples:
    """Cut what lies before, between and after the spans, but for `_AROUND`."""
    pieces: list[Samples] = []
    reached = 0
    for each in spans:
        start = max(round((each.start - _AROUND) * clip.rate), reached)
        reached = min(round((each.end + _AROUND) * clip.rate), len(clip.samples))
        pieces.append(clip.samples[start:reached])
    return np.concatenate(pieces)


def _wav(clip: Clip) -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(clip.rate)
        scaled = np.clip(clip.samples, -1, 1) * np.iinfo(np.int16).max
        file.writeframes(scaled.astype("<i2").tobytes())
    return out.getvalue()
