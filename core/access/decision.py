"""A gate compared with what a member holds. Pure: no database, no chain, no platform."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from core.holdings import Holding
from core.town import AllOf, AnyOf, Everybody, Gate, Rule, TokenRule


@dataclass(frozen=True, slots=True)
class Admitted:
    gate: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The member may not be in the room; the numbers let an adapter say why."""

    gate: str
    held: int
    needed: int


@dataclass(frozen=True, slots=True)
class Unknown:
    """Nobody could tell. Nothing is opened and nothing is closed on it."""

    gate: str
    why: str


Decision = Admitted | Refused | Unknown


def decide(gate: Gate, holdings: Iterable[Holding]) -> Decision:
    """Compare one gate with all that a member holds, summed over their wallets."""
    sums: dict[str, int] = {}
    for holding in holdings:
        sums[holding.collection] = sums.get(holding.collection, 0) + holding.balance
    held, needed = _shortfall(gate.rule, sums)
    return Admitted(gate.name) if held >= needed else Refused(gate.name, held, needed)


def _shortfall(rule: Rule, sums: Mapping[str, int]) -> tuple[int, int]:
    """What is held of the part of the rule that decides, and what it asks for."""
    match rule:
        case TokenRule():
            return sums.get(rule.collection, 0), rule.at_least
        case AllOf():
            parts = [_shortfall(part, sums) for part in rule.all]
            return next(((held, needed) for held, needed in parts if held < needed), parts[0])
        case AnyOf():
            parts = [_shortfall(part, sums) for part in rule.any]
            return next(((held, needed) for held, needed in parts if held >= needed), parts[0])
        case Everybody():
            return 1, 1
        case _:
            return 0, 1
