"""The pump: takes due deliveries from the outbox and sends them at the platform's pace.

A turn is one transaction: write down what became of the last messages, reserve send slots on the
lane's row (GCRA: each message moves the theoretical arrival time by one gap), claim as many rows,
commit. Only then messages leave, each at its slot, while the next turn goes on. So the pace does
not depend on how long the platform takes, and what has arrived is on disk within a turn. Several
pumps may run: rows and lane are in the database.
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeVar

from sqlalchemy import case, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from core.announcements.messenger import (
    Blocked,
    Delivered,
    Failed,
    Flooded,
    InDoubt,
    Messenger,
    NotSent,
    Outcome,
    Outgoing,
    Render,
)
from core.announcements.nouns import AnnouncementState, Kind
from core.announcements.outbox import conclude, settle, tally
from core.clock import Clock
from core.database import Sessions, transaction
from core.errors import RecordsUnavailable
from core.identity import set_reachable
from core.tables import AnnouncementRow, DeliveryRow, LaneRow

logger = logging.getLogger(__name__)

LEASE: Final = timedelta(seconds=30)
CUT_OFF: Final = LEASE / 3
AHEAD: Final = timedelta(milliseconds=150)
"""How far in advance slots are reserved: a turn's worth."""
IDLE: Final = timedelta(seconds=1)
"""How often we look although nobody woke us: another process may have confirmed something."""
MAX_ATTEMPTS: Final = 300
"""For what certainly was not sent: about a day of tries, five minutes apart at the most."""
MAX_IN_FLIGHT: Final = 256
MAX_IN_DOUBT: Final = 1

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class _Claim:
    id: int
    kind: Kind
    account_id: int | None
    target: str
    attempt: int
    slot: datetime
    message: Outgoing


class Pump:
    """Sends what is due on one platform."""

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
    ) -> None:
        self._sessions = sessions
        self.messenger = messenger
        self._render = render
        self._clock = clock
        self._gap = timedelta(seconds=1 / rate)
        self._worker = worker
        self._pause = pause
        self._flying: set[asyncio.Task[None]] = set()
        self._landed: list[tuple[_Claim, Outcome]] = []
        self._closing = False
        self.wake = asyncio.Event()

    async def run(self) -> None:
        """Pump until cancelled. A database that is away for a while is waited for."""
        await self._until_answered(self.void_own_leases)
        try:
            while True:
                self.wake.clear()
                wait = await self._until_answered(self._turn)
                try:
                    await asyncio.wait_for(self.wake.wait(), wait.total_seconds())
                except TimeoutError:
                    continue
        finally:
            for task in self._flying:
                task.cancel()

    async def drain(self) -> None:
        """Claim nothing more; wait for what is in flight and write down what became of it."""
        self._closing = True
        await asyncio.gather(*self._flying, return_exceptions=True)
        async with transaction(self._sessions) as session:
            written = await self._write_down(session)
        del self._landed[:written]

    async def tick(self) -> int:
        """One turn, waited for to its end; returns how many messages were tried. For tests."""
        await self._turn()
        tried = tuple(self._flying)
        await asyncio.gather(*tried)
        async with transaction(self._sessions) as session:
            await self._write_down(session)
        return len(tried)

    async def void_own_leases(self) -> None:
        """After a restart under the same name: what was in flight then is due now."""
        async with transaction(self._sessions) as session:
            await session.execute(
                update(DeliveryRow)
                .where(DeliveryRow.worker == self._worker, DeliveryRow.state == "sending")
                .values(due_at=self._clock())
            )

    async def _until_answered(self, step: Callable[[], Awaitable[Answer]]) -> Answer:
        delay = 0.2
        while True:
            try:
                return await step()
            except RecordsUnavailable as error:
                logger.warning("pump-waits-for-database", extra={"reason": str(error)})
                await self._pause(delay)
                delay = min(delay * 2, 5)

    async def _turn(self) -> timedelta:
        """Write down, claim, let fly; returns how long nothing can be due."""
        async with transaction(self._sessions) as session:
            written = await self._write_down(session)
            claims, wait = await self._claim(session)
        del self._landed[:written]  # only now are they on disk
        for claim in claims:
            task = asyncio.create_task(self._deliver(claim))
            self._flying.add(task)
            task.add_done_callback(self._flying.discard)
        return wait

    async def _claim(self, session: AsyncSession) -> tuple[list[_Claim], timedelta]:
        now = self._clock()
        lane = await self._lane(session, now)
        free_at = max(lane.free_at, now)
        slots = int((now + AHEAD - free_at) / self._gap) + 1 if free_at <= now + AHEAD else 0
        room = 0 if self._closing else min(slots, MAX_IN_FLIGHT - len(self._flying))
        if room <= 0:
            return [], min(max(free_at - now - AHEAD / 2, AHEAD / 3), IDLE)
        rows = await session.execute(
            select(DeliveryRow, AnnouncementRow)
            .join(AnnouncementRow, AnnouncementRow.id == DeliveryRow.announcement_id)
            .where(
                DeliveryRow.platform == self.messenger.platform,
                DeliveryRow.state.in_(("waiting", "sending")),
                DeliveryRow.due_at <= now,
                AnnouncementRow.state == AnnouncementState.SENDING,
            )
            # A notice to one person goes before a broadcast.
            .order_by(
                case((AnnouncementRow.kind == Kind.NOTICE, 0), else_=1),
                DeliveryRow.due_at,
                DeliveryRow.id,
            )
            .limit(room)
            .with_for_update(skip_locked=True, of=DeliveryRow)
        )
        claims = []
        for row, announcement in rows.all():
            if row.state == "sending":  # its last try ended without an answer
                if row.in_doubt >= MAX_IN_DOUBT:
                    await settle(session, row, "unsure", "no answer twice", now=now)
                    continue
                row.in_doubt += 1
            row.state, row.attempts, row.worker = "sending", row.attempts + 1, self._worker
            row.due_at = now + LEASE
            kind = Kind(announcement.kind)
            message = self._render(kind, announcement.texts, row.language)
            claims.append(
                _Claim(row.id, kind, row.account_id, row.target, row.attempts, free_at, message)
            )
            free_at += self._gap
        lane.free_at = max(lane.free_at, free_at)
        return claims, AHEAD / 2 if claims else IDLE

    async def _lane(self, session: AsyncSession, now: datetime) -> LaneRow:
        """The platform's lane, locked until the commit."""
        platform = self.messenger.platform
        if await session.get(LaneRow, platform) is None:
            try:
                async with session.begin_nested():
                    session.add(LaneRow(platform=platform, free_at=now))
            except IntegrityError:
                session.expire_all()  # another worker made it in this moment
        return await session.get_one(
            LaneRow, platform, with_for_update=True, populate_existing=True
        )

    async def _deliver(self, claim: _Claim) -> None:
        wait = (claim.slot - self._clock()).total_seconds()
        if wait > 0:
            await self._pause(wait)
        try:
            async with asyncio.timeout(CUT_OFF.total_seconds()):
                outcome = await self._send(claim)
        except TimeoutError:
            outcome = InDoubt("no answer in time")
        except Exception:
            # An adapter's own mistake must not stop the pump; whether it was sent, nobody knows.
            logger.exception("delivery-broke", extra={"platform": self.messenger.platform})
            outcome = InDoubt("unexpected error")
        self._landed.append((claim, outcome))
        self.wake.set()

    async def _send(self, claim: _Claim) -> Outcome:
        if claim.kind is Kind.ROOM:
            return await self.messenger.post(claim.target, claim.message, delivery=claim.id)
        return await self.messenger.send_direct(claim.target, claim.message, delivery=claim.id)

    async def _write_down(self, session: AsyncSession) -> int:
        """Store what has landed, guarded by worker and attempt; returns how many were looked at.

        A row that is no longer ours, or whose person has left, keeps what it says.
        """
        landed = self._landed[:]
        if not landed:
            return 0
        now = self._clock()
        found = await session.scalars(
            select(DeliveryRow)
            .where(DeliveryRow.id.in_([claim.id for claim, _ in landed]))
            .with_for_update()
        )
        rows = {row.id: row for row in found}
        results: dict[tuple[int, str], int] = {}
        for claim, outcome in landed:
            row = rows.get(claim.id)
            if row is None or row.state != "sending":
                continue
            if row.worker != self._worker or row.attempts != claim.attempt:
                continue
            result = await self._result(session, row, claim, outcome, now)
            if result is not None:
                key = (row.announcement_id, result)
                results[key] = results.get(key, 0) + 1
        await session.flush()
        for (announcement, result), count in results.items():
            await tally(session, announcement, result, count, now=now)
        return len(landed)

    async def _result(
        self,
        session: AsyncSession,
        row: DeliveryRow,
        claim: _Claim,
        outcome: Outcome,
        now: datetime,
    ) -> str | None:
        """Put the outcome into the row; returns its final state, if it is one."""
        match outcome:
            case Delivered():
                row.message_id = outcome.message_id
                return conclude(row, "delivered", None)
            case Blocked():
                if claim.account_id is not None:
                    await set_reachable(session, claim.account_id, reachable=False)
                return conclude(row, "blocked", outcome.reason)
            case Failed():
                return conclude(row, "failed", outcome.reason)
            case Flooded():
                row.state, row.due_at = "waiting", now + outcome.retry_after
                row.attempts -= 1  # the platform never looked at it
                lane = await self._lane(session, now)
                lane.free_at = max(lane.free_at, now + outcome.retry_after)
            case NotSent() if row.attempts >= MAX_ATTEMPTS:
                return conclude(row, "failed", outcome.reason)
            case NotSent():
                row.state, row.due_at = "waiting", now + _backoff(row.attempts)
            case InDoubt() if row.in_doubt >= MAX_IN_DOUBT:
                return conclude(row, "unsure", outcome.reason)
            case InDoubt():
                row.reason = outcome.reason[:200]
                row.due_at = now + _backoff(row.attempts)
        return None


def _backoff(attempts: int) -> timedelta:
    """1, 2, 4 … 256 seconds with up to half as much again: workers should not march in step."""
    seconds = 2 ** min(attempts - 1, 8)
    return timedelta(seconds=seconds * (1 + random.random() / 2))  # noqa: S311
