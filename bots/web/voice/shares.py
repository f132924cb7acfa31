"""How much of the line of recognitions one address may hold: cookies are free, places are not."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from bots.voice import VoiceBusy

A_SHARE: Final = 4
"""Recordings of one address at once: half the line stays for everybody else."""


class Shares:
    """The recordings in recognition, by the address that they came from."""

    def __init__(self) -> None:
        self._taken: Counter[str] = Counter()

    @contextmanager
    def one(self, address: str) -> Iterator[None]:
        """Hold a place. Raises `VoiceBusy` where the address has its share already."""
        before = self._taken[address]
        if before >= A_SHARE:
            raise VoiceBusy(before)
        self._taken[address] += 1
        try:
            yield
        finally:
            self._taken -= Counter({address: 1})
