"""What somebody moved by hand on a platform, found by looking and put back.

A platform that lists who is inside (Discord) is read as a stream and compared with the records.
Where nobody can be listed (Telegram), members we know are asked about, a few at each look. Somebody
inside who does not belong is taken out and told; somebody who belongs and is outside is let in
again. Many at once wait for two people, as any removal does; a pack may ask for a report only.
"""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select, update

from core import announcements, audit
from core.access.changes import Looked, Loss, weigh_by_hand
from core.access.decision import Admitted, Refused, decide
from core.access.doors import SweepReport
from core.access.evidence import Evidence, EvidenceReader
from core.access.grants import GrantState, has_door_at
from core.access.keeper import ChannelKeeper
from core.access.reasons import pack_shortfall
from core.clock import Clock
from core.database import Sessions, transaction
from core.errors import PlatformRefused, PlatformUnavailable
from core.identity import Account, accounts_on
from core.tables import GrantRow, GuestRow
from core.town import Gate, TownPack

logger = logging.getLogger(__name__)

AT_MOST: Final = 50  # edits of one place at one look
ASKED: Final = 50  # members asked about at one look, where a platform lists nobody
PACE: Final = 1.0  # seconds between edits: Discord takes about ten in ten seconds

Sleep = Callable[[float], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class _Place:
    keeper: ChannelKeeper
    gate: Gate
    place: str


class Drift:
    """Compares the platforms with the records."""

    def __init__(
        self,
        town: TownPack,
        sessions: Sessions,
        evidence: EvidenceReader,
        keepers: Mapping[str, ChannelKeeper],
        clock: Clock,
        *,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._town = town
        self._sessions = sessions
        self._evidence = evidence
        self._keepers = keepers
        self._clock = clock
        self._sleep = sleep
        self._next: dict[str, int] = {}  # where a platform lists nobody: the account to go on after

    async def look(self) -> SweepReport:
        """Look at every place once; repairs are paced, and go on at the next look."""
        report = SweepReport()
        extra: list[tuple[_Place, Loss, Account | None]] = []
        looked = Looked()
        for at in self._places():
            try:
                extra += await self._look_at(at, report, looked)
            except (PlatformUnavailable, PlatformRefused) as error:
                report.troubles.append(str(error))
                logger.warning("drift-not-seen", extra={"gate": at.gate.name, "reason": str(error)})
        await self._take_back(extra, looked, report)
        return report

    def _places(self) -> list[_Place]:
        """Every place once; of gates that share one, the first stands for it."""
        found: dict[tuple[str, str], _Place] = {}
        for gate in self._town.gates:
            for name, keeper in self._keepers.items():
                if (place := keeper.place(gate)) is not None:
                    found.setdefault((name, place), _Place(keeper, gate, place))
        return list(found.values())

    async def _look_at(
        self, at: _Place, report: SweepReport, looked: Looked
    ) -> list[tuple[_Place, Loss, Account | None]]:
        async with transaction(self._sessions) as session:
            rows = await session.scalars(
                select(GrantRow).where(
                    GrantRow.platform == at.keeper.platform,
                    GrantRow.place == at.place,
                    GrantRow.state != GrantState.CLOSED,
                )
            )
            granted = {row.account_id: row for row in rows}
        stream = at.keeper.holders(at.place)
        if stream is None:
            inside = await self._ask(at, granted, looked)
            accounts = await self._accounts(at.keeper.platform, inside)
        else:
            inside = [each async for each in stream]
            looked.places.add((at.keeper.platform, at.place))
            accounts = await self._accounts(at.keeper.platform, inside)
            here = {account.id for account in accounts.values()}
            gone = [row for number, row in granted.items() if number not in here]
            await self._give_back(at, gone, report)
        known = [each for each in inside if each in accounts and accounts[each].id in granted]
        await self._seen(at, [accounts[each].id for each in known])
        return [
            (at, loss, accounts.get(each))
            for each in inside
            if each not in known
            and (loss := await self._does_not_belong(at, each, accounts.get(each))) is not None
        ]

    async def _ask(self, at: _Place, granted: Mapping[int, GrantRow], looked: Looked) -> list[str]:
        """The next few members of the platform without a right to the place, who are inside."""
        async with transaction(self._sessions) as session:
            after = self._next.get(at.place, 0)
            some = await accounts_on(session, at.keeper.platform, after=after, limit=ASKED)
            guests = await session.scalars(  # they have been told until when they may stay
                select(GuestRow.external_id).where(GuestRow.place == at.place)
            )
            told = set(guests)
        self._next[at.place] = some[-1].id if len(some) == ASKED else 0
        asked = [
            each.external_id
            for each in some
            if each.id not in granted and each.external_id not in told
        ]
        found = await at.keeper.standing(at.place, asked) if asked else {}
        looked.accounts.update((at.keeper.platform, at.place, each.external_id) for each in some)
        return [each for each, inside in found.items() if inside]

    async def _accounts(self, platform: str, external: Sequence[str]) -> dict[str, Account]:
        async with transaction(self._sessions) as session:
            found = await accounts_on(session, platform, external=external)
        return {each.external_id: each for each in found}

    async def _seen(self, at: _Place, accounts: Sequence[int]) -> None:
        async with transaction(self._sessions) as session:
            for start in range(0, len(accounts), 500):
                await session.execute(
                    update(GrantRow)
                    .where(
                        GrantRow.place == at.place,
                        GrantRow.account_id.in_(accounts[start : start + 500]),
                        GrantRow.seen_inside.is_not(True),
                    )
                    .values(seen_inside=True)
                )

    async def _does_not_belong(
        self, at: _Place, external_id: str, account: Account | None
    ) -> Loss | None:
        """Somebody inside without a grant. A gap in the evidence speaks for them."""
        if f"{at.keeper.platform}:{external_id}" in self._town.access.protected:
            return None
        gates = [each for each in self._town.gates if at.keeper.place(each) == at.place]
        newest = final = Evidence()
        if account is not None:
            newest = await self._evidence.of(account.member_id, finality="latest")
            final = await self._evidence.of(account.member_id, finality="finalized")
        for evidence in (newest, final):
            for gate in gates:
                if not isinstance(decide(gate, evidence, self._town), Refused):
                    return None  # the next sweep opens it by right, or nobody can tell
        refused = decide(at.gate, final, self._town)
        return Loss(
            at.gate.name,
            at.keeper.platform,
            at.place,
            external_id,
            account.member_id if account else None,
            refused.shortfall if isinstance(refused, Refused) else None,
        )

    async def _give_back(self, at: _Place, gone: Sequence[GrantRow], report: SweepReport) -> None:
        """Let in again who belongs; not who left the server, nor whose door is about to close."""
        left = [
            row for row in gone if row.state == GrantState.OPEN and row.seen_inside is not False
        ]
        if self._town.access.by_hand == "report":
            report.by_hand[at.gate.name] = report.by_hand.get(at.gate.name, 0) + len(left)
            return
        for row in left[:AT_MOST]:
            evidence = await self._evidence.of(row.member_id, finality="latest")
            if not isinstance(decide(at.gate, evidence, self._town), Admitted):
                continue
            async with transaction(self._sessions) as session:
                found = await accounts_on(session, row.platform, numbers=[row.account_id])
            if not found:
                continue
            await self._sleep(PACE)
            standing = await at.keeper.standing(at.place, [found[0].external_id])
            inside = standing.get(found[0].external_id)
            if inside is False:
                await at.keeper.admit(at.place, found[0].external_id)
                report.repaired += 1
                await self._record(at, row.member_id, "given-back", found[0])
            async with transaction(self._sessions) as session:
                again = await session.get(GrantRow, row.id)
                if again is not None:
                    again.seen_inside = inside is not None

    async def _take_back(
        self,
        extra: Sequence[tuple[_Place, Loss, Account | None]],
        looked: Looked,
        report: SweepReport,
    ) -> None:
        if self._town.access.by_hand == "report":
            for at, _, _ in extra:
                report.by_hand[at.gate.name] = report.by_hand.get(at.gate.name, 0) + 1
            return
        async with transaction(self._sessions) as session:
            losses = [loss for _, loss, _ in extra]
            verdict = await weigh_by_hand(session, self._town, losses, looked, now=self._clock())
        report.held += verdict.held
        allowed = [each for each in extra if each[1].key in verdict.allowed]
        for at, loss, account in allowed[:AT_MOST]:
            await self._sleep(PACE)
            if await self._belongs_by_now(loss):
                continue
            try:
                await at.keeper.remove(at.place, loss.external_id)
            except (PlatformUnavailable, PlatformRefused) as error:
                report.troubles.append(str(error))
                continue
            report.repaired += 1
            change = verdict.allowed[loss.key]
            await self._record(at, loss.member_id, "taken-back", account, loss, change)

    async def _belongs_by_now(self, loss: Loss) -> bool:
        """A paced removal comes up to a minute after its decision."""
        where = loss.platform, loss.external_id, loss.place
        async with transaction(self._sessions) as session:
            return await has_door_at(session, *where, opening=True)

    async def _record(
        self,
        at: _Place,
        member_id: int | None,
        action: str,
        account: Account | None,
        loss: Loss | None = None,
        change: int | None = None,
    ) -> None:
        """In the audit log; and tell whom it concerns, if we know them."""
        now = self._clock()
        async with transaction(self._sessions) as session:
            if account is not None:
                values = {"room": at.gate.name}
                if loss is not None:
                    values["why"] = json.dumps(pack_shortfall(loss.reason))
                await announcements.notify(session, account, action, values, now=now)
            await audit.record(
                session,
                actor="kankei",
                action=f"access.{action}",
                subject=f"member:{member_id}" if member_id else "",
                detail={
                    "gate": at.gate.name,
                    "platform": at.keeper.platform,
                    **({"change": change} if change is not None else {}),
                },
                now=now,
            )
