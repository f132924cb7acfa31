"""Whisper: the recogniser of the extra `voice` (Radford et al. 2022, *base*, 8 bits, two cores).

faster-whisper and CTranslate2 run it; the weights come with `knowledge.voice.weights`, and nothing
is fetched. Three things differ from how the library alone would be used:

* Whisper listens to 30 seconds whatever was recorded. For Japanese and English the window is the
  recording and 3 seconds more, which takes a third of the work; Chinese is misheard with it, and
  Korean was not measured, so both get the whole window.
* A prompt names the town's places, without which none is spelled right, but makes the model hear
  them everywhere. So it is written down twice, with the prompt and without, and all hypotheses go
  to `knowledge.voice.consensus`. What loops or only recites the prompt is left out; where nothing
  remains it is done again with the whole window.
* The language is one of those asked for. Where two are nearly as likely, the one wins in which the
  words are likelier.
"""

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from knowledge.errors import NothingHeard, RecogniserFailed
from knowledge.voice.extras import missing
from knowledge.voice.guards import invented, loops, recites, worded
from knowledge.voice.port import HEARING_RATE, Clip, Guess, Transcript
from knowledge.voice.weights import whisper_base

if TYPE_CHECKING:
    from ctranslate2 import StorageView

NAME: Final = "whisper-base"
MARGIN: Final = 3.0
"""Seconds of silence after the recording within the window; with less it loops."""
OTHERWISE: Final = 50.0
"""Times that a language must be likelier than the next for it to be the only one that is tried."""

_SHORT: Final = frozenset({"ja", "en"})
_WINDOW: Final = 30.0  # seconds that Whisper was trained on
_FRAMES: Final = 100  # a second
_BEAM: Final = 5
_PROMPT: Final = 180  # tokens; longer prompts cost time, and did not help
_TRIED: Final = 3  # languages
_OWN: Final = 0.1  # log-probability that the asker's own language is given
_LOOP: Final = 0.5  # log-probability that a text is worth less if it loops
_SECOND: Final = 0.4  # weight of what was not the likeliest hypothesis
_PAUSE: Final = 0.2  # seconds
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
        parts = [self._part(each) for each in _parts(clip)]
        language, first = self._told(parts[0], languages, prompts)
        prompt = prompts.get(language, "")
        rest = [self._written(each, language, prompt) for each in parts[1:]]
        heard = [each for each in (first, *rest) if each is not None]
        if not heard:
            raise NothingHeard("nothing that could be words")
        confidence = math.exp(min(sum(each.logprob for each in heard) / len(heard), 0.0))
        between = "" if language in {"ja", "zh"} else " "
        text = between.join(each.guesses[0].text for each in heard)
        guesses = heard[0].guesses if len(parts) == 1 else ()
        return Transcript(text, language, confidence, guesses)

    def _part(self, clip: Clip) -> "_Part":
        features = self._model.feature_extractor(clip.samples)
        return _Part(clip, features, self._encoded(features, clip.seconds + MARGIN))

    def _told(
        self, part: "_Part", languages: Sequence[str], prompts: Mapping[str, str]
    ) -> "tuple[str, _Written | None]":
        """Write down the first part in the language whose words are likelier."""
        candidates = self._candidates(part.encoded, languages)
        tried = {each: self._plain(part, each) for each in candidates} if candidates[1:] else {}

        def likelihood(language: str) -> float:
            made = tried[language]
            wrong = _wrong(made, part.clip.seconds, language, "")
            return made.logprob + _OWN * (language == languages[0]) - _LOOP * wrong

        best = max(tried, key=likelihood, default=candidates[0])
        return best, self._written(part, best, prompts.get(best, ""), tried.get(best))

    def _candidates(self, encoded: "StorageView", languages: Sequence[str]) -> list[str]:
        """Return the likeliest language, and the next ones where it is not certain."""
        if len(languages) == 1:
            return list(languages)
        told = {
            token[2:-2]: share for token, share in self._model.model.detect_language(encoded)[0]
        }
        first, *others = sorted(languages, key=lambda each: -told.get(each, 0.0))
        near = [each for each in others if told.get(each, 0.0) * OTHERWISE > told.get(first, 0.0)]
        return [first, *near[: _TRIED - 1]]

    def _written(
        self, part: "_Part", language: str, prompt: str, plain: _Decoded | None = None
    ) -> "_Written | None":
        """Write down one part; `None` if no words can be made of it."""
        seconds = part.clip.seconds
        unprompted = plain or self._plain(part, language)
        good = [] if _wrong(unprompted, seconds, language, "") else [unprompted]
        if prompt:
            prompted = self._decoded(self._window(part, language), seconds, language, prompt)
            if not _wrong(prompted, seconds, language, prompt):
                good.insert(0, prompted)
        if not good and language in _SHORT:
            again = self._decoded(self._encoded(part.features, _WINDOW), seconds, language, "")
            good = [] if _wrong(again, seconds, language, "") else [again]
        if not good:
            return None
        return _Written(tuple(_guesses(good)), good[-1].logprob)

    def _plain(self, part: "_Part", language: str) -> _Decoded:
        return self._decoded(self._window(part, language), part.clip.seconds, language, "")

    def _window(self, part: "_Part", language: str) -> "StorageView":
        if language in _SHORT:
            return part.encoded
        if not part.whole:
            part.whole.append(self._encoded(part.features, _WINDOW))
        return part.whole[0]

    def _encoded(self, features: NDArray[np.float32], seconds: float) -> "StorageView":
        from faster_whisper.audio import pad_or_trim

        frames = round(min(seconds, _WINDOW) * _FRAMES)
        return self._model.encode(pad_or_trim(features, frames + frames % 2))

    def _decoded(
        self, encoded: "StorageView", seconds: float, language: str, prompt: str
    ) -> _Decoded:
        model = self._model
        tokenizer = self._tokenizer(
            model.hf_tokenizer, multilingual=True, task="transcribe", language=language
        )
        before = tokenizer.encode(" " + prompt)[-_PROMPT:] if prompt else []
        shown = model.get_prompt(tokenizer, before, without_timestamps=True)
        most = len(shown) + round(_TOKENS * (seconds + 1))
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


@dataclass(frozen=True, slots=True)
class _Written:
    """One part in words."""

    guesses: tuple[Guess, ...]  # the first is the likeliest
    logprob: float


@dataclass(frozen=True, slots=True)
class _Part:
    """As much of a recording as one window holds."""

    clip: Clip
    features: NDArray[np.float32]
    encoded: "StorageView"
    whole: "list[StorageView]" = field(default_factory=list)  # at most one, made when needed


def _guesses(decoded: Sequence[_Decoded]) -> Iterator[Guess]:
    """Yield all hypotheses; the first of each decoding counts most."""
    for each in decoded:
        for number, text in enumerate(each.texts):
            if text:
                yield Guess(text, math.exp(min(each.logprob, 0.0)) * (_SECOND if number else 1.0))


def _parts(clip: Clip) -> Iterator[Clip]:
    """Cut a recording where it is quietest, so that each part leaves `MARGIN` in its window."""
    samples = clip.samples
    longest = round((_WINDOW - MARGIN) * clip.rate)
    while len(samples) > longest:
        moments = samples[longest // 2 : longest]
        size = round(_PAUSE * clip.rate)
        moments = moments[: len(moments) // size * size].reshape(-1, size)
        quietest = int(np.argmin(np.square(moments).sum(axis=1)))
        cut = longest // 2 + quietest * size + size // 2
        yield Clip(samples[:cut], clip.rate)
        samples = samples[cut:]
    yield Clip(samples, clip.rate)


def _wrong(decoded: _Decoded, seconds: float, language: str, prompt: str) -> bool:
    text = decoded.texts[0]
    silent = decoded.no_speech > _NO_SPEECH and decoded.logprob < _NO_WORDS
    return (
        silent
        or invented(text)
        or loops(text, seconds=seconds, language=language)
        or recites(text, prompt)
    )
