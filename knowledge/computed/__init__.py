"""Computed answers: what code works out from the town's facts, and no model ever writes.

A calculator reads a question that was understood, finds the facts that it needs in the library, and
returns its result as values, with the passages that hold them. Without all facts it returns None:
then the guides are quoted instead. The words are the caller's.
"""

from knowledge.computed.nouns import Calculator, Computed, Situation
from knowledge.computed.opened import OpenOrNot
from knowledge.computed.party_total import PartyTotals

__all__ = ["Calculator", "Computed", "Situation", "calculators"]


def calculators() -> tuple[Calculator, ...]:
    """Return what works out opening hours and fees."""
    return (PartyTotals(), OpenOrNot())
