"""The doorkeeper: decides, remembers what was opened, and keeps every platform in step."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from weakref import WeakValueDictionary

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from core import announcements, audit
from core.access.decision import Admitted, Decision, Refused, Unknown, decide
from core.access.grants import GrantState, grants_of
from core.access.keeper import ChannelKeeper
from core.clock import Clock
from core.database import Sessions, transaction
from core.errors import ChainUnavailable, PlatformRefused, PlatformUnavailable
from core.holdings import Holdings
from core.identity import Account, accounts_of, find_account, members_with_proof, wallets_of
from core.tables import GrantRow
from core.town import Gate, TownPack

logger = logging.getLogger(__name__)

ENOUGH_SILENCE: Final = 3
"""So many members in a row whom nobody could tell about are an outage of the chain."""


@dataclass(frozen=True, slots=True)
class Door:
    """One way into a room for one account."""

    platform: str
    place: str
    state: GrantState
    link: str | None = None
    leave_at: datetime | None = None
    trouble: str | None = None  # why the platform would not open it, for staff


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
    troubles: list[str] = field(default_factory=list)

    def add(self, other: "SweepReport") -> None:
        self.members += other.members
        self.opened += other.opened
        self.warned += other.warned
        self.closed += other.closed
        self.unknown += other.unknown
        self.troubles.extend(other.troubles)


class Doorkeeper:
    """Decides, remembers and keeps every platform in step."""

    def __init__(
        self,
        town: TownPack,
        sessions: Sessions,
        holdings: Holdings,
        keepers: Mapping[str, ChannelKeeper],
        clock: Clock,
    ) -> None:
        self._town = town
        self._sessions = sessions
        self._holdings = holdings
        self._keepers = keepers
        self._clock = clock
        self._locks: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()

    async def recheck(self, member_id: int) -> tuple[Room, ...]:
        """Read a member's holdings again and bring every room in step with what they say."""
        rooms, _ = await self._recheck(member_id, links=True)
        return rooms

    async def sweep(self) -> SweepReport:
        """Re-check every member who has proved something or been granted something."""
        async with transaction(self._sessions) as session:
            members = await members_with_proof(session)
            granted = await session.scalars(
                select(GrantRow.member_id).where(GrantRow.state != GrantState.CLOSED).distinct()
            )
            members = sorted({*members, *granted})
        report, silent = SweepReport(), 0
        for done, member_id in enumerate(members):
            try:
                _, of_one = await self._recheck(member_id, links=False)
            except Exception as error:
                # One member's trouble must not leave all after them unchecked.
                logger.exception("recheck-broke", extra={"member": member_id})
                report.troubles.append(f"member {member_id}: {type(error).__name__}")
                continue
            report.add(of_one)
            silent = silent + 1 if of_one.unknown else 0
            if silent == ENOUGH_SILENCE:  # an outage is told now, not after asking for everybody
                report.unknown += len(members) - done - 1
                break
        return report

    async def knock(self, platform: str, external_id: str, place: str) -> Decision | None:
        """Somebody asks to enter `place` by themselves. `None`: it is no room of this town."""
        keeper = self._keepers[platform]
        gate = next((each for each in self._town.gates if keeper.place(each) == place), None)
        if gate is None:
            return None
        async with transaction(self._sessions) as session:
            account = await find_account(session, platform, external_id)
        if account is None:
            return Refused(gate.name, held=0, needed=1)
        rooms, _ = await self._recheck(account.member_id, links=False)
        return next(room.decision for room in rooms if room.gate.name == gate.name)

    async def release(self, member_id: int) -> None:
        """Close every door of a member who leaves the town, at once.

        Raises what the platform raised if one door would not close: nothing is forgotten then.
        """
        async with transaction(self._sessions) as session:
            grants = await grants_of(session, member_id)
            accounts = {each.id: each for each in await accounts_of(session, member_id)}
        for grant in grants:
            if grant.state == GrantState.CLOSED:
                continue
            if grant.platform not in self._keepers:
                raise PlatformUnavailable(f"{grant.platform} is switched off")
            await self._keepers[grant.platform].remove(
                grant.place, accounts[grant.account_id].external_id
            )
            await self._store(grant.id, GrantState.CLOSED, action="left")

    async def _recheck(
        self, member_id: int, *, links: bool
    ) -> tuple[tuple[Room, ...], SweepReport]:
        # A sweep and the member themselves at the same moment: one after the other.
        lock = self._locks.setdefault(member_id, asyncio.Lock())
        async with lock:
            return await self._recheck_alone(member_id, links=links)

    async def _recheck_alone(
        self, member_id: int, *, links: bool
    ) -> tuple[tuple[Room, ...], SweepReport]:
        async with transaction(self._sessions) as session:
            wallets = await wallets_of(session, member_id)
            accounts = await accounts_of(session, member_id)
        report = SweepReport(members=1)
        try:
            latest = await self._holdings.read(wallets, finality="latest")
            decisions: dict[str, Decision] = {g.name: decide(g, latest) for g in self._town.gates}
        except ChainUnavailable as error:
            decisions = {gate.name: Unknown(gate.name, str(error)) for gate in self._town.gates}
        leaving = await self._may_leave(wallets, decisions)
        report.unknown += sum(isinstance(each, Unknown) for each in decisions.values())

        doors: dict[str, list[Door]] = {gate.name: [] for gate in self._town.gates}
        for gate in self._town.gates:
            if isinstance(decisions[gate.name], Admitted):
                for account in accounts:
                    door = await self._open(gate, account, report, link=links)
                    if door is not None:
                        doors[gate.name].append(door)
        async with transaction(self._sessions) as session:
            grants = await grants_of(session, member_id)
        by_id = {account.id: account for account in accounts}
        kept = {
            (grant.account_id, grant.platform, grant.place)
            for grant in grants
            if isinstance(decisions.get(grant.gate), Admitted | Unknown)
        }
        for grant in grants:
            decision = decisions.get(grant.gate)
            if isinstance(decision, Admitted) or grant.state == GrantState.CLOSED:
                continue
            if grant.account_id not in by_id:  # the account left in this moment
                continue
            if decision is None and (grant.account_id, grant.platform, grant.place) in kept:
                # The gate was renamed: another one opens the same place for the same person.
                await self._store(grant.id, GrantState.CLOSED, action="renamed")
                continue
            # A gate that the pack no longer has is closed like one that says no.
            if decision is None or leaving.get(grant.gate, False):
                door = await self._close(grant, by_id[grant.account_id], report)
            else:
                door = Door(grant.platform, grant.place, GrantState(grant.state))
            if grant.gate in doors:
                doors[grant.gate].append(door)
        rooms = tuple(
            Room(gate, decisions[gate.name], tuple(doors[gate.name])) for gate in self._town.gates
        )
        return rooms, report

    async def _may_leave(
        self, wallets: Sequence[str], decisions: Mapping[str, Decision]
    ) -> dict[str, bool]:
        """Which gates a complete, finalized reading says no to. An outage says no to none."""
        if not any(isinstance(each, Refused) for each in decisions.values()):
            return {}
        try:
            final = await self._holdings.read(wallets, finality="finalized")
        except ChainUnavailable:
            return {}
        return {
            gate.name: isinstance(decisions[gate.name], Refused)
            and isinstance(decide(gate, final), Refused)
            for gate in self._town.gates
        }

    async def _open(
        self, gate: Gate, account: Account, report: SweepReport, *, link: bool
    ) -> Door | None:
        keeper = self._keepers.get(account.platform)
        place = keeper.place(gate) if keeper else None
        if keeper is None or place is None:
            return None
        async with transaction(self._sessions) as session:
            grant = await self._grant(session, gate, account, place)
            was = GrantState(grant.state)
            if was in {GrantState.LEAVING, GrantState.CLOSED}:
                grant.state = GrantState.OPENING if was is GrantState.CLOSED else GrantState.OPEN
                grant.leave_at = grant.ended_at = None
                if was is GrantState.LEAVING:
                    await announcements.notify(
                        session, account, "welcome-back", {"room": gate.name}, now=self._clock()
                    )
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
            await self._store(grant.id, GrantState.OPEN, action="opened")
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

    async def _close(self, grant: GrantRow, account: Account, report: SweepReport) -> Door:
        """Tell first; after the grace period take out."""
        if f"{account.platform}:{account.external_id}" in self._town.access.protected:
            return Door(grant.platform, grant.place, GrantState(grant.state))
        now = self._clock()
        if grant.state != GrantState.LEAVING or grant.leave_at is None:
            leave_at = now + self._town.access.grace
            await self._warn(grant.id, account, leave_at)
            report.warned += 1
            return Door(grant.platform, grant.place, GrantState.LEAVING, leave_at=leave_at)
        if now < grant.leave_at:
            return Door(grant.platform, grant.place, GrantState.LEAVING, leave_at=grant.leave_at)
        keeper = self._keepers.get(grant.platform)
        try:
            if keeper is None:
                raise PlatformUnavailable(f"{grant.platform} is switched off")
            await keeper.remove(grant.place, account.external_id)
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
        await self._store(grant.id, GrantState.CLOSED, action="closed", tell=account)
        report.closed += 1
        return Door(grant.platform, grant.place, GrantState.CLOSED)

    async def _warn(self, grant_id: int, account: Account, leave_at: datetime) -> None:
        async with transaction(self._sessions) as session:
            grant = await session.get_one(GrantRow, grant_id, with_for_update=True)
            if grant.state == GrantState.LEAVING:
                return  # another process has told them
            grant.state, grant.leave_at = GrantState.LEAVING, leave_at
            values = {"room": grant.gate, "leave_at": leave_at.isoformat()}
            await announcements.notify(session, account, "leaving", values, now=self._clock())
            await self._audit(session, grant, "warned")

    async def _store(
        self, grant_id: int, state: GrantState, *, action: str, tell: Account | None = None
    ) -> None:
        async with transaction(self._sessions) as session:
            grant = await session.get_one(GrantRow, grant_id, with_for_update=True)
            if grant.state == state:
                return  # another process has done it
            grant.state = state
            if state is GrantState.CLOSED:
                grant.ended_at = self._clock()
            if tell is not None:
                values = {"room": grant.gate}
                await announcements.notify(session, tell, "left", values, now=self._clock())
            await self._audit(session, grant, action)

    async def _audit(self, session: AsyncSession, grant: GrantRow, action: str) -> None:
        await audit.record(
            session,
            actor="kankei",
            action=f"access.{action}",
            subject=f"member:{grant.member_id}",
            detail={"gate": grant.gate, "platform": grant.platform},
            now=self._clock(),
        )
