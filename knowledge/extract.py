"""Extracts: the rows and sentences of the guides that answer a question, word for word.

A passage is taken only on evidence: it is about the sight that was named, it names what was asked,
it has the form of an answer (an amount to "how much?"), and it holds the question's other words.
Similarity of meaning alone cannot tell "in our guides" from "close to it" (AUROC .60), so it ranks
but seldom decides.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from knowledge.bearing import MOST_BESIDE, Bearing
from knowledge.evidence import COMPARED, models, weigh
from knowledge.figures import figures
from knowledge.language import Language
from knowledge.lexicon import BY_MODE, ON_THE_WAY, RECOMMENDING, Scope, lexicon
from knowledge.passage import Kind, Passage, Status
from knowledge.question import Asked
from knowledge.retrieval.index import Index
from knowledge.retrieval.retrieve import Ranked, Retriever
from knowledge.text import sentences, without_ruby

MOST_EXTRACTS = 3
MOST_ROWS = 4  # of one table: adult, junior high, primary, infants
MOST_SENTENCES = 2
ROWS_EACH = 2  # of each sight where several are compared
MOST_COMPARED = 6

CALLING = "phone"
WITH_CALLING = frozenset({"address", "hours", "price", "reservation"})
"""What may be asked together with a telephone number; of anything else the number is meant."""
CONCEPT = 0.5  # share of what was asked that a passage must name
REST = 0.5  # share of the other words, weighed by rarity, that it must hold
CERTAIN = 0.72  # mean cosine from which meaning alone is believed
INDIRECT = 0.6  # mean cosine that a passage needs if only its text names what was asked
CERTAIN_FOREIGN = 0.62  # between languages cosines are lower
MAIN = 0.3  # added to the entrance fee where a fee was asked, to opening hours where hours were
LEAD = 0.3  # added to the opening of a document whose title names what was asked
OVERVIEW = 1.3  # added to it where recommendations were asked for, and not one fact
PROMINENT = 0.4  # added to the main sight of the town where none was named
BESIDE = 0.15  # taken off for each concept that the item names and nobody asked for
CLOSE = 0.12  # how far behind the best other passages still answer


@dataclass(frozen=True, slots=True)
class Extract:
    """Words of a passage, verbatim; of a fact the item, value and note are on the passage."""

    text: str
    passage: Passage


@dataclass(frozen=True, slots=True)
class _Evidence:
    ranked: Ranked
    score: float
    concept: float
    rest: float
    name: float
    direct: bool  # its item or heading names what was asked

    @property
    def passage(self) -> Passage:
        return self.ranked.passage


class Extractor:
    """Chooses extracts from ranked passages."""

    def __init__(self, retriever: Retriever) -> None:
        self.index: Index = retriever.index
        self.bearing = Bearing(retriever)

    def extract(self, asked: Asked, ranked: Sequence[Ranked]) -> tuple[Extract, ...]:
        """Return the extracts that answer, the best first; none if the guides do not say."""
        if asked.unknown:
            return ()
        if len(asked.names) > 1 and not asked.all_concepts & ON_THE_WAY:
            each_alone = [
                self._chosen(replace(asked, names=(name,)), ranked) for name in asked.names
            ]
            if all(chosen and chosen[0].direct for chosen in each_alone):
                both = [evidence for chosen in each_alone for evidence in chosen[:ROWS_EACH]]
                return tuple(self._extract(asked, each) for each in both[:MOST_COMPARED])
        return tuple(self._extract(asked, each) for each in self._chosen(asked, ranked))

    def likely(self, asked: Asked, ranked: Sequence[Ranked]) -> tuple[Extract, ...]:
        """Return what probably answers, where no rule is certain; none if that is unlikely too."""
        compared = ranked[:COMPARED]
        if not compared or compared[0].dense is None or self.bearing.unheard(asked):
            return ()
        weighed = weigh(
            [self.bearing.signs(asked, compared, place) for place in range(len(compared))]
        )
        if weighed.likelihood < models().threshold:
            return ()
        return (self._extract_of(asked, compared[weighed.place].passage),)

    def sights(self, asked: Asked, ranked: Sequence[Ranked]) -> tuple[str, ...]:
        """Return the sights of which the guides say what was asked, the main one first.

        Only for a question that names none, though it is about one: 「料金は?」
        """
        narrowed = asked.names or asked.unknown or asked.town
        if narrowed or asked.scope is not Scope.SIGHT or asked.broad:
            return ()
        if not asked.all_concepts or asked.all_concepts & (ON_THE_WAY | {CALLING}):
            return ()
        found: dict[str, float] = {}
        for one in ranked:
            subject = self.index.names.subject(self.index.labels[one.number])
            if subject not in self.index.sights or subject in found:
                continue
            weighed = self._weigh(asked, one)
            if weighed is not None and weighed.direct and one.passage.status is not Status.OLD:
                found[subject] = self.index.sights[subject]
        return tuple(sorted(found, key=lambda each: -found[each]))

    def _chosen(self, asked: Asked, ranked: Sequence[Ranked]) -> list[_Evidence]:
        weighed = (self._weigh(asked, one) for one in ranked)
        evidence = sorted(
            (each for each in weighed if each is not None), key=lambda each: -each.score
        )
        evidence = self._distinct(asked, evidence)
        if not evidence:
            # 「東京駅から鹿島神宮まで」: the row says from where, the heading above it to where.
            start = tuple(each for each in asked.names if not each.documents)
            fewer = bool(start) and len(start) < len(asked.names)
            return self._chosen(replace(asked, names=start), ranked) if fewer else []
        if asked.listing and (listed := self._listed(asked, evidence)):
            return listed
        best = evidence[0]
        if best.passage.kind is Kind.PROSE:
            return [best]
        chosen = self._rows(asked, best, evidence)
        if len(chosen) < MOST_EXTRACTS:
            chosen += self._others(best, chosen, evidence)
        return chosen

    def _listed(self, asked: Asked, evidence: Sequence[_Evidence]) -> list[_Evidence]:
        """Return the opening of the document on what was asked, and rows about nothing else."""
        lead = next((each for each in evidence if self._opens(asked, each.passage)), None)
        if lead is None:
            return []
        rows = [
            each
            for each in evidence
            if each.passage.document == lead.passage.document
            and each.passage.kind is Kind.FACT
            and each.direct
            and each.passage.status is not Status.OLD
            and self.index.concepts[each.ranked.number] <= self.bearing.wanted(asked)
        ]
        return [lead, *rows[:MOST_EXTRACTS]]

    @staticmethod
    def _opens(asked: Asked, passage: Passage) -> bool:
        """Whether a passage opens a document whose title names what was asked."""
        opening = passage.kind is Kind.PROSE and not passage.headings
        return opening and bool(
            lexicon().named(without_ruby(passage.title)) & (asked.all_concepts - {RECOMMENDING})
        )

    def _distinct(self, asked: Asked, evidence: Sequence[_Evidence]) -> list[_Evidence]:
        """Leave out what says again, in another language or document, what stands before it.

        やさしい日本語 is kept for those who ask in it, and where it alone answers.
        """
        if asked.language is Language.JA:
            own = [each for each in evidence if each.passage.language is Language.JA]
            evidence = own or evidence
        place: dict[object, int] = {}
        distinct: list[_Evidence] = []
        for each in evidence:
            fact = self._fact(asked, each)
            if fact is None or fact not in place:
                place.setdefault(fact, len(distinct))
                distinct.append(each)
            elif each.passage.language is asked.language:
                kept = distinct[place[fact]]
                if kept.passage.language is not asked.language:
                    distinct[place[fact]] = replace(each, score=kept.score)
        return distinct

    def _fact(self, asked: Asked, evidence: _Evidence) -> object:
        """Return what two rows of the same fact share: the sight, the topic and the figures."""
        passage, number = evidence.passage, evidence.ranked.number
        if passage.kind is not Kind.FACT or not (stated := figures(passage.value or "")):
            return None
        known = lexicon()
        item = without_ruby(passage.item or "")
        sight = self.index.names.subject(self.index.labels[number])
        topics = self.index.concepts[number] & asked.all_concepts
        return sight, topics, known.qualified(item), stated

    def _weigh(self, asked: Asked, ranked: Ranked) -> _Evidence | None:
        """Weigh one passage; None if it does not answer."""
        name = self.bearing.about(asked, ranked.number)
        if asked.names and name == 0:
            return None
        concept, direct = self.bearing.concept(asked, ranked.number)
        rest = self.bearing.rest(asked, self.index.held[ranked.number])
        found = _Evidence(ranked, ranked.score, concept, rest, name, direct)
        if not self._topical(asked, found) or not self._close(asked, found):
            return None
        return replace(found, score=self._score(asked, found))

    def _topical(self, asked: Asked, found: _Evidence) -> bool:
        """Whether a passage names what was asked, or anything was asked at all."""
        if not asked.all_concepts:
            return True
        passage, number = found.passage, found.ranked.number
        if found.concept < CONCEPT:
            return False
        modes = asked.concepts & BY_MODE
        if modes and not modes & (self.index.concepts[number] | self.bearing.spoken_of(passage)):
            return False
        if CALLING in asked.concepts and not asked.all_concepts & WITH_CALLING:
            stated = f"{passage.value or passage.text} {passage.note or ''}"
            if not lexicon().concepts[CALLING].answered_by(stated):
                return False
        if found.direct or (asked.rest and found.rest == 1.0):
            return True
        return (found.ranked.dense or 0.0) >= INDIRECT and not self.bearing.aside(asked, number)

    def _close(self, asked: Asked, found: _Evidence) -> bool:
        """Whether a passage holds the question's other words, or means the same without them."""
        own = found.passage.language is asked.language or (
            found.passage.language.japanese and asked.language.japanese
        )
        certain = (found.ranked.dense or 0.0) >= (CERTAIN if own else CERTAIN_FOREIGN)
        held = found.rest >= REST or (certain and found.rest > 0)
        if not held and own and not (found.direct and self.bearing.names_a_sight(asked)):
            return False
        if (
            not own
            and asked.rest
            and not self.bearing.names_a_sight(asked)
            and self.bearing.unheard(asked)
        ):
            return False
        if certain or asked.all_concepts:
            return True
        return own and (bool(asked.names) or found.rest == 1.0)

    def _score(self, asked: Asked, found: _Evidence) -> float:
        passage, number = found.passage, found.ranked.number
        score = found.score + 0.6 * found.concept + 0.5 * found.rest
        score += 0.4 * found.name + 0.2 * found.direct
        score += 0.3 * (passage.kind is Kind.FACT) + 0.4 * (passage.language is asked.language)
        if passage.language is Language.JA_EASY and asked.language is not Language.JA_EASY:
            score -= 0.4
        if asked.all_concepts:
            beside = len(self.index.concepts[number] - self.bearing.wanted(asked))
            score -= BESIDE * min(beside, MOST_BESIDE)
        score += 0.3 * self.bearing.qualified(asked, passage)
        if self._opens(asked, passage):
            score += OVERVIEW if asked.broad else LEAD
        if not asked.names and asked.about_a_sight:
            score += PROMINENT * self.index.prominence[number]
        score += MAIN * bool(self.index.main[number] & asked.all_concepts)
        if passage.status is Status.OLD:
            score += 0.5 if asked.past else -0.8
        return score

    def _rows(
        self, asked: Asked, best: _Evidence, evidence: Sequence[_Evidence]
    ) -> list[_Evidence]:
        """Return the rows of the best one's table that answer equally: adult, child, infant."""
        concepts = self.index.concepts[best.ranked.number] & asked.all_concepts
        main = self.index.main[best.ranked.number] & asked.all_concepts
        old = best.passage.status is Status.OLD
        own = self.bearing.rest(asked, self.index.own[best.ranked.number])
        qualified = self.bearing.qualified(asked, best.passage)
        rows = [
            each
            for each in evidence
            if each.passage.section == best.passage.section
            and each.passage.kind is Kind.FACT
            and (each.passage.status is Status.OLD) == old
            and each.name >= best.name
            and self.bearing.rest(asked, self.index.own[each.ranked.number]) >= own
            and each.direct == best.direct
            and self.index.concepts[each.ranked.number] & asked.all_concepts == concepts
            and self.index.main[each.ranked.number] & asked.all_concepts == main
            and self.bearing.qualified(asked, each.passage) >= qualified
        ]
        order = {each.id: position for position, each in enumerate(self.index.library.passages)}
        rows.sort(key=lambda each: order[each.passage.id])  # authors put what matters first
        return rows[:MOST_ROWS] if concepts else [best]

    def _others(
        self,
        best: _Evidence,
        chosen: Sequence[_Evidence],
        evidence: Sequence[_Evidence],
    ) -> list[_Evidence]:
        """Return facts of other sections that answer almost as well."""
        taken = {each.passage.section for each in chosen}
        values = {each.passage.value for each in chosen}
        others: list[_Evidence] = []
        for each in evidence:
            if len(chosen) + len(others) == MOST_EXTRACTS or best.score - each.score > CLOSE:
                break
            fresh = each.passage.section not in taken and each.passage.value not in values
            alike = each.direct >= best.direct and each.passage.language is best.passage.language
            if fresh and alike and each.passage.kind is Kind.FACT and each.concept >= best.concept:
                taken.add(each.passage.section)
                values.add(each.passage.value)
                others.append(each)
        return others

    def _extract(self, asked: Asked, evidence: _Evidence) -> Extract:
        return self._extract_of(asked, evidence.passage)

    def _extract_of(self, asked: Asked, passage: Passage) -> Extract:
        if passage.kind is Kind.FACT:
            return Extract(passage.text, passage)
        return Extract(self._sentences(asked, passage), passage)

    def _sentences(self, asked: Asked, passage: Passage) -> str:
        """Return the sentences that answer, as one stretch of the passage."""
        parts = list(sentences(passage.text))
        if len(parts) <= MOST_SENTENCES:
            return passage.text
        scores = [self._sentence_score(asked, each, passage) for each in parts]
        first = max(
            range(len(parts) - MOST_SENTENCES + 1),
            key=lambda start: sum(scores[start : start + MOST_SENTENCES]),
        )
        begin = passage.text.index(parts[first])
        last = parts[first + MOST_SENTENCES - 1]
        end = passage.text.index(last, begin) + len(last)
        return passage.text[begin:end]

    def _sentence_score(self, asked: Asked, sentence: str, passage: Passage) -> float:
        known = lexicon()
        terms = frozenset(self.index.words.terms(sentence, passage.language))
        shared = sum(self.index.idf(each) for each in asked.terms if each in terms)
        named = known.named(sentence) & asked.all_concepts
        concept = sum(
            self.bearing.concept_weight[each]
            * (1.0 if known.concepts[each].answered_by(sentence) else 0.3)
            for each in named
        )
        return shared + concept
