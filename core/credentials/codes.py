"""Claim codes: made in bulk, shown once, kept as keyed hashes, each good for one person.

Codes for orders (furusato-nozei) are made one an order: the order's number is kept as a keyed hash
alone, so the same list imported again makes nothing new.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, case, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from core import audit
from core.credentials.hashing import Derive, keyed_hash
from core.credentials.methods import Subject, Unproved
from core.credentials.records import revoke_subject
from core.credentials.spelling import ClaimCode, new_code, read_code
from core.credentials.tabular import normal_order
from core.errors import NotFound, ProofRejected
from core.tables import ClaimCodeRow, CodeBatchRow, CredentialRow
from core.town import Proof, TownPack

MAX_COUNT: Final = 10_000
"""Codes in one batch of a form; lists of orders may be longer."""

_CHUNK: Final = 500  # rows named in one statement: SQLite and PostgreSQL take far more


@dataclass(frozen=True, slots=True)
class Made:
    """A code that was just made. This is the only time that it can be seen."""

    serial: int
    code: ClaimCode
    order: str = ""  # the order's number as it was imported


@dataclass(frozen=True, slots=True)
class Batch:
    """How a batch of codes stands. `open` + used + expired + revoked = made."""

    id: int
    proof: str
    label: str
    by: str
    created_at: datetime
    expires_at: datetime
    made: int
    used: int
    expired: int
    revoked: int

    @property
    def open(self) -> int:
        """Codes that somebody can still use."""
        return self.made - self.used - self.expired - self.revoked


@dataclass(frozen=True, slots=True)
class OrderStatus:
    """How the code of one order stands."""

    batch: int
    serial: int
    state: str  # open, used, expired or revoked
    since: datetime


class Codes:
    """The claim codes of a town."""

    def __init__(self, town: TownPack, derive: Derive) -> None:
        self._proofs = {each.name: each for each in town.proofs if each.method == "code"}
        self._key = derive("claim-codes")

    @property
    def proofs(self) -> Sequence[Proof]:
        return tuple(self._proofs.values())

    # The method

    async def accept(
        self, session: AsyncSession, given: Mapping[str, str], *, now: datetime
    ) -> Subject:
        """See `Method.accept`. Takes ``code``, however it was typed."""
        code = read_code(given.get("code", ""))
        if code is None:
            raise ProofRejected(Unproved.TYPO)
        digest = self._digest(code)
        found = (
            await session.execute(
                select(ClaimCodeRow, CodeBatchRow)
                .join(CodeBatchRow, CodeBatchRow.id == ClaimCodeRow.batch_id)
                .where(ClaimCodeRow.digest == digest)
            )
        ).first()
        if found is None or found[0].revoked_at is not None:
            raise ProofRejected(Unproved.UNKNOWN)
        row, batch = found
        if (proof := self._proofs.get(batch.proof)) is None:
            raise ProofRejected(Unproved.SWITCHED_OFF)
        if row.used_at is None and batch.expires_at <= now:
            raise ProofRejected(Unproved.CODE_EXPIRED)
        return Subject(proof, digest, spent=row.used_at is not None)

    async def settle(self, session: AsyncSession, subject: Subject, *, now: datetime) -> None:
        """See `Method.settle`. Of a code taken back at this very moment, nothing is made."""
        used = await session.execute(
            update(ClaimCodeRow)
            .where(ClaimCodeRow.digest == subject.digest, ClaimCodeRow.revoked_at.is_(None))
            .values(used_at=now)
            .returning(ClaimCodeRow.serial)
        )
        if used.first() is None:
            raise ProofRejected(Unproved.UNKNOWN)

    def _digest(self, code: ClaimCode) -> str:
        return keyed_hash(self._key, "code", code)

    # Making

    async def make(
        self,
        session: AsyncSession,
        proof: str,
        *,
        count: int,
        expires_at: datetime,
        label: str,
        by: str,
        now: datetime,
    ) -> tuple[int, list[Made]]:
        """A batch of new codes, and its number. Raises `NotFound` for no proof of that name."""
        batch = await self._batch(
            session, proof, made=count, expires_at=expires_at, label=label, by=by, now=now
        )
        return batch, await self._add(session, batch, [None] * count)

    async def make_for_orders(
        self,
        session: AsyncSession,
        proof: str,
        orders: Sequence[str],
        *,
        expires_at: datetime,
        label: str,
        by: str,
        now: datetime,
    ) -> tuple[int | None, list[Made]]:
        """A code for each order that has none yet; no batch (`None`) where every one has.

        Runs again without harm: the unique key of the order decides between two imports at once,
        and the later one fails as a whole.
        """
        known = await self.known_orders(session, proof, orders)
        first = {normal_order(each): each for each in reversed(orders)}
        new = [
            each
            for each in dict.fromkeys(first[normal_order(each)] for each in orders)
            if each not in known
        ]
        if not new:
            return None, []
        batch = await self._batch(
            session, proof, made=len(new), expires_at=expires_at, label=label, by=by, now=now
        )
        return batch, await self._add(session, batch, new, proof)

    async def known_orders(
        self, session: AsyncSession, proof: str, orders: Iterable[str]
    ) -> set[str]:
        """Those of these orders that have a code already."""
        digests = {self._order(proof, each): each for each in orders}
        found: set[str] = set()
        wanted = list(digests)
        for start in range(0, len(wanted), _CHUNK):
            part = wanted[start : start + _CHUNK]
            rows = await session.scalars(
                select(ClaimCodeRow.order_digest).where(ClaimCodeRow.order_digest.in_(part))
            )
            found.update(digests[each] for each in rows if each is not None)
        return found

    def _order(self, proof: str, order: str) -> str:
        return keyed_hash(self._key, "order", proof, normal_order(order))

    async def _batch(
        self,
        session: AsyncSession,
        proof: str,
        *,
        made: int,
        expires_at: datetime,
        label: str,
        by: str,
        now: datetime,
    ) -> int:
        if proof not in self._proofs:
            raise NotFound(f"proof {proof}")
        row = CodeBatchRow(
            proof=proof,
            label=label[:100],
            by=by[:64],
            made=made,
            created_at=now,
            expires_at=expires_at,
        )
        session.add(row)
        await session.flush()
        detail = {"proof": proof, "count": made, "label": label[:100]}
        await _record(session, by, "credential.codes-made", row.id, detail, now)
        return row.id

    async def _add(
        self, session: AsyncSession, batch: int, orders: Sequence[str | None], proof: str = ""
    ) -> list[Made]:
        made = [
            Made(serial, new_code(), order or "") for serial, order in enumerate(orders, start=1)
        ]
        session.add_all(
            ClaimCodeRow(
                digest=self._digest(each.code),
                batch_id=batch,
                serial=each.serial,
                order_digest=self._order(proof, each.order) if each.order else None,
            )
            for each in made
        )
        await session.flush()
        return made

    # Looking after them

    async def batches(self, session: AsyncSession, *, now: datetime) -> list[Batch]:
        """Every batch with its counts, newest first."""
        used = func.count(ClaimCodeRow.used_at)
        revoked = func.sum(case((_is_revoked(), 1), else_=0))
        open_ = func.sum(case((_is_open(), 1), else_=0))
        rows = await session.execute(
            select(CodeBatchRow, used, revoked, open_)
            .outerjoin(ClaimCodeRow, ClaimCodeRow.batch_id == CodeBatchRow.id)
            .group_by(CodeBatchRow.id)
            .order_by(CodeBatchRow.id.desc())
        )
        return [
            Batch(
                row.id,
                row.proof,
                row.label,
                row.by,
                row.created_at,
                row.expires_at,
                made=row.made,
                used=used_now + row.used_before,
                expired=row.expired_before + (int(open_now or 0) if row.expires_at <= now else 0),
                revoked=int(revoked_now or 0) + row.revoked_before,
            )
            for row, used_now, revoked_now, open_now in rows
        ]

    async def revoke(
        self,
        session: AsyncSession,
        batch: int,
        *,
        serial: int | None,
        reason: str,
        by: str,
        now: datetime,
    ) -> tuple[int, list[int]]:
        """Take back one code, used or not; or (`serial` none) all of a batch that nobody has used.

        Returns how many were taken back and the members who lose a credential by it: their rooms
        are to be looked at again. Raises `NotFound`.
        """
        found = await session.get(CodeBatchRow, batch)
        if found is None:
            raise NotFound(f"batch {batch}")
        which = [ClaimCodeRow.batch_id == batch, ClaimCodeRow.revoked_at.is_(None)]
        which.append(
            ClaimCodeRow.used_at.is_(None) if serial is None else ClaimCodeRow.serial == serial
        )
        changed = await session.execute(
            update(ClaimCodeRow)
            .where(*which)
            .values(revoked_at=now, reason=reason[:200])
            .returning(ClaimCodeRow.digest)
        )
        digests = list(changed.scalars())
        if serial is not None and not digests:
            raise NotFound(f"code {serial} of batch {batch}")
        members = []
        if serial is not None:
            member = await revoke_subject(
                session, found.proof, digests[0], reason=reason, by=by, now=now
            )
            members = [member] if member is not None else []
        detail = {"count": len(digests), "serial": serial, "why": reason[:200]}
        await _record(session, by, "credential.codes-revoked", batch, detail, now)
        return len(digests), members

    async def order_status(
        self, session: AsyncSession, proof: str, order: str, *, now: datetime
    ) -> OrderStatus | None:
        """How the code of an order stands; `None` if the order was never imported."""
        found = (
            await session.execute(
                select(ClaimCodeRow, CodeBatchRow)
                .join(CodeBatchRow, CodeBatchRow.id == ClaimCodeRow.batch_id)
                .where(ClaimCodeRow.order_digest == self._order(proof, order))
            )
        ).first()
        if found is None:
            return None
        row, batch = found
        if row.revoked_at is not None:
            return OrderStatus(batch.id, row.serial, "revoked", row.revoked_at)
        if row.used_at is not None:
            return OrderStatus(batch.id, row.serial, "used", row.used_at)
        if batch.expires_at <= now:
            return OrderStatus(batch.id, row.serial, "expired", batch.expires_at)
        return OrderStatus(batch.id, row.serial, "open", batch.created_at)


def _is_open() -> ColumnElement[bool]:
    return (
        ClaimCodeRow.digest.is_not(None)
        & ClaimCodeRow.used_at.is_(None)
        & ClaimCodeRow.revoked_at.is_(None)
    )


def _is_revoked() -> ColumnElement[bool]:
    """Taken back before anybody used it; a used one stays counted as used."""
    return ClaimCodeRow.revoked_at.is_not(None) & ClaimCodeRow.used_at.is_(None)


async def forget_codes(session: AsyncSession, *, now: datetime, keep: timedelta) -> int:
    """Delete codes that have been over for longer than `keep`; their batches keep the counts.

    Codes of orders stay: without them the same list, imported again, would make new ones.
    A used code whose credential lives stays too: it says that this code is the member's own.
    """
    before = now - keep
    batches = await session.scalars(
        select(CodeBatchRow).where(CodeBatchRow.expires_at < before).with_for_update()
    )
    total = 0
    for batch in batches:
        live = select(CredentialRow.subject).where(CredentialRow.proof == batch.proof)
        for column, rule in (
            ("used_before", ClaimCodeRow.used_at < before),
            ("revoked_before", _is_revoked()),
            ("expired_before", _is_open()),
        ):
            gone = await session.execute(
                delete(ClaimCodeRow)
                .where(
                    ClaimCodeRow.batch_id == batch.id,
                    ClaimCodeRow.order_digest.is_(None),
                    ClaimCodeRow.digest.not_in(live),
                    rule,
                )
                .returning(ClaimCodeRow.serial)
                .execution_options(synchronize_session=False)
            )
            count = len(gone.all())
            setattr(batch, column, getattr(batch, column) + count)
            total += count
    return total


async def _record(
    session: AsyncSession,
    by: str,
    action: str,
    batch: int,
    detail: Mapping[str, object],
    now: datetime,
) -> None:
    shown = {name: value for name, value in detail.items() if value is not None}
    await audit.record(
        session, actor=by, action=action, subject=f"batch:{batch}", detail=shown, now=now
    )
