"""The town pack: everything that differs between towns, checked as a whole before a start.

A pack is a folder: ``town.toml`` with the files that it includes, ``guides/`` and ``data/``.
`load` reads it and raises `TownPackError`, which names file, line and remedy of every problem.
"""

from core.town.model import (
    AllOf,
    AnyOf,
    Chain,
    Collection,
    Contact,
    Gate,
    Localised,
    Perk,
    PersonaTable,
    Rule,
    TokenRule,
    TownPack,
)
from core.town.reader import Problem, load

__all__ = [
    "AllOf",
    "AnyOf",
    "Chain",
    "Collection",
    "Contact",
    "Gate",
    "Localised",
    "Perk",
    "PersonaTable",
    "Problem",
    "Rule",
    "TokenRule",
    "TownPack",
    "load",
]
