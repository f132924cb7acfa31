"""Pacing: how much is said in one piece, so that the first is heard soon and none comes late.

The first piece is the first clause; the next may last as long as the voice can make while what was
made before is played. How fast a voice works is measured as it speaks.
"""

import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from knowledge.language import Language
from knowledge.voice.names import SpokenName
from knowledge.voice.spoken import Sentence
from knowledge.voice.spoken.clauses import SOUNDS_A_SECOND, cut

SLOWEST: Final = 0.8
"""Seconds of work a second of speech at which the next sentence would come too late."""
FAIR: Final = 2.0
"""Seconds of speech that tell a pace: what every piece costs weighs too much in a short one."""
SHORTEST: Final = 8.0
"""Sounds of a piece, at least."""
_FIRST: Final = (12.0, 25.0)
"""Sounds of the first piece: at least so many if the sentence has them, and at most."""
_SOON: Final = 0.6  # seconds that the first piece should take to make
_SAFE: Final = 0.7  # of the time that is left
_TURN: Final = 2.5
"""Seconds of work on one piece: so long everybody else who is to be answered waits."""
_MEMORY: Final = 20.0  # seconds of speech over which a pace is remembered
REST: Final = 120.0
"""Seconds for which a voice that failed or fell behind is not asked."""


class Pace:
    """How fast a voice works: seconds of work a second of speech, what was lately counts most."""

    def __init__(self, guess: float) -> None:
        self._work, self._speech = guess * FAIR, FAIR

    @property
    def value(self) -> float:
        return self._work / self._speech

    def add(self, work: float, speech: float) -> None:
        kept = max(0.0, 1.0 - speech / _MEMORY)
        self._work = self._work * kept + work
        self._speech = self._speech * kept + speech


class Rest:
    """Keeps a voice out of use for a while."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._until = float("-inf")

    @property
    def over(self) -> bool:
        return self._clock() >= self._until

    def begin(self) -> None:
        self._until = self._clock() + REST


class Turn:
    """One answer: which engines may say the rest of it, the preferred first, and how it goes."""

    def __init__(self, engines: list[str], clock: Callable[[], float] = time.monotonic) -> None:
        self.engines = engines
        self._clock = clock
        self._until: float | None = None  # when all that was made has been played
        self._work = self._speech = 0.0

    def without(self, engine: str) -> None:
        self.engines = [each for each in self.engines if each != engine]
        self._work = self._speech = 0.0

    def made(self, seconds: float) -> None:
        """Count a piece that can be played from now on."""
        now = self._clock()
        self._until = max(self._until or now, now) + seconds

    def worked(self, work: float, speech: float) -> float | None:
        """Count the work on a piece; return the pace of this answer once it can be told."""
        self._work += work
        self._speech += speech
        return self._work / self._speech if self._speech >= FAIR else None

    def room(self, pace: float) -> tuple[float, float]:
        """Return the sounds that the next piece should have, at least and at most."""
        if self._until is None:
            least, most = _FIRST
            return SHORTEST, min(max(_SOON / pace * SOUNDS_A_SECOND, least), most)
        left = min((self._until - self._clock()) * _SAFE, _TURN)
        return SHORTEST, max(left / pace * SOUNDS_A_SECOND, _FIRST[0])


class Script:
    """What is still to be said of an answer, taken piece by piece."""

    def __init__(
        self, sentences: Sequence[Sentence], language: Language, names: Sequence[SpokenName] = ()
    ) -> None:
        self._waiting = deque(sentences)
        self._language = language
        self._names = names

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def take(self, least: float, most: float) -> Sentence:
        """Take the next sentence, or of a long one its next clause of `least` to `most` sounds."""
        whole = self._waiting.popleft()
        said, rest = cut(whole.said, self._language, self._names, least=least, most=most)
        if rest:
            self._waiting.appendleft(Sentence(whole.text, rest))
        return Sentence(whole.text, said, rest)
