"""The open microphone: where a turn begins and ends in a stream of sound."""

import asyncio
import io
import wave
from collections import deque
from collections.abc import Callable
from typing import Final, Protocol

import numpy as np

from bots.web.voice.messages import MAX_SECONDS
from knowledge.voice.hearing.activity import FRAME, Turn
from knowledge.voice.port import HEARING_RATE, Heard, Samples

BEFORE: Final = 0.6
"""Seconds before the detected beginning that belong to the turn: the first syllable is soft."""
LONGEST: Final = MAX_SECONDS - 2
"""Seconds after which a turn ends by itself, so that what was said is answered."""
PAUSE: Final = 0.25
"""Seconds of silence after which what was said so far may be the whole turn."""
FORESEEN: Final = 10
"""Seconds of a turn that are heard before it is over: no real question is to wait for more."""
AHEAD: Final = 5.0
"""Seconds of sound that may arrive earlier than its clock says: a phone that woke up."""
_BYTES: Final = 2  # of one sample
_FULL: Final = 32768.0


class Turns(Protocol):
    """Tells beginnings and ends of speech, frame by frame, as Silero does in `knowledge.voice`."""

    def feed(self, samples: Samples) -> Turn | None: ...

    @property
    def quiet(self) -> float: ...


class OpenTurns(Protocol):
    """Loads the detector where it is not yet loaded, and begins with silence."""

    async def __call__(self) -> Turns: ...


Pause = tuple[int, int]
"""The number of a turn, and how many bytes of it were there when its speaker fell silent."""


class Microphone:
    """Collects what one visitor says between a beginning and an end."""

    def __init__(self, turns: Turns) -> None:
        self._turns = turns
        self._rest = b""
        self._before: deque[bytes] = deque(maxlen=round(BEFORE * HEARING_RATE / FRAME))
        self._turn: bytearray | None = None
        self.seconds = 0.0  # of sound so far
        self.silence = 0.0  # seconds since somebody spoke
        self._number = 0  # of the turn
        self._paused = 0  # bytes of it when it fell silent; 0 while somebody speaks
        self.ended: Pause | None = None
        """The silence in which the last turn ended; `None`: it was too long."""

    @property
    def pause(self) -> Pause | None:
        """The silence of `PAUSE` in the middle of a turn that may be its end."""
        return (self._number, self._paused) if self._turn is not None and self._paused else None

    @property
    def so_far(self) -> bytes:
        """What was said until the pause, as a WAV file."""
        return _wav(bytes((self._turn or b"")[: self._paused]))

    @property
    def speaking(self) -> bool:
        return self._turn is not None

    def feed(self, pcm: bytes) -> list[Turn]:
        """Take sound as it comes; the edges in it, in order. After an end, `taken` has the turn."""
        data = self._rest + pcm
        whole = len(data) - len(data) % (FRAME * _BYTES)
        self._rest = data[whole:]
        edges = (self._frame(data[at : at + FRAME * _BYTES]) for at in _starts(whole))
        return [edge for edge in edges if edge is not None]

    def _frame(self, frame: bytes) -> Turn | None:
        samples = np.frombuffer(frame, dtype="<i2").astype(np.float32) / np.float32(_FULL)
        found = self._turns.feed(samples)
        seconds = FRAME / HEARING_RATE
        self.seconds += seconds
        if self._turn is not None:
            self._turn += frame
            if self._turns.quiet < PAUSE:
                self._paused = 0
            elif not self._paused:
                self._paused = len(self._turn)
            full = len(self._turn) >= LONGEST * HEARING_RATE * _BYTES
            return self._end() if found is Turn.ENDED or full else None
        self._before.append(frame)
        if found is Turn.BEGAN:
            self._turn = bytearray(b"".join(self._before))
            self._before.clear()
            self._number, self._paused = self._number + 1, 0
            self.silence = 0.0
            return Turn.BEGAN
        self.silence += seconds
        return None

    def _end(self) -> Turn:
        self.taken, self.ended = _wav(bytes(self._turn or b"")), self.pause
        self._turn = None
        self.silence = 0.0
        return Turn.ENDED

    taken: bytes = b""
    """The last whole turn, as a WAV file."""


Hear = Callable[[bytes], asyncio.Task[Heard] | None]
"""Begins to hear a recording, if nothing more important is to be done."""


class Foresight:
    """What was said until a pause is heard while it is still open whether it was all.

    One a microphone: each counts its turns anew.
    """

    def __init__(self, hear: Hear) -> None:
        self._hear = hear
        self._begun: tuple[Pause, asyncio.Task[Heard] | None] | None = None

    def watch(self, microphone: Microphone) -> None:
        """Begin at each new pause; who goes on speaking makes what was begun worthless."""
        pause = microphone.pause
        if pause is None or (self._begun is not None and self._begun[0] == pause):
            return
        short = pause[1] <= FORESEEN * HEARING_RATE * _BYTES
        self._begun = pause, self._hear(microphone.so_far) if short else None

    def of(self, ended: Pause | None) -> asyncio.Task[Heard] | None:
        """What was begun in the silence in which a turn ended."""
        begun = self._begun
        return begun[1] if begun is not None and begun[0] == ended else None


def _starts(whole: int) -> range:
    return range(0, whole, FRAME * _BYTES)


def _wav(pcm: bytes) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(_BYTES)
        writer.setframerate(HEARING_RATE)
        writer.writeframes(pcm)
    return file.getvalue()
