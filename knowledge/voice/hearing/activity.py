"""Voice activity: where somebody speaks, and when a turn begins and ends.

Silero VAD v6 (MIT), whose ONNX file comes inside ``faster-whisper``, in frames of 32 ms. It needs
about 3 ms of one core a second of sound, so that hands-free listening may run beside the chat.
"""

import importlib.util
import threading
from collections.abc import Iterator, Sequence
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from knowledge.voice.extras import missing
from knowledge.voice.port import HEARING_RATE, Clip, Samples, Span

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

FRAME: Final = 512
"""Samples that the model judges at once."""
HANG_OVER: Final = 0.6
"""Seconds of silence that end a turn; people pause for half a second within a sentence."""

_CONTEXT: Final = 64  # samples of the frame before, as the model was trained
_SPEECH: Final = 0.5  # probability from which a frame is speech
_SILENCE: Final = 0.35  # and below which it is none; between the two nothing changes
_ONSET: Final = 3  # frames of speech that begin a turn: a click is shorter
_SECONDS: Final = FRAME / HEARING_RATE
_FADE: Final = round(HANG_OVER / _SECONDS)  # frames
_BATCH: Final = 2_000  # frames in one call: a minute of sound
_STATE: Final = (1, 1, 128)


class Turn(Enum):
    """What has just happened."""

    BEGAN = "began"
    ENDED = "ended"


class Silero:
    """The `VoiceActivity` port. Safe to use from several threads."""

    def __init__(self) -> None:
        """Raises `VoiceMissing`."""
        self._session = _session()

    def spans(self, clip: Clip) -> Sequence[Span]:
        """Where somebody speaks; pauses shorter than `HANG_OVER` are part of a span."""
        if clip.rate != HEARING_RATE:
            raise ValueError(f"voice activity is told at {HEARING_RATE} Hz, not {clip.rate}")
        return tuple(_spans(self._probabilities(clip.samples), clip.seconds))

    def turns(self) -> "Turns":
        """Return a listener for one stream of sound."""
        return Turns(self._session)

    def _probabilities(self, samples: Samples) -> NDArray[np.float32]:
        count = -(-len(samples) // FRAME)
        frames = np.zeros((count, FRAME), np.float32)
        frames.reshape(-1)[: len(samples)] = samples
        before = np.zeros((count, _CONTEXT), np.float32)
        before[1:] = frames[:-1, -_CONTEXT:]
        inputs = np.concatenate([before, frames], axis=1)
        hidden = cell = np.zeros(_STATE, np.float32)
        told = [np.zeros(0, np.float32)]
        for start in range(0, count, _BATCH):
            feeds = {"input": inputs[start : start + _BATCH], "h": hidden, "c": cell}
            out, hidden, cell = self._session.run(None, feeds)
            told.append(np.asarray(out, np.float32).reshape(-1))
        return np.concatenate(told)


class Turns:
    """Listens to one stream; the turn is over after `HANG_OVER` of silence."""

    def __init__(self, session: "InferenceSession") -> None:
        self._session = session
        self._state = _State()
        self._rest = np.zeros(0, np.float32)
        self._before = np.zeros(_CONTEXT, np.float32)
        self._hidden = self._cell = np.zeros(_STATE, np.float32)

    @property
    def speaking(self) -> bool:
        """Whether a turn has begun and not ended."""
        return self._state.speaking

    @property
    def quiet(self) -> float:
        """For how many seconds nobody has spoken."""
        return self._state.silence * _SECONDS

    def feed(self, samples: Samples) -> Turn | None:
        """Listen on: mono at `HEARING_RATE`, best a `FRAME` at a time and three at most.

        Returns what has changed; more than one thing cannot in so short a time.
        """
        if len(samples) > _ONSET * FRAME:
            raise ValueError(f"at most {_ONSET * FRAME} samples at once")
        waiting = np.concatenate([self._rest, np.asarray(samples, np.float32)])
        changed = None
        while len(waiting) >= FRAME:
            frame, waiting = waiting[:FRAME], waiting[FRAME:]
            changed = self._state.step(self._probability(frame)) or changed
        self._rest = waiting
        return changed

    def _probability(self, frame: Samples) -> float:
        shown = np.concatenate([self._before, frame])[None]
        self._before = frame[-_CONTEXT:]
        feeds = {"input": shown, "h": self._hidden, "c": self._cell}
        out, self._hidden, self._cell = self._session.run(None, feeds)
        return float(np.asarray(out).reshape(-1)[0])


class _State:
    """Whether somebody speaks, one frame after another."""

    def __init__(self) -> None:
        self.speaking = False
        self._speech = 0  # frames in a row
        self.silence = 0

    def step(self, probability: float) -> Turn | None:
        if probability >= _SPEECH:
            self._speech, self.silence = self._speech + 1, 0
        elif probability < _SILENCE:
            self._speech, self.silence = 0, self.silence + 1
        if not self.speaking and self._speech >= _ONSET:
            self.speaking = True
            return Turn.BEGAN
        if self.speaking and self.silence >= _FADE:
            self.speaking = False
            return Turn.ENDED
        return None


def _spans(probabilities: NDArray[np.float32], seconds: float) -> Iterator[Span]:
    state = _State()
    start = 0
    for number, probability in enumerate(probabilities, 1):
        changed = state.step(float(probability))
        if changed is Turn.BEGAN:
            start = number - _ONSET
        elif changed is Turn.ENDED:
            yield Span(start * _SECONDS, (number - _FADE) * _SECONDS)
    if state.speaking:
        yield Span(start * _SECONDS, seconds)


_LOCK = threading.Lock()
_opened: "list[InferenceSession]" = []


def _session() -> "InferenceSession":
    """Open the model once a process: it keeps no state between calls."""
    with _LOCK:
        if not _opened:
            _opened.append(_open())
        return _opened[0]


def _open() -> "InferenceSession":
    # Found without importing: faster_whisper loads 60 MB that only recognition needs.
    spec = importlib.util.find_spec("faster_whisper")
    if spec is None or spec.origin is None:
        raise missing("faster-whisper")
    try:
        from onnxruntime import InferenceSession, SessionOptions
    except ImportError as error:
        raise missing("onnxruntime") from error
    options = SessionOptions()
    options.inter_op_num_threads = options.intra_op_num_threads = 1
    options.enable_cpu_mem_arena = False
    options.log_severity_level = 4
    model = Path(spec.origin).parent / "assets" / "silero_vad_v6.onnx"
    return InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
