"""Decodings that were begun: none runs on behind the next recording."""

from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest

from knowledge.voice.hearing import whisper
from knowledge.voice.hearing.decoding import Decoded
from knowledge.voice.hearing.whisper import Whisper
from knowledge.voice.port import HEARING_RATE, Clip

PROMPTS = {"ja": "秋芳洞、秋吉台。", "en": "Akiyoshido Cave."}
CLIP = Clip(np.zeros(2 * HEARING_RATE, np.float32), HEARING_RATE)


class FakeDecoding:
    """Words that are there once somebody waits for them."""

    def __init__(self, name: str, logprob: float) -> None:
        self.name, self._logprob, self.waited = name, logprob, False

    def result(self) -> Decoded:
        self.waited = True
        if self._logprob > 0:
            raise RuntimeError("out of memory")
        return Decoded((f"a question in {self.name}",), (self._logprob,), self._logprob, 0.0)


class FakeDecoder:
    """The languages by their sounds are `shares`, by their words `words`."""

    shares = {"en": 0.5, "ja": 0.4}
    words: dict[str, float] = {}

    def __init__(self, *_: object) -> None:
        self.begun: list[FakeDecoding] = []

    def begin(self, _: object, *, seconds: float, language: str, prompt: str) -> FakeDecoding:
        assert seconds > 0
        name = f"{language}+" if prompt else language
        self.begun.append(FakeDecoding(name, self.words.get(language, -0.5)))
        return self.begun[-1]

    def languages(self, _: object) -> dict[str, float]:
        return self.shares


class FakeModel:
    def __init__(self, *_: object, **__: object) -> None:
        """Nothing is loaded."""

    def feature_extractor(self, samples: np.ndarray) -> np.ndarray:
        return np.zeros((80, len(samples) // 160), np.float32)

    def encode(self, features: np.ndarray) -> np.ndarray:
        return features


@pytest.fixture
def heard(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Callable[[dict[str, float], dict[str, float]], FakeDecoder]:
    """Recognise; what was begun, in its order."""
    monkeypatch.setattr("faster_whisper.WhisperModel", FakeModel)
    monkeypatch.setattr(whisper, "whisper_base", lambda _: nullcontext(tmp_path))
    monkeypatch.setattr(whisper, "Decoder", FakeDecoder)

    def recognise(shares: dict[str, float], words: dict[str, float]) -> FakeDecoder:
        monkeypatch.setattr(FakeDecoder, "shares", shares)
        monkeypatch.setattr(FakeDecoder, "words", words)
        engine = Whisper()
        decoder = engine._decoder
        assert isinstance(decoder, FakeDecoder)
        broken = any(each > 0 for each in words.values())
        with pytest.raises(RuntimeError) if broken else nullcontext():
            engine.recognise(CLIP, languages=list(shares), prompts=PROMPTS)
        return decoder

    return recognise


Heard = Callable[[dict[str, float], dict[str, float]], FakeDecoder]


def names(decoder: FakeDecoder) -> list[str]:
    return [each.name for each in decoder.begun]


def test_a_doubtful_language_without_a_model_of_its_own_gets_its_prompt_when_it_has_won(
    heard: Heard,
) -> None:
    made = heard({"en": 0.5, "ja": 0.4}, {"en": -2.0, "ja": -0.3})
    assert names(made) == ["en", "ja", "ja+"]
    made = heard({"en": 0.5, "ja": 0.4}, {"en": -0.3, "ja": -2.0})
    assert names(made) == ["en", "ja", "en+"]
    assert all(each.waited for each in made.begun)


def test_a_prompted_decoding_that_was_lost_is_waited_for(heard: Heard) -> None:
    made = heard({"ja": 0.5, "en": 0.4}, {"ja": -2.0, "en": -0.3})
    assert names(made) == ["ja", "en", "ja+", "en+"]
    assert all(each.waited for each in made.begun)


def test_the_only_language_is_written_down_twice_at_once(heard: Heard) -> None:
    assert names(heard({"en": 1.0}, {})) == ["en", "en+"]
    assert names(heard({"ja": 0.99, "en": 1e-5}, {})) == ["ja", "ja+"]


def test_a_decoding_that_fails_leaves_no_other_behind(heard: Heard) -> None:
    made = heard({"ja": 0.5, "en": 0.4}, {"ja": 1.0})
    assert names(made) == ["ja", "en", "ja+"]
    assert all(each.waited for each in made.begun)
