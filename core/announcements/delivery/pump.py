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
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from time import monotonic as steady
from typing import Final, TypeVar

from sqlalchemy.exc import DBAPIError

from core.announcements.delivery import leases
from core.announcements.delivery.claims import standing
from core.announcements.delivery.flights import Flights
from core.announcements.delivery.lanes import Lane
from core.announcements.delivery.looking import Looker
from core.announcements.delivery.messenger import Messenger, Render
from core.announcements.delivery.quiet import QuietHours
from core.announcements.delivery.turns import LOOK_EVERY, Asked, Gone, Turn, Turns
from core.clock import Clock
from core.database import Sessions, reading, transaction
from core.errors import RecordsUnavailable

logger = logging.getLogger(__name__)

TURN_WITHIN: Final = 60.0
"""Seconds. A turn that takes longer lost its database."""
IDLE: Final = timedelta(seconds=1)
"""How often we look although nobody woke us: another process may have confirmed something."""
MAX_IN_FLIGHT: Final = 256
MANY_IN_FLIGHT: Final = 16
LONGEST_REST: Final = 0.05
"""Seconds. Between turns that send nothing: as long as a turn takes, and no longer than this."""
REST: Final = timedelta(milliseconds=5)
"""Between the turns of a pump with many messages in flight: their answers come in numbers."""

Answer = TypeVar("Answer")


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
        self._clock = clock
        self._worker = worker
        if monotonic is None:  # a clock that tests set says itself how time passes
            monotonic = getattr(clock, "monotonic", steady)
        self._time = leases.Timekeeper(clock, monotonic)
        self._bell = asyncio.Event()
        self.wake = Wake(self._bell)
        self.flights = Flights(messenger, clock, monotonic, pause, self._bell.set, self._standing)
        self.turns = Turns(
            Looker(messenger.platform, worker, render, quiet),
            self.flights,
            self._time,
            gap=timedelta(seconds=1 / rate),
            window=max(1, window),
            gone=gone,
        )
        self._spent = 0
        self._idle = False
        self._closing = False
        self.lane: Lane | None = None  # as of the last turn

    @property
    def messenger(self) -> Messenger:
        """The platform's door; it may be opened anew while the pump goes on."""
        return self.flights.messenger

    @messenger.setter
    def messenger(self, messenger: Messenger) -> None:
        self.flights.messenger = messenger

    @property
    def outcomes(self) -> Counter[str]:
        """Answers since the start, by their names."""
        return self.flights.outcomes

    @property
    def in_flight(self) -> int:
        """Requests on their way, or answered and not yet written down."""
        return self.flights.count

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
        await self.flights.break_off()
        if self.flights.landed:
            try:
                await self._turn(claiming=False)
            except Exception as error:  # noqa: BLE001 — its lease says the same, only later
                reason = type(error).__name__
                logger.warning("pump-stopped-unwritten", extra={"reason": reason})

    async def drain(self) -> None:
        """Claim nothing more; wait for what is in flight and write down what became of it."""
        self._closing = True
        await self.flights.settle()
        await self._turn()

    async def tick(self) -> int:
        """One turn, waited for to its end; returns how many messages were tried. For tests."""
        self.wake.set()
        await self._turn()
        tried = tuple(self.flights.flying.values())
        await asyncio.gather(*tried)
        await self._turn(claiming=False)
        return len(tried)

    async def void_own_leases(self) -> None:
        """After a restart under the same name: what was in flight then is due now."""
        async with transaction(self._sessions) as session:
            await leases.void(session, self.messenger.platform, [self._worker], now=self._clock())

    async def _until_answered(self, step: Callable[[], Awaitable[Answer]]) -> Answer:
        delay = 0.2
        while True:
            try:
                return await step()
            except RecordsUnavailable as error:
                logger.warning("pump-waits-for-database", extra={"reason": str(error)})
                await self.flights.pause(delay)
                delay = min(delay * 2, 5)

    async def _until_something(self, wait: float) -> None:
        """Wait for an answer, a ring or the next slot; of an idle pump, for work."""
        if len(self.flights.flying) > MANY_IN_FLIGHT:
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
            return await self.turns.looker.anything(session, self._clock())

    async def _standing(self, announcements: Collection[int]) -> Mapping[int, tuple[str, int]]:
        async with reading(self._sessions) as session:
            return await standing(session, announcements)

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
        self.turns.done(turn)
        self._spent -= turn.spent
        self.lane = turn.lane
        for number, claim in enumerate(turn.haul.claims):
            self.flights.launch(claim, turn.slots, number)
        self._idle = not self.in_flight and not turn.haul.more
        return self._wait(turn)

    async def _attempt(self, *, claiming: bool, rung: bool) -> Turn:
        """One transaction. If the database refuses a row, once more, row by row, without it."""
        singly = False
        while True:
            asked = Asked(claiming, rung, self._spent, singly)
            try:
                async with asyncio.timeout(TURN_WITHIN), transaction(self._sessions) as session:
                    return await self.turns.take(session, asked)
            except DBAPIError as error:  # an outage has another name here
                if singly:
                    raise
                reason = type(error.orig).__name__
                logger.warning("pump-writes-singly", extra={"reason": reason})
                singly = True

    def _wait(self, turn: Turn) -> float:
        """Until the next slots can be reserved."""
        took = self._time.monotonic() - turn.slots.monotonic
        if turn.haul.more and len(turn.haul.claims) < turn.room:
            return min(max(took, REST.total_seconds()), LONGEST_REST)  # others write meanwhile
        if not turn.haul.claims and turn.room > 0:
            return (LOOK_EVERY if self.in_flight else IDLE).total_seconds()
        until = turn.lane.free_at - turn.slots.now - turn.ahead / 2 - timedelta(seconds=took)
        return min(max(until, turn.ahead / 4), IDLE).total_seconds()
