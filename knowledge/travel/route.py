"""Routes: the order of visits that sees most in the time there is.

All orders of a few sights are tried; a route is worth its sights, and of two that are worth the
same the one with less time on the way is better.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import date

from knowledge.passage import Passage, Status
from knowledge.travel.hours import Hours
from knowledge.travel.plan import Wish
from knowledge.travel.sights import Need, Sights
from knowledge.travel.ways import Mode, Way

Between = Callable[[str, str, Collection[Mode]], tuple[Way, ...] | None]
"""The quickest way between two places by some modes; None if none is stated."""

MOST_STOPS = 6
MOST_CANDIDATES = 9
LONGEST_WAIT = 45  # minutes before a sight opens
LUNCH = 60  # minutes
LUNCH_FROM = 11 * 60  # when a meal may begin, minutes after midnight
LUNCH_UNTIL = 13 * 60 + 30
LUNCH_IN = 5 * 60  # minutes that a plan must have for a meal to be part of it
MEAL_WORTH = 0.5
UNSURE_WORTH = 0.4  # taken off for hours that are not known or to be confirmed


@dataclass(frozen=True, slots=True)
class Visit:
    """One visit on a route, with the way to it, in minutes after midnight."""

    facility: str
    ways: tuple[Way, ...]
    leaves: int  # minutes after midnight
    arrives: int
    begins: int
    ends: int
    meal: bool

    @property
    def free(self) -> int:
        """When one can go on."""
        return self.ends + LUNCH * self.meal


@dataclass(frozen=True, slots=True)
class Route:
    """Visits one after the other."""

    visits: tuple[Visit, ...] = ()
    worth: float = 0.0
    back: tuple[Way, ...] = ()

    @property
    def key(self) -> tuple[float, int, int]:
        """The better of two routes has the greater key."""
        way = sum(each.minutes for one in self.visits for each in one.ways)
        return (self.worth, -way, -self.visits[-1].free if self.visits else 0)


class Search:
    """Looks through the orders in which sights can be seen."""

    def __init__(
        self,
        sights: Sights,
        between: Between,
        worth: Mapping[str, float],
        hours: Callable[[str, date], Hours],
        wish: Wish,
    ) -> None:
        self._sights = sights
        self._between = between
        self._wish = wish
        self._worth = worth
        fitting = [each for each in sights.stays if self._fits(each)]
        known = {each: hours(each, wish.day) for each in fitting}
        self.hours = {each: one for each, one in known.items() if not one.closed}
        ranked = sorted(self.hours, key=lambda each: (each not in wish.wanted, -self._value(each)))
        self._candidates = ranked[:MOST_CANDIDATES]
        self._found: dict[tuple[str, str], tuple[Way, ...] | None] = {}
        self._best = Route()

    def best(self) -> Route | None:
        """Return the best route with all that is wanted."""
        if not self._wish.wanted <= self.hours.keys():
            return None
        self._extend(Route())
        return self._best if self._best.visits else None

    def _fits(self, facility: str) -> bool:
        """Whether a sight may be part of the plan; who names several sights wants no others."""
        if len(self._wish.wanted) > 1 and facility not in self._wish.wanted:
            return False
        if facility in self._wish.wanted:
            return all(
                facility in self._sights.suits[need]
                for need in self._wish.needs
                if need in {Need.WHEELCHAIR, Need.STROLLER}
            )
        return all(facility in self._sights.suits[need] for need in self._wish.needs)

    def _value(self, facility: str) -> float:
        hours = self.hours[facility]
        doubtful = not (hours.known and hours.sure) or any(unsure(each) for each in hours.passages)
        return 1.0 + self._worth.get(facility, 0.0) - UNSURE_WORTH * doubtful

    def _extend(self, route: Route) -> None:
        if self._complete(route) and route.key > self._best.key:
            self._best = route
        if len(route.visits) == MOST_STOPS:
            return
        seen = {each.facility for each in route.visits}
        for facility in self._candidates:
            if facility in seen:
                continue
            visit = self._visit(route, facility)
            if visit is None:
                continue
            back = self._back(facility)
            if back is not None and visit.free + length(back) <= self._end:
                worth = route.worth + self._value(facility) + MEAL_WORTH * visit.meal
                self._extend(Route((*route.visits, visit), worth, back))

    @property
    def _end(self) -> int:
        return self._wish.start + self._wish.minutes

    def _complete(self, route: Route) -> bool:
        return bool(route.visits) and self._wish.wanted <= {each.facility for each in route.visits}

    def _back(self, facility: str) -> tuple[Way, ...] | None:
        """Return the way back to where the plan begins; none is needed without such a place."""
        if self._wish.origin is None:
            return ()
        return self._way(facility, self._wish.origin.key)

    def _way(self, origin: str, destination: str) -> tuple[Way, ...] | None:
        key = (origin, destination)
        if key not in self._found:
            self._found[key] = self._between(*key, self._wish.modes)
        return self._found[key]

    def _visit(self, route: Route, facility: str) -> Visit | None:
        """Return the visit as it would follow a route; None if it cannot."""
        last = route.visits[-1] if route.visits else None
        origin = last.facility if last else self._wish.origin and self._wish.origin.key
        ways = self._way(origin, facility) if origin else ()
        if ways is None:
            return None
        leaves = last.free if last else self._wish.start
        arrives = leaves + length(ways)
        stay = self._sights.stays[facility]
        begins = self.hours[facility].entry(arrives, stay.minutes)
        if begins is None or begins - arrives > LONGEST_WAIT:
            return None
        ends = begins + stay.minutes
        had = any(each.meal for each in route.visits)
        meal = (
            self._wish.minutes >= LUNCH_IN
            and not had
            and facility in self._sights.food
            and LUNCH_FROM <= ends <= LUNCH_UNTIL
        )
        return Visit(facility, ways, leaves, arrives, begins, ends, meal)


def length(ways: tuple[Way, ...]) -> int:
    return sum(each.minutes for each in ways)


def unsure(passage: Passage) -> bool:
    return passage.status is Status.UNCONFIRMED
