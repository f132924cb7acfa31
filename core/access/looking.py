"""One look at one member: what is open, what opens now, and what would close."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from core.access.changes import Loss
from core.access.decision import Admitted, Decision, Refused, Unknown, decide, reached
from core.access.doors import Door, Doors, SweepReport
from core.access.evidence import Evidence
from core.access.grants import GrantState, grants_of
from core.access.overrides import Effect, overrides_of
from core.access.plan import evidence_before
from core.access.reading import MemberEvidence
from core.clock import Clock
from core.database import Sessions, transaction
from core.identity import Account, accounts_of, set_tier
from core.tables import GrantRow
from core.town import TownPack


@dataclass(frozen=True, slots=True)
class Leaving:
    """A door that a complete, finalized reading says no to."""

    grant: GrantRow
    account: Account
    loss: Loss
    by_rules: bool  # the rules last applied would not say no


@dataclass(slots=True)
class Look:
    """What one look at a member found."""

    member_id: int
    decisions: Mapping[str, Decision]
    missing: frozenset[str] = frozenset()  # collections that nobody could read
    read: frozenset[str] = frozenset()
    report: SweepReport = field(default_factory=lambda: SweepReport(members=1))
    doors: dict[str, list[Door]] = field(default_factory=dict)
    leaving: list[Leaving] = field(default_factory=list)
    newcomer: tuple[str, ...] = ()  # rooms that only the new rules open
    undecided: bool = False  # is inside somewhere, and nobody could tell

    def add(self, gate: str, door: Door) -> None:
        if gate in self.doors:
            self.doors[gate].append(door)


@dataclass(frozen=True, slots=True)
class Rules:
    """Whether the pack's rules differ from those last applied, and those."""

    changed: bool
    before: TownPack | None = None


class Looking:
    """Looks at members, opens what opens, and collects what would close."""

    def __init__(
        self,
        town: TownPack,
        sessions: Sessions,
        evidence: MemberEvidence,
        doors: Doors,
        clock: Clock,
    ) -> None:
        self._town = town
        self._sessions = sessions
        self._evidence = evidence
        self._doors = doors
        self._clock = clock

    async def look(
        self,
        member_id: int,
        rules: Rules,
        *,
        links: bool = False,
        away: frozenset[str] = frozenset(),
        dry: bool = False,
    ) -> Look:
        """Decide every room of a member, open what opens, and collect what would close."""
        evidence = await self._evidence.of(member_id, finality="latest", away=away)
        async with transaction(self._sessions) as session:
            accounts = await accounts_of(session, member_id)
            if not dry and (said := reached(self._town, evidence)) is not None:
                await set_tier(session, member_id, said.tier, now=self._clock())
        look = Look(
            member_id,
            {each.name: decide(each, evidence, self._town) for each in self._town.gates},
            missing=frozenset(evidence.missing),
            read=frozenset(each.collection for each in evidence.holdings),
            doors={gate.name: [] for gate in self._town.gates},
        )
        look.report.unknown = sum(isinstance(each, Unknown) for each in look.decisions.values())
        look.report.missing |= look.missing
        if look.report.unknown:
            look.report.unsettled.add(member_id)
        if rules.changed and rules.before is not None:
            look.newcomer = tuple(self._newly_open(look, evidence, rules.before))
        for gate in self._town.gates:
            decision = look.decisions[gate.name]
            if isinstance(decision, Admitted) and not dry:
                for account in accounts:
                    door = await self._doors.open(gate, account, decision, look.report, link=links)
                    if door is not None:
                        look.add(gate.name, door)
        await self._collect(look, accounts, rules, away, dry=dry)
        return look

    def _newly_open(self, look: Look, evidence: Evidence, before: TownPack) -> Iterator[str]:
        old = evidence_before(evidence, self._town, before)
        for name, decision in look.decisions.items():
            gate = before.gate(name)
            was = decide(gate, old, before) if gate is not None else None
            if isinstance(decision, Admitted) and not isinstance(was, Admitted):
                yield name

    async def _collect(
        self,
        look: Look,
        accounts: Sequence[Account],
        rules: Rules,
        away: frozenset[str],
        *,
        dry: bool,
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
                if not dry:
                    await self._doors.store(grant.id, GrantState.CLOSED, action="renamed")
                continue
            elif not self._is_protected(account) and grant.gate not in protected:
                if final is None:
                    final = await self._evidence.of(look.member_id, finality="finalized", away=away)
                leaving = self._leaving(grant, account, final, rules)
                if isinstance(leaving, Leaving):
                    look.leaving.append(leaving)
                    continue
                look.undecided |= isinstance(leaving, Unknown)
            look.add(grant.gate, stays(grant))

    def _leaving(
        self, grant: GrantRow, account: Account, final: Evidence, rules: Rules
    ) -> Leaving | Decision:
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
        return Leaving(grant, account, loss, self._is_new(grant.gate, final, rules))

    def _is_new(self, gate_name: str, final: Evidence, rules: Rules) -> bool:
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


def stays(grant: GrantRow) -> Door:
    return Door(grant.platform, grant.place, GrantState(grant.state), leave_at=grant.leave_at)
