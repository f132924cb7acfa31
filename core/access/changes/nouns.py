"""The nouns of changes: what would be lost, in which turn, and what two people agree to."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from core.access.reasons import Shortfall, pack_shortfall

MAX_REASONS: Final = 50


class ChangeKind(StrEnum):
    RULES = "rules"  # the pack's rules have changed
    MASS = "mass"  # many at once have lost what opened a room
    BY_HAND = "by-hand"  # many were let in by hand who do not belong


class ChangeState(StrEnum):
    WAITING = "waiting"
    APPROVED = "approved"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Loss:
    """One place that one account would lose."""

    gate: str
    platform: str
    place: str
    external_id: str
    member_id: int | None  # None: nobody we know
    reason: Shortfall | None = None  # None: the room is gone

    @property
    def key(self) -> tuple[str, str, str, str]:
        return self.gate, self.platform, self.place, self.external_id

    @property
    def person(self) -> str:
        return f"member:{self.member_id}" if self.member_id else self.platform + self.external_id


@dataclass(frozen=True, slots=True)
class Standing:
    """The pack's rules against those last applied."""

    fingerprint: str
    before: Mapping[str, Any] | None  # the rules last applied, where they differ


@dataclass(frozen=True, slots=True)
class Change:
    """A change as staff see it."""

    id: int
    kind: ChangeKind
    state: ChangeState
    digest: str
    people: int
    summary: Mapping[str, Any]
    found_at: datetime
    first_by: str | None
    first_at: datetime | None
    second_by: str | None
    settled_at: datetime | None


@dataclass(frozen=True, slots=True)
class Turn:
    """What one turn found, to be weighed as a whole."""

    ordinary: Sequence[Loss] = ()
    by_rules: Sequence[Loss] = ()
    by_hand: Sequence[Loss] = ()
    newcomers: Mapping[str, int] = field(default_factory=dict)  # gate → people who would get in
    undecided: int = 0  # people inside about whom nobody could tell
    whole: bool = False  # everybody was looked at


@dataclass(frozen=True, slots=True)
class Looked:
    """Where a look at the platforms has been: of others it says nothing."""

    places: set[tuple[str, str]] = field(default_factory=set)  # listed whole: platform, place
    accounts: set[tuple[str, str, str]] = field(default_factory=set)  # asked about one by one

    def at(self, loss: Loss) -> bool:
        """Whether it would have found this one."""
        where = loss.platform, loss.place
        return where in self.places or (*where, loss.external_id) in self.accounts


@dataclass(frozen=True, slots=True)
class Losses:
    """Losses in figures: people in all, by room, and by room and reason."""

    people: int
    rooms: Mapping[str, int]
    reasons: Sequence[Mapping[str, Any]]  # gate, reason as `pack_shortfall` keeps it, people

    @classmethod
    def of(cls, losses: Sequence[Loss]) -> "Losses":
        rooms: dict[str, set[str]] = {}
        reasons: dict[tuple[str, str], set[str]] = {}
        for each in losses:
            rooms.setdefault(each.gate, set()).add(each.person)
            reason = json.dumps(_without_counts(pack_shortfall(each.reason)), sort_keys=True)
            reasons.setdefault((each.gate, reason), set()).add(each.person)
        most = sorted(reasons.items(), key=lambda each: (-len(each[1]), each[0]))
        return cls(
            len({each.person for each in losses}),
            {gate: len(people) for gate, people in sorted(rooms.items())},
            [
                {"gate": gate, "reason": json.loads(reason), "people": len(people)}
                for (gate, reason), people in most[:MAX_REASONS]
            ],
        )


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What the next sweep would do, in figures."""

    changed: bool  # the pack's rules differ from those last applied
    by_rules: Losses
    ordinary: Losses
    newcomers: Mapping[str, int]
    undecided: int
    limit: int

    @property
    def waits(self) -> bool:
        """Whether the change of the rules would need two people."""
        return self.changed and self.by_rules.people + self.undecided > self.limit


@dataclass(frozen=True, slots=True)
class Verdict:
    """Which of a turn's losses may be carried out; by their keys, with the change approved."""

    allowed: Mapping[tuple[str, str, str, str], int | None]
    held: int = 0  # people who keep their rooms for now
    new: tuple[int, ...] = ()  # changes that have just begun to wait


def digest_of(losses: Iterable[Loss], undecided: int) -> str:
    """SHA-256 over who would lose what: two people agree to the same list."""
    listed = [undecided, sorted(each.key for each in losses)]
    return hashlib.sha256(json.dumps(listed).encode()).hexdigest()


def summarise(losses: Sequence[Loss], turn: Turn) -> dict[str, Any]:
    """A change in figures: people by room, by room and reason, who would get in, who is unread."""
    figures = Losses.of(losses)
    return {
        "rooms": dict(figures.rooms),
        "reasons": list(figures.reasons),
        "newcomers": dict(turn.newcomers),
        "undecided": turn.undecided,
    }


def _without_counts(stored: Any) -> Any:
    """The same reason whoever it is about: how many one holds makes no reason of its own."""
    if isinstance(stored, dict):
        return {
            key: (value and 0) if key == "held" else _without_counts(value)
            for key, value in stored.items()
        }
    return [_without_counts(each) for each in stored] if isinstance(stored, list) else stored
