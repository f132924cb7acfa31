"""Sounds that are no speech: of each, a recogniser that is asked too soon makes words."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from knowledge.voice.port import HEARING_RATE, Clip, Samples

SECONDS: Final = 4.0

_TIME = np.arange(round(SECONDS * HEARING_RATE)) / HEARING_RATE


def _noise(seed: int) -> NDArray[np.float64]:
    return np.random.default_rng(seed).normal(0.0, 1.0, len(_TIME))


def _clip(samples: NDArray[np.float64], peak: float) -> Clip:
    loudest = float(np.abs(samples).max()) or 1.0
    scaled: Samples = np.asarray(samples * peak / loudest, np.float32)
    return Clip(scaled, HEARING_RATE)


def silence() -> Clip:
    return _clip(np.zeros(len(_TIME)), 0.0)


def white_noise() -> Clip:
    return _clip(_noise(1), 0.5)


def hum() -> Clip:
    """A mains hum of 60 Hz with its overtones."""
    return _clip(
        sum((np.sin(2 * np.pi * 60 * n * _TIME) / n for n in (1, 2, 3, 5)), _TIME * 0), 0.4
    )


def beeps() -> Clip:
    """Half a second of 1 kHz, half a second of nothing."""
    return _clip(np.sin(2 * np.pi * 1000 * _TIME) * (_TIME % 1.0 < 0.5), 0.5)


def clicks() -> Clip:
    """Something knocks, four times a second."""
    return _clip(_noise(2) * np.exp(-80 * (_TIME % 0.25)), 0.8)


def chords() -> Clip:
    """Three chords with overtones that fade: a music box, or a station's jingle."""
    roots = np.select([_TIME < 1.3, _TIME < 2.6], [261.6, 349.2], 392.0)
    fade = np.exp(-1.5 * (_TIME % 1.3))
    tones = (
        np.sin(2 * np.pi * roots * ratio * overtone * _TIME) / overtone**2
        for ratio in (1, 1.25, 1.5)
        for overtone in (1, 2, 3, 4)
    )
    return _clip(fade * sum(tones, _TIME * 0), 0.5)


def wind() -> Clip:
    """Low noise that swells and falls."""
    low = np.convolve(_noise(3), np.ones(200) / 200, mode="same")
    return _clip(low * (1.2 + np.sin(2 * np.pi * 0.4 * _TIME)), 0.6)


NOT_SPEECH: Final = (silence, white_noise, hum, beeps, clicks, chords, wind)


def with_noise(clip: Clip, decibels: float, *, seed: int = 5) -> Clip:
    """Add white noise, `decibels` below the clip's own power."""
    power = float(np.mean(np.square(clip.samples)))
    strength = np.sqrt(power / 10 ** (decibels / 10))
    noise = np.random.default_rng(seed).normal(0.0, strength, len(clip.samples))
    return Clip(np.clip(clip.samples + noise.astype(np.float32), -1, 1), clip.rate)
