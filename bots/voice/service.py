"""What every adapter asks: a recording in, a question out; a reply in, speech out.

Engines are opened at the first need or by `Voice.warm_up`, never at the start: a town is ready as
fast with a voice as without.
"""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from typing import Final, Generic, Protocol, TypeVar, runtime_checkable

from bots.conversation import Reply, Upload
from bots.guiding import in_daemon
from bots.limits import Buckets, TooMany
from bots.operations.meters import Meters
from bots.voice.faults import TooOften, VoiceOff, VoiceTooLarge, code_of
from bots.voice.line import Line, Tell
from core.errors import KankeiError
from knowledge.errors import NothingHeard, VoiceError, VoiceMissing
from knowledge.language import Language
from knowledge.voice.port import LARGEST, Container, Ears, Heard, Mouth, Piece
from knowledge.voice.process import Cost

logger = logging.getLogger(__name__)

MAX_SECONDS: Final = 60
MAX_BYTES: Final = LARGEST
QUESTIONS_A_MINUTE: Final = 6
FORESEEN_A_MINUTE: Final = 2 * QUESTIONS_A_MINUTE
FORESEEN_AT_ONCE: Final = 6
"""Recordings of one person that are heard before they are over; a radio pauses without end."""
CLOSE_SECONDS: Final = 3
LONGEST_LINE: Final = 8
"""Who is ninth would wait longer than it takes to write."""


class Closing(Protocol):
    """What `Ears` and `Mouth` have in common."""

    name: str

    async def close(self) -> None: ...


@runtime_checkable
class Warming(Protocol):
    """An engine that can be loaded before it is needed."""

    async def warm(self) -> object: ...


@runtime_checkable
class Recalling(Protocol):
    """A mouth that remembers what it said."""

    @property
    def recalled(self) -> tuple[int, int]:
        """How often it was found there, and how often not."""


@dataclass(frozen=True, slots=True)
class Opened:
    """One of ears and mouth, after it was tried."""

    name: str = ""
    cost: Cost | None = None  # of loading it, where it runs on this machine
    missing: str = ""  # why there is none; empty: it works


Engine = TypeVar("Engine", bound=Closing)


class Part(Generic[Engine]):
    """An engine that is opened when it is needed first, once."""

    def __init__(self, opened: Callable[[], Engine] | None) -> None:
        self._open = opened
        self._opening = asyncio.Lock()
        self._closed = asyncio.Event()
        self._engine: Engine | None = None
        self.missing = ""  # what an administrator reads when it cannot be opened

    @property
    def there(self) -> bool:
        """Whether it is open, or can be as far as anybody knows."""
        return self._open is not None and not self.missing

    @property
    def engine(self) -> Engine | None:
        """The open engine."""
        return self._engine

    async def get(self) -> Engine:
        """The engine. Raises `VoiceMissing`."""
        async with self._opening:
            if self._open is None or self.missing:
                raise VoiceMissing(self.missing)
            if self._engine is None:
                try:
                    self._engine = await _opened(self._open)
                except VoiceMissing as error:
                    self.missing = str(error)
                    raise
                if self._closed.is_set():
                    await self.close()
                    raise VoiceMissing
            return self._engine

    async def warm(self) -> Opened | None:
        """Open and load it, so that the first who needs it need not wait; `None`: not wanted."""
        if self._open is None:
            return None
        try:
            engine = await self.get()
            told = await engine.warm() if isinstance(engine, Warming) else None
        except VoiceError as error:
            return Opened(missing=str(error) or error.code)
        cost = getattr(told, "cost", told)
        return Opened(engine.name, cost if isinstance(cost, Cost) else None)

    async def close(self) -> None:
        """Let it go; nobody gets it after that. What is still being opened is not waited for."""
        self._closed.set()
        engine, self._engine, self._open = self._engine, None, None
        if engine is not None:
            await engine.close()


class Voice:
    """What a town can hear and say.

    `ears` and `mouth` open the engines, in a thread; without one of them the town is deaf or mute.
    `at_once`: how many recordings are recognised at the same time; `foresees`: whether a question
    may be heard before it is known to be over, which costs work that is thrown away.
    """

    def __init__(
        self,
        *,
        ears: Callable[[], Ears] | None,
        mouth: Callable[[], Mouth] | None,
        at_once: int = 1,
        foresees: bool = False,
        meters: Meters | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._meters = meters or Meters()
        self._ears: Part[Ears] = Part(ears)
        self._mouth: Part[Mouth] = Part(mouth)
        self._line = Line(at_once=at_once, longest=LONGEST_LINE)
        self._foresees = foresees
        self._foreseen: asyncio.Task[Heard] | None = None
        self._meters.voice_waiting.set_function(lambda: self._line.waiting)
        for number, found in enumerate(("found", "missed")):
            self._meters.voice_cache.labels(found).set_function(partial(self._recalled, number))
        self._limits = Buckets(rate=QUESTIONS_A_MINUTE / 60, burst=QUESTIONS_A_MINUTE, clock=clock)
        rate = FORESEEN_A_MINUTE / 60
        self._ahead = Buckets(rate=rate, burst=FORESEEN_AT_ONCE, clock=clock)

    @property
    def hears(self) -> bool:
        """Whether somebody may ask aloud."""
        return self._ears.there

    @property
    def waiting(self) -> int:
        """How many have spoken and wait for their turn."""
        return self._line.waiting

    def speaks(self, language: str) -> bool:
        """Whether an answer in this language can be said. Unknown until the engine is open: yes."""
        if not self._mouth.there:
            return False
        engine = self._mouth.engine
        return engine is None or engine.speaks(Language(language))

    def _recalled(self, number: int) -> int:
        mouth = self._mouth.engine
        return mouth.recalled[number] if isinstance(mouth, Recalling) else 0

    async def warm_up(self) -> tuple[Opened | None, Opened | None]:
        """Load ears and mouth, one after the other. What is missing stays so and is told."""
        return await self._ears.warm(), await self._mouth.warm()

    async def question(
        self,
        audio: bytes | Upload,
        *,
        person: str,
        languages: Sequence[Language],
        tell: Tell | None = None,
        foreseen: asyncio.Task[Heard] | None = None,
    ) -> Heard:
        """What somebody asked aloud; an upload is fetched once it is known to be small enough.

        `person` is who speaks, such as ``telegram:123``, for the limit of questions a minute;
        `languages` what they may be answered in, their own first (`languages_of`). `tell` is told
        how many are ahead, only where one has to wait. `foreseen` is what `foresee` began of it.

        Raises `VoiceOff`, `VoiceTooLarge`, `TooOften`, `VoiceBusy` (all `KankeiError`) or a
        `knowledge.errors.VoiceError`; `bots.voice.sentence` words them all.
        """
        if not self.hears:
            raise VoiceOff
        self._admit(person, size=audio.size if isinstance(audio, Upload) else len(audio))
        with self._meters.recognition() as asked:
            try:
                heard = await _outcome(foreseen) or await self._hear(
                    await _bytes_of(audio), languages, tell
                )
            except (KankeiError, VoiceError) as error:
                asked.outcome = code_of(error)
                raise
            asked.outcome = "doubtful" if heard.doubtful else "heard"
            return heard

    def foresee(
        self, audio: bytes, *, person: str, languages: Sequence[Language]
    ) -> asyncio.Task[Heard] | None:
        """Begin to hear what may be a whole question, if nobody else is being heard.

        Only one at a time in the whole town: a real question waits for that one at most, so
        `audio` should be short. `person`, or whom cookies cannot multiply, for a limit a minute.
        Who goes on speaking forgets the task; it ends by itself.
        """
        ears = self._ears.engine
        if not self._foresees or ears is None or self._foreseen or self._line.taken:
            return None
        try:
            self._ahead.take(person)
        except TooMany:
            return None
        self._foreseen = asyncio.create_task(ears.hear(audio, languages=languages))
        self._foreseen.add_done_callback(self._no_longer)
        return self._foreseen

    def _no_longer(self, foreseen: asyncio.Task[Heard]) -> None:
        self._foreseen = None
        if not foreseen.cancelled():
            foreseen.exception()  # asked for, so that one that is forgotten is not reported as lost

    async def _hear(self, audio: bytes, languages: Sequence[Language], tell: Tell | None) -> Heard:
        async with self._line.turn(tell):
            ears = await self._ears.get()
            return await ears.hear(audio, languages=languages)

    def _admit(self, person: str, *, size: int) -> None:
        """Count one question aloud. Raises `VoiceTooLarge` or `TooOften`."""
        if size > MAX_BYTES:
            raise VoiceTooLarge
        try:
            self._limits.take(person)
        except TooMany as error:
            raise TooOften from error

    async def pieces(
        self, reply: Reply, container: Container = Container.OGG_OPUS
    ) -> AsyncGenerator[Piece, None]:
        """The answer sentence by sentence; nothing where it is not spoken.

        Closing the generator stops what was not said yet. Raises `SynthesiserFailed`.
        """
        if (mouth := await self._mouth_for(reply)) is None:
            return
        with self._meters.speech() as speech:
            language = Language(reply.language)
            said = mouth.pieces(reply.spoken, language=language, container=container)
            async with aclosing(said) as pieces:
                async for piece in pieces:
                    speech.begun()
                    yield piece
            speech.outcome = "spoken"

    async def note(self, reply: Reply) -> Piece | None:
        """The whole answer as a voice message (Ogg/Opus); `None` where it is not spoken.

        Raises `SynthesiserFailed`.
        """
        if (mouth := await self._mouth_for(reply)) is None:
            return None
        language = Language(reply.language)
        with self._meters.speech() as speech:
            piece = await mouth.whole(reply.spoken, language=language, container=Container.OGG_OPUS)
            speech.begun()
            speech.outcome = "spoken"
            return piece

    async def _mouth_for(self, reply: Reply) -> Mouth | None:
        if not reply.spoken or not self.speaks(reply.language):
            return None
        mouth = await self._mouth.get()
        return mouth if mouth.speaks(Language(reply.language)) else None

    async def close(self) -> None:
        """Let the engines go, also in the middle of a recording, in `CLOSE_SECONDS` at most."""
        closing = asyncio.gather(self._ears.close(), self._mouth.close(), return_exceptions=True)
        await asyncio.wait({closing}, timeout=CLOSE_SECONDS)
        if not closing.done():
            closing.cancel()
            logger.warning("voice-cut-short")


async def _opened(opened: Callable[[], Engine]) -> Engine:
    """Open an engine in a thread that the end of the process does not wait for."""
    made: list[Engine] = []
    await in_daemon(lambda: made.append(opened()))
    return made[0]


async def _outcome(foreseen: asyncio.Task[Heard] | None) -> Heard | None:
    """Raises `NothingHeard`; any other failure is as if nothing had been begun."""
    if foreseen is None:
        return None
    await asyncio.wait([foreseen])
    if foreseen.cancelled():
        return None
    error = foreseen.exception()
    if isinstance(error, NothingHeard):
        raise error
    return None if error else foreseen.result()


async def _bytes_of(audio: bytes | Upload) -> bytes:
    """Raises `VoiceTooLarge` for more than a platform had said."""
    if isinstance(audio, bytes):
        return audio
    read = await audio.read()
    if len(read) > MAX_BYTES:
        raise VoiceTooLarge
    return read
