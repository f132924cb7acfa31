"""Sound of an endpoint where no codec is installed: handed on as it came, once its length is read.

* Ogg (RFC 3533) with Opus (RFC 7845): the granule position of the last page, in 48 kHz samples
* WAV: the length of its data
"""

import io
import re
import struct
import wave
from typing import Final

from knowledge.errors import SynthesiserFailed
from knowledge.voice.port import SPEAKING_RATE, Container
from knowledge.voice.speaking.voices import Utterance

_PAGE: Final = b"OggS"
_GRANULE: Final = struct.Struct("<q")
_PRE_SKIP: Final = struct.Struct("<H")
_LONGEST: Final = 600.0
_READ: Final = 1_000_000  # bytes; more is refused for its size


def bare(audio: bytes) -> tuple[Utterance, Container]:
    """Return a file as it came, with its length. Raises `SynthesiserFailed` if it is neither."""
    if audio.startswith(_PAGE):
        seconds, container = _opus_seconds(audio, audio.rfind(_PAGE)), Container.OGG_OPUS
    elif audio.startswith(b"RIFF"):
        seconds, container = _wav_seconds(audio), Container.WAV
    else:
        raise SynthesiserFailed("the speech endpoint sent neither Ogg/Opus nor WAV")
    if not 0 < seconds < _LONGEST:
        raise SynthesiserFailed("the speech endpoint sent damaged sound")
    return Utterance(audio, seconds), container


def seconds_of(audio: bytes) -> float | None:
    """Return the length of a recording as it tells it itself; `None` where it does not.

    Recordings are untrusted: a page of Ogg may claim less than there is, so the furthest counts,
    and of WAV the bytes that are there.
    """
    if audio.startswith(_PAGE):
        pages = re.finditer(_PAGE, audio[:_READ])
        return max(_opus_seconds(audio, each.start()) for each in pages) or None
    if audio.startswith(b"RIFF"):
        return _wav_held(audio) or None
    return None


def _wav_held(audio: bytes) -> float:
    try:
        with wave.open(io.BytesIO(audio), "rb") as file:
            second = file.getframerate() * file.getnchannels() * file.getsampwidth()
            return len(audio) / second
    except (wave.Error, EOFError, ZeroDivisionError):
        return 0.0


def _opus_seconds(audio: bytes, page: int) -> float:
    """Return where a page of Ogg/Opus ends."""
    head = audio.find(b"OpusHead")
    try:
        (skipped,) = _PRE_SKIP.unpack_from(audio, head + 10)
        (granule,) = _GRANULE.unpack_from(audio, page + 6)
    except struct.error:
        return 0.0
    return (int(granule) - int(skipped)) / SPEAKING_RATE if head > 0 else 0.0


def _wav_seconds(audio: bytes) -> float:
    try:
        with wave.open(io.BytesIO(audio), "rb") as file:
            return file.getnframes() / file.getframerate()
    except (wave.Error, EOFError, ZeroDivisionError):
        return 0.0
