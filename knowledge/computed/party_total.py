"""Totals: what a party pays at the sights that a question names."""

import re
from dataclasses import dataclass

from knowledge.computed.fees import Fees, Party, Total, fees
from knowledge.computed.nouns import Computed, Situation
from knowledge.computed.opened import subject
from knowledge.computed.party import besides, party
from knowledge.computed.words import expressions, words
from knowledge.language import Language
from knowledge.names import Name
from knowledge.question import Asked, understand
from knowledge.retrieval.index import Index
from knowledge.retrieval.retrieve import READABLE

MOST_SIGHTS = 5
_BESIDES = frozenset({"price", "discount", "stroller", "season", "holiday"})


@dataclass(frozen=True, slots=True)
class PartyTotal(Computed):
    """What a party pays, sight by sight."""

    party: Party
    sights: tuple[Total, ...]

    @property
    def low(self) -> int:
        """Yen, at the least."""
        return sum(each.low for each in self.sights)

    @property
    def high(self) -> int:
        """Yen, at the most."""
        return sum(each.high for each in self.sights)

    @property
    def complete(self) -> bool:
        """Whether every price is stated."""
        return all(each.complete for each in self.sights)

    @property
    def unconfirmed(self) -> bool:
        """Whether any price has to be confirmed."""
        return any(each.unconfirmed for each in self.sights)


class PartyTotals:
    """Answers 大人2人と小学生1人でいくら?; leaves plain prices to the guides."""

    def answer(self, situation: Situation) -> PartyTotal | None:
        asked = situation.asked
        if not _asks(asked):
            return None
        coming = party(asked.text)
        if coming is None or not _nothing_else(asked, situation.index):
            return None
        names = _sights(asked, situation.index)
        if len(names) < 2 and not _worth_adding(coming):  # noqa: PLR2004
            return None
        totals = [_total(situation.index, each, coming, asked.language) for each in names]
        known = tuple(each for each in totals if each is not None)
        if not known or len(known) < len(totals):
            return None
        passages = tuple(dict.fromkeys(each for total in known for each in total.passages))
        return PartyTotal(passages, coming, known)


def _asks(asked: Asked) -> bool:
    text = asked.text.casefold()
    totalled = not asked.all_concepts and re.search(words("ask", "total"), text)
    if asked.past or not ("price" in asked.all_concepts or totalled):
        return False
    if asked.all_concepts - _BESIDES:
        return False
    return re.search(words("fee", "product"), text) is None


def _nothing_else(asked: Asked, index: Index) -> bool:
    """Whether a question is about admission and not about anything else that costs."""
    left = understand(besides(asked.text), asked.language, index)
    fillers = expressions("ask", "party-filler")
    return not left.unknown and not [each for each in left.rest if each not in fillers]


def _worth_adding(coming: Party) -> bool:
    """Whether there is anything to work out: one adult's fee stands in the guide as it is."""
    return coming.size > 1 or any(each.age is not None for each in coming.guests)


def _sights(asked: Asked, index: Index) -> tuple[Name, ...]:
    named = tuple(each for each in asked.names if index.names.town not in each.others)
    if len(named) > 1:
        return named[:MOST_SIGHTS] if len(named) <= MOST_SIGHTS else ()
    one = subject(asked, index)
    return (one,) if one is not None else ()


def _total(index: Index, name: Name, coming: Party, language: Language) -> Total | None:
    """Add up by the Japanese rows; cite those of the asker's language where they say the same."""
    base = fees(index, name, Language.JA)
    own: Fees | None = None
    for each in READABLE[language]:
        own = own or fees(index, name, each)
    if base is None:
        base = own
    if base is None:
        return None
    total = base.total(coming)
    shown = own.total(coming) if own is not None else total
    if _disputed(total, shown):
        return None
    if _prices(shown) == _prices(total) and not total.offers:
        total = shown
    elif own is not None:
        total = Total(own.subject, total.lines, total.offers)
    nothing = all(each.rate is None for options in total.lines for each in options)
    return None if nothing else total


def _disputed(one: Total, other: Total) -> bool:
    """Whether two languages state different prices for the same people."""
    rates = (
        {
            (at, line.category): line.rate.yen
            for at, options in enumerate(total.lines)
            for line in options
            if line.rate is not None
        }
        for total in (one, other)
    )
    first, second = rates
    return any(first[each] != second[each] for each in first.keys() & second.keys())


def _prices(total: Total) -> object:
    return [
        [(each.category, each.rate and each.rate.yen) for each in options]
        for options in total.lines
    ]
