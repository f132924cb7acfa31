"""Flights: what is on its way to the platform, each at its slot, and what became of it.

The claims come from a turn that is on disk. What a platform answers waits here until the next turn
has written it down.
"""

import asyncio
import logging
import math
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from core.announcements.delivery.changes import Key
from core.announcements.delivery.claims import LEASE, Claim, Deed
from core.announcements.delivery.lanes import late_by
from core.announcements.delivery.messenger import (
    Amender,
    Failed,
    Flooded,
    InDoubt,
    Messenger,
    NotSent,
    Outcome,
)
from core.announcements.delivery.outcomes import bounded
from core.announcements.nouns import AnnouncementState, Kind
from core.clock import Clock
from core.errors import RecordsUnavailable

logger = logging.getLogger(__name__)

CUT_OFF: Final = LEASE / 3
"""How long the platform may take to answer."""
START_WITHIN: Final = LEASE / 6
"""A request that could not begin so soon after its claim does not begin: its row waits again."""
FRESH_FOR: Final = 0.25
"""Seconds. After that a claim is used only if its announcement still stands as it did: staff may
have paused, cancelled or changed it while this process stood still."""
SICK_AFTER: Final = 8
"""So many messages in a row that could not be sent: the platform is away, one is enough to ask."""
INEXACT: Final = 1e-4
"""Seconds. Lanes count in microseconds, and floats add up."""
LONGEST_HOLD: Final = timedelta(seconds=30)


Standing = Callable[[Collection[int]], Awaitable[Mapping[int, tuple[str, int]]]]
"""The state and the revision of announcements now, by their numbers."""


@dataclass(frozen=True, slots=True)
class Slots:
    """When the claims of a turn leave: the first of them, and one after the other."""

    first: datetime
    gap: timedelta
    now: datetime  # when the turn looked at the clock
    monotonic: float

    def at(self, number: int) -> float:
        """When the slot of that number, from 0, is, by the monotonic clock."""
        ahead = self.first - self.now + number * self.gap
        return self.monotonic + ahead.total_seconds()


class Flights:
    """The requests of one pump; `landed` is called for each that has been answered."""

    def __init__(
        self,
        messenger: Messenger,
        clock: Clock,
        monotonic: Callable[[], float],
        pause: Callable[[float], Awaitable[object]],
        landed: Callable[[], None],
        standing: Standing,
    ) -> None:
        self.messenger = messenger
        self.pause = pause
        self._clock = clock
        self._monotonic = monotonic
        self._tell = landed
        self._standing = standing
        self._asking = asyncio.Lock()
        self._asked_at = -math.inf
        self._asked: set[int] = set()
        self._stands: Mapping[int, tuple[str, int]] = {}
        self.flying: dict[Key, asyncio.Task[None]] = {}
        self.reserved: dict[Key, Claim] = {}  # whose slot has not come: nothing was sent
        self.missed: deque[asyncio.Future[float | None]] = deque()  # who wait for another slot
        self._next = -math.inf  # when the next may start, as GCRA counts it
        self._spaced_until = -math.inf  # of those who missed two slots
        self._moved = asyncio.Event()
        self.landed: list[tuple[Claim, Outcome]] = []
        self.outcomes: Counter[str] = Counter()  # since the start, by the name of the answer
        self.sick = 0
        self._held_until = -math.inf
        self._banned_until = -math.inf

    @property
    def count(self) -> int:
        """Requests on their way, or answered and not yet written down."""
        return len(self.flying) + len(self.landed)

    def ban_left(self) -> timedelta:
        """How long the platform still wants silence, as far as this process knows."""
        return timedelta(seconds=max(0.0, self._banned_until - self._monotonic()))

    def note_ban(self, left: timedelta) -> None:
        until = self._monotonic() + left.total_seconds()
        self._banned_until = max(self._banned_until, until)

    def bearable(self, room: int) -> int:
        """Of so many messages, how many may be tried while the platform seems to be away."""
        if self.sick < SICK_AFTER:
            return room
        return min(room, 1) if self._monotonic() >= self._held_until else 0

    def launch(self, claim: Claim, slots: Slots, number: int) -> None:
        """Send a claim at its slot."""
        self.reserved[claim.key] = claim
        self.flying[claim.key] = asyncio.create_task(self._deliver(claim, slots, number))

    def give(self, slots: Slots, count: int) -> None:
        """The first so many of the slots are for those who have missed theirs."""
        for number in range(min(count, len(self.missed))):
            self._tell_slot(slots.at(number))

    def let_go(self) -> None:
        """Nobody gets another slot any more."""
        while self.missed:
            self._tell_slot(None)

    def _tell_slot(self, slot: float | None) -> None:
        waiting = self.missed.popleft()
        if not waiting.done():
            waiting.set_result(slot)

    async def settle(self) -> None:
        """Wait until all that is in flight has landed, or waits for another slot."""
        while len(self.flying) > len(self.missed):
            self._moved.clear()
            await self._moved.wait()

    async def break_off(self) -> None:
        """End all; what had not begun is certainly not sent."""
        tasks = tuple(self.flying.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        unsent = NotSent("stopped before its time", retry_after=timedelta(0))
        self.landed += [(claim, unsent) for claim in self.reserved.values()]
        self.flying.clear()
        self.reserved.clear()
        self.missed.clear()

    async def _deliver(self, claim: Claim, slots: Slots, number: int) -> None:
        try:
            late = await self._at_a_slot(claim, slots, slots.at(number))
            self.reserved.pop(claim.key, None)  # from here on nobody knows, until it is answered
            outcome = late or await self._tried(claim)
        finally:
            self.flying.pop(claim.key, None)
            self._moved.set()
        self.landed.append((claim, outcome))
        self._tell()
        self._learn(outcome)

    async def _at_a_slot(self, claim: Claim, slots: Slots, slot: float) -> Outcome | None:
        """Wait for a slot that can be kept; returns why the claim may not be used any more.

        Who comes too late for a slot does not make up for it, or those who were held up would all
        leave at once: they wait for another. A process that is late for that one too is too slow
        for slots, and keeps a gap between its messages by itself.
        """
        late = await self._until(claim, slots, slot)
        if late is not None or self._keeps(slot, slots.gap):
            return late
        another = await self._another_slot()
        if another is None:
            unsent = NotSent("its slot has passed", retry_after=timedelta(0))
            return self._too_late(claim, slots) or unsent
        late = await self._until(claim, slots, another)
        if late is not None or self._keeps(another, slots.gap):
            return late
        while True:  # until `START_WITHIN`
            free = max(self._monotonic(), self._next, self._spaced_until)
            self._spaced_until = free + slots.gap.total_seconds()
            late = await self._until(claim, slots, free)
            if late is not None or self._takes(free, slots.gap):
                return late

    async def _until(self, claim: Claim, slots: Slots, slot: float) -> Outcome | None:
        wait = slot - self._monotonic()
        if wait > 0:
            await self.pause(wait)
        late = self._too_late(claim, slots)
        if late is None and self._waited(slots) > FRESH_FOR:
            late = await self._changed(claim) or self._too_late(claim, slots)
        return late

    def _keeps(self, slot: float, gap: timedelta) -> bool:
        """Whether it is not too late for a slot, and its place has not been taken."""
        late = self._monotonic() - slot
        return late <= late_by(gap).total_seconds() and self._takes(slot, gap)

    def _takes(self, slot: float, gap: timedelta) -> bool:
        """Begin now, unless this process would begin too much at once: GCRA once more."""
        now = max(self._monotonic(), slot)  # a clock that tests set stands still in a pause
        if now < self._next - late_by(gap).total_seconds() - INEXACT:
            return False
        self._next = max(self._next, now) + gap.total_seconds()
        return True

    async def _another_slot(self) -> float | None:
        loop = asyncio.get_running_loop()
        waiting: asyncio.Future[float | None] = loop.create_future()
        self.missed.append(waiting)
        self._moved.set()
        self._tell()
        return await waiting

    def _learn(self, outcome: Outcome) -> None:
        """What an answer says of the platform."""
        self.outcomes[type(outcome).__name__] += 1
        if isinstance(outcome, Flooded):
            self.note_ban(outcome.retry_after)
        if not isinstance(outcome, NotSent):
            self.sick = 0
        elif outcome.retry_after is None:
            self.sick += 1
        if self.sick >= SICK_AFTER:
            hold = 2.0 ** min(self.sick - SICK_AFTER, 5)
            self._held_until = self._monotonic() + min(hold, LONGEST_HOLD.total_seconds())

    def _too_late(self, claim: Claim, slots: Slots) -> Outcome | None:
        """Why a claim may not be used any more; certainly nothing was sent then."""
        monotonic = self._monotonic()
        if monotonic < self._banned_until:
            return Flooded(timedelta(seconds=self._banned_until - monotonic))
        clock = self._clock()
        if claim.deed is Deed.SEND and claim.deadline is not None and clock >= claim.deadline:
            return NotSent("its deadline has come", retry_after=timedelta(0))
        if self._waited(slots) > START_WITHIN.total_seconds():
            return NotSent("this process stood still", retry_after=timedelta(0))
        return None

    def _waited(self, slots: Slots) -> float:
        """Seconds since the claim, by the clock that says more."""
        passed = (self._clock() - slots.now).total_seconds()
        return max(self._monotonic() - slots.monotonic, passed)

    async def _changed(self, claim: Claim) -> Outcome | None:
        """Why a claim that has become old may not be used; one question for all that wait.

        An answer is as good as a claim is: for `FRESH_FOR`.
        """
        fresh_since = self._monotonic() - FRESH_FOR
        async with self._asking:
            if self._asked_at < fresh_since or claim.announcement_id not in self._asked:
                asked_at = self._monotonic()
                numbers = {each.announcement_id for each in self.reserved.values()}
                try:
                    self._stands = await self._standing(numbers)
                except RecordsUnavailable:
                    return NotSent("the records are away", retry_after=timedelta(0))
                self._asked_at, self._asked = asked_at, numbers
            state, revision = self._stands.get(claim.announcement_id, ("", 0))
        sends = claim.deed is not Deed.SEND or state == AnnouncementState.SENDING
        if sends and revision == claim.revision:
            return None
        return NotSent("staff decided otherwise", retry_after=timedelta(0))

    async def _tried(self, claim: Claim) -> Outcome:
        try:
            async with asyncio.timeout(CUT_OFF.total_seconds()):
                return bounded(await self._send(claim))
        except TimeoutError:
            return InDoubt("no answer in time")
        except Exception:
            # An adapter's own mistake must not stop the pump; whether it was sent, nobody knows.
            logger.exception("delivery-broke", extra={"platform": self.messenger.platform})
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
