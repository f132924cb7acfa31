"""The credentials of members, whatever they were made by."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, delete, func, literal, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from core import audit
from core.credentials.methods import Subject, Unproved
from core.errors import ProofRejected
from core.identity import note_arrival
from core.tables import CredentialRow
from core.town import Proof


@dataclass(frozen=True, slots=True)
class Credential:
    """One thing that a member has proved."""

    id: int
    proof: str  # the town pack's name for it
    proved_at: datetime
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class Held:
    """The credential is this member's."""

    id: int
    new: bool
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class HeldByAnother:
    """The subject has made a credential of somebody else already."""

    member_id: int


async def credentials_of(
    session: AsyncSession, member_id: int, *, now: datetime
) -> list[Credential]:
    """The live credentials of a member."""
    rows = await session.scalars(
        select(CredentialRow)
        .where(
            CredentialRow.member_id == member_id,
            CredentialRow.revoked_at.is_(None),
            or_(CredentialRow.expires_at.is_(None), CredentialRow.expires_at > now),
        )
        .order_by(CredentialRow.id)
    )
    return [Credential(row.id, row.proof, row.proved_at, row.expires_at) for row in rows]


async def hold(
    session: AsyncSession, member_id: int, subject: Subject, *, now: datetime
) -> Held | HeldByAnother:
    """Let a subject make a credential of a member. Again for the same member is fine.

    The unique key decides between two people at the same moment. Raises `ProofRejected` where it
    was revoked, has expired without being renewable, or is a code that has been used.
    """
    row = await _row(session, subject)
    if row is None and subject.spent:
        raise ProofRejected(Unproved.USED)
    expires_at = _expiry(subject.proof, now)
    if row is None:
        made = CredentialRow(
            member_id=member_id,
            proof=subject.proof.name,
            subject=subject.digest,
            proved_at=now,
            expires_at=expires_at,
        )
        try:
            async with session.begin_nested():
                session.add(made)
        except IntegrityError:  # somebody was quicker
            row = await _row(session, subject)
        else:
            await note_arrival(session, member_id, now=now)
            await audit.record_of_member(
                session,
                member_id,
                "credential.made",
                detail={"proof": subject.proof.name},
                now=now,
            )
            return Held(made.id, new=True, expires_at=expires_at)
    if row is None:
        raise ProofRejected(Unproved.USED)
    if row.revoked_at is not None:
        raise ProofRejected(Unproved.REVOKED)
    if row.member_id != member_id:
        return HeldByAnother(row.member_id)
    if subject.renews:
        row.proved_at, row.expires_at = now, expires_at
    elif row.expires_at is not None and row.expires_at <= now:
        raise ProofRejected(Unproved.EXPIRED)
    return Held(row.id, new=False, expires_at=row.expires_at)


async def _row(session: AsyncSession, subject: Subject) -> CredentialRow | None:
    return await session.scalar(
        select(CredentialRow).where(
            CredentialRow.proof == subject.proof.name, CredentialRow.subject == subject.digest
        )
    )


def _expiry(proof: Proof, now: datetime) -> datetime | None:
    return now + timedelta(days=proof.valid_days) if proof.valid_days else None


async def unlink(
    session: AsyncSession, member_id: int, credential_id: int, *, by: str, now: datetime
) -> bool:
    """The member takes a proof back: it is forgotten. Returns whether there was one of theirs.

    A claim code stays used; a purchase or an identity may be proved again, by this account or by
    another of the same person.
    """
    gone = await session.execute(
        delete(CredentialRow)
        .where(
            CredentialRow.id == credential_id,
            CredentialRow.member_id == member_id,
            CredentialRow.revoked_at.is_(None),
        )
        .returning(CredentialRow.proof)
    )
    proof = gone.scalar()
    if proof is None:
        return False
    await audit.record_of_member(
        session, member_id, "credential.unlinked", by=by, detail={"proof": proof}, now=now
    )
    return True


async def revoke(
    session: AsyncSession, credential_id: int, *, reason: str, by: str, now: datetime
) -> int | None:
    """Staff end a credential; what it was made from makes no other. Returns whose it was."""
    return await _revoke(session, CredentialRow.id == credential_id, reason=reason, by=by, now=now)


async def revoke_subject(
    session: AsyncSession, proof: str, digest: str, *, reason: str, by: str, now: datetime
) -> int | None:
    """Like `revoke`, for whatever a code or a purchase has made."""
    here = (CredentialRow.proof == proof) & (CredentialRow.subject == digest)
    return await _revoke(session, here, reason=reason, by=by, now=now)


async def _revoke(
    session: AsyncSession, which: Any, *, reason: str, by: str, now: datetime
) -> int | None:
    changed = await session.execute(
        update(CredentialRow)
        .where(which, CredentialRow.revoked_at.is_(None))
        .values(revoked_at=now, reason=reason[:200])
        .returning(CredentialRow.member_id, CredentialRow.proof)
    )
    row = changed.first()
    if row is None:
        return None
    member_id: int = row.member_id
    await audit.record_of_member(
        session,
        member_id,
        "credential.revoked",
        by=by,
        detail={"proof": row.proof, "why": reason[:200]},
        now=now,
    )
    return member_id


async def restore(
    session: AsyncSession, proof: str, digest: str, *, reason: str, by: str, now: datetime
) -> int | None:
    """Give back what was revoked for this very reason. Returns whose it is."""
    changed = await session.execute(
        update(CredentialRow)
        .where(
            CredentialRow.proof == proof,
            CredentialRow.subject == digest,
            CredentialRow.revoked_at.is_not(None),
            CredentialRow.reason == reason,
        )
        .values(revoked_at=None, reason="")
        .returning(CredentialRow.member_id)
    )
    member_id = changed.scalar()
    if member_id is not None:
        await audit.record_of_member(
            session, member_id, "credential.restored", by=by, detail={"proof": proof}, now=now
        )
    return member_id


async def export(session: AsyncSession, member_id: int) -> list[Mapping[str, Any]]:
    """What a member has proved and until when; not the hashes, which say nothing to anybody."""
    rows = await session.scalars(
        select(CredentialRow).where(CredentialRow.member_id == member_id).order_by(CredentialRow.id)
    )
    return [
        {
            "proof": row.proof,
            "since": row.proved_at.isoformat(),
            "until": row.expires_at.isoformat() if row.expires_at else None,
            "revoked": row.revoked_at.isoformat() if row.revoked_at else None,
            "reason": row.reason or None,
        }
        for row in rows
    ]


async def counts(session: AsyncSession, *, now: datetime) -> dict[str, int]:
    """How many members have a live credential of each proof, for staff."""
    rows = await session.execute(
        select(CredentialRow.proof, func.count(CredentialRow.member_id.distinct()))
        .where(
            CredentialRow.revoked_at.is_(None),
            or_(CredentialRow.expires_at.is_(None), CredentialRow.expires_at > now),
        )
        .group_by(CredentialRow.proof)
    )
    return {row[0]: row[1] for row in rows}


def subjects_asked(member_id: int) -> Select[str, str, str]:
    """What a member has proved, live or not: who they are elsewhere. For one question with others.

    ``proof``, its name in the pack, and the keyed hash.
    """
    return select(literal("proof"), CredentialRow.proof, CredentialRow.subject).where(
        CredentialRow.member_id == member_id
    )
