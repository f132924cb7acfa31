"""Decoding: what Whisper has listened to, in words.

In Japanese, Chinese and Korean each decoding takes a core, and two that are begun together run at
the same time; those of other languages take all cores, one after the other.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from knowledge.voice.hearing.guards import once, worded
from knowledge.voice.hearing.trimmed import Pieces, east_asian, spelled, trimmed

if TYPE_CHECKING:
    from ctranslate2 import StorageView
    from faster_whisper import WhisperModel

EAST_ASIAN: Final = frozenset({"ja", "zh", "ko"})
AT_ONCE: Final = 2
"""Decodings: one with a prompt and one without."""
PROMPT: Final = 180
"""Tokens; longer prompts cost time, and did not help."""
_BEAM: Final = 5
_TOKENS: Final = 16  # a second, and as many again; more is a loop
_TEXT: Final = 50_257  # tokens of texts


@dataclass(frozen=True, slots=True)
class Decoded:
    """Hypotheses of one decoding."""

    texts: tuple[str, ...]  # likeliest first
    scores: tuple[float, ...]  # log-probability a token, of each
    logprob: float  # of the first, its end counted
    no_speech: float


class Decoding:
    """One that has begun."""

    def __init__(self, running: Any, tokenizer: Any, pieces: Pieces | None, heard: object) -> None:
        self._running, self._tokenizer, self._pieces = running, tokenizer, pieces
        self._heard = heard  # has to stay until the end
        self._made: Decoded | None = None

    def result(self) -> Decoded:
        """Wait for the end."""
        if self._made is None:
            made = self._running.result()
            whole = self._pieces.whole if self._pieces else list
            texts = tuple(
                once(worded(self._tokenizer.decode(whole(each)))) for each in made.sequences_ids
            )
            count = len(made.sequences_ids[0])
            logprob = made.scores[0] * count / (count + 1)
            self._made = Decoded(texts, tuple(made.scores), logprob, made.no_speech_prob)
            self._heard = None
        return self._made


class Decoder:
    """Two models: the whole one, and one with the words of East Asia alone."""

    def __init__(self, whole: "WhisperModel", folder: Path) -> None:
        """`whole` has been loaded from `folder`. Raises `RecogniserFailed`."""
        from ctranslate2.models import Whisper as Model
        from faster_whisper.tokenizer import Tokenizer
        from faster_whisper.transcribe import get_suppressed_tokens

        self._whole = whole
        self._tokenizer, self._suppressed = Tokenizer, get_suppressed_tokens
        tokens = (folder / "vocabulary.txt").read_text("utf-8").split("\n")[:_TEXT]
        small = trimmed(folder, east_asian)
        self._pieces = Pieces(small.kept, [spelled(each) for each in tokens])
        self._small: Model = Model(
            "whisper-trimmed",
            device="cpu",
            compute_type="int8",
            intra_threads=1,  # a second one costs half as much again and gains a sixth
            inter_threads=AT_ONCE,
            files=small.files,
        )

    def begin(
        self, encoded: "StorageView", *, seconds: float, language: str, prompt: str
    ) -> Decoding:
        """Begin to write down `seconds` of sound in a language, having read a prompt."""
        tokenizer = self._tokenizer(
            self._whole.hf_tokenizer, multilingual=True, task="transcribe", language=language
        )
        before = tokenizer.encode(" " + prompt)[-PROMPT:] if prompt else []
        shown = self._whole.get_prompt(tokenizer, before, without_timestamps=True)
        suppressed = list(self._suppressed(tokenizer, [-1]))
        model, pieces = self._whole.model, None
        if language in EAST_ASIAN:
            model, pieces = self._small, self._pieces
            shown, suppressed = pieces.trim(shown), pieces.places(suppressed)
        most = len(shown) + round(_TOKENS * (seconds + 1))
        running = model.generate(
            encoded,
            [shown],
            asynchronous=True,
            beam_size=_BEAM,
            num_hypotheses=_BEAM,
            max_length=min(most, self._whole.max_length),
            return_scores=True,
            return_no_speech_prob=True,
            suppress_tokens=suppressed,
        )[0]
        return Decoding(running, tokenizer, pieces, encoded)

    def languages(self, encoded: "StorageView") -> Mapping[str, float]:
        """Return how likely each language is."""
        told = self._whole.model.detect_language(encoded)[0]
        return {token[2:-2]: share for token, share in told}
