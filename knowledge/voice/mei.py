"""Mei: the Japanese voice of the extra `voice`, by Open JTalk (pyopenjtalk-plus).

The voice "Mei" is by the MMDAgent Project Team of Nagoya Institute of Technology, under CC-BY 3.0:
whoever offers it names them (`CREDIT`). It needs 0.04 s of one core a second of speech.
"""

from typing import Final

import numpy as np

from knowledge.errors import SynthesiserFailed
from knowledge.voice.codec import prompt, quiet_enough
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

    def speak(self, sentence: str, *, language: str, speed: float) -> Clip:
        """Speak one sentence at 48 kHz. Raises `SynthesiserFailed`."""
        if not self.speaks(language):
            raise SynthesiserFailed(f"Mei does not speak {language}")
        pace = min(max(speed, _SLOWEST), _FASTEST)
        try:
            sound, rate = self._engine.tts(sentence[:LONGEST], speed=pace)
        except (RuntimeError, ValueError, MemoryError) as error:
            raise SynthesiserFailed("Open JTalk could not speak the sentence") from error
        scaled = np.asarray(sound / 32_768, np.float32)
        return prompt(Clip(quiet_enough(scaled), rate))
