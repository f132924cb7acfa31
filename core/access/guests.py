"""Guests: who came into a room by another way than ours, such as a link passed on.

They are looked up. Who belongs gets the door by right. Who does not, or whom nobody knows, is told
how to become a resident and until when they may stay, and is taken out after that. As long as
nobody can tell they stay, and are looked up again.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError

from core import audit
from core.access.decision import Admitted, Decision, Refused
from core.access.doorkeeper import Doorkeeper
from core.access.grants import has_door_at
from core.access.keeper import ChannelKeeper
from core.clock import Clock
from core.database import Sessions, transaction
from core.errors import PlatformRefused, PlatformUnavailable
from core.tables import GuestRow
from core.town import TownPack

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Guest:
    """Somebody inside who does not belong, as far as anybody can tell."""

    platform: str
    place: str
    external_id: str
    decision: Decision
    leave_at: datetime | None  # None: nobody can tell
    new: bool  # has not been told yet


class Guests:
    """Looks guests up, and takes them out when their time is over."""

    def __init__(
        self,
        town: TownPack,
        sessions: Sessions,
        doorkeeper: Doorkeeper,
        keepers: Mapping[str, ChannelKeeper],
        clock: Clock,
    ) -> None:
        self._town = town
        self._sessions = sessions
        self._doorkeeper = doorkeeper
        self._keepers = keepers
        self._clock = clock

    async def arrived(self, platform: str, external_id: str, place: str) -> Guest | None:
        """Somebody is inside now. `None`: they belong there, or it is no room of this town."""
        if f"{platform}:{external_id}" in self._town.access.protected:
            return None
        async with transaction(self._sessions) as session:
            if await has_door_at(session, platform, external_id, place):
                return None
        decision = await self._doorkeeper.knock(platform, external_id, place)
        if decision is None or isinstance(decision, Admitted):
            await self.left(platform, external_id, place)
            return None
        gate = self._town.gate(decision.gate)
        leave_at = None
        if isinstance(decision, Refused) and gate is not None:
            leave_at = self._clock() + self._town.access.guest_time(gate)
        return await self._keep(platform, external_id, place, decision, leave_at)

    async def _keep(
        self,
        platform: str,
        external_id: str,
        place: str,
        decision: Decision,
        leave_at: datetime | None,
    ) -> Guest:
        """Keep when they were found: a second look gives nobody more time."""
        query = select(GuestRow).where(
            GuestRow.platform == platform,
            GuestRow.place == place,
            GuestRow.external_id == external_id,
        )
        async with transaction(self._sessions) as session:
            row = await session.scalar(query)
            if row is None:
                row = GuestRow(
                    platform=platform,
                    place=place,
                    external_id=external_id,
                    gate=decision.gate,
                    found_at=self._clock(),
                )
                try:
                    async with session.begin_nested():
                        session.add(row)
                except IntegrityError:  # the same update twice
                    row = (await session.scalars(query)).one()
            new = row.leave_at is None and leave_at is not None
            row.leave_at = row.leave_at or leave_at
            return Guest(platform, place, external_id, decision, row.leave_at, new)

    async def left(self, platform: str, external_id: str, place: str) -> None:
        """They are outside again, or belong."""
        async with transaction(self._sessions) as session:
            await session.execute(
                delete(GuestRow).where(
                    GuestRow.platform == platform,
                    GuestRow.place == place,
                    GuestRow.external_id == external_id,
                )
            )

    async def look_again(self, platform: str) -> list[Guest]:
        """Take out whose time is over and who still does not belong; returns who is to be told."""
        async with transaction(self._sessions) as session:
            rows = await session.scalars(
                select(GuestRow)
                .where(GuestRow.platform == platform)
                .order_by(GuestRow.leave_at.is_(None), GuestRow.leave_at)
                .limit(100)
            )
            waiting = [(row.external_id, row.place, row.leave_at) for row in rows]
        to_tell = []
        for external_id, place, leave_at in waiting:
            if leave_at is not None and leave_at > self._clock():
                continue
            guest = await self.arrived(platform, external_id, place)
            if guest is None:
                await self.left(platform, external_id, place)
            elif guest.new:
                to_tell.append(guest)
            elif isinstance(guest.decision, Refused):
                await self._try_to_take_out(guest)
        return to_tell

    async def _try_to_take_out(self, guest: Guest) -> None:
        try:
            await self.take_out(guest)
        except (PlatformUnavailable, PlatformRefused) as error:  # again at the next look
            logger.warning("guest-not-out", extra={"reason": str(error)})

    async def take_out(self, guest: Guest) -> None:
        """Take a guest out now. They may come back. Raises what the platform raised."""
        await self._keepers[guest.platform].remove(guest.place, guest.external_id)
        await self.left(guest.platform, guest.external_id, guest.place)
        async with transaction(self._sessions) as session:
            await audit.record(
                session,
                actor="kankei",
                action="access.guest-out",
                detail={"gate": guest.decision.gate, "platform": guest.platform},
                now=self._clock(),
            )
