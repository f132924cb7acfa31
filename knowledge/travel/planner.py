"""The planner: a wish to a plan, with all that it was made of and all that it rests on."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

from knowledge.travel.hours import Hours
from knowledge.travel.plan import Assumption, Plan, Step, StepKind, Wish
from knowledge.travel.route import LUNCH_IN, Between, Route, Search, Visit, length, unsure
from knowledge.travel.sights import Sights
from knowledge.travel.ways import Mode, Way

MOST_MISSING = 5


class Planner:
    """Finds the best plan for a wish."""

    def __init__(
        self,
        sights: Sights,
        between: Between,
        worth: Mapping[str, float],
        hours: Callable[[str, date], Hours],
    ) -> None:
        self._sights = sights
        self._between = between
        self._worth = worth  # of each sight: its prominence
        self._hours = hours

    def plan(self, wish: Wish) -> Plan | None:
        """Return the plan that sees most in the time; None if nothing fits."""
        search = Search(self._sights, self._between, self._worth, self._hours, wish)
        best = search.best()
        if best is None:
            return None
        return Composition(wish, self._sights, search.hours, best, self._missing(wish, best)).plan()

    def _missing(self, wish: Wish, route: Route) -> tuple[str, ...]:
        """Name sights that would suit, of which the guides state no time or no way."""
        seen = {each.facility for each in route.visits}
        if not wish.needs:
            return ()
        fitting = [
            each
            for each in self._worth
            if all(each in self._sights.suits[need] for need in wish.needs) and each not in seen
        ]
        return tuple(each for each in fitting if each not in self._sights.stays)[:MOST_MISSING]


@dataclass(slots=True)
class Composition:
    """Turns a route into a plan."""

    wish: Wish
    sights: Sights
    hours: Mapping[str, Hours]
    route: Route
    missing: tuple[str, ...]
    steps: list[Step] = field(default_factory=list)

    def plan(self) -> Plan:
        for each in self.route.visits:
            self.steps += self._visit(each)
        if self.wish.origin is not None and self.route.back:
            last = self.route.visits[-1].free
            self.steps.append(self._move(self.wish.origin.name, self.route.back, last))
        cautions = [
            self.sights.cautions[need][each.facility]
            for need in self.wish.needs
            for each in self.route.visits
            if each.facility in self.sights.cautions[need]
        ]
        notes = {each.note.id for each in self.steps if each.note is not None}
        cautions = [each for each in cautions if each.id not in notes]
        cited = [passage for each in self.steps for passage in each.passages]
        return Plan(
            passages=tuple(dict.fromkeys((*cited, *cautions))),
            steps=tuple(self.steps),
            minutes=self.wish.minutes,
            needs=self.wish.needs,
            mode=self.wish.mode,
            origin=self.wish.origin.name if self.wish.origin else None,
            assumptions=tuple(dict.fromkeys((*self.wish.assumed, *self._assumed()))),
            cautions=tuple(dict.fromkeys(cautions)),
            missing=self.missing,
        )

    def _at(self, minute: int) -> datetime:
        return datetime.combine(self.wish.day, time(), self.wish.zone) + timedelta(minutes=minute)

    def _visit(self, visit: Visit) -> Iterator[Step]:
        name = visit.facility
        if visit.ways:
            yield self._move(name, visit.ways, visit.leaves)
        if visit.begins > visit.arrives:
            yield Step(StepKind.WAIT, name, self._at(visit.arrives), self._at(visit.begins))
        hours = self.hours[name]
        notes = [self.sights.suits[need].get(name) for need in self.wish.needs]
        suits = [each for each in notes if each is not None]
        stay = self.sights.stays[name].passage
        yield Step(
            StepKind.VISIT,
            name,
            self._at(visit.begins),
            self._at(visit.ends),
            tuple(dict.fromkeys((stay, *hours.passages, *suits))),
            note=next((each for each in suits if each.item is not None), None),
            hours_known=hours.known,
            last_entry=hours.last_entry(visit.begins),
        )
        if visit.meal:
            food = self.sights.food[name]
            yield Step(
                StepKind.MEAL, name, self._at(visit.ends), self._at(visit.free), (food,), note=food
            )

    def _move(self, name: str, ways: tuple[Way, ...], leaves: int) -> Step:
        return Step(
            StepKind.MOVE,
            name,
            self._at(leaves),
            self._at(leaves + length(ways)),
            tuple(dict.fromkeys(each.passage for each in ways)),
            mode=self._mode(ways),
            via=tuple(each.destination.name for each in ways[:-1]),
        )

    def _mode(self, ways: tuple[Way, ...]) -> Mode | None:
        """Return how a joined way is gone; None if one has to change."""
        modes = {
            Mode.TAXI if self.wish.hired and each.mode is Mode.CAR else each.mode for each in ways
        }
        return modes.pop() if len(modes) == 1 else None

    def _assumed(self) -> Iterator[Assumption]:
        ways = [*self.route.back, *(each for one in self.route.visits for each in one.ways)]
        yield Assumption.LONGEST
        if any(each.turned for each in ways):
            yield Assumption.TURNED
        if any(each.via for each in self.steps):
            yield Assumption.JOINED
        if self.wish.origin is None:
            yield Assumption.NO_APPROACH
        hired = self.wish.hired and any(each.mode is Mode.CAR for each in ways)
        if hired:
            yield Assumption.TAXI
        if hired or any(each.mode in {Mode.BUS, Mode.TRAIN, Mode.TAXI} for each in ways):
            yield Assumption.NO_WAITING
        meal = any(each.meal for each in self.route.visits)
        if meal:
            yield Assumption.LUNCH
        elif self.wish.minutes >= LUNCH_IN:
            yield Assumption.NO_LUNCH
        hours = [self.hours[each.facility] for each in self.route.visits]
        if not all(each.known for each in hours):
            yield Assumption.HOURS_UNKNOWN
        if not all(each.sure for each in hours):
            yield Assumption.MAY_CLOSE
        if any(unsure(passage) for each in self.steps for passage in each.passages):
            yield Assumption.UNCONFIRMED
