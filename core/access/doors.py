"""One door of one account: opened, warned about, closed; the records first, the platform second.

Every step may be repeated: another process may have done it, or this one may have died within it.
"""

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from core import announcements, audit
from core.access.decision import Admitted, Decision
from core.access.grants import GrantState
from core.access.keeper import ChannelKeeper
from core.access.reasons import Shortfall, brief, pack_opened, pack_shortfall
from core.clock import Clock
from core.database import Sessions, transaction
from core.errors import PlatformRefused, PlatformUnavailable
from core.identity import Account
from core.tables import GrantRow
from core.town import Gate, TownPack

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Door:
    """One way into a room for one account."""

    platform: str
    place: str
    state: GrantState
    link: str | None = None
    leave_at: datetime | None = None
    trouble: str | None = None  # why the platform would not open it, for staff
    held: bool = False  # would close, but two people of the staff have to agree first


@dataclass(frozen=True, slots=True)
class Room:
    """How one room stands for one member."""

    gate: Gate
    decision: Decision
    doors: tuple[Door, ...] = ()


@dataclass(slots=True)
class SweepReport:
    """What a sweep over all members did."""

    members: int = 0
    opened: int = 0
    warned: int = 0
    closed: int = 0
    unknown: int = 0
    held: int = 0  # people who keep their rooms until two of the staff have agreed
    repaired: int = 0  # doors put back as they should be, after somebody had moved them by hand
    missing: set[str] = field(default_factory=set)  # collections that no chain answered for
    unsettled: set[int] = field(default_factory=set)  # members about whom nobody could tell
    by_hand: dict[str, int] = field(default_factory=dict)  # moved by hand and left so, by room
    troubles: list[str] = field(default_factory=list)

    def add(self, other: "SweepReport") -> None:
        self.members += other.members
        self.opened += other.opened
        self.warned += other.warned
        self.closed += other.closed
        self.unknown += other.unknown
        self.held += other.held
        self.repaired += other.repaired
        self.missing |= other.missing
        self.unsettled |= other.unsettled
        for gate, count in other.by_hand.items():
            self.by_hand[gate] = self.by_hand.get(gate, 0) + count
        self.troubles.extend(other.troubles)


class Doors:
    """The records of what was opened, and the platforms kept in step with them."""

    def __init__(
        self,
        town: TownPack,
        sessions: Sessions,
        keepers: Mapping[str, ChannelKeeper],
        clock: Clock,
    ) -> None:
        self._town = town
        self._sessions = sessions
        self._keepers = keepers
        self._clock = clock

    async def open(
        self, gate: Gate, account: Account, decision: Admitted, report: SweepReport, *, link: bool
    ) -> Door | None:
        """Let an account in where the gate opens a place on its platform."""
        keeper = self._keepers.get(account.platform)
        place = keeper.place(gate) if keeper else None
        if keeper is None or place is None:
            return None
        async with transaction(self._sessions) as session:
            grant = await self._grant(session, gate, account, place)
            was = GrantState(grant.state)
            if grant.why != (why := pack_opened(decision.by)):
                grant.why = why
            if was in {GrantState.LEAVING, GrantState.CLOSED}:
                grant.state = GrantState.OPENING if was is GrantState.CLOSED else GrantState.OPEN
                grant.leave_at = grant.ended_at = grant.warned_at = None
                grant.reason = grant.change_id = grant.seen_inside = None
                if was is GrantState.LEAVING:
                    await announcements.notify(
                        session, account, "welcome-back", {"room": gate.name}, now=self._clock()
                    )
                    await self._audit(session, grant, "kept", by=brief(decision.by))
        if was is GrantState.OPEN and not link:
            return Door(account.platform, place, GrantState.OPEN)
        try:
            admission = await keeper.admit(place, account.external_id)
        except (PlatformUnavailable, PlatformRefused) as error:
            report.troubles.append(str(error))
            logger.warning("door-not-opened", extra={"gate": gate.name, "reason": str(error)})
            return Door(account.platform, place, was, trouble=str(error))
        if was is not GrantState.OPEN:
            report.opened += 1
            await self.store(grant.id, GrantState.OPEN, action="opened", by=brief(decision.by))
        return Door(account.platform, admission.place, GrantState.OPEN, link=admission.link)

    async def _grant(
        self, session: AsyncSession, gate: Gate, account: Account, place: str
    ) -> GrantRow:
        query = select(GrantRow).where(
            GrantRow.account_id == account.id,
            GrantRow.gate == gate.name,
            GrantRow.place == place,
        )
        if (grant := await session.scalar(query)) is not None:
            return grant
        grant = GrantRow(
            member_id=account.member_id,
            account_id=account.id,
            gate=gate.name,
            platform=account.platform,
            place=place,
            state=GrantState.OPENING,
            granted_at=self._clock(),
        )
        try:
            async with session.begin_nested():
                session.add(grant)
        except IntegrityError:  # another process was quicker
            return (await session.scalars(query)).one()
        return grant

    async def warn(
        self, grant: GrantRow, account: Account, reason: Shortfall | None, change: int | None
    ) -> Door:
        """Say that the door will close, why, and until when it stands open."""
        now = self._clock()
        leave_at = now + self._town.access.grace_of(self._town.gate(grant.gate))
        async with transaction(self._sessions) as session:
            row = await session.get_one(GrantRow, grant.id, with_for_update=True)
            if row.state in {GrantState.LEAVING, GrantState.CLOSED}:
                # Another process has told them.
                return Door(row.platform, row.place, GrantState(row.state), leave_at=row.leave_at)
            row.state, row.leave_at, row.warned_at = GrantState.LEAVING, leave_at, now
            row.reason, row.change_id = pack_shortfall(reason), change
            values = {"room": grant.gate, "leave_at": leave_at.isoformat()}
            await announcements.notify(
                session, account, "leaving", {**values, "why": _words(row)}, now=now
            )
            await self._audit(session, row, "warned", until=leave_at.date().isoformat())
        return Door(grant.platform, grant.place, GrantState.LEAVING, leave_at=leave_at)

    async def close(self, grant: GrantRow, account: Account, report: SweepReport) -> Door:
        """Take an account out whose time is over, and say so.

        The row decides, not the reading: another process may have let them stay since, before the
        platform is asked (then nothing happens) or meanwhile (then they are let in again).
        """
        if (door := await self._no_longer_due(grant)) is not None:
            return door
        keeper = self._keepers.get(grant.platform)
        try:
            if keeper is None:
                raise PlatformUnavailable(f"{grant.platform} is switched off")
            await keeper.remove(grant.place, account.external_id)
            if not await self._closed(grant, account):
                return await self._let_in_again(keeper, grant, account)
        except (PlatformUnavailable, PlatformRefused) as error:
            report.troubles.append(str(error))
            logger.warning("door-not-closed", extra={"gate": grant.gate, "reason": str(error)})
            return Door(
                grant.platform,
                grant.place,
                GrantState.LEAVING,
                leave_at=grant.leave_at,
                trouble=str(error),
            )
        report.closed += 1
        return Door(grant.platform, grant.place, GrantState.CLOSED)

    async def _no_longer_due(self, grant: GrantRow) -> Door | None:
        """How the door stands now, if it is not to be closed any more."""
        async with transaction(self._sessions) as session:
            row = await session.get(GrantRow, grant.id)
            if row is None:
                return Door(grant.platform, grant.place, GrantState.CLOSED)
            if _is_due(row, self._clock()):
                return None
            return Door(row.platform, row.place, GrantState(row.state), leave_at=row.leave_at)

    async def _closed(self, grant: GrantRow, account: Account) -> bool:
        """Write down that they are out; not if they may stay by now."""
        async with transaction(self._sessions) as session:
            row = await session.get(GrantRow, grant.id, with_for_update=True)
            if row is None or row.state == GrantState.CLOSED:
                return True  # they left the town, or another process has done it
            if not _is_due(row, self._clock()):
                return False
            row.state, row.ended_at = GrantState.CLOSED, self._clock()
            values = {"room": row.gate, "why": _words(row)}
            await announcements.notify(session, account, "left", values, now=self._clock())
            await self._audit(session, row, "closed")
        return True

    async def _let_in_again(self, keeper: ChannelKeeper, grant: GrantRow, account: Account) -> Door:
        admission = await keeper.admit(grant.place, account.external_id)
        return Door(grant.platform, admission.place, GrantState.OPEN, link=admission.link)

    async def release(self, grant: GrantRow, account: Account) -> None:
        """Close a door at once, for who leaves the town. Raises what the platform raised."""
        if grant.platform not in self._keepers:
            raise PlatformUnavailable(f"{grant.platform} is switched off")
        await self._keepers[grant.platform].remove(grant.place, account.external_id)
        await self.store(grant.id, GrantState.CLOSED, action="left")

    async def store(
        self,
        grant_id: int,
        state: GrantState,
        *,
        action: str,
        by: str | None = None,
    ) -> None:
        async with transaction(self._sessions) as session:
            grant = await session.get_one(GrantRow, grant_id, with_for_update=True)
            if grant.state == state:
                return  # another process has done it
            grant.state = state
            if state is GrantState.CLOSED:
                grant.ended_at = self._clock()
            await self._audit(session, grant, action, by=by)

    async def _audit(
        self, session: AsyncSession, grant: GrantRow, action: str, **detail: str | None
    ) -> None:
        said = {key: value for key, value in detail.items() if value}
        await audit.record(
            session,
            actor="kankei",
            action=f"access.{action}",
            subject=f"member:{grant.member_id}",
            detail={"gate": grant.gate, "platform": grant.platform, **said},
            now=self._clock(),
        )


def _is_due(grant: GrantRow, now: datetime) -> bool:
    leaving = grant.state == GrantState.LEAVING
    return leaving and grant.leave_at is not None and grant.leave_at <= now


def _words(grant: GrantRow) -> str:
    """What was missing, for whoever words the notice in the reader's language."""
    return json.dumps(grant.reason)
