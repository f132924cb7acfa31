"""Answers: a question and the turns before it, to a structured answer. The words are the caller's.

Order: what is no question; distress; other people's data; greetings; then the guides. An answer is
always extracts, verbatim; a configured generator may phrase them, and its text is released
sentence by sentence, each only once all its figures stand in the passages that the answer cites.
Otherwise the extract is the answer.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from knowledge import computed, travel
from knowledge.computed import Computed, Situation
from knowledge.emergency import EmergencyKind, emergency
from knowledge.encoders import Encoder, Tier, encoders
from knowledge.errors import GeneratorError, GeneratorTimeout
from knowledge.extract import Extract, Extractor
from knowledge.figures import unsupported
from knowledge.generate import Generator, prompt, sentences_of
from knowledge.index import Index
from knowledge.ingest import read_guides
from knowledge.language import Language
from knowledge.lexicon import Scope, lexicon
from knowledge.passage import Library, Passage
from knowledge.question import Asked, in_conversation, search_text, understand
from knowledge.retrieve import Ranked, Retriever
from knowledge.subject import Subjects
from knowledge.text import askable, clean, fold, sentences

logger = logging.getLogger(__name__)

LONGEST_QUESTION = 2_000  # characters
LONGEST_WRITTEN = 1_500
TURNS_KEPT = 4
CANDIDATES = 60
MOST_PARTS = 4  # sentences of a message looked at one by one
OFF_TOPIC = 0.52
"""Mean cosine below which a question without any known word is not about the town at all.

Measured on city questions against foreign ones: AUROC .98 (design section 13)."""


class AnswerKind(StrEnum):
    """What kind of reply a question gets."""

    ANSWERED = "answered"
    UNKNOWN = "unknown"  # the guides do not say
    OFF_TOPIC = "off_topic"  # not a question about the town
    EMERGENCY = "emergency"
    PERSONAL = "personal"  # other people's data, or secrets: refused
    EMPTY = "empty"  # nothing that could be a word
    TOO_LONG = "too_long"
    GREETING = "greeting"
    FAREWELL = "farewell"  # thanks, or goodbye


class Fallback(StrEnum):
    """Why the generator's text was not used."""

    UNSUPPORTED_FIGURE = "unsupported-figure"
    TIMEOUT = "timeout"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Answer:
    """A reply without its frame: the caller words greeting, dates, remarks and sources."""

    kind: AnswerKind
    language: Language
    question: str  # as cleaned
    extracts: tuple[Extract, ...] = ()
    written: str | None = None
    emergency: EmergencyKind | None = None
    fallback: Fallback | None = None
    computed: Computed | None = None  # worked out from the extracts; never phrased by a generator


@dataclass(frozen=True, slots=True)
class Turn:
    """One earlier question with its answer."""

    question: str
    answer: Answer


@dataclass(frozen=True, slots=True)
class Piece:
    """Part of a generated answer whose figures are all supported."""

    text: str


@dataclass(frozen=True, slots=True)
class _Found:
    answer: Answer
    context: tuple[Passage, ...] = field(default=())


class Guide:
    """Everything that answers for one town."""

    def __init__(
        self, index: Index, *, persona: str = "", generator: Generator | None = None
    ) -> None:
        self.index = index
        self._retriever = Retriever(index)
        self._extractor = Extractor(self._retriever)
        self._subjects = Subjects(index)
        self._calculators = (*computed.calculators(), *travel.calculators())
        self._persona = persona
        self._generator = generator

    @classmethod
    def open(
        cls,
        folder: Path,
        *,
        cache: Path,
        persona: str = "",
        generator: Generator | None = None,
        progress: Callable[[str], None] = lambda _: None,
        tier: Tier | None = None,
        models: Sequence[Encoder] | None = None,
    ) -> "Guide":
        """Read the guides of a folder and index them. Blocks: call it in a thread.

        `cache` keeps vectors between starts. `models` are for tests; else `tier` chooses them.
        Afterwards run `guide.index.catch_up` in a thread if `guide.index.behind`.
        """
        library = read_guides(folder)
        running = encoders(tier) if models is None else tuple(models)
        index = Index.open(library, cache, running, progress)
        return cls(index, persona=persona, generator=generator)

    @property
    def library(self) -> Library:
        """What was read, with its problems and contradictions."""
        return self.index.library

    async def ask(
        self, question: str, *, language: Language, turns: Sequence[Turn] = (), now: datetime
    ) -> Answer:
        """Answer one question; `language` is the asker's, `turns` the conversation so far.

        `now` is aware, in the town's zone: whether a place is open is asked of it.
        """
        stream = self.stream(question, language=language, turns=turns, now=now)
        async with aclosing(stream):
            async for each in stream:
                if isinstance(each, Answer):
                    return each
        raise AssertionError("a stream ends with its answer")

    async def stream(
        self, question: str, *, language: Language, turns: Sequence[Turn] = (), now: datetime
    ) -> AsyncGenerator[Piece | Answer, None]:
        """Yield pieces of a generated answer as they are released, and at last the `Answer`.

        If the answer's `fallback` is set, the pieces before it are withdrawn: show the extracts.
        """
        found = await asyncio.to_thread(self._find, question, language, turns, now)
        plain = found.answer.kind is not AnswerKind.ANSWERED or found.answer.computed is not None
        if self._generator is None or plain:
            yield found.answer
            return
        async for each in self._written(self._generator, found, turns, now):
            yield each

    async def _written(
        self, generator: Generator, found: _Found, turns: Sequence[Turn], now: datetime
    ) -> AsyncIterator[Piece | Answer]:
        answer = found.answer
        messages = prompt(
            answer.question,
            found.context,
            language=answer.language,
            persona=self._persona,
            turns=[(each.question, _said(each.answer)) for each in turns[-TURNS_KEPT:]],
            today=now.date(),
        )
        written = ""
        fallback: Fallback | None = None
        try:
            async for sentence in sentences_of(generator.stream(messages), longest=LONGEST_WRITTEN):
                if missing := unsupported(sentence, found.context):
                    logger.warning("answer.unsupported_figure", extra={"figures": len(missing)})
                    fallback = Fallback.UNSUPPORTED_FIGURE
                    break
                written += sentence
                yield Piece(sentence)
        except GeneratorTimeout:
            fallback = Fallback.TIMEOUT
        except GeneratorError as error:
            logger.warning("answer.generator_failed", extra={"error": str(error)})
            fallback = Fallback.ERROR
        if fallback is None and not written.strip():
            fallback = Fallback.ERROR
        if fallback is not None:
            yield replace(answer, fallback=fallback)
        else:
            yield replace(answer, written=written.strip())

    def _find(
        self, question: str, language: Language, turns: Sequence[Turn], now: datetime
    ) -> _Found:
        """Everything but the wording; CPU-bound."""
        if len(question) > LONGEST_QUESTION:
            return _Found(Answer(AnswerKind.TOO_LONG, language, clean(question[:200])))
        shown = clean(question)
        plain = self._without_guides(shown, language)
        if plain is not None:
            return _Found(plain)
        asking = self._without_orders(shown, language)
        if not asking:
            return _Found(Answer(AnswerKind.OFF_TOPIC, language, shown))
        before: list[Asked] = []
        for turn in turns[-TURNS_KEPT:]:
            earlier = understand(turn.question[:LONGEST_QUESTION], language, self.index)
            before.append(in_conversation(earlier, before))
        alone = understand(asking, language, self.index)
        asked = in_conversation(alone, before)
        if (result := self._compute(asked, now)) is not None:
            extracts = tuple(Extract(each.text, each) for each in result.passages)
            return _Found(Answer(AnswerKind.ANSWERED, language, shown, extracts, computed=result))
        ranked, extracts = self._look_up(asked, before)
        for other in () if extracts else self._otherwise(asked, alone, asking):
            _, extracts = self._look_up(other, ())
            if extracts:
                break
        if extracts:
            answer = Answer(AnswerKind.ANSWERED, language, shown, extracts)
            return _Found(answer, _cited(extracts))
        return _Found(Answer(_why_not(asked, ranked), language, shown))

    def _compute(self, asked: Asked, now: datetime) -> Computed | None:
        situation = Situation(asked, now, self.index)
        results = (each.answer(situation) for each in self._calculators)
        return next((each for each in results if each is not None), None)

    def _look_up(
        self, asked: Asked, before: Sequence[Asked]
    ) -> tuple[tuple[Ranked, ...], tuple[Extract, ...]]:
        if found := self._subjects.define(asked):
            return (), found
        if asked.overview(self.index) and (found := self._subjects.sights(asked.language)):
            return (), found
        ranked = self._retriever.search(
            search_text(asked, before), language=asked.language, k=CANDIDATES, names=asked.names
        )
        return ranked, self._extractor.extract(asked, ranked)

    def _otherwise(self, asked: Asked, alone: Asked, asking: str) -> Iterator[Asked]:
        """Yield other ways to read a question that has no answer as it was read first."""
        if asked.names and asked.broad:
            yield replace(asked, concepts=frozenset(), implied=frozenset(), rest=())
        if asked.names and not alone.names and alone.scope is Scope.AROUND:
            yield alone  # a place to stay near a sight is one in its town
        sights = tuple(each for each in asked.names if self.index.names.town not in each.others)
        if len(sights) < len(asked.names) and asked.all_concepts:
            yield replace(asked, names=sights)  # everything here is in the town
        yield from self._parts(asking, asked.language)

    def _parts(self, shown: str, language: Language) -> Iterator[Asked]:
        """Yield the sentences of a long message that ask about a sight by name, the last first.

        「家族で行きます。子どもは6歳です。秋芳洞は何時まで?」 asks only one thing.
        """
        parts = list(sentences(shown))[-MOST_PARTS:]
        for part in reversed(parts) if len(parts) > 1 else ():
            asked = understand(part, language, self.index)
            if asked.names and asked.all_concepts:
                yield asked

    def _without_orders(self, shown: str, language: Language) -> str:
        """Return what a message asks, without the sentences that order the answerer about.

        What follows the last order of a sentence stays if it asks about a sight by name.
        """
        kept = []
        for sentence in sentences(shown):
            matches = (match for each in lexicon().orders for match in each.finditer(sentence))
            end = max((match.end() for match in matches), default=0)
            asked = understand(sentence[end:], language, self.index) if end else None
            if asked is None or (asked.names and asked.all_concepts):
                kept.append(sentence[end:])
        return " ".join(kept).strip()

    def _without_guides(self, shown: str, language: Language) -> Answer | None:
        if not askable(shown):
            return Answer(AnswerKind.EMPTY, language, shown)
        if (kind := emergency(shown)) is not None:
            help_at = () if kind is EmergencyKind.POLICE else self._hospitals(language)
            return Answer(AnswerKind.EMERGENCY, language, shown, help_at, emergency=kind)
        if any(each.search(shown) for each in lexicon().personal):
            return Answer(AnswerKind.PERSONAL, language, shown)
        if _bare(shown) in lexicon().greetings:
            return Answer(AnswerKind.GREETING, language, shown)
        if _bare(shown) in lexicon().farewells:
            return Answer(AnswerKind.FAREWELL, language, shown)
        return None

    def _hospitals(self, language: Language) -> tuple[Extract, ...]:
        return self._subjects.places("hospital", language)


def _bare(shown: str) -> str:
    return fold(shown).strip(" 。、.,!?~〜…☆♪")


def _why_not(asked: Asked, ranked: Sequence[Ranked]) -> AnswerKind:
    """Tell a question about the town that the guides leave open from one about anything else."""
    if asked.names or asked.all_concepts:
        return AnswerKind.UNKNOWN
    nearest = max((each.dense or 0.0 for each in ranked), default=0.0)
    return AnswerKind.UNKNOWN if nearest >= OFF_TOPIC else AnswerKind.OFF_TOPIC


def _cited(extracts: Sequence[Extract]) -> tuple[Passage, ...]:
    """Return the passages that the answer cites: all that a generator may draw on."""
    return tuple(dict.fromkeys(each.passage for each in extracts))


def _said(answer: Answer) -> str:
    return answer.written or " ".join(each.text for each in answer.extracts)
