"""The guide: everything that answers for one town."""

import asyncio
import logging
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from knowledge.answer.finder import TURNS_KEPT, Finder, Found
from knowledge.answer.nouns import Answer, AnswerKind, Fallback, Piece, Turn
from knowledge.claims import unsupported_claims, unsupported_names
from knowledge.encoders import Encoder, Tier, encoders
from knowledge.errors import GeneratorError, GeneratorTimeout
from knowledge.figures import unsupported
from knowledge.gazetteer import read_gazetteer
from knowledge.generate import Generator, prompt, sentences_of
from knowledge.ingest import read_town
from knowledge.language import Language
from knowledge.library import Library
from knowledge.retrieval.index import Index
from knowledge.taught import Taught, with_taught

logger = logging.getLogger(__name__)

LONGEST_WRITTEN = 1_500  # characters


class Guide:
    """Everything that answers for one town.

    What staff teach replaces the index as a whole; a question that is being answered meanwhile is
    answered from the one before.
    """

    def __init__(
        self,
        index: Index | Callable[[], Index],
        *,
        persona: str = "",
        generator: Generator | None = None,
    ) -> None:
        """`index` may be what opens it: then it is opened by `read`, or by whoever needs it."""
        self._open = index
        self._reading = threading.Lock()
        self._latest: Finder | None = None
        self._persona = persona
        self._generator = generator
        self._teaching = threading.Lock()
        self._stopped = False
        if isinstance(index, Index):
            self.read()

    @classmethod
    def open(
        cls,
        folder: Path,
        *,
        cache: Path,
        data: Path | None = None,
        gazetteer: Path | None = None,
        persona: str = "",
        generator: Generator | None = None,
        progress: Callable[[str], None] = lambda _: None,
        tier: Tier | None = None,
        models: Sequence[Encoder] | None = None,
    ) -> "Guide":
        """Read the guides of a folder and index them. Blocks: call it in a thread.

        Takes what `later` takes.
        """
        guide = cls.later(
            folder,
            cache=cache,
            data=data,
            gazetteer=gazetteer,
            persona=persona,
            generator=generator,
            progress=progress,
            tier=tier,
            models=models,
        )
        guide.read()
        return guide

    @classmethod
    def later(
        cls,
        folder: Path,
        *,
        cache: Path,
        data: Path | None = None,
        gazetteer: Path | None = None,
        persona: str = "",
        generator: Generator | None = None,
        progress: Callable[[str], None] = lambda _: None,
        tier: Tier | None = None,
        models: Sequence[Encoder] | None = None,
    ) -> "Guide":
        """A guide of a folder that reads and indexes it when it is first needed.

        `data` holds a town's tables and timetables, `gazetteer` is the file of its names; either
        may be missing. `cache` keeps what was read and encoded between starts. `models` are chosen
        by `tier` unless they are given. Afterwards run `guide.catch_up` in a thread.
        """

        def index() -> Index:
            library = read_town(folder, data, cache=cache)
            running = encoders(tier) if models is None else tuple(models)
            names = read_gazetteer(gazetteer) if gazetteer is not None else None
            return Index.open(library, cache, running, progress, gazetteer=names)

        return cls(index, persona=persona, generator=generator)

    @property
    def ready(self) -> bool:
        """Whether the guides were read: if not, the first question waits for that."""
        return self._latest is not None

    def read(self) -> None:
        """Read the guides unless that was done. Blocks; raises what stands in the way."""
        with self._reading:
            if self._latest is None:
                index = self._open if isinstance(self._open, Index) else self._open()
                self._documents = index.library
                self._latest = Finder(index)

    async def wait(self) -> None:
        """Until the guides were read. Raises what stands in the way."""
        if not self.ready:
            await asyncio.to_thread(self.read)

    @property
    def _finder(self) -> Finder:
        if self._latest is None:
            self.read()
        assert self._latest is not None  # noqa: S101 - it was read
        return self._latest

    @property
    def index(self) -> Index:
        """What questions are compared with now."""
        return self._finder.index

    @property
    def library(self) -> Library:
        """What was read and taught, with its problems and contradictions."""
        return self.index.library

    @property
    def taught(self) -> tuple[Taught, ...]:
        """What staff taught, as it answers now."""
        return self._finder.taught

    def teach(self, taught: Sequence[Taught]) -> None:
        """Answer from these taught facts, and no others, beside the documents.

        Blocks for some tenths of a second: call it in a thread. Questions go on being answered, and
        from what was taught even before a slow encoder has read it.
        """
        with self._teaching:
            before = self.index
            library = with_taught(self._documents, taught)
            index = before.renewed(library)
            self._latest = Finder(index, taught, self._finder)
            before.stop()
            if not before.behind:
                index.catch_up(again_after=())

    def warm_up(self) -> None:
        """Load the models now rather than at the first question. Blocks."""
        self.index.warm_up()

    def catch_up(self) -> None:
        """Let slow encoders read what they have not read yet. Blocks, until done or `stop`."""
        while not self._stopped and (index := self.index).behind:
            index.catch_up()

    def stop(self) -> None:
        """Let `catch_up` end soon. Questions are still answered."""
        self._stopped = True
        if self.ready:
            self.index.stop()

    async def close(self) -> None:
        """Let go of the generator's connections."""
        if self._generator is not None:
            await self._generator.aclose()

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
        await self.wait()
        found = await asyncio.to_thread(self._finder.find, question, language, turns, now)
        plain = found.answer.kind is not AnswerKind.ANSWERED or found.answer.computed is not None
        if self._generator is None or plain:
            yield found.answer
            return
        async for each in self._written(self._generator, found, turns, now):
            yield each

    async def _written(
        self, generator: Generator, found: Found, turns: Sequence[Turn], now: datetime
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
                if (fallback := self._invented(sentence, found)) is not None:
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

    def _invented(self, sentence: str, found: Found) -> Fallback | None:
        """Return why a sentence cannot be sent: it says what no cited passage holds."""
        answer = found.answer
        missing = unsupported(sentence, found.context)
        missing += unsupported_claims(sentence, found.context)
        if missing:
            logger.warning("answer.unsupported_figure", extra={"figures": len(missing)})
            return Fallback.UNSUPPORTED_FIGURE
        names = unsupported_names(
            sentence,
            found.context,
            index=self.index,
            language=answer.language,
            known=f"{answer.question}\n{self._persona}",
        )
        if names:
            logger.warning("answer.unsupported_name", extra={"names": len(names)})
            return Fallback.UNSUPPORTED_NAME
        return None


def _said(answer: Answer) -> str:
    return answer.written or " ".join(each.text for each in answer.extracts)
