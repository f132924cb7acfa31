"""What hearing and speaking ask of their parts: engines here, or an endpoint elsewhere.

Languages of speech are ISO 639-1 codes (``"ja"``, ``"en"``, ``"zh"``, ``"ko"``); those of texts are
`knowledge.language.Language`. Engines block and are called in a process of their own.
"""

from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from knowledge.language import Language

LARGEST: Final = 5_000_000
"""Bytes of a recording with one question: 60 s of 16-bit sound at 40 kHz."""

Samples = NDArray[np.float32]
"""Shape ``(n,)``, mono, −1 to 1."""

HEARING_RATE: Final = 16_000
"""Hz: what recognisers and voice activity detectors are trained on."""

SPEAKING_RATE: Final = 48_000
"""Hz: Opus's own."""


@dataclass(frozen=True, slots=True)
class Clip:
    """Sound in memory."""

    samples: Samples
    rate: int  # Hz

    @property
    def seconds(self) -> float:
        return len(self.samples) / self.rate


@dataclass(frozen=True, slots=True)
class Span:
    """Where somebody speaks within a clip, in seconds from its start."""

    start: float
    end: float


class Container(StrEnum):
    """The files that we make of speech."""

    OGG_OPUS = "audio/ogg"  # voice messages of Telegram and Discord, and our cache
    MP4_AAC = "audio/mp4"  # where a browser plays no Opus
    WAV = "audio/wav"


class Codec(Protocol):
    """Turns files into sound and back."""

    def decode(self, audio: bytes, *, rate: int, limit: float) -> Clip:
        """Any container that phones and browsers record. `limit` is in seconds.

        Raises `AudioUnreadable`, or `AudioTooLong` as soon as more than `limit` has been decoded.
        """

    def encode(self, clip: Clip, container: Container) -> bytes: ...

    def packets(self, clip: Clip) -> Iterator[bytes]:
        """Raw Opus packets of 20 ms, 48 kHz, two channels: what a Discord voice channel takes."""


class VoiceActivity(Protocol):
    """Tells speech from everything else."""

    def spans(self, clip: Clip) -> Sequence[Span]:
        """Where somebody speaks; empty for silence and noise. The clip has `HEARING_RATE`."""


@dataclass(frozen=True, slots=True)
class Guess:
    """One of the things that may have been said."""

    text: str
    weight: float  # likelihood, as against the other guesses
    told: bool = False  # after a prompt, which may have suggested it


@dataclass(frozen=True, slots=True)
class Transcript:
    """What a recogniser made of a clip."""

    text: str
    language: str  # ISO 639-1
    confidence: float  # 0 to 1
    guesses: tuple[Guess, ...] = ()  # all that it may have been, where the recogniser tells


class Recogniser(Protocol):
    """Turns speech into text."""

    name: str

    def recognise(
        self, clip: Clip, *, languages: Sequence[str], prompts: Mapping[str, str]
    ) -> Transcript:
        """`languages` are those that it can be, the likeliest first; one: it is known.

        `prompts` names the places of the town, by language. Raises `RecogniserFailed`, and
        `NothingHeard` where there are no words.
        """


class Synthesiser(Protocol):
    """Turns one sentence into speech."""

    name: str

    def speaks(self, language: str) -> bool:
        """Whether it has a voice for this ISO 639-1 language."""

    def speak(self, sentence: str, *, language: str, speed: float) -> Clip:
        """`sentence` is in spoken form (`knowledge.voice.spoken`); `speed` 1.0 is the voice's own.

        Raises `SynthesiserFailed`.
        """


@dataclass(frozen=True, slots=True)
class Heard:
    """A question that was said aloud, after every guard."""

    text: str
    language: Language  # of the text: one that the asker may be answered in
    confidence: float  # 0 to 1
    seconds: float  # of the recording
    alternatives: tuple[str, ...] = ()  # other readings of the same sounds, likeliest first
    cut: bool = False  # more was said than is kept of it

    @property
    def doubtful(self) -> bool:
        """Whether to ask "did you mean" before or beside the answer."""
        return self.confidence < DOUBT or bool(self.alternatives)


DOUBT: Final = 0.5


@dataclass(frozen=True, slots=True)
class Piece:
    """One sentence that is being spoken: heard and read at the same time."""

    text: str  # as it is shown in captions
    audio: bytes  # a whole file of `container`, which plays by itself
    container: Container
    seconds: float


class Ears(Protocol):
    """Hears a question: decode, find speech, recognise, guard, recover names."""

    name: str  # which engine, for the start-up line and `/about`

    async def hear(self, audio: bytes, *, languages: Sequence[Language]) -> Heard:
        """`languages`: what the town answers in, the asker's own first.

        Raises `AudioUnreadable`, `AudioTooLong`, `NothingHeard`, `RecogniserFailed`.
        """

    async def close(self) -> None: ...


class Mouth(Protocol):
    """Speaks a text, sentence by sentence."""

    name: str

    def speaks(self, language: Language) -> bool: ...

    def pieces(
        self, text: str, *, language: Language, container: Container = Container.OGG_OPUS
    ) -> AsyncGenerator[Piece, None]:
        """Sentence by sentence, the first as soon as it can be. Raises `SynthesiserFailed`.

        Closing the generator stops the synthesis of what was not said yet.
        """

    async def whole(self, text: str, *, language: Language, container: Container) -> Piece:
        """All of it as one file, from the cache where it was said before."""

    async def close(self) -> None: ...
