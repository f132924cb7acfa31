"""What the desks of a town ask of events. The chain is read before a transaction is opened."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from core.access.decision import Admitted, Decision, Refused
from core.access.evidence import Evidence, EvidenceReader
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
    ReplyState,
    Standing,
    View,
)
from core.events.replies import Taken
from core.identity import Account
from core.tables import EventRow, ReplyRow
from core.town import Gate, TownPack

logger = logging.getLogger(__name__)

PATIENCE: Final = timedelta(seconds=4)
"""So long a reading may take while somebody waits; after that nobody could tell."""

AWAY_AFTER: Final = 3
"""So many readings in a row without an answer end a turn: the chain is away."""

TOGETHER: Final = 20
"""So many are reminded in one transaction: a short one, others write as well."""

Judge = Callable[[Gate, Evidence], Decision]


@dataclass(slots=True)
class Away:
    """How many readings in a row had no answer."""

    unknown: int = 0

    def note(self, standing: Standing) -> Standing:
        self.unknown = self.unknown + 1 if standing is Standing.UNKNOWN else 0
        return standing

    @property
    def over(self) -> bool:
        return self.unknown >= AWAY_AFTER


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
        self.any_open = False  # as of the last look, so that pages know without asking

    async def follow_pack(self) -> None:
        """Let the records be as the town pack says; for the start of a process."""
        async with transaction(self._sessions) as session:
            await records.follow_pack(session, self._town, now=self._clock())

    # Who may come

    async def standing(
        self, member_id: int, gate_name: str | None, *, finality: Finality = "latest"
    ) -> Standing:
        """Whether a member may come. A room that the pack no longer names: nobody can tell."""
        if gate_name is None:
            return Standing.YES
        gate = self._town.gate(gate_name)
        if gate is None:
            return Standing.UNKNOWN
        try:
            async with asyncio.timeout(self._patience.total_seconds()):
                evidence = await self._evidence.of(member_id, finality=finality)
        except TimeoutError:
            return Standing.UNKNOWN
        decision = self._judge(gate, evidence)
        if isinstance(decision, Admitted):
            return Standing.YES
        return Standing.NO if isinstance(decision, Refused) else Standing.UNKNOWN

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
            link_for(event, seen.reply, standing),
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
        async with transaction(self._sessions) as session:
            return await replies.come(session, event_id, account, companions, now=self._clock())

    async def decline(self, event_id: int, account: Account) -> Taken | NotTaken:
        """Raises `NotFound`."""
        async with transaction(self._sessions) as session:
            return await replies.decline(session, event_id, account, now=self._clock())

    # Calendars

    async def in_calendar(self, member_id: int) -> list[tuple[Event, Reply, str | None]]:
        """What stands in a member's calendar, with the links that they may have."""
        async with transaction(self._sessions) as session:
            entries = await feeds.entries_of(session, member_id, now=self._clock())
        standings = await self._standings(
            member_id, {event.plan.gate for event, _ in entries if event.plan.online}
        )
        return [
            (event, reply, link_for(event, reply, standings.get(event.plan.gate, Standing.UNKNOWN)))
            for event, reply in entries
        ]

    async def _standings(
        self, member_id: int, gates: set[str | None]
    ) -> Mapping[str | None, Standing]:
        return {gate: await self.standing(member_id, gate) for gate in gates}

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
        """Offers that are over, and seats that somebody left without a word."""
        async with transaction(self._sessions) as session:
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
        told, away = 0, Away()
        while True:
            async with transaction(self._sessions) as session:
                due = await telling.due(session, now=self._clock())
                numbers = {each.event_id for each in due}
                planned = {each: await records.get(session, each) for each in sorted(numbers)}
            if not due:
                return told
            for start in range(0, len(due), TOGETHER):
                few = due[start : start + TOGETHER]
                standings = [
                    await self._for_link(planned[each.event_id], each.member_id, away)
                    for each in few
                ]
                async with transaction(self._sessions) as session:
                    for each, standing in zip(few, standings, strict=True):
                        told += await self._remind_one(session, each, standing)

    async def _for_link(self, event: Event, member_id: int, away: Away) -> Standing:
        """Whether somebody may have the link. Nobody waits long for a chain that is away."""
        if event.plan.online is None or away.over:
            return Standing.UNKNOWN
        return away.note(await self.standing(member_id, event.plan.gate))

    async def _remind_one(
        self, session: AsyncSession, due: telling.Due, standing: Standing
    ) -> bool:
        event = await records.get(session, due.event_id)
        reply = await replies.reply_by(session, due.event_id, due.member_id)
        link = link_for(event, reply, standing)
        return await telling.remind(session, due, link=link, now=self._clock())

    async def look(self) -> int:
        """Look whether those who come still may. Returns how many seats were given on.

        A no counts only if the finalized block says it too. Then they are told, and after the
        room's grace period the seat goes to the next in line. Nobody loses anything while nobody
        can tell.
        """
        released, away = 0, Away()
        for event_id, member_id, gate in await self._guarded():
            if self._town.gate(gate) is None:
                continue
            standing = await self.standing(member_id, gate)
            if standing is Standing.NO:
                standing = await self.standing(member_id, gate, finality="finalized")
            away.note(standing)
            if away.over:
                break
            released += await self._settle(event_id, member_id, gate, standing)
        return released

    async def _settle(self, event_id: int, member_id: int, gate: str, standing: Standing) -> int:
        now = self._clock()
        async with transaction(self._sessions) as session:
            if standing is Standing.YES:
                await replies.keep(session, event_id, member_id)
            elif standing is Standing.NO:
                grace = self._town.access.grace_of(self._town.gate(gate))
                if not await replies.warn(session, event_id, member_id, now + grace, now=now):
                    return int(await replies.release(session, event_id, member_id, now=now))
        return 0

    async def _guarded(self) -> Sequence[tuple[int, int, str]]:
        """Event, member and room of everybody who holds a seat or a place for what is to come."""
        async with transaction(self._sessions) as session:
            rows = await session.execute(
                select(ReplyRow.event_id, ReplyRow.member_id, EventRow.gate)
                .join(EventRow, EventRow.id == ReplyRow.event_id)
                .where(
                    EventRow.state == EventState.OPEN,
                    EventRow.starts_at > self._clock(),
                    EventRow.gate.is_not(None),
                    ReplyRow.state.in_(LIVE),
                )
                .order_by(EventRow.starts_at, ReplyRow.number)
            )
            return [(row[0], row[1], str(row[2])) for row in rows]


def link_for(event: Event, reply: Reply | None, standing: Standing) -> str | None:
    """The link of an event, for somebody who comes and may.

    Who has a seat was admitted when they took it: only a reading that says no hides the link.
    """
    comes = reply is not None and reply.state is ReplyState.COMING
    if not (event.is_open and comes) or standing is Standing.NO:
        return None
    return event.plan.online
