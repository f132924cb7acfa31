"""Whisper: the recogniser of the extra `voice` (Radford et al. 2022, *base*, 8 bits, two cores).

faster-whisper and CTranslate2 run it; the weights come with `knowledge.voice.weights`, and nothing
is fetched. Three things differ from how the library alone would be used:

* Whisper listens to 30 seconds whatever was recorded. For Japanese and English the window is the
  recording and 3 seconds more, which takes a third of the work; Chinese is misheard with it, and
  Korean was not measured, so both get the whole window.
* A prompt names the town's places. Where the text then loops or only recites them, it is done again
  with the whole window and without a prompt.
* The language is one of those asked for. The first, the asker's own, wins unless another is
  `OTHERWISE` times as likely.
"""

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from knowledge.errors import NothingHeard, RecogniserFailed
from knowledge.voice.extras import missing
from knowledge.voice.guards import invented, loops, recites, worded
from knowledge.voice.port import HEARING_RATE, Clip, Transcript
from knowledge.voice.weights import whisper_base

if TYPE_CHECKING:
    from ctranslate2 import StorageView

NAME: Final = "whisper-base"
MARGIN: Final = 3.0
"""Seconds of silence after the recording within the window; with less it loops."""
OTHERWISE: Final = 3.0

_SHORT: Final = frozenset({"ja", "en"})
_WINDOW: Final = 30.0  # seconds that Whisper was trained on
_FRAMES: Final = 100  # a second
_BEAM: Final = 5
_PROMPT: Final = 180  # tokens; longer prompts cost time, and did not help
_TOKENS: Final = 16  # a second, and as many again; more is a loop
_NO_SPEECH: Final = 0.6  # with the next one: Whisper's own rule for silence
_NO_WORDS: Final = -1.0


@dataclass(frozen=True, slots=True)
class _Decoded:
    texts: tuple[str, ...]  # likeliest first
    logprob: float  # a token, of the first
    no_speech: float


class Whisper:
    """The `Recogniser` port on this machine. One call at a time."""

    name = NAME

    def __init__(self, cache: Path | None = None, *, threads: int | None = None) -> None:
        """Load the model. `cache` keeps the joined weights.

        Raises `VoiceMissing`, `RecogniserFailed`.
        """
        os.environ["HF_HUB_OFFLINE"] = "1"  # read when the library is imported
        try:
            from faster_whisper import WhisperModel
            from faster_whisper.tokenizer import Tokenizer
            from faster_whisper.transcribe import get_suppressed_tokens
        except ImportError as error:
            raise missing("faster-whisper") from error
        with whisper_base(cache) as folder:
            self._model = WhisperModel(
                str(folder),
                device="cpu",
                compute_type="int8",
                cpu_threads=threads or min(os.cpu_count() or 1, 4),
                local_files_only=True,
            )
        self._tokenizer = Tokenizer
        self._suppressed = get_suppressed_tokens

    def recognise(
        self, clip: Clip, *, languages: Sequence[str], prompts: Mapping[str, str]
    ) -> Transcript:
        """Write down what is said. Raises `NothingHeard` where it is only repetition or silence."""
        if clip.rate != HEARING_RATE or not languages:
            raise RecogniserFailed("a recording of 16 kHz and a language are needed")
        features = self._model.feature_extractor(clip.samples)
        encoded = self._encoded(features, clip.seconds + MARGIN)
        language = self._language(encoded, languages)
        if language not in _SHORT:
            encoded = self._encoded(features, _WINDOW)
        prompt = prompts.get(language, "")
        decoded = self._decoded(clip, encoded, language, prompt)
        if self._wrong(decoded, clip, language, prompt):
            encoded = self._encoded(features, _WINDOW)
            decoded = self._decoded(clip, encoded, language, "")
            if self._wrong(decoded, clip, language, prompt):
                raise NothingHeard("nothing that could be words")
        first, *others = dict.fromkeys(decoded.texts)
        confidence = math.exp(min(decoded.logprob, 0.0))
        return Transcript(first, language, confidence, tuple(others))

    def _encoded(self, features: NDArray[np.float32], seconds: float) -> "StorageView":
        from faster_whisper.audio import pad_or_trim

        frames = round(min(seconds, _WINDOW) * _FRAMES)
        return self._model.encode(pad_or_trim(features, frames + frames % 2))

    def _language(self, encoded: "StorageView", languages: Sequence[str]) -> str:
        if len(languages) == 1:
            return languages[0]
        told = {
            token[2:-2]: share for token, share in self._model.model.detect_language(encoded)[0]
        }
        best = max(languages, key=lambda each: told.get(each, 0.0))
        own = languages[0]
        return best if told.get(best, 0.0) > OTHERWISE * told.get(own, 0.0) else own

    def _decoded(self, clip: Clip, encoded: "StorageView", language: str, prompt: str) -> _Decoded:
        if clip.seconds + 1 > _WINDOW:
            return self._in_windows(clip, language, prompt)
        model = self._model
        tokenizer = self._tokenizer(
            model.hf_tokenizer, multilingual=True, task="transcribe", language=language
        )
        before = tokenizer.encode(" " + prompt)[-_PROMPT:] if prompt else []
        shown = model.get_prompt(tokenizer, before, without_timestamps=True)
        most = len(shown) + round(_TOKENS * (clip.seconds + 1))
        result = model.model.generate(
            encoded,
            [shown],
            beam_size=_BEAM,
            num_hypotheses=_BEAM,
            max_length=min(most, model.max_length),
            return_scores=True,
            return_no_speech_prob=True,
            suppress_tokens=list(self._suppressed(tokenizer, [-1])),
        )[0]
        texts = tuple(worded(tokenizer.decode(each)) for each in result.sequences_ids)
        count = len(result.sequences_ids[0])
        return _Decoded(texts, result.scores[0] * count / (count + 1), result.no_speech_prob)

    def _in_windows(self, clip: Clip, language: str, prompt: str) -> _Decoded:
        """Write down more than one window holds, as the library does."""
        found, _ = self._model.transcribe(
            clip.samples,
            language=language,
            beam_size=_BEAM,
            temperature=0.0,
            initial_prompt=prompt or None,
            condition_on_previous_text=False,
        )
        segments = list(found)
        if not segments:
            return _Decoded(("",), 0.0, 1.0)
        spaces = " " if language not in {"ja", "zh"} else ""
        text = worded(spaces.join(each.text.strip() for each in segments))
        seconds = sum(each.end - each.start for each in segments) or 1.0
        logprob = sum(each.avg_logprob * (each.end - each.start) for each in segments) / seconds
        return _Decoded((text,), logprob, min(each.no_speech_prob for each in segments))

    @staticmethod
    def _wrong(decoded: _Decoded, clip: Clip, language: str, prompt: str) -> bool:
        text = decoded.texts[0]
        silent = decoded.no_speech > _NO_SPEECH and decoded.logprob < _NO_WORDS
        return (
            silent
            or invented(text)
            or loops(text, seconds=clip.seconds, language=language)
            or recites(text, prompt)
        )
