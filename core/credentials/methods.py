"""The protocol of a proof: what somebody says becomes a subject, or a refusal with its reason.

A method knows one way of proving something and nothing about members. Whoever comes first with a
subject gets the credential (`core.credentials.records.hold`); the method is told, and can mark
what was spent. A town has the methods that its ``[[proofs]]`` name, each usable alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncSession

from core.town import Proof


class Unproved(StrEnum):
    """Why something did not prove what it should. Each has its words for people."""

    TYPO = "code-typo"  # the check characters do not fit: nothing was looked up
    UNKNOWN = "code-unknown"  # not ours, or taken back
    USED = "code-used"
    CODE_EXPIRED = "code-expired"
    NOT_LISTED = "not-listed"
    INCOMPLETE = "incomplete"
    TAKEN = "taken"  # it has made somebody else a member
    EXPIRED = "expired"  # it was proved, and its time is over
    REVOKED = "revoked"
    CANCELLED = "identity-cancelled"
    STALE = "identity-stale"  # another browser, another time, or twice
    UNTRUSTED = "identity-untrusted"  # the provider's answer does not hold
    AWAY = "identity-away"  # the provider gives no answer: later
    SWITCHED_OFF = "switched-off"  # the town pack has no such proof (any more)


@dataclass(frozen=True, slots=True)
class Subject:
    """One thing in the world that makes one credential: a code, a purchase, a person."""

    proof: Proof
    digest: str  # keyed hash, 64 hex digits
    spent: bool = False  # used before: good only for the member whom it made
    renews: bool = False  # proving it again begins its time anew
    same_person: bool = False  # two accounts that prove it are one person (they may merge)


class Method(Protocol):
    """One way to prove something without a wallet."""

    async def accept(
        self, session: AsyncSession, given: Mapping[str, str], *, now: datetime
    ) -> Subject:
        """The subject of what somebody said. Raises `ProofRejected` with an `Unproved` reason."""

    async def settle(self, session: AsyncSession, subject: Subject, *, now: datetime) -> None:
        """The subject has just made a credential, in this very transaction."""
