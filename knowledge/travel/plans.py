"""Plans as an answer: the calculator that reads a wish and has it planned."""

import weakref
from collections.abc import Mapping
from dataclasses import dataclass, replace

from knowledge.computed import Situation
from knowledge.computed.hours import Opening, stated
from knowledge.index import Index
from knowledge.language import Language
from knowledge.travel.hours import hours_of
from knowledge.travel.naming import called
from knowledge.travel.plan import Plan
from knowledge.travel.planner import Planner
from knowledge.travel.sights import Sights, read_sights
from knowledge.travel.ways import Ways
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

    def answer(self, situation: Situation) -> Plan | None:
        """Return the plan; None if none is asked for, or if the guides state too little."""
        index = situation.index
        known = self._library.of(index)
        if (wished := wish(situation, known.sights, known.ways)) is None:
            return None
        planner = Planner(
            known.sights,
            known.ways,
            index.sights,
            lambda facility, day: hours_of(known.openings[facility], day),
        )
        plan = planner.plan(wished)
        return _named(plan, index, situation.asked.language) if plan is not None else None


def _named(plan: Plan, index: Index, language: Language) -> Plan:
    """Add the names of sights in the asker's language."""

    def local(name: str) -> str | None:
        return called(index, name, language) if name in index.sights else None

    return replace(
        plan,
        steps=tuple(replace(each, local=local(each.name)) for each in plan.steps),
        missing_local=tuple(local(each) or each for each in plan.missing),
    )
