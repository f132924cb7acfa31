"""Travel: the next bus, how far it is, and plans for a day, worked out from the town's facts."""

from knowledge.computed import Calculator
from knowledge.travel.plans import DayPlans, Library


def calculators() -> tuple[Calculator, ...]:
    """Return what works out buses, distances and plans."""
    library = Library()
    return (DayPlans(library),)
