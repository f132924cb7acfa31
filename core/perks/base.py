"""What the use cases of perks stand on, and how what is left is reckoned."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from core.access.evidence import EvidenceReader
from core.clock import Clock
from core.database import Sessions, glance, transaction
from core.perks import counters, passes
from core.perks.counters import Account, Counter, Slot
from core.perks.keys import PassKeys
from core.perks.model import Judge, Left, Reason, Token, Use
from core.perks.people import names_of
from core.perks.periods import day_of, period_of
from core.perks.standing import PATIENCE, Reading, Readings, Standing, standing
from core.tables import MemberRow, PassRow, RedemptionRow
from core.town import Perk, TownPack

SKEW: Final = timedelta(minutes=2)
"""So far two clocks may be apart."""


PASSES_AT_ONCE: Final = 100
"""So many passes of one member may be good at the same time, on all their pages."""

AT_ONCE: Final = 8
"""So many transactions of perks run at the same time where the database can do that."""


LOOKS_AT_ONCE: Final = 4
"""Looks beside the one writer of SQLite; elsewhere they take their turns with the writers."""


@dataclass(frozen=True, slots=True)
class Reckoning:
    """What is left of a perk for somebody, and what the next use takes."""

    left: Left
    token: Token | None  # whose use it would be
    slots: Sequence[Slot]  # that the next use takes; empty for any number of uses
    everything: Sequence[Account]  # all counters that were looked at
    period: str
    ends: datetime | None

    @property
    def used_up(self) -> bool:
        return self.left.left == 0


class Base:
    """The parts that every use case needs."""

    def __init__(
        self,
        town: TownPack,
        sessions: Sessions,
        evidence: EvidenceReader,
        judge: Judge,
        keys: PassKeys,
        clock: Clock,
        *,
        secret: str,
        patience: timedelta = PATIENCE,
        passes_at_once: int = PASSES_AT_ONCE,
    ) -> None:
        """`secret` keys the hashes of people's names and codes; it must outlive restarts."""
        self._passes_at_once = passes_at_once
        self._town = town
        self._sessions = sessions
        alone = _is_sqlite(sessions)
        self._turns = asyncio.Semaphore(1 if alone else AT_ONCE)
        self._looks = asyncio.Semaphore(LOOKS_AT_ONCE) if alone else self._turns
        self._readings = Readings(evidence, clock, patience=patience)
        self._judge = judge
        self._keys = keys
        self._clock = clock
        self._secret = secret.encode()
        self._zone = ZoneInfo(town.town.timezone)
        self._chains = {each.chain_id for each in town.collections}
        self._marks = {passes.mark_of(perk.name): perk for perk in town.perks}

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[AsyncSession]:
        """A transaction when it is our turn, first come, first served.

        SQLite lets writers in by chance, and one that has bad luck for five seconds gives up; on
        PostgreSQL a rush at the windows would take every connection of the pool.
        """
        async with self._turns, transaction(self._sessions) as session:
            yield session

    def _day(self, moment: datetime) -> date:
        return day_of(moment, self._zone)

    def _dates(self, perk: Perk, moment: datetime) -> Reason:
        """Whether the perk runs on the day of `moment`."""
        day = self._day(moment)
        if perk.valid_from and day < perk.valid_from:
            return Reason.NOT_BEGUN
        if perk.valid_until and day > perk.valid_until:
            return Reason.ENDED
        return Reason.OK

    async def _standing(
        self, session: AsyncSession, perk: Perk, member_id: int, reading: Reading
    ) -> Standing:
        return await standing(
            session, self._town, self._judge, perk, member_id, reading, now=self._clock()
        )

    @staticmethod
    async def _alone(session: AsyncSession, member_id: int, nonce: str) -> tuple[bool, Use | None]:
        """Let the other takers of this member wait until we have committed.

        A card and a person share no slot, and where a use counts for the one or the other, no key
        stands between two of them. SQLite has one writer at a time anyway.

        Returns whether the pass is still this member's, who may have left or become one with
        another, and when it was taken. Who waited for another taker of this very pass does not
        see that here, and fails at its unique key.
        """
        mine = (
            select(PassRow.nonce, RedemptionRow.at, RedemptionRow.facility)
            .join(MemberRow, MemberRow.id == PassRow.member_id)
            .outerjoin(RedemptionRow, RedemptionRow.pass_nonce == PassRow.nonce)
            .where(MemberRow.id == member_id, PassRow.nonce == nonce)
        )
        row = (await session.execute(mine.with_for_update(key_share=True, of=MemberRow))).first()
        if row is None:
            return False, None
        return True, None if row.at is None else Use(row.at, row.facility)

    @asynccontextmanager
    async def _glance(self) -> AsyncIterator[AsyncSession]:
        """A look that changes nothing, and on SQLite waits for no writer."""
        async with self._looks, glance(self._sessions) as session:
            yield session

    async def _reckon(
        self,
        session: AsyncSession,
        perk: Perk,
        member_id: int,
        entitled: Standing,
        at: datetime,
        *,
        prefer: str | None = None,
    ) -> Reckoning:
        """What is left at `at`. `prefer`: the card that goes first, if it has uses left.

        Where a perk counts by card, who is entitled without one is counted as a person, and what
        they used that way is taken off their cards once they have some.
        """
        period = period_of(perk, self._day(at))
        ends = period.ends(self._zone)
        tokens = entitled.tokens
        if perk.unlimited:
            token = next((each for each in tokens if each.key == prefer), next(iter(tokens), None))
            return Reckoning(Left(None, None, ends=ends), token, (), (), period.label, ends)
        names = await names_of(session, member_id, self._secret, chains=self._chains)
        by_card = perk.counted_by != "person" and bool(tokens)
        by_person = perk.counted_by != "token" or not by_card
        seen = await counters.slots_seen(
            session,
            perk.name,
            period.label,
            tokens=[each.key for each in tokens] if by_card else [],
            names=[*names.own, *names.older],
            member_id=member_id,
        )
        used, spoken_for = seen.of_cards, seen.of_names
        cards = {
            each: max(0, perk.uses - len(used[each.key])) for each in (tokens if by_card else ())
        }
        own = len(seen.redemptions)
        if not by_card and perk.counted_by == "token":
            own = max(
                own,
                await counters.uses_by_member(session, perk.name, member_id, period.first),
            )
        person = max(0, perk.uses - own)
        left = person
        if by_card:
            spent = own if perk.counted_by == "token" else 0
            left = max(0, sum(cards.values()) - spent)
            left = min(left, person) if by_person else left
        open_cards = [each for each, rest in cards.items() if rest]
        token = next(
            (each for each in open_cards if each.key == prefer), next(iter(open_cards), None)
        )
        of_cards = [Account(Counter.TOKEN, each.key) for each in cards]
        of_person = [Account(Counter.PERSON, name) for name in names.own]
        before = [Account(Counter.PERSON, name) for name in names.older]
        slots = [Slot.after(each, used[each.subject]) for each in of_cards if _is(each, token)]
        if by_person:
            slots += [Slot.after(each, spoken_for[each.subject]) for each in of_person]
        return Reckoning(
            Left(perk.uses, left, cards, person if by_person else None, ends),
            token,
            slots,
            [*of_cards, *of_person, *before],
            period.label,
            ends,
        )

    async def _last(self, session: AsyncSession, perk: Perk, reckoning: Reckoning) -> Use | None:
        """The newest use of all that counts."""
        return await counters.last_use(session, perk.name, reckoning.period, reckoning.everything)


def _is(account: Account, token: Token | None) -> bool:
    return token is not None and account.subject == token.key


def _is_sqlite(sessions: Sessions) -> bool:
    bind = sessions.kw["bind"]
    return isinstance(bind, AsyncEngine) and bind.dialect.name == "sqlite"
