"""Purchaser lists: who bought or gave, recognised by order number or e-mail, known by neither.

What a list asks for is the town pack's to say (``asks``); each entry is kept as one keyed hash over
all of it. A list can be imported again and again: what is known stays, what is new is added, and
with `replace` what no longer stands in it ends the credential that it made.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Insert, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from core import audit
from core.credentials.hashing import Derive, keyed_hash
from core.credentials.methods import Subject, Unproved
from core.credentials.records import restore, revoke_subject
from core.credentials.tabular import Entries, normal, read_entries
from core.database import Sessions, reading, transaction
from core.errors import NotFound, ProofRejected
from core.tables import CredentialRow, PurchaseRow
from core.town import Proof, TownPack

REMOVED: Final = "not on the newest list"
_CHUNK: Final = 2_000  # entries in one transaction: others write in between
_NAMED: Final = 500


@dataclass(frozen=True, slots=True)
class Listing:
    """A list that was read: keyed hashes alone. Nothing is stored yet."""

    proof: str
    digests: tuple[str, ...]
    entries: Entries


@dataclass(frozen=True, slots=True)
class Plan:
    """What importing a list would do."""

    new: int
    known: int
    returning: int  # taken off by an earlier list
    missing: int  # listed so far, not in this one
    members_affected: int  # who would lose their credential if the missing ones were taken off


@dataclass(frozen=True, slots=True)
class Imported:
    """What importing a list did. The members' rooms are to be looked at again."""

    new: int
    known: int
    returned: int
    removed: int
    members: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ListState:
    """How a list stands."""

    listed: int
    claimed: int
    removed: int


class Purchases:
    """The purchaser lists of a town."""

    def __init__(self, town: TownPack, derive: Derive) -> None:
        self._proofs = {each.name: each for each in town.proofs if each.method == "purchaser"}
        self._key = derive("purchasers")

    @property
    def proofs(self) -> Sequence[Proof]:
        return tuple(self._proofs.values())

    # The method

    async def accept(
        self,
        session: AsyncSession,
        given: Mapping[str, str],
        *,
        now: datetime,  # noqa: ARG002 - lists have no date
    ) -> Subject:
        """See `Method.accept`. Takes ``proof`` and what its list asks for."""
        proof = self._proofs.get(given.get("proof", ""))
        if proof is None:
            raise ProofRejected(Unproved.SWITCHED_OFF)
        entry = [normal(column, given.get(column, "")[:300]) for column in proof.asks]
        if not all(entry):
            raise ProofRejected(Unproved.INCOMPLETE)
        digest = self._digest(proof, entry)
        row = await session.scalar(_listed(proof.name).where(PurchaseRow.digest == digest))
        if row is None:
            raise ProofRejected(Unproved.NOT_LISTED)
        return Subject(proof, digest)

    async def settle(self, session: AsyncSession, subject: Subject, *, now: datetime) -> None:
        """See `Method.settle`. The credential itself says that the purchase has been claimed."""

    def _digest(self, proof: Proof, entry: Iterable[str]) -> str:
        return keyed_hash(self._key, proof.name, *proof.asks, *entry)

    # Importing

    def read(self, proof: str, content: bytes) -> Listing:
        """Read a file; takes about a second for 100,000 lines.

        Raises `NotFound` for no list of that name, `BadList` for a file that cannot be used.
        """
        found = self._proofs.get(proof)
        if found is None:
            raise NotFound(f"proof {proof}")
        entries = read_entries(content, found.asks)
        digests = tuple(self._digest(found, entry) for entry in entries.rows)
        return Listing(proof, digests, entries)

    async def plan(self, session: AsyncSession, listing: Listing) -> Plan:
        """What importing this list would do now."""
        rows = await session.execute(
            select(PurchaseRow.digest, PurchaseRow.removed_at).where(
                PurchaseRow.proof == listing.proof
            )
        )
        stored = {digest: removed_at is None for digest, removed_at in rows}
        known = [each for each in listing.digests if each in stored]
        missing = {each for each, listed in stored.items() if listed} - set(listing.digests)
        claimed = await session.scalars(
            select(CredentialRow.subject).where(
                CredentialRow.proof == listing.proof, CredentialRow.revoked_at.is_(None)
            )
        )
        returning = sum(not stored[each] for each in known)
        return Plan(
            new=len(listing.digests) - len(known),
            known=len(known) - returning,
            returning=returning,
            missing=len(missing),
            members_affected=len(missing.intersection(claimed)),
        )

    async def store(
        self, sessions: Sessions, listing: Listing, *, replace: bool, by: str, now: datetime
    ) -> Imported:
        """Import a list, some entries a transaction. Interrupted, it can run again.

        `replace`: what is not in this list is taken off, and the credential it made is revoked.
        """
        async with reading(sessions) as session:
            plan = await self.plan(session, listing)
        members: set[int] = set()
        for start in range(0, len(listing.digests), _CHUNK):
            part = listing.digests[start : start + _CHUNK]
            async with transaction(sessions) as session:
                members |= await self._list(session, listing.proof, part, by=by, now=now)
        removed = 0
        async with transaction(sessions) as session:
            if replace:
                removed, lost = await self._take_off(session, listing, by=by, now=now)
                members |= lost
            await audit.record(
                session,
                actor=by,
                action="credential.list-imported",
                subject=f"proof:{listing.proof}",
                detail={
                    "lines": listing.entries.lines,
                    "new": plan.new,
                    "known": plan.known,
                    "returned": plan.returning,
                    "removed": removed,
                },
                now=now,
            )
        return Imported(plan.new, plan.known, plan.returning, removed, tuple(sorted(members)))

    async def _list(
        self, session: AsyncSession, proof: str, digests: Sequence[str], *, by: str, now: datetime
    ) -> set[int]:
        insert = _insert_once(session)
        for start in range(0, len(digests), _NAMED):
            part = digests[start : start + _NAMED]
            rows = [
                {"proof": proof, "digest": each, "listed_at": now, "reason": ""} for each in part
            ]
            await session.execute(insert.values(rows))
        back: list[str] = []
        for start in range(0, len(digests), _NAMED):
            changed = await session.execute(
                update(PurchaseRow)
                .where(
                    PurchaseRow.proof == proof,
                    PurchaseRow.digest.in_(digests[start : start + _NAMED]),
                    PurchaseRow.removed_at.is_not(None),
                    PurchaseRow.reason == REMOVED,
                )
                .values(removed_at=None, reason="", listed_at=now)
                .returning(PurchaseRow.digest)
            )
            back.extend(changed.scalars())
        restored = [
            await restore(session, proof, each, reason=REMOVED, by=by, now=now) for each in back
        ]
        return {each for each in restored if each is not None}

    async def _take_off(
        self, session: AsyncSession, listing: Listing, *, by: str, now: datetime
    ) -> tuple[int, set[int]]:
        wanted = set(listing.digests)
        rows = await session.scalars(_listed(listing.proof).with_for_update())
        gone = [row for row in rows if row.digest not in wanted]
        members = set()
        for row in gone:
            row.removed_at, row.reason = now, REMOVED
            member = await revoke_subject(
                session, listing.proof, row.digest, reason=REMOVED, by=by, now=now
            )
            if member is not None:
                members.add(member)
        return len(gone), members

    async def state(self, session: AsyncSession, proof: str) -> ListState:
        """How many are listed, have become members, and were taken off."""
        listed = await session.scalar(select(func.count()).select_from(_listed(proof).subquery()))
        total = await session.scalar(
            select(func.count(PurchaseRow.id)).where(PurchaseRow.proof == proof)
        )
        claimed = await session.scalar(
            select(func.count(CredentialRow.id)).where(
                CredentialRow.proof == proof, CredentialRow.revoked_at.is_(None)
            )
        )
        return ListState(listed or 0, claimed or 0, (total or 0) - (listed or 0))


def _listed(proof: str) -> Any:
    return select(PurchaseRow).where(PurchaseRow.proof == proof, PurchaseRow.removed_at.is_(None))


def _insert_once(session: AsyncSession) -> Insert:
    """An insert that leaves what is there as it is: the unique key decides."""
    if session.get_bind().dialect.name == "postgresql":
        return postgresql.insert(PurchaseRow).on_conflict_do_nothing()
    return sqlite.insert(PurchaseRow).on_conflict_do_nothing()
