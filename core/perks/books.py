"""The books: what the town owes a facility for a month, and how its perks are used."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from core.access.decision import Admitted, Unknown
from core.perks.base import Base
from core.perks.model import (
    Cohort,
    ConflictState,
    Kind,
    PerkFigures,
    Settlement,
    SettlementRow,
    Source,
)
from core.perks.offline import MAX_AGE
from core.perks.passes import MAX_LIFETIME
from core.perks.periods import midnight, months_on, periods_between
from core.perks.standing import tokens_for
from core.tables import (
    ConflictRow,
    DeskRow,
    MemberRow,
    PassRow,
    RedemptionRow,
    StandingRow,
    UseRow,
)
from core.town import Perk

COUNTS_KEPT: Final = timedelta(days=7)
"""So long after their period the counts stay: scans without signal come up to 72 hours late."""


@dataclass(frozen=True, slots=True)
class Entitled:
    """Who may use what stands behind a gate: people, and their cards (one, if they have none)."""

    people: int
    cards: int


class Books(Base):
    """What the office reads."""

    async def settlement(self, month: date, facility: str) -> Settlement:
        """What the town owes a facility for the month in which `month` lies.

        Every use stands at the price of its day. Undone uses are listed apart and not summed;
        coming in again costs nothing and is left out.
        """
        first = month.replace(day=1)
        since, until = midnight(first, self._zone), midnight(months_on(first, 1), self._zone)
        in_month = (RedemptionRow.at >= since, RedemptionRow.at < until)
        async with self._transaction() as session:
            found = await session.execute(
                select(RedemptionRow, DeskRow.label)
                .join(DeskRow, DeskRow.id == RedemptionRow.desk_id)
                .where(
                    RedemptionRow.facility == facility,
                    RedemptionRow.kind == Kind.USE,
                    *in_month,
                )
                .order_by(RedemptionRow.at, RedemptionRow.id)
            )
            rows = [self._line(row, label) for row, label in found]
            undecided = await session.scalar(
                select(func.count(ConflictRow.id))
                .join(DeskRow, DeskRow.id == ConflictRow.desk_id)
                .where(
                    DeskRow.facility == facility,
                    ConflictRow.state == ConflictState.OPEN,
                    ConflictRow.scanned_at >= since,
                    ConflictRow.scanned_at < until,
                )
            )
        counted = [row for row in rows if row.undone_at is None]
        return Settlement(
            facility=facility,
            month=first,
            rows=counted,
            undone=[row for row in rows if row.undone_at is not None],
            count=len(counted),
            total_yen=sum(row.value_yen or 0 for row in counted),
            open_conflicts=undecided or 0,
        )

    async def figures(self, since: date, until: date) -> tuple[PerkFigures, ...]:
        """Every perk over the days from `since` to `until`, both included.

        `entitled` is by who holds what now, by the finalized block: the records do not say who
        held what on each day. It is `None` while nobody could tell of one member.
        """
        entitled = await self._entitled()
        async with self._transaction() as session:
            return tuple(
                [
                    await self._figures(session, perk, since, until, entitled)
                    for perk in self._town.perks
                ]
            )

    async def tidy(self) -> int:
        """Forget what is past its use. Returns how many passes went.

        Passes that can no longer be shown or synced; counts of periods, and of perks ``per =
        "ever"``, long over; and, of uses older than the town keeps that, whose they were.
        """
        now = self._clock()
        kept_since = now - timedelta(days=self._town.retention.redemption_days)
        async with self._transaction() as session:
            gone = await session.execute(
                delete(PassRow)
                .where(
                    PassRow.expires_at < now - MAX_AGE - MAX_LIFETIME,
                    or_(PassRow.code_until.is_(None), PassRow.code_until < now),
                )
                .returning(PassRow.nonce)
            )
            await session.execute(delete(UseRow).where(UseRow.ends_at < now - COUNTS_KEPT))
            await session.execute(
                delete(UseRow).where(
                    UseRow.ends_at.is_(None), UseRow.perk.in_(self._over_since(kept_since))
                )
            )
            oldest = max((perk.last_known_hours for perk in self._town.perks), default=0)
            await session.execute(
                delete(StandingRow).where(StandingRow.at < now - timedelta(hours=oldest))
            )
            await session.execute(
                update(RedemptionRow)
                .where(RedemptionRow.at < kept_since)
                .where(or_(RedemptionRow.member_id.is_not(None), RedemptionRow.token.is_not(None)))
                .values(member_id=None, token=None)
            )
            return len(gone.all())

    def _over_since(self, moment: datetime) -> list[str]:
        """The perks whose last day was before; until then one may yet be prolonged."""
        day = self._day(moment)
        return [
            perk.name for perk in self._town.perks if perk.valid_until and perk.valid_until < day
        ]

    def _line(self, row: RedemptionRow, desk: str) -> SettlementRow:
        perk = self._town.perk(row.perk)
        return SettlementRow(
            at=row.at.astimezone(self._zone),
            perk=row.perk,
            title=perk.title.root["ja"] if perk else row.perk,
            value_yen=row.value_yen,
            source=Source(row.source),
            desk=desk,
            redemption_id=row.id,
            undone_at=row.undone_at.astimezone(self._zone) if row.undone_at else None,
            undo_reason=row.undo_reason,
        )

    async def _figures(
        self,
        session: AsyncSession,
        perk: Perk,
        since: date,
        until: date,
        entitled: Mapping[str, Entitled | None],
    ) -> PerkFigures:
        found = await session.scalars(
            select(RedemptionRow).where(
                RedemptionRow.perk == perk.name,
                RedemptionRow.kind == Kind.USE,
                RedemptionRow.day >= since,
                RedemptionRow.day <= until,
            )
        )
        rows = list(found)
        uses = [row for row in rows if row.undone_at is None]
        possible = _possible(perk, entitled, periods_between(perk, since, until))
        return PerkFigures(
            perk=perk.name,
            uses=len(uses),
            people=len({row.member_id for row in uses if row.member_id is not None}),
            tokens=len({row.token for row in uses if row.token is not None}),
            entitled=possible,
            unused_share=max(0.0, 1 - len(uses) / possible) if possible else None,
            cost_yen=sum(row.cost_yen or 0 for row in uses),
            value_yen=sum(row.value_yen or 0 for row in uses),
            undone=len(rows) - len(uses),
            cohorts=await _cohorts(session, perk.name, since, until),
        )

    async def _entitled(self) -> Mapping[str, Entitled | None]:
        """Of each gate that a perk names: who could use it now. `None`: nobody could tell."""
        gates = [
            gate for gate in self._town.gates if gate.name in {p.gate for p in self._town.perks}
        ]
        people: dict[str, int] = dict.fromkeys((gate.name for gate in gates), 0)
        cards: dict[str, set[str]] = {gate.name: set() for gate in gates}
        unknown: set[str] = set()
        async with self._transaction() as session:
            members = list(await session.scalars(select(MemberRow.id).order_by(MemberRow.id)))
        for member_id in members if gates else ():
            evidence = await self._readings.finalized(member_id)
            for gate in gates:
                decision = self._judge(gate, evidence)
                if isinstance(decision, Unknown):
                    unknown.add(gate.name)
                elif isinstance(decision, Admitted):
                    people[gate.name] += 1
                    held = {each.key for each in tokens_for(self._town, gate, evidence)}
                    cards[gate.name] |= held or {f"member:{member_id}"}
        return {
            gate.name: None
            if gate.name in unknown
            else Entitled(people[gate.name], len(cards[gate.name]))
            for gate in gates
        }


def _possible(perk: Perk, entitled: Mapping[str, Entitled | None], periods: int) -> int | None:
    """How many uses there were to be made."""
    of_gate = entitled.get(perk.gate) if perk.gate else None
    if perk.unlimited or of_gate is None:
        return None
    match perk.counted_by:
        case "person":
            counters = of_gate.people
        case "token":
            counters = of_gate.cards
        case "both":
            counters = min(of_gate.people, of_gate.cards)
    return counters * perk.uses * periods


async def _cohorts(session: AsyncSession, perk: str, since: date, until: date) -> Sequence[Cohort]:
    """By the month of somebody's first use: how many, and how many came again on another day."""
    rows = await session.execute(
        select(RedemptionRow.member_id, RedemptionRow.day)
        .where(
            RedemptionRow.perk == perk,
            RedemptionRow.kind == Kind.USE,
            RedemptionRow.undone_at.is_(None),
            RedemptionRow.member_id.is_not(None),
            RedemptionRow.day <= until,
        )
        .distinct()
    )
    days: defaultdict[int, list[date]] = defaultdict(list)
    for member_id, day in rows:
        if member_id is not None:
            days[member_id].append(day)
    months: defaultdict[date, list[bool]] = defaultdict(list)
    for each in days.values():
        months[min(each).replace(day=1)].append(len(each) > 1)
    return [
        Cohort(month, len(people), sum(people))
        for month, people in sorted(months.items())
        if month >= since.replace(day=1)
    ]
