"""Desks: the ticket windows that may take passes. A link and a six-digit PIN, no account.

Of the link only a hash is kept, of the PIN its scrypt. Wrong PINs make the desk wait, longer each
time, and the waiting survives a restart. A desk acts for its own facility only.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from core.clock import Clock
from core.database import Sessions
from core.perks.model import Desk
from core.town import TownPack

DESK_LIFETIME: Final = timedelta(days=365)


class DeskRefusal(StrEnum):
    NO_SUCH_DESK = "no-such-desk"  # the link is wrong, revoked or expired
    WRONG_PIN = "wrong-pin"
    LOCKED = "locked"


@dataclass(frozen=True, slots=True)
class Shut:
    """The desk does not open."""

    reason: DeskRefusal
    until: datetime | None = None  # when `LOCKED`: the next try
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
        raise NotImplementedError

    async def open(self, token: str, pin: str) -> Desk | Shut:
        """The window behind a link, if the PIN is right."""
        raise NotImplementedError

    async def resume(self, desk_id: int, epoch: int) -> Desk | None:
        """A window that opened before. `None`: revoked, expired, or its PIN has changed."""
        raise NotImplementedError

    async def rotate_pin(self, desk_id: int, *, by: str) -> str:
        """A new PIN, shown once; who came in with the old one must come in again."""
        raise NotImplementedError

    async def revoke(self, desk_id: int, *, by: str) -> None:
        """Close a window for good. Raises `NotFound`."""
        raise NotImplementedError

    async def all(self) -> list[DeskStatus]:
        """Every window, those still open first."""
        raise NotImplementedError
