"""A turn: one transaction that writes down what has landed, and claims what leaves next.

Under the lane's lock, so that any number of workers take their turns one after the other. Nothing
leaves before the commit.
"""

import contextlib
import math
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from core.announcements.counters import unfinished
from core.announcements.delivery import lanes, leases
from core.announcements.delivery.changes import Change, Key, apply
from core.announcements.delivery.claims import Claim, Haul, Run, runs_on
from core.announcements.delivery.flights import Flights, Slots
from core.announcements.delivery.lanes import AHEAD, BARELY_AHEAD, Lane
from core.announcements.delivery.leases import Timekeeper
from core.announcements.delivery.looking import Looker
from core.announcements.delivery.matter import Illegible
from core.announcements.delivery.messenger import Blocked, Flooded, Outcome
from core.announcements.delivery.outcomes import change_of, outdated
from core.announcements.delivery.reckoning import reckon
from core.identity import set_unreachable

LOOK_EVERY: Final = timedelta(milliseconds=250)
"""How often a busy pump looks for what is due again, and for notices of other processes."""

Gone = Callable[[AsyncSession], Awaitable[Collection[str]]]
"""Names of workers that have been silent for too long, whatever the clocks say."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a pump wants of a turn."""

    claiming: bool  # whether anything may leave
    rung: bool  # something new waits
    spent: int  # replies that took a slot
    singly: bool = False  # the database refused a row: one by one, without it


@dataclass(frozen=True, slots=True)
class Turn:
    """What a turn decided; it holds once it is on disk."""

    slots: Slots
    lane: Lane
    haul: Haul
    room: int
    written: int
    spent: int
    ahead: timedelta


class Turns:
    """Those of one worker on one platform."""

    def __init__(
        self,
        looker: Looker,
        flights: Flights,
        time: Timekeeper,
        *,
        gap: timedelta,
        window: int,
        gone: Gone | None,
    ) -> None:
        self.looker = looker
        self.gap = gap
        self.window = window
        self._flights = flights
        self._time = time
        self._gone = gone
        self._platform = looker.platform
        self._taken = self._served = 0
        self._look_at = -math.inf
        self._freed: set[str] = set()
        self._more = False

    def done(self, turn: Turn) -> None:
        """It is on disk."""
        del self._flights.landed[: turn.written]
        self._taken += 1
        self._more = turn.haul.more

    async def take(self, session: AsyncSession, asked: Asked) -> Turn:
        """Write down, look, claim."""
        found = await lanes.locked(session, self._platform, self.gap, self._time.wall())
        now, jumped = self._time.read()  # after the lock, which may have been waited for
        ticks = self._time.monotonic()
        runs = await runs_on(session, self._platform, now)
        lane = found
        if jumped:
            lane = await self._mended(session, found, now)
        lane = lane.kept_by(self.gap, now)
        spent, landed = asked.spent, self._flights.landed[:]
        lane = lane.taken(spent, now)[1] if spent else lane
        haul = Haul()
        lane = await self._write_down(session, lane, runs, landed, haul, now, singly=asked.singly)
        if lane.banned_until is not None:
            self._flights.note_ban(lane.banned_until - now)
        ahead = _ahead(lane, runs)
        room = self._room(lane, now, ahead, len(landed)) if asked.claiming else 0
        if asked.claiming:
            haul.add(await self._find(session, runs, room, asked.rung, len(landed), now))
            await _claim(session, haul, singly=asked.singly)
        await reckon(session, haul.reckoning, now=now)
        first, lane = lane.taken(len(haul.claims), now)
        if lane != found:
            await lanes.keep(session, self._platform, lane)
        slots = Slots(first, lane.gap, now, ticks)
        return Turn(slots, lane, haul, room, len(landed), spent, ahead)

    async def _mended(self, session: AsyncSession, lane: Lane, now: datetime) -> Lane:
        """The wall's clock was put forward or back, or may have been while nobody was here.

        Leases that lie further ahead than any can are shortened. For the length of a lease, what
        other workers hold is left to them, whatever their leases seem to say.
        """
        await leases.mend(session, self._platform, now)
        left = self._flights.ban_left()
        if self._taken == 0 and lane.banned_until is not None:
            left = lane.banned_until - now
        return lane.mended(now, left)

    def _room(self, lane: Lane, now: datetime, ahead: timedelta, written: int) -> int:
        """How many messages may be claimed; of what has landed, so many are written down."""
        room = min(lane.slots(now, ahead), self.window - self._flights.count + written)
        return max(self._flights.bearable(room), 0)

    async def _find(
        self,
        session: AsyncSession,
        runs: Sequence[Run],
        room: int,
        rung: bool,
        written: int,
        now: datetime,
    ) -> Haul:
        """What goes next: notices, posts in rooms, then the announcements by turns.

        Of what has landed, the first `written` stand in their rows already and may be due again.
        """
        look = rung or self._more or self._time.monotonic() >= self._look_at
        landed = (claim.key for claim, _ in self._flights.landed[written:])
        haul, ours = Haul(), {*self._flights.flying, *landed}
        if look:
            self._look_at = self._time.monotonic() + LOOK_EVERY.total_seconds()
            await self._tidy(session, runs, haul, room, ours, now)
            if left := room - len(haul.claims):
                haul.add(await self.looker.urgent(session, left, ours, now))
        waiting = [each for each in runs if not each.over]
        waiting.sort(key=lambda each: each.announcement_id <= self._served)
        first = True  # who had the first share of a turn has the last of the next
        while waiting and len(haul.claims) < room:
            share = math.ceil((room - len(haul.claims)) / len(waiting))
            run = waiting.pop(0)
            try:
                found = await self._serve(session, run, share, look, ours, now)
            except Illegible:  # it waits; the others go on
                continue
            if found.claims and first:
                self._served, first = run.announcement_id, False
            haul.add(found)
        return haul

    async def _serve(
        self,
        session: AsyncSession,
        run: Run,
        share: int,
        look: bool,
        ours: set[Key],
        now: datetime,
    ) -> Haul:
        """One announcement's share of the slots."""
        haul = Haul()
        if look:
            haul.add(await self.looker.due_again(session, run, share, ours, now))
        if run.amend_cursor is not None and len(haul.claims) < share:
            found, run = await self.looker.amend(session, run, share - len(haul.claims), now)
            haul.add(found)
        if run.sends and run.cursor < run.last and len(haul.claims) < share:
            found, run = await self.looker.advance(session, run, share - len(haul.claims), now)
            haul.add(found)
            if run.cursor >= run.last:
                haul.reckoning.through.add(run.announcement_id)
        return haul

    async def _tidy(
        self,
        session: AsyncSession,
        runs: Sequence[Run],
        haul: Haul,
        room: int,
        ours: set[Key],
        now: datetime,
    ) -> None:
        """End what is over or too late, and free what dead workers hold."""
        self.looker.trusting = self._time.trusts()
        if self._gone is not None and self.looker.trusting:
            dead = [each for each in await self._gone(session) if each != self.looker.worker]
            await leases.free(session, self._platform, dead, self._freed, now=now)
        for run in runs:
            if run.late:
                haul.reckoning.late.add(run.announcement_id)
            if run.over:
                left = room - len(haul.claims)
                with contextlib.suppress(Illegible):  # it waits; the others go on
                    haul.add(await self.looker.close(session, run, left, ours, now))
        ended = [each.announcement_id for each in runs if each.sends and each.cursor >= each.last]
        haul.reckoning.through.update(await unfinished(session, ended))
        self.looker.forget({each.announcement_id for each in runs})

    async def _write_down(
        self,
        session: AsyncSession,
        lane: Lane,
        runs: Sequence[Run],
        landed: Sequence[tuple[Claim, Outcome]],
        haul: Haul,
        now: datetime,
        *,
        singly: bool,
    ) -> Lane:
        """Store what the platform answered; returns the lane, widened after a flood."""
        newest = {each.announcement_id: each.revision for each in runs}
        changes: list[Change] = []
        for claim, outcome in landed:
            change = change_of(claim, outcome, worker=self.looker.worker, now=now)
            if newest.get(claim.announcement_id, 0) > claim.revision:
                change = outdated(claim, change, now)
            changes.append(change)
        applied = await apply(session, changes, singly=singly)
        haul.reckoning.count(changes, applied)
        blocked = [
            claim.recipient
            for claim, outcome in landed
            if isinstance(outcome, Blocked) and claim.recipient > 0 and claim.key in applied
        ]
        if blocked:
            await set_unreachable(session, blocked)
        floods = [each.retry_after for _, each in landed if isinstance(each, Flooded)]
        return lane.flooded(max(floods), now) if floods else lane


def _ahead(lane: Lane, runs: Sequence[Run]) -> timedelta:
    """How far in advance slots are reserved: what has not left when a process dies is in doubt.

    Next to nothing where staff decide about each doubt, or a turn would take one slot anyhow.
    """
    dear = any(each.holds and each.sends for each in runs)
    return BARELY_AHEAD if dear or lane.gap >= AHEAD / 2 else AHEAD


async def _claim(session: AsyncSession, haul: Haul, *, singly: bool) -> None:
    """Write down what was decided; what could not be claimed does not leave."""
    applied = await apply(session, haul.changes, singly=singly)
    haul.reckoning.count(haul.changes, applied)
    lost = {each.key for each in haul.changes} - applied
    haul.claims = [each for each in haul.claims if each.key not in lost]
