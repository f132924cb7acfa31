"""The town pack: everything that differs between towns, checked as a whole before a start.

A pack is a folder: ``town.toml`` with the files that it includes, ``guides/`` and ``data/``.
`load` reads it and raises `TownPackError`, which names file, line and remedy of every problem.
"""

from core.town.events import Event, moment_of
from core.town.model import (
    Chain,
    Collection,
    Contact,
    PersonaTable,
    TownPack,
)
from core.town.perks import Facility, Perk, Price
from core.town.reader import Problem, load
from core.town.rules import (
    AllOf,
    AnyOf,
    Everybody,
    Gate,
    Kind,
    KindRule,
    Leaf,
    Proof,
    ProofRule,
    Rule,
    SomeOf,
    Tier,
    TierRule,
    TokenRule,
    leaves,
)
from core.town.words import Localised

__all__ = [
    "AllOf",
    "AnyOf",
    "Chain",
    "Collection",
    "Contact",
    "Event",
    "Everybody",
    "Facility",
    "Gate",
    "Kind",
    "KindRule",
    "Leaf",
    "Localised",
    "Perk",
    "PersonaTable",
    "Price",
    "Problem",
    "Proof",
    "ProofRule",
    "Rule",
    "SomeOf",
    "Tier",
    "TierRule",
    "TokenRule",
    "TownPack",
    "leaves",
    "load",
    "moment_of",
]
