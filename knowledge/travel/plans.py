"""Plans as an answer: the calculator that reads a wish and has it planned."""

import weakref
from collections.abc import Mapping
from dataclasses import dataclass, replace

from knowledge.computed import Situation
from knowledge.computed.hours import Opening, stated
from knowledge.language import Language
from knowledge.retrieval.index import Index
from knowledge.travel.hours import hours_of
from knowledge.travel.naming import called
from knowledge.travel.plan import NoPlan, Plan, Wish
from knowledge.travel.planner import Planner
from knowledge.travel.sights import Sights, read_sights
from knowledge.travel.ways import Mode, Ways
from knowledge.travel.wishes import wish


@dataclass(frozen=True, slots=True)
class Known:
    """What was read from one library."""

    sights: Sights
    ways: Ways
    openings: Mapping[str, Opening | None]  # by sight, of those that a visit's length is known of


class Library:
    """Reads a library once and keeps what was read as long as its index."""

    def __init__(self) -> None:
        self._known: weakref.WeakKeyDictionary[Index, Known] = weakref.WeakKeyDictionary()

    def of(self, index: Index) -> Known:
        """Return what an index holds about travelling."""
        if (known := self._known.get(index)) is None:
            sights = read_sights(index)
            openings = {each: stated(index, index.names.of(each)) for each in sights.stays}
            known = self._known[index] = Known(sights, Ways(index), openings)
        return known


class DayPlans:
    """Answers 「雨の日に車で半日まわりたい」 with a plan."""

    def __init__(self, library: Library) -> None:
        self._library = library

    def answer(self, situation: Situation) -> Plan | NoPlan | None:
        """Return the plan, or why a wanted sight is in none.

        None if no plan is asked for, or if the guides state too little for any.
        """
        index = situation.index
        if (wished := wish(situation, lambda: self._library.of(index).ways)) is None:
            return None
        known = self._library.of(index)
        planner = Planner(
            known.sights,
            known.ways.between,
            index.sights,
            lambda facility, day: hours_of(known.openings[facility], day),
        )
        plan = planner.plan(wished)
        if plan is None and wished.mode is Mode.BUS:
            hired = replace(wished, modes=wished.modes | {Mode.CAR}, hired=True)
            plan = planner.plan(hired)
        language = situation.asked.language
        if plan is not None:
            return _named(plan, index, language)
        return _without(wished, known, index, language) if wished.wanted else None


def _without(wished: Wish, known: Known, index: Index, language: Language) -> NoPlan | None:
    """Say that the wanted sights do not fit, with what the guides state about them."""
    stays = [known.sights.stays[each] for each in wished.wanted if each in known.sights.stays]
    ways = [
        each
        for each in known.ways.stated
        if {each.origin.key, each.destination.key} <= wished.wanted
    ]
    quotes = tuple(dict.fromkeys([*(each.passage for each in ways), *(s.passage for s in stays)]))
    if not quotes:
        return None
    names = tuple(sorted(wished.wanted, key=lambda each: -index.sights[each]))
    return NoPlan(
        passages=quotes,
        names=names,
        local=tuple(called(index, each, language) for each in names),
        minutes=wished.minutes,
        mode=wished.mode,
        quotes=quotes,
    )


def _named(plan: Plan, index: Index, language: Language) -> Plan:
    """Add the names of sights in the asker's language."""

    def local(name: str) -> str | None:
        return called(index, name, language) if name in index.sights else None

    return replace(
        plan,
        steps=tuple(replace(each, local=local(each.name)) for each in plan.steps),
        missing_local=tuple(local(each) or each for each in plan.missing),
    )
