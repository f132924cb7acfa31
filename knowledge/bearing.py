"""Bearing: how a passage bears on a question, in everything that can be said of the two.

`knowledge.extract` decides by these; `knowledge.evidence` weighs them all together.
"""

from collections.abc import Sequence

import numpy as np

from knowledge.evidence import Signs
from knowledge.figures import FigureKind
from knowledge.language import Language
from knowledge.lexicon import ON_THE_WAY, lexicon
from knowledge.passage import Kind, Passage, Status
from knowledge.question import Asked
from knowledge.retrieval.index import Index
from knowledge.retrieval.retrieve import Ranked, Retriever
from knowledge.text import without_ruby

BY_FORM = frozenset({FigureKind.MONEY, FigureKind.PHONE})
"""What a value states unmistakably, even where no word says so."""
MOST_BESIDE = 3
MOST_UNHEARD = 0.6  # of the other words, by rarity, that no passage holds
MOST_WEIGHT = 20.0  # of the words beyond names and topics


class Bearing:
    """How the passages of one index bear on questions."""

    def __init__(self, retriever: Retriever) -> None:
        self._retriever = retriever
        self.index: Index = retriever.index
        count = max(len(self.index.concepts), 1)
        self.concept_weight = {
            name: float(np.log(1 + count / (1 + sum(name in each for each in self.index.concepts))))
            for name in lexicon().concepts
        }
        """How much it says that a passage names a concept: the rarer, the more."""

    def signs(self, asked: Asked, ranked: Sequence[Ranked], place: int) -> Signs:
        """Return what speaks for and against one of the ranked passages."""
        one, index = ranked[place], self.index
        passage, number = one.passage, one.number
        held = index.held[number]
        concept, direct = self.concept(asked, number)
        rest = {each: index.idf(each) for each in asked.rest}
        weight = sum(rest.values())
        terms = {each: index.idf(each) for each in asked.terms}
        old = passage.status is Status.OLD
        beside = len(index.concepts[number] - self.wanted(asked))
        both = passage.language.japanese and asked.language.japanese
        return Signs(
            cosine=one.dense or 0.0,
            gap=ranked[0].score - one.score,
            place=1 / (1 + place),
            concept=concept,
            direct=float(direct),
            asks=float(bool(asked.all_concepts)),
            rest=self.rest(asked, held),
            alone=float(not rest),
            weight=min(weight, MOST_WEIGHT) / MOST_WEIGHT,
            unheard=_share(sum(rest[each] for each in rest if not index.knows(each)), weight),
            about=self.about(asked, number),
            named=float(bool(asked.names)),
            fact=float(passage.kind is Kind.FACT),
            own=float(both or passage.language is asked.language),
            same=float(passage.language is asked.language),
            old=float(old and not asked.past),
            qualified=self.qualified(asked, passage),
            main=float(bool(index.main[number] & asked.all_concepts)),
            beside=min(beside, MOST_BESIDE) / MOST_BESIDE,
            covered=_share(sum(terms[each] for each in terms if each in held), sum(terms.values())),
            unknown=float(bool(asked.unknown)),
            japanese=float(asked.language.japanese),
        )

    def unheard(self, asked: Asked) -> bool:
        """Whether a question speaks of what no passage does: a name, or hardly a known word."""
        if asked.unknown and asked.language is not Language.KO:
            return True
        rest = {each: self.index.idf(each) for each in asked.rest}
        unheard = sum(weight for each, weight in rest.items() if not self.index.knows(each))
        return not self.names_a_sight(asked) and _share(unheard, sum(rest.values())) > MOST_UNHEARD

    def names_a_sight(self, asked: Asked) -> bool:
        """Whether a sight is named, and not just the town."""
        return any(self.index.names.town not in each.others for each in asked.names)

    def about(self, asked: Asked, number: int) -> float:
        closeness = [self._retriever.closeness(number, each) for each in asked.names]
        if not closeness or (asked.all_concepts & ON_THE_WAY and not min(closeness)):
            return 0.0
        return sum(closeness) / len(closeness)

    def concept(self, asked: Asked, number: int) -> tuple[float, bool]:
        """Return how much of what was asked the passage names, and whether its item does so."""
        wanted = {each: self.concept_weight[each] for each in asked.concepts}
        wanted |= {each: 0.5 * self.concept_weight[each] for each in asked.implied}
        if not wanted:
            return 0.0, False
        known, passage = lexicon().concepts, self.index.library.passages[number]
        shown = passage.value if passage.value is not None else passage.text
        found, direct = 0.0, False
        shaped = self.shaped(asked, passage) if passage.kind is Kind.FACT else frozenset()
        for name, weight in wanted.items():
            meant = {name} | known[name].includes
            named = bool(meant & self.index.concepts[number]) or (
                # 「何時に見られますか?」 above a row with a time says what the time is of.
                bool(asked.names)
                and known[name].expects is not None
                and name in asked.implied & self.index.headed[number]
                and passage.kind is Kind.FACT
            )
            mentioned = named or bool(meant & self.index.mentioned[number]) or name in shaped
            fits = known[name].answered_by(f"{shown} {passage.note or ''}")
            implied = name in asked.implied and known[name].expects is not None
            if fits and (mentioned or implied):
                found += weight * (1.0 if named else 0.6)
                direct = direct or named
        return found / sum(wanted.values()), direct

    def aside(self, asked: Asked, number: int) -> bool:
        """Whether a passage only mentions what was asked, under a heading about something else."""
        passage, headed = self.index.library.passages[number], self.index.headed[number]
        if self.wanted(asked) & headed:
            return False
        return bool(headed) if passage.kind is Kind.PROSE else not self.shaped(asked, passage)

    @staticmethod
    def shaped(asked: Asked, passage: Passage) -> frozenset[str]:
        """Return what was asked that the value answers by its form alone: 1日1,000円 is a price."""
        known = lexicon().concepts
        return frozenset(
            each
            for each in asked.all_concepts
            if known[each].expects in BY_FORM and known[each].answered_by(passage.value or "")
        )

    def rest(self, asked: Asked, held: frozenset[str]) -> float:
        weights = {each: self.index.idf(each) for each in asked.rest}
        if not weights:
            return 1.0
        known = lexicon().same
        met = (
            weight
            for each, weight in weights.items()
            if each in held or not held.isdisjoint(known.get(each, ()))
        )
        return sum(met) / sum(weights.values())

    @staticmethod
    def wanted(asked: Asked) -> frozenset[str]:
        """Return what was asked, with what answers it as well: a bus is a way to get there."""
        known = lexicon().concepts
        return asked.all_concepts.union(*(known[each].includes for each in asked.all_concepts))

    @staticmethod
    def qualified(asked: Asked, passage: Passage) -> float:
        """1 if the passage is for whom or when was asked, 0 if it does not say."""
        if not asked.qualifiers:
            return 0.0
        known = lexicon()
        wanted = (
            frozenset(
                each for name in asked.qualifiers for each in known.narrower.get(name, {name})
            )
            | asked.qualifiers
        )
        stated = known.qualified(without_ruby(passage.item or passage.text))
        return 1.0 if stated & wanted else -0.5 if stated else 0.0

    @staticmethod
    def spoken_of(passage: Passage) -> frozenset[str]:
        above = passage.headings[-1] if passage.headings else ""
        return lexicon().named(without_ruby(f"{above} {passage.text}"))


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0
