"""The rules of a town pack as the records keep them, to see what a change of them would do."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from pydantic import ValidationError

from core.access.evidence import Evidence
from core.town import TownPack

TABLES: Final = ("gates", "tiers", "kinds", "proofs", "collections")
_TELLING: Final[Mapping[str, tuple[str, ...]]] = {
    "gates": ("name", "rule", "web_room", "telegram_chat", "discord_role"),
    "tiers": ("name", "rule"),
    "kinds": ("name",),
    "proofs": ("name", "method", "kind", "valid_days", "issuer"),
    "collections": ("name", "chain_id", "contract", "standard", "token_id", "delegated"),
}
"""What decides who may be where; titles and notes do not."""


def rules_of(town: TownPack) -> dict[str, Any]:
    """The rules as they are stored."""
    return town.model_dump(mode="json", include=set(TABLES))


def fingerprint(rules: Mapping[str, Any]) -> str:
    """SHA-256 over all of the rules that decides who may be where."""
    telling = {
        table: [{name: each.get(name) for name in _TELLING[table]} for each in rules[table]]
        for table in TABLES
    }
    return hashlib.sha256(json.dumps(telling, sort_keys=True).encode()).hexdigest()


def town_before(town: TownPack, rules: Mapping[str, Any]) -> TownPack | None:
    """The town with the rules that were stored; `None` if this version cannot read them."""
    try:
        before = TownPack.model_validate(
            {
                **town.model_dump(mode="json"),
                **{name: rules[name] for name in TABLES},
                "perks": (),
            }
        )
    except (ValidationError, KeyError):
        return None
    return before


def evidence_before(evidence: Evidence, town: TownPack, before: TownPack) -> Evidence:
    """What of `evidence`, read for `town`, also speaks under the rules before.

    A collection that the pack no longer has, or has elsewhere, was not read: nobody can tell.
    """
    unread = {
        each.name
        for each in before.collections
        if (now := town.collection(each.name)) is None
        or (now.chain_id, now.contract, now.token_id)
        != (each.chain_id, each.contract, each.token_id)
    }
    if not unread:
        return evidence
    return replace(
        evidence,
        holdings=tuple(each for each in evidence.holdings if each.collection not in unread),
        missing={**evidence.missing, **dict.fromkeys(unread, "no longer read")},
    )
