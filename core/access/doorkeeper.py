"""The doorkeeper: decides on the evidence, weighs what would close, and moves the doors.

A turn looks at one member, at some, or at everybody. Doors open as soon as a decision says so;
what would close is collected, weighed as a whole by `core.access.changes`, and only then carried
out: first a notice with the reason and a day, later the door.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final
from weakref import WeakValueDictionary

from sqlalchemy import select

from core.access.changes import Loss, Turn, Verdict, standing, weigh
from core.access.decision import Admitted, Decision, Refused, Unknown, decide
from core.access.doors import Door, Doors, Room, SweepReport
from core.access.evidence import Evidence
from core.access.grants import GrantState, grants_of
from core.access.keeper import ChannelKeeper
from core.access.overrides import Effect, overrides_of
from core.access.plan import evidence_before, fingerprint, town_before
from core.access.reading import MemberEvidence
from core.clock import Clock
from core.database import Sessions, transaction
from core.identity import Account, accounts_of, find_account, members_with_proof
from core.tables import GrantRow, OverrideRow
from core.town import TownPack

logger = logging.getLogger(__name__)

ENOUGH_SILENCE: Final = 3
"""After so many members in a row a collection that nobody answers for is not asked for again."""


_ORDER: Final[Mapping[type, int]] = {Admitted: 0, Unknown: 1, Refused: 2}


@dataclass(frozen=True, slots=True)
class _Leaving:
    """A door that a complete, finalized reading says no to."""

    grant: GrantRow
    account: Account
    loss: Loss
    by_rules: bool  # the rules last applied would not say no


@dataclass(slots=True)
class _Look:
    """What one look at a member found."""

    member_id: int
    decisions: Mapping[str, Decision]
    missing: frozenset[str] = frozenset()  # collections that nobody could read
    read: frozenset[str] = frozenset()
    report: SweepReport = field(default_factory=lambda: SweepReport(members=1))
    doors: dict[str, list[Door]] = field(default_factory=dict)
    leaving: list[_Leaving] = field(default_factory=list)
    newcomer: tuple[str, ...] = ()  # rooms that only the new rules open
    undecided: bool = False  # is inside somewhere, and nobody could tell

    def add(self, gate: str, door: Door) -> None:
        if gate in self.doors:
            self.doors[gate].append(door)


@dataclass(frozen=True, slots=True)
class _Rules:
    """Whether the pack's rules differ from those last applied, and those."""

    changed: bool
    before: TownPack | None = None


class Doorkeeper:
    """Decides, remembers and keeps every platform in step."""

    def __init__(
        self,
        town: TownPack,
        sessions: Sessions,
        evidence: MemberEvidence,
        keepers: Mapping[str, ChannelKeeper],
        clock: Clock,
    ) -> None:
        self._town = town
        self._sessions = sessions
        self._evidence = evidence
        self._keepers = keepers
        self._clock = clock
        self._doors = Doors(town, sessions, keepers, clock)
        self._locks: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()
        self._before: tuple[str, TownPack | None] = "", None

    async def recheck(self, member_id: int) -> tuple[Room, ...]:
        """Read what speaks for a member again and bring every room in step with it."""
        rooms, _ = await self._recheck(member_id, links=True)
        return rooms

    async def recheck_members(self, members: Iterable[int]) -> SweepReport:
        """Re-check some members in one turn, such as those whom a block's transfers touched."""
        return await self._turn(sorted(set(members)), whole=False)

    async def sweep(self) -> SweepReport:
        """Re-check every member who has proved something or been granted something."""
        async with transaction(self._sessions) as session:
            members = set(await members_with_proof(session))
            members |= set(
                await session.scalars(
                    select(GrantRow.member_id)
                    .where(GrantRow.state != GrantState.CLOSED)
                    .union(
                        select(OverrideRow.member_id).where(
                            OverrideRow.ended_at.is_(None), OverrideRow.until > self._clock()
                        )
                    )
                )
            )
        return await self._turn(sorted(members), whole=True)

    async def knock(self, platform: str, external_id: str, place: str) -> Decision | None:
        """Somebody asks to enter `place` by themselves. `None`: it is no room of this town."""
        keeper = self._keepers[platform]
        gates = [each.name for each in self._town.gates if keeper.place(each) == place]
        if not gates:
            return None
        async with transaction(self._sessions) as session:
            account = await find_account(session, platform, external_id)
        if account is None:
            decisions = [decide(each, Evidence(), self._town) for each in self._town.gates]
        else:
            rooms, _ = await self._recheck(account.member_id, links=False)
            decisions = [room.decision for room in rooms]
        asked = [each for each in decisions if each.gate in gates]
        return min(asked, key=lambda each: _ORDER[type(each)])

    async def release(self, member_id: int) -> None:
        """Close every door of a member who leaves the town, at once.

        Raises what the platform raised if one door would not close: nothing is forgotten then.
        """
        async with transaction(self._sessions) as session:
            grants = await grants_of(session, member_id)
            accounts = {each.id: each for each in await accounts_of(session, member_id)}
        for grant in grants:
            if grant.state != GrantState.CLOSED:
                await self._doors.release(grant, accounts[grant.account_id])

    # One member

    async def _recheck(
        self, member_id: int, *, links: bool
    ) -> tuple[tuple[Room, ...], SweepReport]:
        # A sweep and the member themselves at the same moment: one after the other.
        async with self._lock(member_id):
            look = await self._look(member_id, await self._rules(), links=links)
            verdict = await self._weigh([look], whole=False)
            await self._carry_out(look, verdict)
        rooms = tuple(
            Room(gate, look.decisions[gate.name], tuple(look.doors[gate.name]))
            for gate in self._town.gates
        )
        return rooms, look.report

    def _lock(self, member_id: int) -> asyncio.Lock:
        return self._locks.setdefault(member_id, asyncio.Lock())

    async def _rules(self) -> _Rules:
        async with transaction(self._sessions) as session:
            found = await standing(session, self._town)
        if found.before is None:
            return _Rules(changed=False)
        print_before = fingerprint(found.before)
        if self._before[0] != print_before:
            self._before = print_before, town_before(self._town, found.before)
        return _Rules(changed=True, before=self._before[1])

    # Many

    async def _turn(self, members: Sequence[int], *, whole: bool) -> SweepReport:
        """Look at all, weigh what would close, then look again at those whom it concerns."""
        report = SweepReport()
        rules = await self._rules()
        looks, silence = [], Counter[str]()
        for member_id in members:
            away = frozenset(name for name, count in silence.items() if count >= ENOUGH_SILENCE)
            try:
                async with self._lock(member_id):
                    look = await self._look(member_id, rules, away=away)
            except Exception as error:
                # One member's trouble must not leave all after them unchecked.
                logger.exception("recheck-broke", extra={"member": member_id})
                report.troubles.append(f"member {member_id}: {type(error).__name__}")
                whole = False
                continue
            silence.update(look.missing - away)
            for name in look.read:
                silence[name] = 0
            report.add(look.report)
            if look.leaving or look.newcomer or look.undecided:
                looks.append(look)
        verdict = await self._weigh(looks, whole=whole)
        report.held = verdict.held
        for look in looks:
            if any(self._moves(each, verdict) for each in look.leaving):
                report.add(await self._finish(look, rules, verdict))
        return report

    async def _finish(self, look: _Look, rules: _Rules, verdict: Verdict) -> SweepReport:
        """Carry out what was allowed, if it still holds: the person may have been here since."""
        try:
            async with self._lock(look.member_id):
                again = await self._look(look.member_id, rules)
                again.report = SweepReport()  # counted already
                await self._carry_out(again, verdict)
        except Exception as error:
            logger.exception("closing-broke", extra={"member": look.member_id})
            return SweepReport(troubles=[f"member {look.member_id}: {type(error).__name__}"])
        return again.report

    def _moves(self, leaving: _Leaving, verdict: Verdict) -> bool:
        grant = leaving.grant
        if grant.state == GrantState.LEAVING and grant.leave_at is not None:
            return grant.leave_at <= self._clock()
        return leaving.loss.key in verdict.allowed

    async def _look(
        self,
        member_id: int,
        rules: _Rules,
        *,
        links: bool = False,
        away: frozenset[str] = frozenset(),
    ) -> _Look:
        """Decide every room of a member, open what opens, and collect what would close."""
        evidence = await self._evidence.of(member_id, finality="latest", away=away)
        async with transaction(self._sessions) as session:
            accounts = await accounts_of(session, member_id)
        look = _Look(
            member_id,
            {each.name: decide(each, evidence, self._town) for each in self._town.gates},
            missing=frozenset(evidence.missing),
            read=frozenset(each.collection for each in evidence.holdings),
            doors={gate.name: [] for gate in self._town.gates},
        )
        look.report.unknown = sum(isinstance(each, Unknown) for each in look.decisions.values())
        if rules.changed and rules.before is not None:
            look.newcomer = tuple(self._newly_open(look, evidence, rules.before))
        for gate in self._town.gates:
            decision = look.decisions[gate.name]
            if isinstance(decision, Admitted):
                for account in accounts:
                    door = await self._doors.open(gate, account, decision, look.report, link=links)
                    if door is not None:
                        look.add(gate.name, door)
        await self._collect(look, accounts, rules, away)
        return look

    def _newly_open(self, look: _Look, evidence: Evidence, before: TownPack) -> Iterator[str]:
        old = evidence_before(evidence, self._town, before)
        for name, decision in look.decisions.items():
            gate = before.gate(name)
            was = decide(gate, old, before) if gate is not None else None
            if isinstance(decision, Admitted) and not isinstance(was, Admitted):
                yield name

    async def _collect(
        self, look: _Look, accounts: Sequence[Account], rules: _Rules, away: frozenset[str]
    ) -> None:
        """Find the doors that stand open though the decision is not yes."""
        async with transaction(self._sessions) as session:
            grants = await grants_of(session, look.member_id)
            overrides = await overrides_of(session, look.member_id, now=self._clock())
        by_id = {account.id: account for account in accounts}
        protected = {each.gate for each in overrides if each.effect is Effect.PROTECT}
        kept = {
            (each.account_id, each.platform, each.place)
            for each in grants
            if isinstance(look.decisions.get(each.gate), Admitted | Unknown)
        }
        final: Evidence | None = None
        for grant in grants:
            decision = look.decisions.get(grant.gate)
            account = by_id.get(grant.account_id)  # none: the account left in this moment
            if grant.state == GrantState.CLOSED or account is None:
                continue
            if isinstance(decision, Admitted):
                continue
            if isinstance(decision, Unknown):
                look.undecided = True
            elif (grant.account_id, grant.platform, grant.place) in kept:
                # The gate was renamed, or another one opens the same place for the same person.
                await self._doors.store(grant.id, GrantState.CLOSED, action="renamed")
                continue
            elif not self._is_protected(account) and grant.gate not in protected:
                if final is None:
                    final = await self._evidence.of(look.member_id, finality="finalized", away=away)
                leaving = self._leaving(grant, account, final, rules)
                if isinstance(leaving, _Leaving):
                    look.leaving.append(leaving)
                    continue
                look.undecided |= isinstance(leaving, Unknown)
            look.add(grant.gate, _stays(grant))

    def _leaving(
        self, grant: GrantRow, account: Account, final: Evidence, rules: _Rules
    ) -> _Leaving | Decision:
        """What the finalized reading says of a door. A room that is gone says no."""
        gate = self._town.gate(grant.gate)
        said = decide(gate, final, self._town) if gate is not None else None
        if isinstance(said, Admitted | Unknown):
            return said
        loss = Loss(
            grant.gate,
            grant.platform,
            grant.place,
            account.external_id,
            grant.member_id,
            said.shortfall if said is not None else None,
        )
        return _Leaving(grant, account, loss, self._is_new(grant.gate, final, rules))

    def _is_new(self, gate_name: str, final: Evidence, rules: _Rules) -> bool:
        """Whether the rules last applied would not have said no to the same reading."""
        if not rules.changed:
            return False
        if rules.before is None:  # nobody can read them any more
            return True
        gate = rules.before.gate(gate_name)
        if gate is None:
            return False
        old = evidence_before(final, self._town, rules.before)
        return not isinstance(decide(gate, old, rules.before), Refused)

    def _is_protected(self, account: Account) -> bool:
        return f"{account.platform}:{account.external_id}" in self._town.access.protected

    # What closes

    async def _weigh(self, looks: Sequence[_Look], *, whole: bool) -> Verdict:
        starting = [
            each
            for look in looks
            for each in look.leaving
            if each.grant.state != GrantState.LEAVING or each.grant.leave_at is None
        ]
        if not starting and not whole:
            return Verdict({})
        turn = Turn(
            ordinary=[each.loss for each in starting if not each.by_rules],
            by_rules=[each.loss for each in starting if each.by_rules],
            newcomers=Counter(name for look in looks for name in look.newcomer),
            undecided=sum(look.undecided for look in looks),
            whole=whole,
        )
        async with transaction(self._sessions) as session:
            return await weigh(session, self._town, turn, now=self._clock())

    async def _carry_out(self, look: _Look, verdict: Verdict) -> None:
        """Tell first; after the grace period take out."""
        for each in look.leaving:
            grant, key = each.grant, each.loss.key
            if grant.state == GrantState.LEAVING and grant.leave_at is not None:
                due = self._moves(each, verdict)
                door = (
                    await self._doors.close(grant, each.account, look.report)
                    if due
                    else _stays(grant)
                )
            elif key in verdict.allowed:
                change = verdict.allowed[key]
                door = await self._doors.warn(grant, each.account, each.loss.reason, change)
                look.report.warned += 1
            else:
                door = replace(_stays(grant), held=True)
            look.add(grant.gate, door)


def _stays(grant: GrantRow) -> Door:
    return Door(grant.platform, grant.place, GrantState(grant.state), leave_at=grant.leave_at)
