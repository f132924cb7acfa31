"""Counting uses: every use takes a slot, and a unique key gives each slot away once.

A card has one counter. A person has one for each of their names, and a use takes a slot of every
one, so that a name that they come back with still knows. Two scans at the same moment see the same
lowest free slot; the key lets one of them have it, and the other looks again. That needs no more
than ``READ COMMITTED``, and works alike on SQLite and PostgreSQL.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import delete, func, insert, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from core.perks.model import Kind, Use
from core.tables import RedemptionRow, UseRow


class Counter(StrEnum):
    TOKEN = "token"  # a card's  # noqa: S105
    PERSON = "person"  # one for each name of a person


@dataclass(frozen=True, slots=True)
class Account:
    """One counter: of a card, or of one name of a person."""

    counter: Counter
    subject: str


async def uses_of_tokens(
    session: AsyncSession, perk: str, period: str, tokens: Sequence[str]
) -> dict[str, int]:
    """How often each card was used in the period."""
    rows = await session.scalars(
        select(UseRow.subject).where(
            UseRow.perk == perk,
            UseRow.counter == Counter.TOKEN,
            UseRow.period == period,
            UseRow.subject.in_(tokens),
        )
    )
    counts = dict.fromkeys(tokens, 0)
    for subject in rows:
        counts[subject] += 1
    return counts


async def uses_of_person(
    session: AsyncSession, perk: str, period: str, names: Sequence[str], member_id: int
) -> frozenset[int]:
    """The redemptions that count for a person in the period, by whichever of their names."""
    rows = await session.scalars(
        select(UseRow.redemption_id)
        .join(RedemptionRow, RedemptionRow.id == UseRow.redemption_id)
        .where(
            UseRow.perk == perk,
            UseRow.counter == Counter.PERSON,
            UseRow.period == period,
            or_(UseRow.subject.in_(names), RedemptionRow.member_id == member_id),
        )
        .distinct()
    )
    return frozenset(rows)


async def uses_by_member(
    session: AsyncSession, perk: str, member_id: int, since: date | None
) -> int:
    """How often a member used a perk since a day, whatever it was counted by."""
    query = select(func.count(RedemptionRow.id)).where(
        RedemptionRow.perk == perk,
        RedemptionRow.member_id == member_id,
        RedemptionRow.kind == Kind.USE,
        RedemptionRow.undone_at.is_(None),
    )
    if since is not None:
        query = query.where(RedemptionRow.day >= since)
    return await session.scalar(query) or 0


async def take(
    session: AsyncSession,
    perk: str,
    period: str,
    accounts: Iterable[Account],
    *,
    redemption_id: int,
    ends_at: datetime | None,
) -> None:
    """Take the lowest free slot of every account. The caller has seen that there is one.

    Raises `IntegrityError` if somebody else took one of them in this moment.
    """
    # Always in the same order: two writers who share several accounts cannot wait for each other.
    wanted = sorted(accounts, key=lambda each: (each.counter, each.subject))
    if not wanted:
        return
    rows = await session.execute(
        select(UseRow.counter, UseRow.subject, UseRow.slot).where(
            UseRow.perk == perk,
            UseRow.period == period,
            UseRow.subject.in_([each.subject for each in wanted]),
        )
    )
    taken: dict[Account, set[int]] = {each: set() for each in wanted}
    for counter, subject, slot in rows:
        taken.get(Account(Counter(counter), subject), set()).add(slot)
    await session.execute(
        insert(UseRow),
        [
            {
                "perk": perk,
                "counter": each.counter,
                "subject": each.subject,
                "period": period,
                "slot": _lowest_free(taken[each]),
                "redemption_id": redemption_id,
                "ends_at": ends_at,
            }
            for each in wanted
        ],
    )


async def give_back(session: AsyncSession, redemption_id: int) -> None:
    """Free every slot that a redemption took."""
    await session.execute(delete(UseRow).where(UseRow.redemption_id == redemption_id))


async def last_use(
    session: AsyncSession, perk: str, period: str, accounts: Sequence[Account]
) -> Use | None:
    """The newest use that counts for any of the accounts in the period."""
    row = (
        await session.execute(
            select(RedemptionRow.at, RedemptionRow.facility)
            .join(UseRow, UseRow.redemption_id == RedemptionRow.id)
            .where(
                UseRow.perk == perk,
                UseRow.period == period,
                UseRow.subject.in_([each.subject for each in accounts]),
                UseRow.counter.in_({each.counter for each in accounts}),
            )
            .order_by(RedemptionRow.at.desc())
            .limit(1)
        )
    ).first()
    return Use(row.at, row.facility) if row else None


async def holder_of_slots(
    session: AsyncSession, perk: str, period: str, accounts: Sequence[Account]
) -> int | None:
    """The newest redemption that has a slot of any of the accounts."""
    return await session.scalar(
        select(UseRow.redemption_id)
        .where(
            UseRow.perk == perk,
            UseRow.period == period,
            UseRow.subject.in_([each.subject for each in accounts]),
        )
        .order_by(UseRow.redemption_id.desc())
        .limit(1)
    )


def _lowest_free(taken: set[int]) -> int:
    return next(slot for slot in range(1, len(taken) + 2) if slot not in taken)
