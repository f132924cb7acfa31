"""Flights: what is on its way to the platform, each at its slot, and what became of it.

The claims come from a turn that is on disk. What a platform answers waits here until the next turn
has written it down.
"""

import asyncio
import logging
import math
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from core.announcements.delivery.changes import Key
from core.announcements.delivery.claims import LEASE, Claim, Deed
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

    def wait(self, number: int, monotonic: float) -> float:
        """Seconds until the slot of that number, from 0; below 0 if it has passed."""
        starts = self.first + number * self.gap
        return (starts - self.now).total_seconds() - (monotonic - self.monotonic)


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

    async def settle(self) -> None:
        """Wait for what is in flight."""
        await asyncio.gather(*self.flying.values(), return_exceptions=True)

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

    async def _deliver(self, claim: Claim, slots: Slots, number: int) -> None:
        try:
            wait = slots.wait(number, self._monotonic())
            if wait > 0:
                await self.pause(wait)
            late = self._too_late(claim, slots)
            if late is None and self._waited(slots) > FRESH_FOR:
                late = await self._changed(claim) or self._too_late(claim, slots)
            self.reserved.pop(claim.key, None)  # from here on nobody knows, until it is answered
            outcome = late or await self._tried(claim)
        finally:
            self.flying.pop(claim.key, None)
        self.landed.append((claim, outcome))
        self._tell()
        self._learn(outcome)

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
        """Why a claim that has become old may not be used; one question for all that wait."""
        found_old = self._monotonic()
        async with self._asking:
            if self._asked_at < found_old or claim.announcement_id not in self._asked:
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
