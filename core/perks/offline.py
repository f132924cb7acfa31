"""Without signal: what a desk needs to go on, what it sends later, and what staff then decide.

A scan that was taken without signal is booked at the moment of the scan, if a use was left then;
its pass was given out on a reading made minutes before. Otherwise the clerk has already let
somebody in who had no right to it: that is a conflict, kept with both sides until staff decide.
"""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Final

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from core import audit
from core.errors import NotAllowed, NotFound, RecordsUnavailable
from core.perks import counters, passes
from core.perks.base import SKEW
from core.perks.model import (
    Conflict,
    ConflictState,
    Desk,
    Kind,
    KitPerk,
    OfflineKit,
    Reason,
    Scan,
    Source,
    Synced,
)
from core.perks.reentry import use_to_reenter
from core.perks.standing import Reading, Standing, token_of
from core.perks.verdicts import Weighed, redemption
from core.perks.window import LONGEST_ID, MOST_TRIES, Found, Window
from core.tables import ConflictRow, DeskRow, PassRow, RedemptionRow
from core.town import Perk

MOST_SCANS: Final = 500
MOST_NONCES: Final = 2_000
MAX_AGE: Final = timedelta(hours=72)
KIT_LIFETIME: Final = timedelta(hours=72)


class Offline(Window):
    """What a desk does without signal, and staff afterwards."""

    async def offline_kit(self, desk: Desk) -> OfflineKit:
        """What the desk needs to go on without signal."""
        now = self._clock()
        async with self._transaction() as session:
            taken = await session.scalars(
                select(RedemptionRow.pass_nonce)
                .where(
                    RedemptionRow.pass_nonce.is_not(None),
                    RedemptionRow.recorded_at >= now - passes.MAX_LIFETIME - SKEW,
                )
                .order_by(RedemptionRow.id.desc())
                .limit(MOST_NONCES)
            )
            nonces = [each for each in taken if each is not None]
        return OfflineKit(
            now=now,
            until=now + KIT_LIFETIME,
            town=self._town.town.code,
            facility=desk.facility,
            keys=self._keys.public(),
            perks=tuple(
                _kit_perk(perk) for perk in self._town.perks if desk.facility in perk.facilities
            ),
            taken=tuple(nonces),
            skew_seconds=int(SKEW.total_seconds()),
            max_age_hours=int(MAX_AGE / timedelta(hours=1)),
        )

    async def sync(self, desk: Desk, scans: Sequence[Scan]) -> tuple[Synced, ...]:
        """Take in what a desk let in without signal: booked, or flagged to staff; never lost.

        At most 500 at once; raises `NotAllowed` beyond that. May be sent again.
        """
        if len(scans) > MOST_SCANS:
            raise NotAllowed(f"send at most {MOST_SCANS} scans at once")
        if any(not 1 <= len(scan.client_id) <= LONGEST_ID for scan in scans):
            raise NotAllowed(f"a scan needs an id of 1 to {LONGEST_ID} characters")
        by_time = sorted(dict.fromkeys(scans), key=lambda scan: scan.scanned_at)
        outcomes = {scan: await self._sync(desk, scan) for scan in by_time}
        return tuple(outcomes[scan] for scan in scans)

    async def conflicts(
        self, *, state: ConflictState | None = ConflictState.OPEN, limit: int = 200
    ) -> list[Conflict]:
        """Scans without signal that the records say no to, the newest first."""
        query = select(ConflictRow).order_by(ConflictRow.id.desc()).limit(limit)
        if state is not None:
            query = query.where(ConflictRow.state == state)
        async with self._transaction() as session:
            rows = await session.scalars(query)
            return [await _conflict(session, row) for row in rows]

    async def resolve(self, conflict_id: int, *, by: str, accept: bool, reason: str) -> Conflict:
        """Staff decide: accept as goodwill (counts in the settlement), or reject.

        Raises `NotFound`; `NotAllowed` without a reason, or to accept what names no perk of the
        pack. Decided once: a second decision changes nothing.
        """
        reason = reason.strip()[:200]
        if not reason:
            raise NotAllowed("a decision needs a reason")
        async with self._transaction() as session:
            row = await session.get(ConflictRow, conflict_id, with_for_update=True)
            if row is None:
                raise NotFound(f"conflict {conflict_id}")
            if row.state == ConflictState.OPEN:
                if accept:
                    await self._goodwill(session, row)
                row.state = ConflictState.ACCEPTED if accept else ConflictState.REJECTED
                row.decided_by, row.decided_at, row.words = by[:80], self._clock(), reason
                await self._audit_conflict(session, row, f"perk.conflict-{row.state}", by)
            return await _conflict(session, row)

    async def _sync(self, desk: Desk, scan: Scan) -> Synced:
        reading = await self._reading_of(scan)
        for _ in range(MOST_TRIES):
            try:
                async with self._transaction() as session:
                    # A number that is another pass's already gets one beside it: nothing is lost.
                    for numbered in (scan, replace(scan, client_id=_number_beside(scan))):
                        synced = await self._numbered(session, desk, numbered, reading)
                        if synced is not None:
                            return replace(synced, client_id=scan.client_id)
                    raise NotAllowed("this number is another scan's; begin a new one")
            except IntegrityError:  # another scan took the slot in this moment
                continue
        raise RecordsUnavailable("too many at once")

    async def _reading_of(self, scan: Scan) -> Reading:
        """A reading of now, where the pass was given out while nobody could tell."""
        content = passes.read(scan.text, self._keys, expected_town=self._town.town.code)
        if isinstance(content, passes.Content):
            async with self._transaction() as session:
                row = await session.get(PassRow, content.nonce.hex())
            if row is not None and row.source == Source.LAST_KNOWN:
                return await self._readings.live(row.member_id)
        return Reading(None, self._clock())

    async def _numbered(
        self, session: AsyncSession, desk: Desk, scan: Scan, reading: Reading
    ) -> Synced | None:
        """What became of a scan, now or when it was sent before. `None`: its number is taken."""
        conflict = await session.scalar(
            select(ConflictRow).where(
                ConflictRow.desk_id == desk.id, ConflictRow.client_id == scan.client_id
            )
        )
        if conflict is not None:
            return _flagged(scan, conflict) if conflict.text_digest == _digest(scan) else None
        row = await session.scalar(
            select(RedemptionRow).where(
                RedemptionRow.desk_id == desk.id, RedemptionRow.request_id == scan.client_id
            )
        )
        if row is None:
            return await self._take_in(session, desk, scan, reading)
        content = passes.read(scan.text, self._keys, expected_town=self._town.town.code)
        if not isinstance(content, passes.Content) or content.nonce.hex() != row.pass_nonce:
            return None
        if row.undone_at is not None:
            perk, known = self._town.perk(row.perk), await session.get(PassRow, row.pass_nonce)
            return await self._flag(
                session, desk, scan, Reason.PASS_USED, perk, known, against=row.id
            )
        reason = Reason.REENTRY if row.kind == Kind.REENTRY else Reason.OK
        return Synced(scan.client_id, True, reason, redemption_id=row.id, perk=row.perk)

    async def _take_in(
        self, session: AsyncSession, desk: Desk, scan: Scan, reading: Reading
    ) -> Synced:
        content = passes.read(scan.text, self._keys, expected_town=self._town.town.code)
        if isinstance(content, Reason):
            return await self._flag(session, desk, scan, content)
        perk = self._marks.get(content.mark)
        row = await session.get(PassRow, content.nonce.hex())
        reason = self._fits(desk, scan, content, perk)
        if reason is Reason.OK and row is None:
            reason = Reason.UNKNOWN_PASS
        if perk is None or row is None or reason is not Reason.OK:
            return await self._flag(session, desk, scan, reason, perk, row)
        used = await session.scalar(
            select(RedemptionRow).where(RedemptionRow.pass_nonce == row.nonce)
        )
        if used is not None:
            return await self._flag(
                session, desk, scan, Reason.PASS_USED, perk, row, against=used.id
            )
        return await self._book_scan(session, desk, scan, Found(row, perk), reading)

    def _fits(self, desk: Desk, scan: Scan, content: passes.Content, perk: Perk | None) -> Reason:
        """Whether a scan could have happened as the desk says."""
        now = self._clock()
        if now - scan.scanned_at > MAX_AGE:
            return Reason.TOO_OLD
        if (
            not content.issued_at - SKEW
            <= scan.scanned_at
            <= min(content.expires_at + SKEW, now + SKEW)
        ):
            return Reason.NOT_ISSUED_THEN
        if perk is None:
            return Reason.NO_SUCH_PERK
        if desk.facility not in perk.facilities:
            return Reason.OTHER_FACILITY
        return self._dates(perk, scan.scanned_at)

    async def _book_scan(
        self, session: AsyncSession, desk: Desk, scan: Scan, found: Found, reading: Reading
    ) -> Synced:
        row, perk, at = found.row, found.perk, min(scan.scanned_at, self._clock())
        await self._alone(session, row.member_id, row.nonce)
        entitled = Standing(Reason.OK, token_of(row.token))
        if row.source == Source.LAST_KNOWN:
            entitled = await self._standing(session, perk, row.member_id, reading)
            if not entitled.ok:
                return await self._flag(session, desk, scan, entitled.reason, perk, row)
        reckoning = await self._reckon(session, perk, row.member_id, entitled, at, prefer=row.token)
        again = await use_to_reenter(session, perk, desk.facility, row.member_id, at)
        if again is None and reckoning.used_up:
            against = await counters.holder_of_slots(
                session, perk.name, reckoning.period, reckoning.everything
            )
            return await self._flag(session, desk, scan, Reason.USED_UP, perk, row, against=against)
        booked = await self._book(
            session,
            found,
            desk,
            Weighed(entitled, reckoning, again),
            request_id=scan.client_id,
            at=at,
            source=Source.OFFLINE,
        )
        reason = Reason.REENTRY if again else Reason.OK
        return Synced(scan.client_id, True, reason, redemption_id=booked.id, perk=perk.name)

    async def _flag(
        self,
        session: AsyncSession,
        desk: Desk,
        scan: Scan,
        reason: Reason,
        perk: Perk | None = None,
        row: PassRow | None = None,
        *,
        against: int | None = None,
    ) -> Synced:
        conflict = ConflictRow(
            desk_id=desk.id,
            client_id=scan.client_id,
            text_digest=_digest(scan),
            state=ConflictState.OPEN,
            reason=reason,
            perk=perk.name if perk else None,
            member_id=row.member_id if row else None,
            token=row.token if row else None,
            scanned_at=scan.scanned_at,
            synced_at=self._clock(),
            against_id=against,
        )
        session.add(conflict)
        await session.flush()
        await self._audit_conflict(session, conflict, "perk.conflict", desk.actor)
        return _flagged(scan, conflict)

    async def _goodwill(self, session: AsyncSession, row: ConflictRow) -> None:
        """The clerk let them in: the facility is paid, and no use is taken."""
        perk = self._town.perk(row.perk) if row.perk else None
        if perk is None:
            raise NotAllowed("nobody can say for what it was; reject it")
        desk = await session.get_one(DeskRow, row.desk_id)
        day = self._day(row.scanned_at)
        value = perk.yen_on(day)
        booked = RedemptionRow(
            perk=perk.name,
            facility=desk.facility,
            desk_id=desk.id,
            request_id=f"goodwill:{row.id}:{secrets.token_hex(8)}",  # no scan's number
            member_id=row.member_id,
            token=row.token,
            kind=Kind.USE,
            source=Source.GOODWILL,
            at=row.scanned_at,
            day=day,
            recorded_at=self._clock(),
            value_yen=value,
            cost_yen=value if perk.cost_yen is None else perk.cost_yen,
        )
        session.add(booked)
        await session.flush()
        row.redemption_id = booked.id
        await self._audit(session, booked, "perk.redeemed", f"desk:{desk.id}")

    async def _audit_conflict(
        self, session: AsyncSession, row: ConflictRow, action: str, actor: str
    ) -> None:
        await audit.record(
            session,
            actor=actor,
            action=action,
            subject=f"member:{row.member_id}" if row.member_id is not None else "",
            detail={
                "conflict": row.id,
                "perk": row.perk,
                "reason": row.reason,
                "against": row.against_id,
                "words": row.words,
            },
            now=self._clock(),
        )


def _digest(scan: Scan) -> str:
    return hashlib.sha256(scan.text.strip().upper().encode(errors="replace")).hexdigest()


def _number_beside(scan: Scan) -> str:
    """A number for a scan whose own is another pass's; the same each time that it is sent."""
    return hashlib.sha256(f"{scan.client_id}:{_digest(scan)}".encode(errors="replace")).hexdigest()


def _flagged(scan: Scan, row: ConflictRow) -> Synced:
    return Synced(scan.client_id, False, Reason(row.reason), conflict_id=row.id, perk=row.perk)


def _kit_perk(perk: Perk) -> KitPerk:
    return KitPerk(
        mark=passes.mark_of(perk.name).hex(),
        name=perk.name,
        title=perk.title,
        legal_note=perk.legal_note,
        uses=None if perk.unlimited else perk.uses,
        reentry_minutes=perk.reentry_minutes,
        reentries=perk.reentries,
        valid_from=perk.valid_from,
        valid_until=perk.valid_until,
    )


async def _conflict(session: AsyncSession, row: ConflictRow) -> Conflict:
    desk = await session.get_one(DeskRow, row.desk_id)
    against = await session.get(RedemptionRow, row.against_id) if row.against_id else None
    shown = None
    if against is not None:
        its_desk = await session.get_one(DeskRow, against.desk_id)
        shown = redemption(against, its_desk.label)
    return Conflict(
        id=row.id,
        state=ConflictState(row.state),
        reason=Reason(row.reason),
        perk=row.perk,
        facility=desk.facility,
        desk=desk.label,
        scanned_at=row.scanned_at,
        synced_at=row.synced_at,
        member=row.member_id,
        against=shown,
        decided_by=row.decided_by,
        decided_at=row.decided_at,
        words=row.words,
    )
