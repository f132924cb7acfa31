"""Learning: what could not be answered is kept for staff, and what they answer is said at once.

Between core, which keeps questions and facts, and knowledge, which compares questions and answers
from what it is taught. Everything that a question is compared with is in memory; `refresh` reads it
again when another worker, staff, a person who left or the retention period has changed the records,
and every day.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from typing import Final, Protocol
from zoneinfo import ZoneInfo

from bots import texts
from bots.conversation.messages import Reply
from bots.conversation.wording import Wording as Wordings
from core import questions
from core.clock import Clock
from core.database import Sessions, transaction
from core.questions import Confirmed, Fact, Kind, Recorded, Taken, Wording
from core.town import TownPack
from knowledge.answer import Answer, AnswerKind
from knowledge.clusters import Asked, Clusters
from knowledge.extract import Extract
from knowledge.language import Language, detect
from knowledge.passage import Passage
from knowledge.question import points_back, understand
from knowledge.retrieval.index import Index
from knowledge.retrieval.retrieve import Retriever
from knowledge.taught import FOLDER, Taught
from knowledge.text import fold

logger = logging.getLogger(__name__)

REVIEW_AFTER: Final = timedelta(days=365)
MAX_WORDINGS: Final = 5
"""So many ways in which people asked are taught with an answer, in each language."""
NEAREST: Final = 3


class Teachable(Protocol):
    """What learning asks of the guide."""

    @property
    def index(self) -> Index: ...
    @property
    def taught(self) -> Sequence[Taught]: ...
    @property
    def ready(self) -> bool:
        """Whether it was read. A process that answers nobody never reads it."""

    async def wait(self) -> None:
        """Until it was read."""

    def teach(self, taught: Sequence[Taught]) -> None:
        """Take these in place of all that was taught before. Blocks."""


class Learning:
    """One town's queue of questions, and what became of them."""

    def __init__(
        self,
        *,
        town: TownPack,
        sessions: Sessions,
        clock: Clock,
        guide: Teachable,
        wake: Callable[[], None],
        tell: Callable[..., None],
    ) -> None:
        self.town = town
        self.sessions = sessions
        self.clock = clock
        self._guide = guide
        self._wake = wake
        self._tell = tell
        self._wording = Wordings(town)
        self._clusters: Clusters | None = None
        self._placing = asyncio.Lock()
        self._teaching = asyncio.Lock()
        self._placed_at: tuple[int, date] | None = None  # the version and day of the clusters
        self._newest = 0  # the last question read
        self._taught_at: tuple[int, date] | None = None

    def today(self) -> date:
        return self.clock().astimezone(ZoneInfo(self.town.town.timezone)).date()

    # What people ask

    async def record(
        self, account_id: int, platform: str, text: str, language: str, kind: Kind
    ) -> Recorded | None:
        """Put a question into the queue, beside those that ask the same."""
        kept = questions.redact(text).strip()[: questions.MAX_TEXT]
        if not kept:
            return None
        language = detect(kept, Language(language)).value  # not everybody asks in their menu's
        async with self._placing:
            await self._read_clusters()
            clusters = self._clusters
            assert clusters is not None  # noqa: S101 - `_read_clusters` made it
            place = await asyncio.to_thread(clusters.find, kept, language)
            async with transaction(self.sessions) as session:
                recorded = await questions.record(
                    session,
                    account_id,
                    text=kept,
                    language=language,
                    kind=kind,
                    platform=platform,
                    cluster=place,
                    now=self.clock(),
                )
            if recorded is not None and (recorded.new or recorded.cluster != place):
                asked = Asked(recorded.id, recorded.cluster, kept, language)
                await asyncio.to_thread(clusters.add, asked)
                self._newest = max(self._newest, recorded.id)
        return recorded

    async def _read_clusters(self) -> None:
        """Bring the clusters in memory up to what the records say."""
        await self._guide.wait()
        async with transaction(self.sessions) as session:
            version = (await questions.version(session), self.today())
            again = self._clusters is None or version != self._placed_at
            rows = await questions.comparable(session, after=0 if again else self._newest)
        if self._clusters is None:
            self._clusters = self._empty()
        asked = [Asked(*row) for row in rows]
        if again:
            await asyncio.to_thread(self._clusters.load, asked)
        else:
            for each in asked:  # of another worker
                await asyncio.to_thread(self._clusters.add, each)
        self._placed_at = version
        self._newest = max((each.id for each in asked), default=self._newest)

    def _empty(self) -> Clusters:
        index = self._guide.index
        return Clusters(
            index.words,
            encoder=next((each for each in index.encoders if not each.slow), None),
            names=lambda text: frozenset(each.facility for each in index.names.find(text)),
            weight=index.idf,
        )

    async def count_refused(self, kind: AnswerKind) -> None:
        """Count what may not be kept."""
        async with transaction(self.sessions) as session:
            await questions.count_refused(session, kind.value, now=self.clock())

    # What staff answer

    def wording(self, answer: str, question: str) -> Wording:
        """One line of staff with all that is usual. Raises `ValueError` if it is too long."""
        language = detect(answer, Language.JA)
        return Wording(question, {language.value: answer}, "", self.today() + REVIEW_AFTER)

    async def draft(self, cluster: int, wording: Wording, *, by: str) -> Fact:
        """Keep an answer until somebody confirms it. Raises `NotFound`."""
        async with transaction(self.sessions) as session:
            return await questions.draft(
                session, cluster, wording, by=by, today=self.today(), now=self.clock()
            )

    async def confirm(self, fact: int, *, by: str) -> Confirmed | Taken:
        """Let a draft stand: it is said at once, and those who wanted to know are told."""
        async with transaction(self.sessions) as session:
            outcome = await questions.confirm(session, fact, by=by, now=self.clock())
        return await self._settled(outcome)

    async def restore(self, fact: int, *, by: str) -> Confirmed | Taken:
        """Undo a withdrawal."""
        async with transaction(self.sessions) as session:
            outcome = await questions.restore(session, fact, by=by, now=self.clock())
        return await self._settled(outcome)

    async def _settled(self, outcome: Confirmed | Taken) -> Confirmed | Taken:
        if isinstance(outcome, Confirmed):
            await self.teach()
            self._wake()
            self._tell("queue.happening.learnt", told=outcome.told)
        return outcome

    async def edit(self, fact: int, wording: Wording, *, version: int, by: str) -> Fact | Taken:
        """Say it otherwise from today on."""
        async with transaction(self.sessions) as session:
            outcome = await questions.edit(
                session,
                fact,
                wording,
                version=version,
                by=by,
                today=self.today(),
                now=self.clock(),
            )
        if isinstance(outcome, Fact):
            await self.teach()
        return outcome

    async def withdraw(self, fact: int, *, by: str) -> bool:
        """Say it no more, at once."""
        async with transaction(self.sessions) as session:
            done = await questions.withdraw(session, fact, by=by, now=self.clock())
        if done:
            await self.teach()
            self._tell("queue.happening.unlearnt")
        return done

    # What the guide is taught

    async def refresh(self) -> None:
        """Teach again what another worker changed, and forget what ended or was deleted."""
        if not self._guide.ready:
            return
        async with transaction(self.sessions) as session:
            version = (await questions.version(session), self.today())
        if self._taught_at != version:
            await self.teach()
        if self._clusters is not None and self._placed_at != version:
            async with self._placing:
                await self._read_clusters()

    async def teach(self) -> None:
        """Teach the guide all that is said today, if that is not what it knows.

        A guide that was not read yet is taught by whoever reads it.
        """
        if not self._guide.ready:
            return
        async with self._teaching:
            today = self.today()
            async with transaction(self.sessions) as session:
                version = await questions.version(session)
                facts = await questions.active(session, today)
                clusters = [each.cluster for each in facts if each.cluster is not None]
                asked = await questions.wordings(session, clusters)
            taught = await asyncio.to_thread(self._all_lessons, facts, asked)
            if taught != tuple(self._guide.taught):
                await asyncio.to_thread(self._guide.teach, taught)
            self._taught_at = (version, today)

    def _all_lessons(
        self, facts: Sequence[Fact], asked: Mapping[int, Sequence[tuple[str, str]]]
    ) -> tuple[Taught, ...]:
        return tuple(
            each for fact in facts for each in self._lessons(fact, asked.get(fact.cluster or 0, ()))
        )

    def _lessons(self, fact: Fact, asked: Sequence[tuple[str, str]]) -> list[Taught]:
        """The fact in each language that it was written in, for each way in which it was asked.

        A wording that cannot be understood without what was said before it, or that does not name
        the place which the fact is about, would answer questions about other places: it is not
        taught.
        """
        lessons = []
        alone = self.stands_alone(fact.question, "ja")
        named = self._named(fact.question)
        for language, answer in fact.answers.items():
            wordings = {fold(fact.question): fact.question} if alone else {}
            for text, spoken in asked:
                if (
                    spoken == language
                    and len(wordings) < MAX_WORDINGS
                    and fold(text) not in wordings
                    and (self._named(text) or not named)
                    and self.stands_alone(text, spoken)
                ):
                    wordings[fold(text)] = text
            for number, wording in enumerate(wordings.values()):
                lessons.append(self._lesson(fact, number, wording, language, answer))
        return lessons

    def stands_alone(self, question: str, language: str) -> bool:
        """Whether a question says by itself what it is about: not 「いくら?」, not 「それは?」."""
        asked = understand(question, detect(question, Language(language)), self._guide.index)
        says = asked.names or asked.concepts or asked.rest or asked.unknown or asked.more
        return bool(says) and not points_back(question)

    def _named(self, question: str) -> bool:
        return bool(self._guide.index.names.find(question))

    def _lesson(self, fact: Fact, number: int, wording: str, language: str, answer: str) -> Taught:
        return Taught(
            id=f"{fact.id}-{language}" + (f"-{number}" if number else ""),
            question=wording,
            answer=answer,
            language=Language(language),
            as_of=fact.as_of,
            source=self.source(fact.source, language),
            facility=self._facility(wording),
            review_by=fact.review_by,
        )

    def source(self, given: str, language: str) -> str:
        """How the town calls its own word, in a language, with what staff named besides."""
        own = texts.say("queue.source", language)
        return texts.say("queue.source-with", language, own=own, given=given) if given else own

    def _facility(self, question: str) -> str | None:
        named = {each.facility for each in self._guide.index.names.find(question)}
        return named.pop() if len(named) == 1 else None

    # What staff look at

    async def preview(self, fact: Fact, language: str) -> Reply:
        """The fact as the mascot will say it to a reader of `language`."""
        await self._guide.wait()
        answer, written = fact.answer(language)
        passage = self._lesson(fact, 0, fact.question, written, answer).passage()
        extracts = (Extract(passage.text, passage),)
        said = Answer(AnswerKind.ANSWERED, Language(language), fact.question, extracts)
        return self._wording.word(said, language)

    async def nearest(self, question: str, language: str) -> tuple[Passage, ...]:
        """What the guides do say that is nearest to a question, without what staff taught."""
        await self._guide.wait()
        found = await asyncio.to_thread(
            Retriever(self._guide.index).search,
            question,
            language=Language(language),
            k=NEAREST * 4,
        )
        passages = [each.passage for each in found if not each.passage.document.startswith(FOLDER)]
        return tuple(passages[:NEAREST])

    async def kept(self) -> Mapping[str, int]:
        """What was refused this month, by kind: counted, and nothing else."""
        async with transaction(self.sessions) as session:
            return await questions.refused(session, now=self.clock())
