"""The pump: takes due deliveries from the outbox and sends them at the platform's pace.

One tick is one transaction: reserve send slots on the lane's row (GCRA: each message moves the
theoretical arrival time by one gap), claim as many rows, commit. Only then messages leave, each
at its slot. Several pumps may run: rows and lane are in the database.
"""

import asyncio
import logging
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

from sqlalchemy import case, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from core.announcements.desk import AnnouncementState, Kind, settle
from core.clock import Clock
from core.database import Sessions, transaction
from core.errors import RecordsUnavailable
from core.identity import set_reachable
from core.tables import AnnouncementRow, DeliveryRow, LaneRow

logger = logging.getLogger(__name__)

LEASE: Final = timedelta(seconds=30)
CUT_OFF: Final = LEASE / 3
AHEAD: Final = timedelta(milliseconds=150)
"""How far in advance slots are reserved: a tick's worth."""
MAX_ATTEMPTS: Final = 5
MAX_CLAIM: Final = 100
MAX_IN_DOUBT: Final = 1


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message in the reader's language, ready for a platform to lay out."""

    heading: str
    body: str
    sender: str  # the town, always shown
    footnote: str = ""
    language: str = "ja"
    action: tuple[tuple[str, str], ...] = ()  # (label, action) buttons
    official: bool = True


@dataclass(frozen=True, slots=True)
class Delivered:
    message_id: str | None = None


@dataclass(frozen=True, slots=True)
class Blocked:
    """The person does not want us or is gone: not tried again until they write."""

    reason: str


@dataclass(frozen=True, slots=True)
class Failed:
    """The platform will never take this message."""

    reason: str


@dataclass(frozen=True, slots=True)
class Flooded:
    """The platform asks for a pause of the whole lane; this message was not sent."""

    retry_after: timedelta


@dataclass(frozen=True, slots=True)
class NotSent:
    """Certainly not sent: no connection, or an error before anything was done."""

    reason: str


@dataclass(frozen=True, slots=True)
class InDoubt:
    """The request was written and no answer came."""

    reason: str


Outcome = Delivered | Blocked | Failed | Flooded | NotSent | InDoubt


class Messenger(Protocol):
    """What core asks of a platform: one message out, and honestly what became of it."""

    platform: str

    async def send_direct(self, account: str, message: Outgoing, *, delivery: int) -> Outcome:
        """To one person. `delivery` is the same number at every attempt."""

    async def post(self, place: str, message: Outgoing, *, delivery: int) -> Outcome:
        """Into a room."""


Render = Callable[[Kind, Mapping[str, Any], str], Outgoing]
"""From an announcement's kind and texts and a language to the words: bots hold the words."""


@dataclass(frozen=True, slots=True)
class _Claim:
    id: int
    announcement_id: int
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
        pause: Callable[[float], Any] = asyncio.sleep,
    ) -> None:
        self._sessions = sessions
        self.messenger = messenger
        self._render = render
        self._clock = clock
        self._gap = timedelta(seconds=1 / rate)
        self._worker = worker
        self._pause = pause
        self.wake = asyncio.Event()

    async def run(self, idle: timedelta = timedelta(seconds=1)) -> None:
        """Pump until cancelled. A database that is away for a while is waited for."""
        await self._until_answered(self.void_own_leases)
        while True:
            self.wake.clear()
            sent = await self._until_answered(self.tick)
            if not sent:
                try:
                    await asyncio.wait_for(self.wake.wait(), idle.total_seconds())
                except TimeoutError:
                    continue

    async def _until_answered(self, step: Callable[[], Any]) -> Any:
        delay = 0.2
        while True:
            try:
                return await step()
            except RecordsUnavailable as error:
                logger.warning("pump-waits-for-database", extra={"reason": str(error)})
                await self._pause(delay)
                delay = min(delay * 2, 5)

    async def void_own_leases(self) -> None:
        """After a restart under the same name: what was in flight then is due now."""
        async with transaction(self._sessions) as session:
            await session.execute(
                update(DeliveryRow)
                .where(DeliveryRow.worker == self._worker, DeliveryRow.state == "sending")
                .values(due_at=self._clock())
            )

    async def tick(self) -> int:
        """Claim what may leave now and send it; returns how many were tried."""
        async with transaction(self._sessions) as session:
            claims = await self._claim(session)
        if not claims:
            return 0
        try:
            async with asyncio.TaskGroup() as group:
                for claim in claims:
                    group.create_task(self._deliver(claim))
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from errors
        return len(claims)

    async def _claim(self, session: AsyncSession) -> list[_Claim]:
        now = self._clock()
        lane = await self._lane(session, now)
        free_at = max(lane.free_at, now)
        room = int((now + AHEAD - free_at) / self._gap) + 1 if free_at <= now + AHEAD else 0
        if room <= 0:
            return []
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
            .limit(min(room, MAX_CLAIM))
            .with_for_update(skip_locked=True, of=DeliveryRow)
        )
        claims = []
        for row, announcement in rows.all():
            if row.state == "sending" and row.attempts > MAX_IN_DOUBT:
                await settle(session, row, "unsure", "no answer twice", now=now)
                continue
            row.state, row.attempts, row.worker = "sending", row.attempts + 1, self._worker
            row.due_at = now + LEASE
            claims.append(
                _Claim(
                    row.id,
                    announcement.id,
                    Kind(announcement.kind),
                    row.account_id,
                    row.target,
                    row.attempts,
                    free_at,
                    self._render(Kind(announcement.kind), announcement.texts, row.language),
                )
            )
            free_at += self._gap
        lane.free_at = free_at
        return claims

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
        await self._until_answered(lambda: self._store(claim, outcome))

    async def _send(self, claim: _Claim) -> Outcome:
        if claim.kind is Kind.ROOM:
            return await self.messenger.post(claim.target, claim.message, delivery=claim.id)
        return await self.messenger.send_direct(claim.target, claim.message, delivery=claim.id)

    async def _store(self, claim: _Claim, outcome: Outcome) -> None:
        now = self._clock()
        async with transaction(self._sessions) as session:
            row = await session.get(DeliveryRow, claim.id, with_for_update=True)
            if row is None or row.worker != self._worker or row.attempts != claim.attempt:
                return  # another worker holds it now
            if row.state != "sending":
                return
            match outcome:
                case Delivered():
                    row.message_id = outcome.message_id
                    await settle(session, row, "delivered", None, now=now)
                case Blocked():
                    await settle(session, row, "blocked", outcome.reason, now=now)
                    if claim.account_id is not None:
                        await set_reachable(session, claim.account_id, reachable=False)
                case Failed():
                    await settle(session, row, "failed", outcome.reason, now=now)
                case Flooded():
                    row.state, row.due_at = "waiting", now + outcome.retry_after
                    row.attempts -= 1  # the platform never looked at it
                    lane = await session.get_one(LaneRow, self.messenger.platform)
                    lane.free_at = max(lane.free_at, now + outcome.retry_after)
                case NotSent() if row.attempts >= MAX_ATTEMPTS:
                    await settle(session, row, "failed", outcome.reason, now=now)
                case NotSent():
                    row.state, row.due_at = "waiting", now + _backoff(row.attempts)
                case InDoubt() if row.attempts > MAX_IN_DOUBT:
                    await settle(session, row, "unsure", outcome.reason, now=now)
                case InDoubt():
                    row.reason = outcome.reason[:200]
                    row.due_at = now + _backoff(row.attempts)


def _backoff(attempts: int) -> timedelta:
    """1, 2, 4, 8 … seconds with up to half as much again, so that workers do not march in step."""
    seconds = 2 ** (attempts - 1)
    return timedelta(seconds=seconds * (1 + random.random() / 2))  # noqa: S311
