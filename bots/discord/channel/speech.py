"""Speech as discord.py plays it: Opus packets of 20 ms, made here, so that no libopus is needed."""

import threading
from collections import deque
from collections.abc import Iterable
from importlib.util import find_spec
from typing import Final

import discord
from discord.player import AudioSource

from knowledge.errors import AudioUnreadable
from knowledge.voice.port import SPEAKING_RATE

SILENCE: Final = b"\xf8\xff\xfe"
"""An Opus packet of nothing; five follow what is said, so that clients do not fill the gap (the
library sends those itself)."""

LONGEST_PIECE: Final = 120.0
"""Seconds of one sentence; an endpoint may answer anything."""

LARGEST_PIECE: Final = 2_000_000
"""Bytes of one sentence: two minutes of Opus are a quarter of it."""
OGG: Final = b"OggS"

PARTS: Final = {"av": "av", "nacl": "PyNaCl", "davey": "davey"}
"""What speaking in a channel needs, by what is imported: files, encryption, and DAVE."""


def missing_parts() -> list[str]:
    """Packages of the extra ``voice`` that are not installed."""
    return [name for module, name in PARTS.items() if find_spec(module) is None]


def packets_of(audio: bytes) -> list[bytes]:
    """One spoken file as packets. Blocks: call it in a thread. Raises `VoiceError`.

    Only of files that our own worker wrote: what a service sent was decoded there.
    """
    from knowledge.voice.codec import AvCodec  # only where somebody speaks

    if len(audio) > LARGEST_PIECE or not audio.startswith(OGG):
        raise AudioUnreadable("a spoken file is not of our own making")
    codec = AvCodec()
    return list(codec.packets(codec.decode(audio, rate=SPEAKING_RATE, limit=LONGEST_PIECE)))


class Speech(AudioSource):
    """One answer, given sentence by sentence while it is played.

    `read` is called by the library's thread every 20 ms and never waits: where the next sentence is
    not there yet, it is silent.
    """

    def __init__(self) -> None:
        self._packets: deque[bytes] = deque()
        self._ended = threading.Event()

    def feed(self, packets: Iterable[bytes]) -> None:
        """Another sentence."""
        self._packets.extend(packets)

    def end(self) -> None:
        """There is no more to come."""
        self._ended.set()

    def cut(self) -> None:
        """Nothing more of it is said."""
        self._ended.set()
        self._packets.clear()

    def read(self) -> bytes:
        """The next packet; none at the end."""
        ended = self._ended.is_set()  # asked first: what was fed before the end is still there
        try:
            return self._packets.popleft()
        except IndexError:
            return b"" if ended else SILENCE

    def is_opus(self) -> bool:
        """Packets, not samples."""
        return True


Line = discord.VoiceClient
"""The library's connection to one voice channel."""
