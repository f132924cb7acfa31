"""Mei: the Japanese voice of the extra `voice`, by Open JTalk (pyopenjtalk-plus).

The voice "Mei" is by the MMDAgent Project Team of Nagoya Institute of Technology, under CC-BY 3.0:
whoever offers it names them (`CREDIT`). It needs 0.04 s of one core a second of speech.
"""

from typing import Final

import numpy as np

from knowledge.errors import SynthesiserFailed
from knowledge.voice.codec import quiet_enough, trimmed
from knowledge.voice.extras import missing
from knowledge.voice.port import Clip

NAME: Final = "mei"
CREDIT: Final = (
    "HTS Voice “Mei” © 2009–2013 Nagoya Institute of Technology, Department of Computer Science "
    "(MMDAgent Project Team), CC BY 3.0"
)
LONGEST: Final = 1_000
"""Characters of one sentence: 2 minutes of speech."""
_SLOWEST, _FASTEST = 0.5, 2.0
_PAUSE: Final = "-pau+"  # in the label of a pause within a sentence


class Mei:
    """The `Synthesiser` port by Open JTalk, for Japanese."""

    name = NAME

    def __init__(self) -> None:
        """Raises `VoiceMissing`."""
        try:
            import pyopenjtalk
        except ImportError as error:
            raise missing("pyopenjtalk-plus") from error
        self._engine = pyopenjtalk

    def speaks(self, language: str) -> bool:
        return language == "ja"

    def speak(self, sentence: str, *, language: str, speed: float, then: str = "") -> Clip:
        """Speak one sentence at 48 kHz, or a clause as it sounds before `then`.

        Raises `SynthesiserFailed`.
        """
        if not self.speaks(language):
            raise SynthesiserFailed(f"Mei does not speak {language}")
        pace = min(max(speed, _SLOWEST), _FASTEST)
        try:
            labels = self._labels(sentence[:LONGEST], then[:LONGEST])
            sound, rate = self._engine.synthesize(labels, speed=pace)
        except (RuntimeError, ValueError, MemoryError) as error:
            raise SynthesiserFailed("Open JTalk could not speak the sentence") from error
        scaled = np.asarray(sound / 32_768, np.float32)
        return trimmed(Clip(quiet_enough(scaled), rate))

    def _labels(self, sentence: str, then: str) -> list[str]:
        """Return the sounds of a sentence with what decides their melody and length.

        Those of a clause are taken from its sentence up to the pause where it ends: by itself its
        melody would close.
        """
        alone: list[str] = self._engine.extract_fullcontext(sentence)
        if not then:
            return alone
        together: list[str] = self._engine.extract_fullcontext(f"{sentence.rstrip('、')}、{then}")
        ends = [at for at, each in enumerate(together) if _PAUSE in each]
        wanted = sum(_PAUSE in each for each in alone)
        if wanted >= len(ends) or ends[wanted] != len(alone) - 1:
            return alone  # it is read otherwise there
        return together[: ends[wanted] + 1]
