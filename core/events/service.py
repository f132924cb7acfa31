"""What the desks of a town ask of events. The chain is read before a transaction is opened."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from core.access.evidence import EvidenceReader
from core.chain.values import Finality
from core.clock import Clock
from core.database import Sessions, transaction
from core.events import feeds, records, replies, telling
from core.events.nouns import (
    LIVE,
    Event,
    EventState,
    NotTaken,
    Refusal,
    Reply,
    Standing,
    View,
)
from core.events.replies import Taken
from core.events.standing import Judge, Turn, link_for
from core.identity import Account
from core.tables import EventRow, ReplyRow
from core.town import TownPack

logger = logging.getLogger(__name__)

PATIENCE: Final = timedelta(seconds=4)
"""So long a reading may take while somebody waits; after that nobody could tell."""

TOGETHER: Final = 50
"""So many are reminded in one transaction: a short one, others write as well."""


@dataclass(frozen=True, slots=True, order=True)
class Seat:
    """A seat or a place in line that a room's rule guards."""

    member_id: int
    event_id: int
    settled: bool  # a yes would change nothing


class Events:
    """The events of one town."""

    def __init__(
        self,
        town: TownPack,
        sessions: Sessions,
        evidence: EvidenceReader,
        judge: Judge,
        clock: Clock,
        *,
        patience: timedelta = PATIENCE,
    ) -> None:
        self._town = town
        self._sessions = sessions
        self._evidence = evidence
        self._judge = judge
        self._clock = clock
        self._patience = patience
        self._look_from: dict[str, int] = {}  # by room: the member with whom the next look begins
        self.any_open = False  # as of the last look, so that pages know without asking

    async def follow_pack(self) -> None:
        """Let the records be as the town pack says; for whoever starts and holds its place."""
        async with transaction(self._sessions) as session:
            await records.follow_pack(session, self._town, now=self._clock())

    # Who may come

    async def standing(
        self, member_id: int, gate_name: str | None, *, finality: Finality = "latest"
    ) -> Standing:
        """Whether a member may come. A room that the pack no longer names: nobody can tell."""
        return await self._turn().of(member_id, gate_name, finality=finality)

    def _turn(self) -> Turn:
        return Turn(self._town, self._evidence, self._judge, self._patience)

    # What people see

    async def open(self) -> bool:
        """Whether there is anything to come to."""
        async with transaction(self._sessions) as session:
            self.any_open = await records.any_upcoming(session, now=self._clock())
        return self.any_open

    async def upcoming(self, member_id: int | None = None) -> list[View]:
        """What is to come, the next first, with what this member said; without any link."""
        async with transaction(self._sessions) as session:
            events = await records.upcoming(session, now=self._clock())
            self.any_open = bool(events)
            return [await self._seen(session, each, member_id) for each in events]

    async def view(self, event_id: int, member_id: int | None = None) -> View:
        """One event as a member, or a stranger, may see it. Raises `NotFound`."""
        async with transaction(self._sessions) as session:
            event = await records.get(session, event_id)
            seen = await self._seen(session, event, member_id)
            may_read = await self._was_there(session, event, member_id)
        if member_id is None:
            return seen
        standing = await self.standing(member_id, event.plan.gate)
        by_gate = event.notes_for == "gate" and standing is Standing.YES
        return View(
            seen.event,
            seen.taken,
            seen.waiting,
            seen.reply,
            seen.line,
            standing,
            link_for(event, seen.reply, standing, now=self._clock()),
            notes=bool(event.notes) and (by_gate or may_read),
        )

    async def _seen(self, session: AsyncSession, event: Event, member_id: int | None) -> View:
        reply = await replies.reply_by(session, event.id, member_id) if member_id else None
        return View(
            event,
            await replies.seats_taken(session, event.id),
            await replies.people_waiting(session, event.id),
            reply,
            await replies.place_in_line(session, reply) if reply else None,
        )

    @staticmethod
    async def _was_there(session: AsyncSession, event: Event, member_id: int | None) -> bool:
        if member_id is None or not event.notes:
            return False
        found = await session.scalar(
            select(ReplyRow.member_id).where(
                ReplyRow.event_id == event.id,
                ReplyRow.member_id == member_id,
                telling.was_there(),
            )
        )
        return found is not None

    # Replies

    async def come(self, event_id: int, account: Account, companions: int = 0) -> Taken | NotTaken:
        """Take a seat, or a place in the waiting list, if the member may come.

        Whoever has a seat or a place already keeps it while nobody can tell. Raises `NotFound`.
        """
        async with transaction(self._sessions) as session:
            event = await records.get(session, event_id)
            before = await replies.reply_by(session, event_id, account.member_id)
        standing = await self.standing(account.member_id, event.plan.gate)
        was_admitted = before is not None and before.state in LIVE
        if standing is Standing.NO:
            return NotTaken(Refusal.NOT_ENTITLED)
        if standing is Standing.UNKNOWN and not was_admitted:
            return NotTaken(Refusal.CANNOT_TELL)
        admitted = event.plan.gate if standing is Standing.YES else None
        async with transaction(self._sessions) as session:
            return await replies.come(
                session, event_id, account, companions, admitted=admitted, now=self._clock()
            )

    async def decline(self, event_id: int, account: Account) -> Taken | NotTaken:
        """Raises `NotFound`."""
        async with transaction(self._sessions) as session:
            return await replies.decline(session, event_id, account, now=self._clock())

    # Calendars

    async def in_calendar(self, member_id: int) -> list[tuple[Event, Reply, str | None]]:
        """What stands in a member's calendar, with the links that they may have."""
        async with transaction(self._sessions) as session:
            entries = await feeds.entries_of(session, member_id, now=self._clock())
        turn, now, found = self._turn(), self._clock(), []
        for event, reply in entries:
            online = event.plan.online is not None
            read = await turn.of(member_id, event.plan.gate) if online else Standing.UNREAD
            found.append((event, reply, link_for(event, reply, read, now=now)))
        return found

    # The clock

    async def tell(self) -> int:
        """Everything that somebody is to be told now. Returns how many notices were written."""
        return await self._move_on() + await self._tell_news() + await self._remind()

    async def tell_first(self) -> int:
        """The first few of those whom news concerns; the clock's next turn tells the others.

        For whoever made the news and waits for a page.
        """
        return await self._tell_news(rounds=1)

    async def _move_on(self) -> int:
        """What the pack no longer names, offers that are over, seats that somebody just left."""
        async with transaction(self._sessions) as session:
            await records.call_off_missing(session, now=self._clock())
            moving = await replies.in_motion(session, now=self._clock())
        told = 0
        for event_id in moving:
            async with transaction(self._sessions) as session:
                told += await replies.lapse(session, event_id, now=self._clock())
                told += await replies.move_up(session, event_id, now=self._clock())
        return told

    async def _tell_news(self, *, rounds: int | None = None) -> int:
        """News, the oldest first, in transactions of `telling.BATCH` people."""
        async with transaction(self._sessions) as session:
            untold = await telling.untold(session)
        told = 0
        for news_id in untold:
            few, done = 1, 0
            while few and done != rounds:
                async with transaction(self._sessions) as session:
                    few = await telling.tell_news(session, news_id, now=self._clock())
                told, done = told + few, done + 1
        return told

    async def _remind(self) -> int:
        """Everybody who is due: read who may have the link, then tell them, a few at a time."""
        told, turn = 0, self._turn()
        while True:
            async with transaction(self._sessions) as session:
                due = await telling.due(session, now=self._clock())
            if not due:
                return told
            for start in range(0, len(due), TOGETHER):
                few = due[start : start + TOGETHER]
                read = {
                    each: await turn.of(each.member_id, each.gate)
                    if each.online
                    else Standing.UNREAD
                    for each in few
                }
                async with transaction(self._sessions) as session:
                    told += await telling.remind(session, read, now=self._clock())

    async def look(self) -> int:
        """Look whether those who come still may. Returns how many seats were given on.

        A no counts only if the finalized block says it too. Then they are told, and after the
        room's grace period the seat goes to the next in line. Nobody loses anything while nobody
        can tell.
        """
        released, turn = 0, self._turn()
        for gate, seats in (await self._guarded()).items():
            if self._town.gate(gate) is None:
                continue
            first = self._look_from.get(gate, 0)
            for seat in sorted(seats, key=lambda each: (each.member_id < first, each)):
                if turn.away(gate):
                    # Those before are out of reach; the next turn begins behind them.
                    self._look_from[gate] = seat.member_id
                    break
                standing = await self._sure(turn, seat.member_id, gate)
                if standing is Standing.NO or (standing is Standing.YES and not seat.settled):
                    released += await self._settle(seat.event_id, seat.member_id, gate, standing)
        return released

    @staticmethod
    async def _sure(turn: Turn, member_id: int, gate: str) -> Standing:
        """A no that the finalized block does not say yet is not known."""
        standing = await turn.of(member_id, gate)
        if standing is not Standing.NO:
            return standing
        sure = await turn.of(member_id, gate, finality="finalized")
        return sure if sure is Standing.NO else Standing.UNKNOWN

    async def _settle(self, event_id: int, member_id: int, gate: str, standing: Standing) -> int:
        now = self._clock()
        async with transaction(self._sessions) as session:
            if standing is Standing.YES:
                await replies.keep(session, event_id, member_id, gate)
            elif standing is Standing.NO:
                grace = self._town.access.grace_of(self._town.gate(gate))
                if not await replies.warn(session, event_id, member_id, now + grace, now=now):
                    return int(await replies.release(session, event_id, member_id, now=now))
        return 0

    async def _guarded(self) -> Mapping[str, Sequence[Seat]]:
        """Everybody who holds a seat or a place for what is to come, by room."""
        async with transaction(self._sessions) as session:
            rows = await session.execute(
                select(
                    EventRow.gate,
                    ReplyRow.member_id,
                    ReplyRow.event_id,
                    ReplyRow.leave_at,
                    ReplyRow.admitted_gate,
                )
                .join(EventRow, EventRow.id == ReplyRow.event_id)
                .where(
                    EventRow.state == EventState.OPEN,
                    EventRow.starts_at > self._clock(),
                    EventRow.gate.is_not(None),
                    ReplyRow.state.in_(LIVE),
                )
            )
            found: dict[str, list[Seat]] = {}
            for gate, member_id, event_id, leave_at, admitted in rows:
                settled = leave_at is None and admitted == gate
                found.setdefault(str(gate), []).append(Seat(member_id, event_id, settled))
            return found
