"""Recordings without words, for paths on which nobody listens."""

from functools import cache

import numpy as np

from knowledge.voice.codec import AvCodec
from knowledge.voice.port import SPEAKING_RATE, Clip, Container


@cache
def tone(seconds: float = 1.0, container: Container = Container.OGG_OPUS) -> bytes:
    """A hum of 220 Hz, as phones record it."""
    times = np.arange(int(seconds * SPEAKING_RATE)) / SPEAKING_RATE
    hum = (np.sin(2 * np.pi * 220 * times) / 4).astype(np.float32)
    return AvCodec().encode(Clip(hum, SPEAKING_RATE), container)
