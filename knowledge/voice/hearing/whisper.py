"""Whisper: the recogniser of the extra `voice` (Radford et al. 2022, *base*, 8 bits, two cores).

faster-whisper and CTranslate2 run it; the weights come with `weights` here, and nothing
is fetched. Four things differ from how the library alone would be used:

* Whisper listens to 30 seconds whatever was recorded. For Japanese and English the window is the
  recording and 3 seconds more, which takes a third of the work; Chinese is misheard with it, and
  Korean was not measured, so both get the whole window.
* Words of other scripts are not weighed in Japanese, Chinese and Korean: `trimmed`
  takes two thirds of the work.
* A prompt names the town's places, without which none is spelled right, but makes the model hear
  them everywhere. So it is written down twice, with the prompt and without (in Japanese, Chinese
  and Korean at the same time), and all hypotheses go to `consensus`. What loops or only recites
  the prompt is left out; where nothing remains it is done again with the whole window.
* The language is one of those asked for. Where two are nearly as likely by their sounds, the one
  wins in which the words are likelier; the sounds still count, or names alone, which are hard to
  write, are taken for Korean.
"""

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from knowledge.errors import NothingHeard, RecogniserFailed
from knowledge.voice.extras import missing
from knowledge.voice.hearing.decoding import EAST_ASIAN, Decoded, Decoder, Decoding
from knowledge.voice.hearing.guards import invented, loops, recites
from knowledge.voice.hearing.weights import whisper_base
from knowledge.voice.port import HEARING_RATE, Clip, Guess, Transcript

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
_TRIED: Final = 3  # languages
_OWN: Final = 0.1  # log-probability that the asker's own language is given
_ALIKE: Final = frozenset({"zh", "ko"})
"""Languages in which a Japanese name alone is as easily written as in Japanese."""
_FOREIGN: Final = 0.2  # log-probability that those need more, if they are not the asker's own
_SOUNDS: Final = 0.05  # part of the log-likelihood of a language's sounds that counts for its words
_LEAST: Final = 1e-6  # share of a language
_LOOP: Final = 0.5  # log-probability that a text is worth less if it loops
_SHARPER: Final = 4.0  # how much likelier one hypothesis counts than another
_PAUSE: Final = 0.2  # seconds
_NO_SPEECH: Final = 0.6  # with the next one: Whisper's own rule for silence
_NO_WORDS: Final = -1.0


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
            self._decoder = Decoder(self._model, folder)
        self._running: list[Decoding] = []

    def recognise(
        self, clip: Clip, *, languages: Sequence[str], prompts: Mapping[str, str]
    ) -> Transcript:
        """Write down what is said. Raises `NothingHeard` where it is only repetition or silence."""
        if clip.rate != HEARING_RATE or not languages:
            raise RecogniserFailed("a recording of 16 kHz and a language are needed")
        try:
            return self._recognised(clip, languages, prompts)
        finally:
            self._settle()

    def _settle(self) -> None:
        """Wait for what was begun and not needed: the next recording is not to wait for it."""
        running, self._running = self._running, []
        for each in running:
            with suppress(RuntimeError):  # of CTranslate2; whoever needed it has been told
                each.result()

    def _recognised(
        self, clip: Clip, languages: Sequence[str], prompts: Mapping[str, str]
    ) -> Transcript:
        parts = [self._part(each) for each in _parts(clip)]
        language, first = self._told(parts[0], languages, prompts)
        prompt = prompts.get(language, "")
        rest = [self._in(each, language, prompt) for each in parts[1:]]
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
        shares = self._shares(part.encoded, languages)
        candidates = list(shares)
        begun = {each: self._plain(part, each) for each in candidates}
        first = candidates[0]
        prompted = None
        if len(candidates) == 1 or first in EAST_ASIAN:  # else it would hold up the whole model
            prompted = self._prompted(part, first, prompts.get(first, ""))

        def likelihood(language: str) -> float:
            made = begun[language].result()
            wrong = _wrong(made, part.clip.seconds, language, "")
            sounds = _SOUNDS * math.log(max(shares[language], _LEAST))
            own = language == languages[0]
            asked = _OWN * own - _FOREIGN * (language in _ALIKE and not own)
            return made.logprob + sounds + asked - _LOOP * wrong

        best = first if len(candidates) == 1 else max(candidates, key=likelihood)
        prompt = prompts.get(best, "")
        if best != first or prompted is None:
            prompted = self._prompted(part, best, prompt)
        return best, self._written(part, best, prompt, begun[best], prompted)

    def _shares(self, encoded: "StorageView", languages: Sequence[str]) -> dict[str, float]:
        """Return the likeliest language, and the next ones where it is not certain."""
        if len(languages) == 1:
            return {languages[0]: 1.0}
        told = self._decoder.languages(encoded)
        first, *others = sorted(languages, key=lambda each: -told.get(each, 0.0))
        near = [each for each in others if told.get(each, 0.0) * OTHERWISE > told.get(first, 0.0)]
        return {each: told.get(each, 0.0) for each in (first, *near[: _TRIED - 1])}

    def _in(self, part: "_Part", language: str, prompt: str) -> "_Written | None":
        """Write down a part whose language is known."""
        plain = self._plain(part, language)
        return self._written(part, language, prompt, plain, self._prompted(part, language, prompt))

    def _written(
        self,
        part: "_Part",
        language: str,
        prompt: str,
        plain: Decoding,
        prompted: Decoding | None,
    ) -> "_Written | None":
        """Wait for the words of one part; `None` if none can be made of it."""
        seconds = part.clip.seconds
        tried = [(prompted.result(), prompt)] if prompted else []
        tried.append((plain.result(), ""))
        good = [each for each in tried if not _wrong(each[0], seconds, language, each[1])]
        if not good and language in _SHORT:
            again = self._begun(self._encoded(part.features, _WINDOW), seconds, language).result()
            good = [] if _wrong(again, seconds, language, "") else [(again, "")]
        if not good:
            return None
        return _Written(tuple(_guesses(good)), good[-1][0].logprob)

    def _plain(self, part: "_Part", language: str) -> Decoding:
        return self._begun(self._window(part, language), part.clip.seconds, language)

    def _prompted(self, part: "_Part", language: str, prompt: str) -> Decoding | None:
        if not prompt:
            return None
        return self._begun(self._window(part, language), part.clip.seconds, language, prompt)

    def _begun(
        self, encoded: "StorageView", seconds: float, language: str, prompt: str = ""
    ) -> Decoding:
        begun = self._decoder.begin(encoded, seconds=seconds, language=language, prompt=prompt)
        self._running.append(begun)
        return begun

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


def _guesses(good: Sequence[tuple[Decoded, str]]) -> Iterator[Guess]:
    """Yield all hypotheses; the first of each decoding counts most."""
    for made, prompt in good:
        best = math.exp(min(made.logprob, 0.0))
        for text, score in zip(made.texts, made.scores, strict=True):
            if text:
                weight = best * math.exp(_SHARPER * min(score - made.scores[0], 0.0))
                yield Guess(text, weight, told=bool(prompt))


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


def _wrong(decoded: Decoded, seconds: float, language: str, prompt: str) -> bool:
    text = decoded.texts[0]
    silent = decoded.no_speech > _NO_SPEECH and decoded.logprob < _NO_WORDS
    return (
        silent
        or invented(text)
        or loops(text, seconds=seconds, language=language)
        or recites(text, prompt)
    )
