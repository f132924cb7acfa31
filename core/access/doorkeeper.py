"""The doorkeeper: decides on the evidence, weighs what would close, and moves the doors.

A turn looks at one member, at some, or at everybody. Doors open as soon as a decision says so;
what would close is collected, weighed as a whole by `core.access.changes`, and only then carried
out: first a notice with the reason and a day, later the door.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Final
from weakref import WeakValueDictionary

from sqlalchemy import select

from core.access.changes import Losses, Rehearsal, Turn, Verdict, standing, weigh
from core.access.decision import Admitted, Decision, Refused, Unknown, decide
from core.access.doors import Doors, Room, SweepReport
from core.access.evidence import Evidence
from core.access.grants import GrantState, grants_of
from core.access.keeper import ChannelKeeper
from core.access.looking import Leaving, Look, Looking, Rules, stays
from core.access.plan import fingerprint, town_before
from core.access.reading import MemberEvidence
from core.clock import Clock
from core.database import Sessions, reading, transaction
from core.identity import (
    accounts_of,
    find_account,
    members_with_proof,
    members_with_tier,
)
from core.tables import GrantRow, OverrideRow
from core.town import TownPack

logger = logging.getLogger(__name__)

ENOUGH_SILENCE: Final = 3
"""After so many members in a row a collection that nobody answers for is not asked for again."""


_ORDER: Final[Mapping[type, int]] = {Admitted: 0, Unknown: 1, Refused: 2}


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
        self._keepers = keepers
        self._clock = clock
        self._doors = Doors(town, sessions, keepers, clock)
        self._looking = Looking(town, sessions, evidence, self._doors, clock)
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
        return await self._turn(await self._everybody(), whole=True)

    async def _everybody(self) -> list[int]:
        inside = select(GrantRow.member_id).where(GrantRow.state != GrantState.CLOSED)
        vouched = select(OverrideRow.member_id).where(
            OverrideRow.ended_at.is_(None), OverrideRow.until > self._clock()
        )
        async with reading(self._sessions) as session:
            proved = {*await members_with_proof(session), *await members_with_tier(session)}
            return sorted({*proved, *await session.scalars(inside.union(vouched))})

    async def rehearse(self) -> Rehearsal:
        """What a sweep would do now, without a single door moved or anybody told."""
        rules = await self._rules()
        looks, silence = [], Counter[str]()
        for member_id in await self._everybody():
            away = frozenset(name for name, count in silence.items() if count >= ENOUGH_SILENCE)
            look = await self._looking.look(member_id, rules, away=away, dry=True)
            silence.update(look.missing - away)
            for name in look.read:
                silence[name] = 0
            looks.append(look)
        turn = self._turn_of(looks, whole=True)
        return Rehearsal(
            changed=rules.changed,
            by_rules=Losses.of(turn.by_rules),
            ordinary=Losses.of(turn.ordinary),
            newcomers=turn.newcomers,
            undecided=turn.undecided,
            limit=self._town.access.approve_above,
        )

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
        async with self.released(member_id):
            pass

    @asynccontextmanager
    async def released(self, member_id: int) -> AsyncIterator[None]:
        """As `release`; and no turn opens anything for them again before this is left."""
        async with self._lock(member_id):
            async with transaction(self._sessions) as session:
                grants = await grants_of(session, member_id)
                accounts = {each.id: each for each in await accounts_of(session, member_id)}
            for grant in grants:
                if grant.state != GrantState.CLOSED:
                    await self._doors.release(grant, accounts[grant.account_id])
            yield

    # One member

    async def _recheck(
        self, member_id: int, *, links: bool
    ) -> tuple[tuple[Room, ...], SweepReport]:
        # A sweep and the member themselves at the same moment: one after the other.
        async with self._lock(member_id):
            look = await self._looking.look(member_id, await self._rules(), links=links)
            verdict = await self._weigh([look], whole=False)
            await self._carry_out(look, verdict)
        rooms = tuple(
            Room(gate, look.decisions[gate.name], tuple(look.doors[gate.name]))
            for gate in self._town.gates
        )
        return rooms, look.report

    def _lock(self, member_id: int) -> asyncio.Lock:
        return self._locks.setdefault(member_id, asyncio.Lock())

    async def _rules(self) -> Rules:
        async with transaction(self._sessions) as session:
            found = await standing(session, self._town)
        if found.before is None:
            return Rules(changed=False)
        print_before = fingerprint(found.before)
        if self._before[0] != print_before:
            self._before = print_before, town_before(self._town, found.before)
        return Rules(changed=True, before=self._before[1])

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
                    look = await self._looking.look(member_id, rules, away=away)
            except Exception as error:
                # One member's trouble must not leave all after them unchecked.
                logger.exception("recheck-broke", extra={"member": member_id})
                report.troubles.append(f"member {member_id}: {type(error).__name__}")
                report.unsettled.add(member_id)
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

    async def _finish(self, look: Look, rules: Rules, verdict: Verdict) -> SweepReport:
        """Carry out what was allowed, if it still holds: the person may have been here since."""
        try:
            async with self._lock(look.member_id):
                again = await self._looking.look(look.member_id, rules)
                again.report = SweepReport()  # counted already
                await self._carry_out(again, verdict)
        except Exception as error:
            logger.exception("closing-broke", extra={"member": look.member_id})
            trouble = f"member {look.member_id}: {type(error).__name__}"
            return SweepReport(troubles=[trouble], unsettled={look.member_id})
        return again.report

    def _moves(self, leaving: Leaving, verdict: Verdict) -> bool:
        grant = leaving.grant
        if grant.state == GrantState.LEAVING and grant.leave_at is not None:
            return grant.leave_at <= self._clock()
        return leaving.loss.key in verdict.allowed

    # What closes

    def _turn_of(self, looks: Sequence[Look], *, whole: bool) -> Turn:
        starting = [
            each
            for look in looks
            for each in look.leaving
            if each.grant.state != GrantState.LEAVING or each.grant.leave_at is None
        ]
        return Turn(
            ordinary=[each.loss for each in starting if not each.by_rules],
            by_rules=[each.loss for each in starting if each.by_rules],
            newcomers=Counter(name for look in looks for name in look.newcomer),
            undecided=sum(look.undecided for look in looks),
            whole=whole,
        )

    async def _weigh(self, looks: Sequence[Look], *, whole: bool) -> Verdict:
        turn = self._turn_of(looks, whole=whole)
        if not (turn.ordinary or turn.by_rules or whole):
            return Verdict({})
        async with transaction(self._sessions) as session:
            return await weigh(session, self._town, turn, now=self._clock())

    async def _carry_out(self, look: Look, verdict: Verdict) -> None:
        """Tell first; after the grace period take out."""
        for each in look.leaving:
            grant, key = each.grant, each.loss.key
            if grant.state == GrantState.LEAVING and grant.leave_at is not None:
                due = self._moves(each, verdict)
                door = (
                    await self._doors.close(grant, each.account, look.report)
                    if due
                    else stays(grant)
                )
            elif key in verdict.allowed:
                change = verdict.allowed[key]
                door = await self._doors.warn(grant, each.account, each.loss.reason, change)
                look.report.warned += 1
            else:
                door = replace(stays(grant), held=True)
            look.add(grant.gate, door)
