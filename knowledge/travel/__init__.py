"""Travel: the next bus, how far it is, and plans for a day, worked out from the town's facts."""

from knowledge.computed import Calculator
from knowledge.travel.buses import NextBus
from knowledge.travel.distance import Distances
from knowledge.travel.plans import DayPlans, Library


def calculators() -> tuple[Calculator, ...]:
    """Return what works out buses, distances and plans."""
    library = Library()
    return (NextBus(), Distances(library), DayPlans(library))
