"""What speaks for a member, as far as anybody could tell: tokens, other proofs, and the gaps.

A gap is named, never filled: a collection that no node could answer for stands in `missing`, a
token whose metadata could not be read has `None` for its traits. Rules over a gap are undecided.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from core.chain.values import Finality
from core.credentials import Credential
from core.holdings import Holding


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of one member at one moment."""

    holdings: tuple[Holding, ...] = ()
    credentials: tuple[Credential, ...] = ()  # live ones only
    missing: Mapping[str, str] = field(default_factory=dict)  # collection → why nobody could tell
    traits: Mapping[tuple[str, int], Mapping[str, str] | None] = field(default_factory=dict)
    """By collection and token id; `None`: could not be read. Only where a rule asks."""
    vouched: frozenset[str] = frozenset()
    """The gates that staff have opened for this member until a day, whatever the rule says."""


class EvidenceReader(Protocol):
    """Collects what speaks for a member."""

    async def of(self, member_id: int, *, finality: Finality) -> Evidence:
        """Never raises for a chain that is away: what could not be read is `Evidence.missing`."""
