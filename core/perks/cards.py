"""The member's card: which perks there are, a new pass, and what is left of one card."""

import hashlib
import hmac
import secrets
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from core.errors import NotFound, RecordsUnavailable
from core.perks import codes, counters, passes
from core.perks.base import Base, Reckoning
from core.perks.counters import Account, Counter
from core.perks.model import Closed, Offer, Pass, Reason, Token, TokenStatus
from core.perks.periods import day_of, midnight, period_of
from core.perks.standing import Reading, Standing, card_rules
from core.tables import MemberRow, PassRow
from core.town import Perk

CARD_LIFETIME: Final = timedelta(seconds=60)
"""On the web card, which shows a new one every 30 seconds."""

CHAT_LIFETIME: Final = timedelta(minutes=5)
"""In a chat, where a picture once sent does not change."""

REFRESH: Final = timedelta(seconds=30)
MOST_TRIES: Final = 5


class Cards(Base):
    """What a member sees of perks, and a buyer."""

    async def catalogue(self, member_id: int | None) -> tuple[Offer, ...]:
        """Every perk of the pack, as it stands for this member (`None`: for anybody)."""
        now = self._clock()
        if member_id is None:
            return tuple(self._for_anybody(perk, now) for perk in self._town.perks)
        reading = await self._readings.live(member_id)
        async with self._transaction() as session:
            if await session.get(MemberRow, member_id) is None:
                return tuple(self._for_anybody(perk, now) for perk in self._town.perks)
            return tuple(
                [
                    await self._offer(session, perk, member_id, reading, now)
                    for perk in self._town.perks
                ]
            )

    async def issue(
        self,
        member_id: int,
        perk: str,
        *,
        lifetime: timedelta = CARD_LIFETIME,
        code: bool = False,
    ) -> Pass | Closed:
        """A new pass, or why there is none. `code`: with eight digits for a broken camera.

        Raises `NotFound` for a perk that the pack lacks.
        """
        wanted = self._town.perk(perk)
        if wanted is None:
            raise NotFound(f"perk {perk}")
        if not timedelta() < lifetime <= passes.MAX_LIFETIME:
            raise ValueError(f"a pass lives for up to {passes.MAX_LIFETIME}")
        if wanted.gate is None:
            nothing = Reading(None, self._clock())
            return await self._issued(member_id, wanted, nothing, lifetime, code=code)
        began = self._clock()
        reading = await self._readings.recent(member_id)
        issued = await self._issued(member_id, wanted, reading, lifetime, code=code)
        if isinstance(issued, Pass) or reading.at >= began:
            return issued
        # A no is said on a reading of now: they may have bought a card in this minute.
        reading = await self._readings.live(member_id)
        return await self._issued(member_id, wanted, reading, lifetime, code=code)

    async def status_of_token(self, collection: str, token_id: int) -> tuple[TokenStatus, ...]:
        """What is left of every perk that counts by this card. Names nobody, asks no chain.

        Raises `NotFound` for a collection that the pack lacks.
        """
        if self._town.collection(collection) is None or not 0 <= token_id < 2**256:
            raise NotFound(f"card {collection}")
        async with self._transaction() as session:
            return tuple(
                [
                    await self._status(session, perk, Token(collection, token_id))
                    for perk in self._town.perks
                    if perk.counted_by != "person" and self._asks_for(perk, collection, token_id)
                ]
            )

    def _for_anybody(self, perk: Perk, now: datetime) -> Offer:
        reason = self._dates(perk, now)
        return Offer(perk, reason is Reason.OK, reason, next_at=self._begins(perk, reason))

    def _begins(self, perk: Perk, reason: Reason) -> datetime | None:
        if reason is Reason.NOT_BEGUN and perk.valid_from:
            return midnight(perk.valid_from, self._zone)
        return None

    async def _offer(
        self, session: AsyncSession, perk: Perk, member_id: int, reading: Reading, now: datetime
    ) -> Offer:
        entitled = await self._standing(session, perk, member_id, reading)
        reason = self._dates(perk, now)
        if not entitled.ok:
            reason = entitled.reason if reason is Reason.OK else reason
            return Offer(perk, open=False, reason=reason, next_at=self._begins(perk, reason))
        reckoning = await self._reckon(session, perk, member_id, entitled, now)
        next_at = self._begins(perk, reason)
        if reason is Reason.OK and reckoning.used_up:
            reason, next_at = Reason.USED_UP, self._again(perk, reckoning)
        return Offer(
            perk,
            reason is Reason.OK,
            reason,
            replace(reckoning.left, last=await self._last(session, perk, reckoning)),
            next_at,
            entitled.source,
            entitled.known_at,
        )

    def _again(self, perk: Perk, reckoning: Reckoning) -> datetime | None:
        """When a perk that is used up begins anew; `None`: never."""
        if reckoning.ends is None:
            return None
        over = perk.valid_until and day_of(reckoning.ends, self._zone) > perk.valid_until
        return None if over else reckoning.ends

    async def _issued(
        self, member_id: int, perk: Perk, reading: Reading, lifetime: timedelta, *, code: bool
    ) -> Pass | Closed:
        for _ in range(MOST_TRIES):
            digits = codes.new_code() if code else None
            try:
                async with self._transaction() as session:
                    return await self._issue(session, member_id, perk, reading, lifetime, digits)
            except IntegrityError:  # the same eight digits are in use just now
                continue
        raise RecordsUnavailable("no free code")

    async def _issue(
        self,
        session: AsyncSession,
        member_id: int,
        perk: Perk,
        reading: Reading,
        lifetime: timedelta,
        code: str | None,
    ) -> Pass | Closed:
        now = self._clock()
        if await session.get(MemberRow, member_id) is None:
            return Closed(perk.name, Reason.NOT_A_MEMBER)
        dates = self._dates(perk, now)
        if dates is not Reason.OK:
            return Closed(perk.name, dates, self._begins(perk, dates))
        good = select(func.count(PassRow.nonce)).where(
            PassRow.member_id == member_id, PassRow.expires_at > now
        )
        if (await session.scalar(good) or 0) >= self._passes_at_once:
            return Closed(perk.name, Reason.TOO_MANY_TRIES, now + CARD_LIFETIME)
        entitled = await self._standing(session, perk, member_id, reading)
        if not entitled.ok:
            return Closed(perk.name, entitled.reason)
        reckoning = await self._reckon(session, perk, member_id, entitled, now)
        if reckoning.used_up:
            last = await self._last(session, perk, reckoning)
            inside = timedelta(minutes=perk.reentry_minutes)
            if last is None or not inside or now - last.at > inside:
                return Closed(perk.name, Reason.USED_UP, self._again(perk, reckoning), last)
        return await self._write(session, member_id, perk, entitled, reckoning, lifetime, code)

    async def _write(
        self,
        session: AsyncSession,
        member_id: int,
        perk: Perk,
        entitled: Standing,
        reckoning: Reckoning,
        lifetime: timedelta,
        code: str | None,
    ) -> Pass:
        now = self._clock()
        content = passes.Content(
            town=self._town.town.code,
            mark=passes.mark_of(perk.name),
            handle=self._handle(perk, member_id, reckoning),
            left=reckoning.left.left,
            issued_at=now.replace(microsecond=0),
            lifetime=lifetime,
            nonce=secrets.token_bytes(12),
        )
        session.add(
            PassRow(
                nonce=content.nonce.hex(),
                member_id=member_id,
                perk=perk.name,
                token=reckoning.token.key if reckoning.token else None,
                source=entitled.source,
                issued_at=content.issued_at,
                expires_at=content.expires_at,
                code_digest=codes.digest(code, self._secret) if code else None,
                code_until=now + codes.CODE_LIFETIME if code else None,
            )
        )
        await session.flush()
        return Pass(
            text=passes.write(content, self._keys),
            perk=perk.name,
            issued_at=content.issued_at,
            expires_at=content.expires_at,
            left=content.left,
            code=code,
            code_until=now + codes.CODE_LIFETIME if code else None,
        )

    def _handle(self, perk: Perk, member_id: int, reckoning: Reckoning) -> bytes:
        """A pseudonym of whose use it is, another for every perk and period (HMAC-SHA-256)."""
        whose = reckoning.token.key if reckoning.token else f"member:{member_id}"
        words = f"handle:{perk.name}:{reckoning.period}:{whose}"
        return hmac.new(self._secret, words.encode(), hashlib.sha256).digest()[:8]

    def _asks_for(self, perk: Perk, collection: str, token_id: int) -> bool:
        gate = self._town.gate(perk.gate) if perk.gate else None
        return gate is not None and any(
            rule.collection == collection and rule.counts(token_id)
            for rule in card_rules(self._town, gate.rule)
        )

    async def _status(self, session: AsyncSession, perk: Perk, token: Token) -> TokenStatus:
        period = period_of(perk, self._day(self._clock()))
        ends = period.ends(self._zone)
        if perk.unlimited:
            return TokenStatus(perk, None, None, ends, None)
        used = await counters.slots_of_tokens(session, perk.name, period.label, [token.key])
        account = Account(Counter.TOKEN, token.key)
        last = await counters.last_use(session, perk.name, period.label, [account])
        return TokenStatus(
            perk,
            perk.uses,
            max(0, perk.uses - len(used[token.key])),
            ends,
            self._day(last.at) if last else None,
        )
