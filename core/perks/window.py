"""The ticket window: a pass is checked, taken, and taken back."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import exists, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from core import audit
from core.errors import NotAllowed, NotFound, RecordsUnavailable
from core.perks import codes, counters, passes
from core.perks.base import SKEW, Base
from core.perks.model import Desk, Kind, Reason, Redemption, Source, Use, Verdict
from core.perks.reentry import entries_on, use_to_reenter
from core.perks.standing import Reading
from core.perks.tries import faded, wait_after
from core.perks.verdicts import Weighed, redemption, refused, said, would_be
from core.tables import DeskRow, PassRow, RedemptionRow
from core.town import Perk

UNDO_BY_DESK: Final = timedelta(minutes=15)
MOST_TRIES: Final = 100
"""So often a race for a slot is tried again; every lost one means that somebody else won."""

LONGEST_ID: Final = 64
FREE_CODES: Final = 5
"""So many wrong codes before a desk has to wait. A right one in between forgives none of them."""


@dataclass(frozen=True, slots=True)
class Found:
    """A pass that may be taken, as far as the text and the perk can say."""

    row: PassRow
    perk: Perk
    by_code: bool = False


class Window(Base):
    """What a desk does."""

    async def check(self, presented: str, desk: Desk) -> Verdict:
        """What `redeem` would say of a pass text or a code now. Books nothing."""
        async with self._transaction() as session:
            found = await self._find(session, presented, desk)
        if isinstance(found, Verdict):
            return found
        reading = await self._reading_for(found)
        async with self._transaction() as session:
            weighed = await self._weigh(session, found, desk, reading, at=self._clock())
        if isinstance(weighed, Verdict):
            return weighed
        return would_be(found.perk, desk, weighed, at=self._clock(), day=self._day(self._clock()))

    async def redeem(self, presented: str, desk: Desk, *, request_id: str) -> Verdict:
        """Take a pass text or a code. The same `request_id` of a desk is one request.

        Raises `NotAllowed` for an id that is empty, longer than 64 characters, or another pass's.
        """
        _checked_id(request_id)
        found: Found | Verdict | None = await self._at_a_glance(presented, desk, request_id)
        if found is None:
            async with self._transaction() as session:
                done = await self._done(session, desk, request_id, presented=presented)
                found = done or await self._find(session, presented, desk)
                if isinstance(found, Verdict) and found.reason is Reason.PASS_USED and not done:
                    # By this very request, perhaps, between the two looks.
                    found = await self._done(session, desk, request_id) or found
        if isinstance(found, Verdict):
            return found
        reading = await self._reading_for(found)
        for _ in range(MOST_TRIES):
            try:
                async with self._transaction() as session:
                    return await self._take(session, found, desk, reading, request_id)
            except IntegrityError:  # somebody else took the slot, this very pass, or the number
                async with self._transaction() as session:
                    done = await self._done(session, desk, request_id, presented=presented)
                if done is not None:
                    return done
        raise RecordsUnavailable("too many at once")

    async def _at_a_glance(self, presented: str, desk: Desk, request_id: str) -> Found | None:
        """A pass that nobody has taken and nothing speaks against, by one question without a lock.

        Nearly every scan is that. `None`: it is not so simple, and to be looked at step by step.
        """
        if not passes.looks_like_pass(presented):
            return None
        content = passes.read(presented, self._keys, expected_town=self._town.town.code)
        perk = self._marks.get(content.mark) if isinstance(content, passes.Content) else None
        if isinstance(content, Reason) or perk is None:
            return None
        nonce = content.nonce.hex()
        this = (RedemptionRow.desk_id == desk.id) & (RedemptionRow.request_id == request_id)
        taken = exists().where(or_(RedemptionRow.pass_nonce == nonce, this))
        async with self._glance() as session:
            row = await session.scalar(select(PassRow).where(PassRow.nonce == nonce, ~taken))
        if row is None:
            return None
        found = Found(row, perk)
        return found if self._fault(found, desk, self._clock()) is Reason.OK else None

    async def undo(self, redemption_id: int, by: Desk | str, *, reason: str) -> Redemption:
        """Take a use back: the clerk (a `Desk`) for 15 minutes, staff (their name) at any time.

        Who came in again on it is taken back with it. Raises `NotFound`; `NotAllowed` for another
        facility's desk, too late, or no reason.
        """
        reason = reason.strip()[:200]
        if not reason:
            raise NotAllowed("taking a use back needs a reason")
        now = self._clock()
        async with self._transaction() as session:
            row = await session.get(RedemptionRow, redemption_id, with_for_update=True)
            if row is None:
                raise NotFound(f"redemption {redemption_id}")
            if isinstance(by, Desk):
                if by.facility != row.facility:
                    raise NotAllowed("the use was made at another facility")
                if row.undone_at is None and now - row.recorded_at > UNDO_BY_DESK:
                    raise NotAllowed("too late for the desk; ask the office")
            if row.undone_at is None:
                actor = by.actor if isinstance(by, Desk) else by
                for each in (row, *await entries_on(session, row)):
                    each.undone_at, each.undone_by, each.undo_reason = now, actor[:80], reason
                    await counters.give_back(session, each.id)
                    await self._audit(session, each, "perk.undone", actor, reason=reason)
            desk = await session.get_one(DeskRow, row.desk_id)
            return redemption(row, desk.label)

    async def redemptions(
        self, *, desk: Desk | None = None, facility: str | None = None, limit: int = 50
    ) -> list[Redemption]:
        """The newest first: those of a desk, of a facility, or of the town."""
        query = select(RedemptionRow, DeskRow.label).join(
            DeskRow, DeskRow.id == RedemptionRow.desk_id
        )
        if desk is not None:
            query = query.where(RedemptionRow.desk_id == desk.id)
        if facility is not None:
            query = query.where(RedemptionRow.facility == facility)
        async with self._transaction() as session:
            rows = await session.execute(query.order_by(RedemptionRow.id.desc()).limit(limit))
            return [redemption(row, label) for row, label in rows]

    async def _done(
        self, session: AsyncSession, desk: Desk, request_id: str, *, presented: str | None = None
    ) -> Verdict | None:
        """The verdict of a request that was taken before: a double tap, a retry."""
        row = await session.scalar(
            select(RedemptionRow).where(
                RedemptionRow.desk_id == desk.id, RedemptionRow.request_id == request_id
            )
        )
        if row is None:
            return None
        if row.pass_nonce is None or (
            presented is not None and await self._nonce(session, presented) != row.pass_nonce
        ):
            raise NotAllowed("this request was about another pass; begin a new one")
        perk = self._town.perk(row.perk)
        if row.undone_at is not None or perk is None:
            return self._no(Reason.PASS_USED, desk, perk, before=Use(row.at, row.facility))
        return said(row, perk, undo_until=row.recorded_at + UNDO_BY_DESK)

    async def _nonce(self, session: AsyncSession, presented: str) -> str | None:
        """Which pass a text or a code means."""
        if passes.looks_like_pass(presented):
            content = passes.read(presented, self._keys, expected_town=self._town.town.code)
            return content.nonce.hex() if isinstance(content, passes.Content) else None
        code = codes.normalise(presented)
        if code is None:
            return None
        kept = codes.digest(code, self._secret)
        return await session.scalar(select(PassRow.nonce).where(PassRow.code_digest == kept))

    async def _find(self, session: AsyncSession, presented: str, desk: Desk) -> Found | Verdict:
        """The pass behind a text or a code, with all that can be said before a reading."""
        now = self._clock()
        if passes.looks_like_pass(presented):
            content = passes.read(presented, self._keys, expected_town=self._town.town.code)
            if isinstance(content, Reason):
                return self._no(content, desk)
            found = await self._known(session, content, desk)
        else:
            found = await self._by_code(session, presented, desk, now)
        if isinstance(found, Verdict):
            return found
        fault = self._fault(found, desk, now)
        if fault is Reason.OTHER_FACILITY:
            return self._no(fault, desk, found.perk)
        if (used := await _used(session, found.row.nonce)) is not None:
            return self._no(Reason.PASS_USED, desk, found.perk, before=used)
        return found if fault is Reason.OK else self._no(fault, desk, found.perk)

    def _fault(self, found: Found, desk: Desk, now: datetime) -> Reason:
        """What speaks against a pass before anybody is asked whether it was taken."""
        if desk.facility not in found.perk.facilities:
            return Reason.OTHER_FACILITY
        if not found.by_code and now > found.row.expires_at:
            return Reason.EXPIRED
        if found.row.issued_at > now + SKEW:
            return Reason.NOT_YET
        return self._dates(found.perk, now)

    async def _known(
        self, session: AsyncSession, content: passes.Content, desk: Desk
    ) -> Found | Verdict:
        perk = self._marks.get(content.mark)
        if perk is None:
            return self._no(Reason.NO_SUCH_PERK, desk)
        row = await session.get(PassRow, content.nonce.hex())
        if row is None:
            expired = self._clock() > content.expires_at
            return self._no(Reason.EXPIRED if expired else Reason.UNKNOWN_PASS, desk, perk)
        return Found(row, perk)

    async def _by_code(
        self, session: AsyncSession, typed: str, desk: Desk, now: datetime
    ) -> Found | Verdict:
        """The pass behind eight digits. Wrong ones are counted, and the count outlives us."""
        row = await session.get_one(DeskRow, desk.id, with_for_update=True)
        if row.code_locked_until is not None and now < row.code_locked_until:
            return self._no(Reason.TOO_MANY_TRIES, desk, next_at=row.code_locked_until)
        code = codes.normalise(typed)
        found = None
        if code is not None:
            found = await session.scalar(
                select(PassRow).where(
                    PassRow.code_digest == codes.digest(code, self._secret),
                    PassRow.code_until >= now,
                )
            )
        elif sum(each.isdigit() for each in typed) != codes.DIGITS:
            return self._no(Reason.UNREADABLE, desk)  # no try at a code at all
        perk = self._town.perk(found.perk) if found else None
        if found is None or perk is None:
            row.code_failures = faded(row.code_failures, row.code_failed_at, now) + 1
            row.code_failed_at = now
            row.code_locked_until = now + wait_after(row.code_failures, free=FREE_CODES)
            return self._no(Reason.WRONG_CODE, desk)
        return Found(found, perk, by_code=True)

    async def _reading_for(self, found: Found) -> Reading:
        if found.perk.gate is None:
            return Reading(None, self._clock())
        return await self._readings.live(found.row.member_id)

    async def _weigh(
        self, session: AsyncSession, found: Found, desk: Desk, reading: Reading, *, at: datetime
    ) -> Weighed | Verdict:
        """Whether the person is entitled and has a use left, or was in a moment ago."""
        perk, member_id = found.perk, found.row.member_id
        entitled = await self._standing(session, perk, member_id, reading)
        if not entitled.ok:
            return self._no(entitled.reason, desk, perk)
        reckoning = await self._reckon(
            session, perk, member_id, entitled, at, prefer=found.row.token
        )
        again = await use_to_reenter(session, perk, desk.facility, member_id, at)
        if again is None and reckoning.used_up:
            return self._no(
                Reason.USED_UP,
                desk,
                perk,
                before=await self._last(session, perk, reckoning),
                next_at=reckoning.ends,
            )
        return Weighed(entitled, reckoning, again)

    async def _take(
        self, session: AsyncSession, found: Found, desk: Desk, reading: Reading, request_id: str
    ) -> Verdict:
        """Book what was found, in one transaction. Raises `IntegrityError` when a race is lost."""
        theirs, used = await self._alone(session, found.row.member_id, found.row.nonce)
        if not theirs or used is not None:
            # Taken; or they left, or became one with another member, in this moment: scan again.
            before = await self._before(session, found, desk, request_id)
            return before or self._no(Reason.UNKNOWN_PASS, desk, found.perk)
        now = self._clock()
        weighed = await self._weigh(session, found, desk, reading, at=now)
        if isinstance(weighed, Verdict):
            # Whoever took the last use in this moment may have been this very request.
            return await self._before(session, found, desk, request_id) or weighed
        row = await self._book(session, found, desk, weighed, request_id=request_id, at=now)
        return said(
            row, found.perk, undo_until=row.recorded_at + UNDO_BY_DESK, before=weighed.again
        )

    async def _before(
        self, session: AsyncSession, found: Found, desk: Desk, request_id: str
    ) -> Verdict | None:
        """What is to be said if the pass was taken already: by this request, or by another."""
        used = await _used(session, found.row.nonce)
        if used is None:
            return None
        done = await self._done(session, desk, request_id)
        return done or self._no(Reason.PASS_USED, desk, found.perk, before=used)

    async def _book(
        self,
        session: AsyncSession,
        found: Found,
        desk: Desk,
        weighed: Weighed,
        *,
        request_id: str,
        at: datetime,
        source: Source | None = None,
    ) -> RedemptionRow:
        """Write a redemption, its slots and its audit entry."""
        perk, day = found.perk, self._day(at)
        entitled, reckoning, again = weighed.entitled, weighed.reckoning, weighed.again
        value = perk.yen_on(day) if again is None else None
        row = RedemptionRow(
            perk=perk.name,
            facility=desk.facility,
            desk_id=desk.id,
            request_id=request_id,
            pass_nonce=found.row.nonce,
            member_id=found.row.member_id,
            token=reckoning.token.key if reckoning.token else None,
            kind=Kind.USE if again is None else Kind.REENTRY,
            source=source or entitled.source,
            at=at,
            day=day,
            recorded_at=self._clock(),
            known_at=entitled.known_at,
            value_yen=value,
            cost_yen=None if again else (value if perk.cost_yen is None else perk.cost_yen),
            left_after=weighed.left_after,
        )
        session.add(row)
        await session.flush()
        if again is None:
            await counters.take(
                session,
                perk.name,
                reckoning.period,
                reckoning.slots,
                redemption_id=row.id,
                ends_at=reckoning.ends,
            )
        await self._audit(session, row, "perk.redeemed", desk.actor)
        return row

    async def _audit(
        self,
        session: AsyncSession,
        row: RedemptionRow,
        action: str,
        actor: str,
        *,
        reason: str = "",
    ) -> None:
        # No card's number: with it, anybody could look up whose wallet the member's is.
        detail = {
            "redemption": row.id,
            "perk": row.perk,
            "facility": row.facility,
            "kind": row.kind,
            "source": row.source,
            "day": row.day.isoformat(),
            "yen": row.value_yen,
        }
        await audit.record(
            session,
            actor=actor,
            action=action,
            subject=f"member:{row.member_id}" if row.member_id is not None else "",
            detail=detail | ({"reason": reason} if reason else {}),
            now=self._clock(),
        )

    def _no(
        self,
        reason: Reason,
        desk: Desk,
        perk: Perk | None = None,
        *,
        before: Use | None = None,
        next_at: datetime | None = None,
    ) -> Verdict:
        return refused(reason, desk, perk, at=self._clock(), before=before, next_at=next_at)


async def _used(session: AsyncSession, nonce: str) -> Use | None:
    """When and where this very pass was taken."""
    asked = select(RedemptionRow.at, RedemptionRow.facility)
    row = (await session.execute(asked.where(RedemptionRow.pass_nonce == nonce))).first()
    return Use(row.at, row.facility) if row else None


def _checked_id(request_id: str) -> None:
    if not 1 <= len(request_id) <= LONGEST_ID:
        raise NotAllowed(f"a request needs an id of 1 to {LONGEST_ID} characters")
