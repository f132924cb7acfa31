"""Why a rule opens or does not: values that the adapters put into words, in any language.

No wallet and no token id of a member stands in them, so they may be stored and shown to staff.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import TypeAdapter, ValidationError

from core.town.rules import Everybody, KindRule, Leaf, ProofRule, TierRule, TokenRule
from core.town.words import Table


class Vouched(Table):
    """The town office's word for somebody, until a day."""

    vouched: Literal[True] = True


@dataclass(frozen=True, slots=True)
class Opened:
    """One part of a rule that is met."""

    leaf: Leaf | Vouched
    held: int = 1


@dataclass(frozen=True, slots=True)
class Lack:
    """One part of a rule that is not met."""

    leaf: Leaf
    held: int | None  # `None`: nobody could tell
    needed: int
    inside: "Shortfall | None" = None  # for a tier: what it asks for


@dataclass(frozen=True, slots=True)
class Lacks:
    """So many of these would do; all of them if `at_least` is their number."""

    at_least: int
    of: "tuple[Shortfall, ...]"


Shortfall = Lack | Lacks


def lacks(shortfall: Shortfall) -> Iterator[Lack]:
    """Every single part that is not met."""
    if isinstance(shortfall, Lack):
        yield shortfall
        return
    for each in shortfall.of:
        yield from lacks(each)


_OPENED: TypeAdapter[tuple[Opened, ...]] = TypeAdapter(tuple[Opened, ...])
_SHORTFALL: TypeAdapter[Shortfall] = TypeAdapter(Shortfall)


def pack_opened(by: tuple[Opened, ...]) -> dict[str, Any]:
    """As a grant keeps it."""
    return {"by": _OPENED.dump_python(by, mode="json")}


def unpack_opened(stored: Mapping[str, Any] | None) -> tuple[Opened, ...]:
    """What opened a door; nothing for a grant older than the reasons."""
    try:
        return _OPENED.validate_python((stored or {}).get("by", ()))
    except ValidationError:  # written by a version with other rules
        return ()


def pack_shortfall(shortfall: Shortfall | None) -> dict[str, Any] | None:
    if shortfall is None:
        return None
    stored: dict[str, Any] = _SHORTFALL.dump_python(shortfall, mode="json")
    return stored


def unpack_shortfall(stored: Mapping[str, Any] | None) -> Shortfall | None:
    """What was missing; `None` where the room itself is gone, or the reason is not known."""
    try:
        return _SHORTFALL.validate_python(stored) if stored else None
    except ValidationError:
        return None


def brief(by: tuple[Opened, ...]) -> str:
    """What opened a door in the words of the town pack, for the audit log."""
    return ", ".join(dict.fromkeys(_brief(each.leaf) for each in by))


def _brief(leaf: Leaf | Vouched) -> str:
    match leaf:
        case TokenRule(collection=name):
            return f"collection:{name}"
        case ProofRule(proof=name):
            return f"proof:{name}"
        case KindRule(kind=name):
            return f"kind:{name}"
        case TierRule(tier=name):
            return f"tier:{name}"
        case Vouched():
            return "staff"
        case Everybody():
            return "everybody"
