"""The pump: takes what is due from the outbox and sends it at the platform's pace.

A turn is one transaction: lock the lane, write down what became of the last messages, reserve
send slots on the lane's row, claim as many messages, commit. Only then they leave, each at its
slot, while the next turn goes on. So the pace does not depend on how long the platform takes. An
answer is written down as it comes, not at the next beat: what a dying process repeats is what was
on its way to the platform, and no more. Several pumps may run, in one process or in several: rows
and lane are in the database, and the lane's lock lets one turn follow the other.

Waits are counted on the monotonic clock. Leases and slots stand in the records by the wall's, and
survive when it is put forward or back: see `_mended`.
"""

import asyncio
import logging
import math
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic as steady
from typing import Final, TypeVar

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from core.announcements.counters import unfinished
from core.announcements.delivery import lanes, leases
from core.announcements.delivery.changes import Change, Key, apply
from core.announcements.delivery.claims import LEASE, Claim, Deed, Haul, Run, runs_on
from core.announcements.delivery.lanes import AHEAD, BARELY_AHEAD, Lane
from core.announcements.delivery.looking import Looker
from core.announcements.delivery.messenger import (
    Amender,
    Blocked,
    Failed,
    Flooded,
    InDoubt,
    Messenger,
    NotSent,
    Outcome,
    Render,
)
from core.announcements.delivery.outcomes import bounded, change_of, outdated
from core.announcements.delivery.quiet import QuietHours
from core.announcements.delivery.reckoning import reckon
from core.announcements.nouns import Kind
from core.clock import Clock
from core.database import Sessions, reading, transaction
from core.errors import RecordsUnavailable
from core.identity import set_unreachable

logger = logging.getLogger(__name__)

CUT_OFF: Final = LEASE / 3
"""How long the platform may take to answer."""
START_WITHIN: Final = LEASE / 6
"""A request that could not begin so soon after its claim does not begin: its row waits again.

A process that stood still and goes on does not know that staff paused, cancelled or changed the
announcement meanwhile: what it had claimed may still leave for so long, and not longer.
"""
TURN_WITHIN: Final = 60.0
"""Seconds. A turn that takes longer lost its database."""
IDLE: Final = timedelta(seconds=1)
"""How often we look although nobody woke us: another process may have confirmed something."""
LOOK_EVERY: Final = timedelta(milliseconds=250)
"""How often a busy pump looks for what is due again, and for notices of other processes."""
MAX_IN_FLIGHT: Final = 256
MANY_IN_FLIGHT: Final = 16
LONGEST_REST: Final = 0.05
"""Seconds. Between turns that send nothing: as long as a turn takes, and no longer than this."""
REST: Final = timedelta(milliseconds=5)
"""Between the turns of a pump with many messages in flight: their answers come in numbers."""
SICK_AFTER: Final = 8
"""So many messages in a row that could not be sent: the platform is away, one is enough to ask."""
LONGEST_HOLD: Final = timedelta(seconds=30)

Answer = TypeVar("Answer")
Gone = Callable[[AsyncSession, datetime], Awaitable[Sequence[str]]]
"""Names of workers that have been silent for too long."""


@dataclass(slots=True)
class Wake:
    """Rings when something new waits in the outbox."""

    _bell: asyncio.Event
    rung: bool = True

    def set(self) -> None:
        self.rung = True
        self._bell.set()


class Pump:
    """Sends what is due on one platform.

    `rate` is messages a second; `window` the most that may be in flight at once: with 1, at most
    one message comes twice after this process dies. `quiet` are the hours in which announcements
    wait, `gone` names dead workers whose messages may be taken over before their lease is over.
    `pause` and `monotonic` are for tests: `monotonic` counts the seconds that pass, whatever the
    clock says, and is the clock's own method of that name where it has one.
    """

    def __init__(
        self,
        sessions: Sessions,
        messenger: Messenger,
        render: Render,
        clock: Clock,
        *,
        rate: float,
        worker: str,
        pause: Callable[[float], Awaitable[object]] = asyncio.sleep,
        window: int = MAX_IN_FLIGHT,
        quiet: QuietHours | None = None,
        gone: Gone | None = None,
        monotonic: Callable[[], float] | None = None,
    ) -> None:
        self._sessions = sessions
        self.messenger = messenger
        self._clock = clock
        self._gap = timedelta(seconds=1 / rate)
        self._worker = worker
        self._pause = pause
        self._window = max(1, window)
        self._gone = gone
        self._platform = messenger.platform
        self._looker = Looker(self._platform, worker, render, quiet)
        if monotonic is None:  # a clock that tests set says itself how time passes
            monotonic = getattr(clock, "monotonic", steady)
        self._time = leases.Timekeeper(clock, monotonic)
        self._monotonic = monotonic
        self._flying: dict[Key, asyncio.Task[None]] = {}
        self._reserved: dict[Key, Claim] = {}  # whose slot has not come: nothing was sent
        self._landed: list[tuple[Claim, Outcome]] = []
        self._spent = 0
        self._turns = self._served = 0
        self._look_at = -math.inf
        self._sick = 0
        self._held_until = -math.inf
        self._banned_until = -math.inf
        self._freed: set[str] = set()
        self._more = self._idle = False
        self._closing = False
        self._bell = asyncio.Event()
        self.wake = Wake(self._bell)
        self.outcomes: Counter[str] = Counter()  # since the start, by the name of the answer
        self.lane: Lane | None = None  # as of the last turn

    @property
    def in_flight(self) -> int:
        """Requests on their way, or answered and not yet written down."""
        return len(self._flying) + len(self._landed)

    def spent(self, count: int = 1) -> None:
        """Somebody was answered: replies go first, and the lane makes room for them."""
        self._spent += count

    async def run(self) -> None:
        """Pump until cancelled. A database that is away for a while is waited for."""
        await self._until_answered(self.void_own_leases)
        try:
            while True:
                self._bell.clear()
                wait = await self._until_answered(self._turn)
                await self._until_something(wait)
        finally:
            await self._stop()

    async def _stop(self) -> None:
        """Break off; what had not begun waits for the next worker, and is in no doubt."""
        tasks = tuple(self._flying.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        unsent = NotSent("stopped before its time", retry_after=timedelta(0))
        self._landed += [(claim, unsent) for claim in self._reserved.values()]
        self._flying.clear()
        self._reserved.clear()
        if self._landed:
            try:
                await self._turn(claiming=False)
            except Exception as error:  # noqa: BLE001 — its lease says the same, only later
                reason = type(error).__name__
                logger.warning("pump-stopped-unwritten", extra={"reason": reason})

    async def drain(self) -> None:
        """Claim nothing more; wait for what is in flight and write down what became of it."""
        self._closing = True
        await asyncio.gather(*self._flying.values(), return_exceptions=True)
        await self._turn()

    async def tick(self) -> int:
        """One turn, waited for to its end; returns how many messages were tried. For tests."""
        self.wake.set()
        await self._turn()
        tried = tuple(self._flying.values())
        await asyncio.gather(*tried)
        await self._turn(claiming=False)
        return len(tried)

    async def void_own_leases(self) -> None:
        """After a restart under the same name: what was in flight then is due now."""
        async with transaction(self._sessions) as session:
            await leases.void(session, self._platform, [self._worker], now=self._clock())

    async def _until_answered(self, step: Callable[[], Awaitable[Answer]]) -> Answer:
        delay = 0.2
        while True:
            try:
                return await step()
            except RecordsUnavailable as error:
                logger.warning("pump-waits-for-database", extra={"reason": str(error)})
                await self._pause(delay)
                delay = min(delay * 2, 5)

    async def _until_something(self, wait: float) -> None:
        """Wait for an answer, a ring or the next slot; of an idle pump, for work."""
        if len(self._flying) > MANY_IN_FLIGHT:
            await asyncio.sleep(REST.total_seconds())
        while not await self._rung(wait):
            if not self._idle or await self._until_answered(self._anything):
                return

    async def _rung(self, wait: float) -> bool:
        try:
            async with asyncio.timeout(wait):
                await self._bell.wait()
        except TimeoutError:
            return False
        return True

    async def _anything(self) -> bool:
        """Whether a turn would find work; keeps nobody from writing."""
        async with reading(self._sessions) as session:
            return await self._looker.anything(session, self._clock())

    async def _turn(self, *, claiming: bool = True) -> float:
        """Write down, claim, let fly; returns for how many seconds nothing can be due."""
        rung, self.wake.rung = self.wake.rung, False
        began = steady()
        try:
            turn = await self._attempt(claiming=claiming and not self._closing, rung=rung)
        except BaseException as error:
            self.wake.rung |= rung
            if isinstance(error, TimeoutError):
                raise RecordsUnavailable("no answer") from error
            raise
        if steady() - began > leases.STALL:
            self._time.distrust()
        del self._landed[: turn.written]  # only now are they on disk
        self._spent -= turn.spent
        self._turns += 1
        self.lane = turn.lane
        self._more = turn.haul.more
        for number, claim in enumerate(turn.haul.claims):
            starts = turn.first + number * turn.lane.gap
            self._reserved[claim.key] = claim
            task = asyncio.create_task(self._deliver(claim, turn, starts))
            self._flying[claim.key] = task
        self._idle = not self.in_flight and not self._more
        return self._wait(turn)

    async def _attempt(self, *, claiming: bool, rung: bool) -> "_Turn":
        """One transaction. If the database refuses a row, once more, row by row, without it."""
        singly = False
        while True:
            try:
                async with asyncio.timeout(TURN_WITHIN), transaction(self._sessions) as session:
                    return await self._work(session, claiming=claiming, rung=rung, singly=singly)
            except DBAPIError as error:  # an outage has another name here
                if singly:
                    raise
                reason = type(error.orig).__name__
                logger.warning("pump-writes-singly", extra={"reason": reason})
                singly = True

    def _wait(self, turn: "_Turn") -> float:
        """Until the next slots can be reserved."""
        took = self._monotonic() - turn.monotonic
        if turn.haul.more and len(turn.haul.claims) < turn.room:
            return min(max(took, REST.total_seconds()), LONGEST_REST)  # others write meanwhile
        if not turn.haul.claims and turn.room > 0:
            return (LOOK_EVERY if self.in_flight else IDLE).total_seconds()
        until = turn.lane.free_at - turn.now - turn.ahead / 2 - timedelta(seconds=took)
        return min(max(until, turn.ahead / 4), IDLE).total_seconds()

    async def _work(
        self, session: AsyncSession, *, claiming: bool, rung: bool, singly: bool
    ) -> "_Turn":
        found = await lanes.locked(session, self._platform, self._gap, self._clock())
        now, jumped = self._time.read()  # after the lock, which may have been waited for
        ticks = self._monotonic()
        runs = await runs_on(session, self._platform, now)
        lane = found
        if jumped:
            lane = await self._mended(session, found, now)
        lane = lane.kept_by(self._gap, now)
        spent, landed = self._spent, self._landed[:]
        lane = lane.taken(spent, now)[1] if spent else lane
        haul = Haul()
        lane = await self._write_down(session, lane, runs, landed, haul, now, singly=singly)
        if lane.banned_until is not None:
            self._note_ban(lane.banned_until - now)
        ahead = _ahead(lane, runs)
        room = self._room(lane, now, ahead) if claiming else 0
        if claiming:
            haul.add(await self._find(session, runs, room, rung, len(landed), now))
            await _claim(session, haul, singly=singly)
        await reckon(session, haul.reckoning, now=now)
        first, lane = lane.taken(len(haul.claims), now)
        if lane != found:
            await lanes.keep(session, self._platform, lane)
        return _Turn(now, ticks, lane, haul, first, room, len(landed), spent, ahead)

    async def _mended(self, session: AsyncSession, lane: Lane, now: datetime) -> Lane:
        """The wall's clock was put forward or back, or may have been while nobody was here.

        Leases that lie further ahead than any can are shortened. For the length of a lease, what
        other workers hold is left to them, whatever their leases seem to say.
        """
        await leases.mend(session, self._platform, now)
        left = timedelta(seconds=max(0.0, self._banned_until - self._monotonic()))
        if self._turns == 0 and lane.banned_until is not None:
            left = lane.banned_until - now
        return lane.mended(now, left)

    def _note_ban(self, left: timedelta) -> None:
        until = self._monotonic() + left.total_seconds()
        self._banned_until = max(self._banned_until, until)

    def _room(self, lane: Lane, now: datetime, ahead: timedelta) -> int:
        """How many messages may be claimed."""
        room = min(lane.slots(now, ahead), self._window - len(self._flying))
        if self._sick >= SICK_AFTER:
            room = min(room, 1) if self._monotonic() >= self._held_until else 0
        return max(room, 0)

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
        look = rung or self._more or self._monotonic() >= self._look_at
        landed = (claim.key for claim, _ in self._landed[written:])
        haul, ours = Haul(), {*self._flying, *landed}
        if look:
            self._look_at = self._monotonic() + LOOK_EVERY.total_seconds()
            await self._tidy(session, runs, haul, room, ours, now)
            if left := room - len(haul.claims):
                haul.add(await self._looker.urgent(session, left, ours, now))
        waiting = [each for each in runs if not each.over]
        waiting.sort(key=lambda each: each.announcement_id <= self._served)
        first = True  # who had the first share of a turn has the last of the next
        while waiting and len(haul.claims) < room:
            share = math.ceil((room - len(haul.claims)) / len(waiting))
            run = waiting.pop(0)
            found = await self._serve(session, run, share, look, ours, now)
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
            haul.add(await self._looker.due_again(session, run, share, ours, now))
        if run.amend_cursor is not None and len(haul.claims) < share:
            found, run = await self._looker.amend(session, run, share - len(haul.claims), now)
            haul.add(found)
        if run.sends and run.cursor < run.last and len(haul.claims) < share:
            found, run = await self._looker.advance(session, run, share - len(haul.claims), now)
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
        self._looker.trusting = self._time.trusts()
        if self._gone is not None and self._looker.trusting:
            dead = [each for each in await self._gone(session, now) if each != self._worker]
            await leases.free(session, self._platform, dead, self._freed, now=now)
        for run in runs:
            if run.late:
                haul.reckoning.late.add(run.announcement_id)
            if run.over:
                left = room - len(haul.claims)
                haul.add(await self._looker.close(session, run, left, ours, now))
        ended = [each.announcement_id for each in runs if each.sends and each.cursor >= each.last]
        haul.reckoning.through.update(await unfinished(session, ended))
        self._looker.forget({each.announcement_id for each in runs})

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
            change = change_of(claim, outcome, worker=self._worker, now=now)
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

    async def _deliver(self, claim: Claim, turn: "_Turn", starts: datetime) -> None:
        try:
            wait = (starts - turn.now).total_seconds() - (self._monotonic() - turn.monotonic)
            if wait > 0:
                await self._pause(wait)
            late = self._too_late(claim, turn)
            self._reserved.pop(claim.key, None)  # from here on nobody knows, until it is answered
            outcome = late or await self._tried(claim)
        finally:
            self._flying.pop(claim.key, None)
        self._landed.append((claim, outcome))
        self._bell.set()
        self._learn(outcome)

    def _learn(self, outcome: Outcome) -> None:
        """What an answer says of the platform."""
        self.outcomes[type(outcome).__name__] += 1
        if isinstance(outcome, Flooded):
            self._note_ban(outcome.retry_after)
        if not isinstance(outcome, NotSent):
            self._sick = 0
        elif outcome.retry_after is None:
            self._sick += 1
        if self._sick >= SICK_AFTER:
            hold = 2.0 ** min(self._sick - SICK_AFTER, 5)
            self._held_until = self._monotonic() + min(hold, LONGEST_HOLD.total_seconds())

    def _too_late(self, claim: Claim, turn: "_Turn") -> Outcome | None:
        """Why a claim may not be used any more; certainly nothing was sent then."""
        monotonic = self._monotonic()
        if monotonic < self._banned_until:
            return Flooded(timedelta(seconds=self._banned_until - monotonic))
        clock = self._clock()
        if claim.deed is Deed.SEND and claim.deadline is not None and clock >= claim.deadline:
            return NotSent("its deadline has come", retry_after=timedelta(0))
        waited = max(monotonic - turn.monotonic, (clock - turn.now).total_seconds())
        if waited > START_WITHIN.total_seconds():
            return NotSent("this process stood still", retry_after=timedelta(0))
        return None

    async def _tried(self, claim: Claim) -> Outcome:
        try:
            async with asyncio.timeout(CUT_OFF.total_seconds()):
                return bounded(await self._send(claim))
        except TimeoutError:
            return InDoubt("no answer in time")
        except Exception:
            # An adapter's own mistake must not stop the pump; whether it was sent, nobody knows.
            logger.exception("delivery-broke", extra={"platform": self._platform})
            return InDoubt("unexpected error")

    async def _send(self, claim: Claim) -> Outcome:
        direct = claim.kind is not Kind.ROOM
        if claim.deed is Deed.SEND:
            send = self.messenger.send_direct if direct else self.messenger.post
            return await send(claim.target, claim.message, delivery=claim.number)
        if not isinstance(self.messenger, Amender):
            return Failed("the platform changes nothing that has arrived")
        message_id = str(claim.message_id)
        if claim.deed is Deed.RETRACT:
            return await self.messenger.retract(claim.target, message_id, direct=direct)
        return await self.messenger.edit(claim.target, message_id, claim.message, direct=direct)


@dataclass(frozen=True, slots=True)
class _Turn:
    """What a turn decided, once it is on disk."""

    now: datetime
    monotonic: float
    lane: Lane
    haul: Haul
    first: datetime  # the first slot
    room: int
    written: int
    spent: int
    ahead: timedelta


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
