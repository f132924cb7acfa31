"""The finder: what a question is, and what of the library answers it. CPU-bound; no words."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from knowledge import computed, travel
from knowledge.answer.nouns import Answer, AnswerKind, Turn
from knowledge.computed import Computed, Situation
from knowledge.emergency import EmergencyKind, emergency
from knowledge.evidence import Signs
from knowledge.extract import Extract, Extractor
from knowledge.language import Language
from knowledge.lexicon import Scope, lexicon
from knowledge.passage import Passage
from knowledge.question import Asked, in_conversation, search_text, understand
from knowledge.retrieval.index import Index
from knowledge.retrieval.retrieve import Ranked, Retriever
from knowledge.subject import Subjects
from knowledge.taught import Taught, TaughtFacts
from knowledge.text import askable, clean, fold, sentences

LONGEST_QUESTION = 2_000  # characters
TURNS_KEPT = 4
CANDIDATES = 60
MOST_PARTS = 4  # sentences of a message looked at one by one
MOST_OPTIONS = 4
OUTSTANDING = 2.0
"""How many times more the guides say of the main sight than of the next one that fits, so that it
is the one meant where none was named. Else the asker is asked."""
OFF_TOPIC = 0.52
"""Mean cosine below which a question without any known word is not about the town at all.

Measured on city questions against foreign ones: AUROC .98 (design section 13)."""


@dataclass(frozen=True, slots=True)
class Found:
    """An answer, and what a generator may draw on."""

    answer: Answer
    context: tuple[Passage, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Reading:
    """A question as it was understood."""

    shown: str
    asking: str  # without what orders the answerer about
    alone: Asked
    asked: Asked  # with the subject of the conversation
    before: tuple[Asked, ...]  # the questions before it


class Finder:
    """Finds answers in one index."""

    def __init__(
        self, index: Index, taught: Sequence[Taught] = (), before: "Finder | None" = None
    ) -> None:
        """`before` is the finder that this one takes the place of."""
        self.index = index
        self.taught = tuple(taught)
        self._retriever = Retriever(index)
        self._extractor = Extractor(self._retriever)
        self._subjects = Subjects(index)
        earlier = before.facts if before is not None else None
        self.facts: TaughtFacts = TaughtFacts(index, taught, earlier)
        self._calculators = (*computed.calculators(), *travel.calculators())

    def find(
        self, question: str, language: Language, turns: Sequence[Turn], now: datetime
    ) -> Found:
        """Answer everything but the wording."""
        if len(question) > LONGEST_QUESTION:
            return Found(Answer(AnswerKind.TOO_LONG, language, clean(question[:200])))
        shown = clean(question)
        if (plain := self._without_guides(shown, language)) is not None:
            return Found(plain)
        choosing = bool(turns) and turns[-1].answer.kind is AnswerKind.CLARIFY
        earlier = [each.question for each in turns[-TURNS_KEPT:]]
        reading = self.read(shown, language, earlier, choosing=choosing)
        if reading is None:
            return Found(Answer(AnswerKind.OFF_TOPIC, language, shown))
        ranked = self.search(reading)
        found = self.certain(reading, ranked, now) or self._probable(reading, ranked)
        return found or Found(Answer(_why_not(reading.asked, ranked), language, shown))

    def read(
        self, shown: str, language: Language, earlier: Sequence[str], *, choosing: bool = False
    ) -> Reading | None:
        """Understand a cleaned question after earlier ones; None if it asks nothing.

        `choosing` says that we asked back which sight was meant, and a name alone is the reply.
        """
        asking = self._without_orders(shown, language)
        if not asking:
            return None
        before: list[Asked] = []
        for each in earlier:
            one = understand(each[:LONGEST_QUESTION], language, self.index)
            before.append(in_conversation(one, before))
        alone = understand(asking, language, self.index)
        if choosing and alone.bare:
            alone = understand(f"{asking} {earlier[-1]}"[:LONGEST_QUESTION], language, self.index)
        asked = in_conversation(alone, before)
        return Reading(shown, asking, alone, asked, tuple(before))

    def search(self, reading: Reading) -> tuple[Ranked, ...]:
        """Rank passages for a question."""
        asked = reading.asked
        text = search_text(asked, reading.before)
        return self._retriever.search(
            text, language=asked.language, k=CANDIDATES, names=asked.names
        )

    def signs(self, asked: Asked, ranked: Sequence[Ranked]) -> list[Signs]:
        """Return what speaks for and against each of the ranked passages."""
        return [self._extractor.bearing.signs(asked, ranked, place) for place in range(len(ranked))]

    def certain(self, reading: Reading, ranked: Sequence[Ranked], now: datetime) -> Found | None:
        """Return what answers by a rule: taught, worked out, or found beyond doubt."""
        asked, language, shown = reading.asked, reading.asked.language, reading.shown
        if told := self.facts.match(asked):
            return Found(Answer(AnswerKind.ANSWERED, language, shown, told), _cited(told))
        if (result := self._compute(asked, now)) is not None:
            extracts = tuple(Extract(each.text, each) for each in result.passages)
            return Found(Answer(AnswerKind.ANSWERED, language, shown, extracts, computed=result))
        extracts = self._extracts(asked, ranked)
        options = self._extractor.sights(asked, ranked) if extracts else ()
        if len(options) > 1 and not self._outstanding(options):
            choices = options[:MOST_OPTIONS]
            return Found(Answer(AnswerKind.CLARIFY, language, shown, options=choices))
        for other in () if extracts else self._otherwise(reading):
            extracts = self._extracts(other, self.search(replace(reading, asked=other, before=())))
            if extracts:
                break
        if not extracts:
            return None
        said = self._subjects_of(extracts, ranked)
        others = tuple(each for each in options if each not in said)[:MOST_OPTIONS]
        answer = Answer(AnswerKind.ANSWERED, language, shown, extracts, options=others)
        return Found(answer, _cited(extracts))

    def _probable(self, reading: Reading, ranked: Sequence[Ranked]) -> Found | None:
        """Return what probably answers, by all the evidence together."""
        extracts = self._extractor.likely(reading.asked, ranked)
        if not extracts:
            return None
        answer = Answer(AnswerKind.ANSWERED, reading.asked.language, reading.shown, extracts)
        return Found(answer, _cited(extracts))

    def _subjects_of(
        self, extracts: Sequence[Extract], ranked: Sequence[Ranked]
    ) -> frozenset[str | None]:
        """Return the sights that an answer is about, also by rows of a document about all."""
        said = {each.passage.id for each in extracts}
        labels = (self.index.labels[one.number] for one in ranked if one.passage.id in said)
        return frozenset(map(self.index.names.subject, labels))

    def _outstanding(self, options: Sequence[str]) -> bool:
        first, second = (self.index.sights[each] for each in options[:2])
        return first >= OUTSTANDING * second

    def _compute(self, asked: Asked, now: datetime) -> Computed | None:
        situation = Situation(asked, now, self.index)
        results = (each.answer(situation) for each in self._calculators)
        return next((each for each in results if each is not None), None)

    def _extracts(self, asked: Asked, ranked: Sequence[Ranked]) -> tuple[Extract, ...]:
        if found := self._subjects.define(asked):
            return found
        if asked.overview(self.index) and (found := self._subjects.sights(asked.language)):
            return found
        return self._extractor.extract(asked, ranked)

    def _otherwise(self, reading: Reading) -> Iterator[Asked]:
        """Yield other ways to read a question that has no answer as it was read first."""
        asked, alone = reading.asked, reading.alone
        if asked.names and asked.broad:
            yield replace(asked, concepts=frozenset(), implied=frozenset(), rest=())
        if asked.names and not alone.names and alone.scope is Scope.AROUND:
            yield alone  # a place to stay near a sight is one in its town
        sights = tuple(each for each in asked.names if self.index.names.town not in each.others)
        if len(sights) < len(asked.names) and asked.all_concepts:
            yield replace(asked, names=sights)  # everything here is in the town
        yield from self._parts(reading.asking, asked.language)

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
        if any(each.search(shown) for each in lexicon().harmful):
            return Answer(AnswerKind.HARMFUL, language, shown)
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
