"""Desks: the ticket windows that may take passes. A link and a six-digit PIN, no account.

Of the link only a hash is kept, of the PIN its scrypt (RFC 7914). Wrong PINs make the desk wait,
longer each time, and the waiting survives a restart. A desk acts for its own facility only.
"""

import asyncio
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from core import audit
from core.clock import Clock
from core.database import Sessions, glance, transaction
from core.errors import NotFound
from core.perks.model import Desk
from core.perks.tries import wait_after
from core.tables import DeskRow
from core.town import TownPack

DESK_LIFETIME: Final = timedelta(days=365)
FREE_TRIES: Final = 5
"""So many wrong PINs before a desk has to wait: a minute, then twice as long each time."""

SEEN_EVERY: Final = timedelta(minutes=1)
PIN_DIGITS: Final = 6
LONGEST_TOKEN: Final = 100
_N, _R, _P = 2**14, 8, 1  # scrypt: 16 MB, some 40 ms


class DeskRefusal(StrEnum):
    NO_SUCH_DESK = "no-such-desk"  # the link is wrong, revoked or expired
    WRONG_PIN = "wrong-pin"
    LOCKED = "locked"


@dataclass(frozen=True, slots=True)
class Shut:
    """The desk does not open."""

    reason: DeskRefusal
    until: datetime | None = None  # the next try, where it has to wait
    tries_left: int | None = None  # before the desk has to wait


@dataclass(frozen=True, slots=True)
class NewDesk:
    """Shown once: neither the link's token nor the PIN can be read again."""

    desk: Desk
    token: str
    pin: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class DeskStatus:
    """A desk as staff see it."""

    id: int
    facility: str
    label: str
    created_by: str
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    last_seen_at: datetime | None
    failures: int
    locked_until: datetime | None


class Desks:
    """Making, opening and closing ticket windows."""

    def __init__(self, town: TownPack, sessions: Sessions, clock: Clock) -> None:
        self._town = town
        self._sessions = sessions
        self._clock = clock

    async def make(
        self, facility: str, label: str, *, by: str, lifetime: timedelta = DESK_LIFETIME
    ) -> NewDesk:
        """A new window of a facility. Raises `NotFound` for a facility that the pack lacks."""
        if self._town.facility(facility) is None:
            raise NotFound(f"facility {facility}")
        token, pin, now = secrets.token_urlsafe(24), _new_pin(), self._clock()
        row = DeskRow(
            facility=facility,
            label=label.strip()[:80] or facility,
            link_digest=_digest(token),
            pin_hash=await asyncio.to_thread(_hash, pin),
            created_by=by[:80],
            created_at=now,
            expires_at=now + lifetime,
        )
        async with transaction(self._sessions) as session:
            session.add(row)
            await session.flush()
            await self._audit(session, row, "desk.made", by)
        return NewDesk(_desk(row), token, pin, row.expires_at)

    async def find(self, token: str) -> DeskStatus | None:
        """The window behind a link, before its PIN; `None`: wrong, revoked or expired."""
        async with transaction(self._sessions) as session:
            row = await self._behind(session, token)
            return _status(row) if row else None

    async def open(self, token: str, pin: str) -> Desk | Shut:
        """The window behind a link, if the PIN is right."""
        now = self._clock()
        async with transaction(self._sessions) as session:
            row = await self._behind(session, token)
            if row is None:
                return Shut(DeskRefusal.NO_SUCH_DESK)
            if row.pin_locked_until is not None and now < row.pin_locked_until:
                return Shut(DeskRefusal.LOCKED, until=row.pin_locked_until)
            # Counted before it is compared: many tries at the same moment are still many.
            row.pin_failures += 1
            wait = wait_after(row.pin_failures, free=FREE_TRIES)
            row.pin_locked_until = now + wait if wait else None
            shut = Shut(
                DeskRefusal.WRONG_PIN,
                until=row.pin_locked_until,
                tries_left=max(0, FREE_TRIES - row.pin_failures),
            )
        if not await asyncio.to_thread(_fits, pin, row.pin_hash):
            return shut
        async with transaction(self._sessions) as session:
            row = await session.get_one(DeskRow, row.id, with_for_update=True)
            row.pin_failures, row.pin_locked_until, row.last_seen_at = 0, None, now
            await self._audit(session, row, "desk.opened", f"desk:{row.id}")
        return _desk(row)

    async def resume(self, desk_id: int, epoch: int) -> Desk | None:
        """A window that opened before. `None`: revoked, expired, or its PIN has changed."""
        now = self._clock()
        async with glance(self._sessions) as session:
            row = await session.get(DeskRow, desk_id)
        if row is None or row.epoch != epoch or not self._alive(row, now):
            return None
        if row.last_seen_at is None or now - row.last_seen_at >= SEEN_EVERY:
            async with transaction(self._sessions) as session:
                seen = update(DeskRow).where(DeskRow.id == desk_id).values(last_seen_at=now)
                await session.execute(seen)
        return _desk(row)

    async def rotate_pin(self, desk_id: int, *, by: str) -> str:
        """A new PIN, shown once; who came in with the old one must come in again.

        Raises `NotFound`.
        """
        pin = _new_pin()
        hashed = await asyncio.to_thread(_hash, pin)
        async with transaction(self._sessions) as session:
            row = await self._locked(session, desk_id)
            row.pin_hash, row.epoch = hashed, row.epoch + 1
            row.pin_failures, row.pin_locked_until = 0, None
            await self._audit(session, row, "desk.pin-changed", by)
        return pin

    async def revoke(self, desk_id: int, *, by: str) -> None:
        """Close a window for good. Raises `NotFound`."""
        async with transaction(self._sessions) as session:
            row = await self._locked(session, desk_id)
            if row.revoked_at is None:
                row.revoked_at, row.epoch = self._clock(), row.epoch + 1
                await self._audit(session, row, "desk.revoked", by)

    async def all(self) -> list[DeskStatus]:
        """Every window, those still open first, then the newest."""
        now = self._clock()
        async with transaction(self._sessions) as session:
            rows = list(await session.scalars(select(DeskRow).order_by(DeskRow.id.desc())))
        return [_status(row) for row in sorted(rows, key=lambda row: not self._alive(row, now))]

    def _alive(self, row: DeskRow, now: datetime) -> bool:
        known = self._town.facility(row.facility) is not None
        return known and row.revoked_at is None and now < row.expires_at

    async def _behind(self, session: AsyncSession, token: str) -> DeskRow | None:
        if len(token) > LONGEST_TOKEN:
            return None
        query = select(DeskRow).where(DeskRow.link_digest == _digest(token)).with_for_update()
        row = await session.scalar(query)
        return row if row is not None and self._alive(row, self._clock()) else None

    async def _locked(self, session: AsyncSession, desk_id: int) -> DeskRow:
        row = await session.get(DeskRow, desk_id, with_for_update=True)
        if row is None:
            raise NotFound(f"desk {desk_id}")
        return row

    async def _audit(self, session: AsyncSession, row: DeskRow, action: str, actor: str) -> None:
        detail = {"facility": row.facility, "label": row.label}
        await audit.record(
            session,
            actor=actor,
            action=action,
            subject=f"desk:{row.id}",
            detail=detail,
            now=self._clock(),
        )


def _new_pin() -> str:
    return f"{secrets.randbelow(10**PIN_DIGITS):0{PIN_DIGITS}}"


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()


def _hash(pin: str) -> str:
    salt = secrets.token_bytes(16)
    return f"{salt.hex()}:{_scrypt(pin, salt).hex()}"


def _fits(pin: str, kept: str) -> bool:
    if not (pin.isascii() and pin.isdigit() and len(pin) == PIN_DIGITS):
        return False
    salt, _, hashed = kept.partition(":")
    return hmac.compare_digest(_scrypt(pin, bytes.fromhex(salt)), bytes.fromhex(hashed))


def _scrypt(pin: str, salt: bytes) -> bytes:
    return hashlib.scrypt(pin.encode(), salt=salt, n=_N, r=_R, p=_P)


def _desk(row: DeskRow) -> Desk:
    return Desk(row.id, row.facility, row.label, row.epoch)


def _status(row: DeskRow) -> DeskStatus:
    return DeskStatus(
        id=row.id,
        facility=row.facility,
        label=row.label,
        created_by=row.created_by,
        created_at=row.created_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        last_seen_at=row.last_seen_at,
        failures=row.pin_failures,
        locked_until=row.pin_locked_until,
    )
