"""Real engines, opened once a session; a test that needs an extra that is missing says so."""

import importlib.util
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from knowledge.voice.codec import AvCodec
from knowledge.voice.names import names_of_town
from knowledge.voice.port import HEARING_RATE, Clip, Container
from knowledge.voice.speaking.dictionary import Dictionary
from knowledge.voice.speaking.mei import Mei
from tests.conftest import ROOT, lacking

MINE = ROOT / "towns" / "mine"


@pytest.fixture(scope="session", autouse=True)
def voice_extra() -> None:
    for module in ("faster_whisper", "pyopenjtalk", "av"):
        if importlib.util.find_spec(module) is None:
            lacking(f"the extra voice ({module})")


@pytest.fixture(scope="session")
def said(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Clip]:
    """Mei, who reads the names of Mine as Mine does, at the rate that is listened to."""
    Dictionary(names_of_town(MINE)).load(tmp_path_factory.mktemp("dictionary"))
    mei, codec = Mei(), AvCodec()

    @cache
    def say(text: str) -> Clip:
        spoken = mei.speak(text, language="ja", speed=1.0)
        written = codec.encode(spoken, Container.WAV)
        return codec.decode(written, rate=HEARING_RATE, limit=60.0)

    return say


@pytest.fixture(scope="session")
def question(said: Callable[[str], Clip]) -> Clip:
    """A question without the silence that Mei puts around it."""
    clip = said("秋芳洞の入洞料はいくらですか")
    (loud,) = np.nonzero(np.abs(clip.samples) > 0.02)
    return Clip(clip.samples[loud[0] : loud[-1]], clip.rate)


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the recogniser's weights are joined, once a session."""
    return tmp_path_factory.mktemp("weights")
