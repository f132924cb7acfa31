"""Counting uses: every use takes a slot, and a unique key gives each slot away once.

A card has one counter. A person has one for each of their names, and a use takes a slot of every
one, so that a name that they come back with still knows. The slot comes from the same look at the
rows as the count. Two scans at the same moment see the same lowest free slot; the key lets one of
them have it, and the other counts again. A use that the count did not see has that slot, too. What
one member uses, now by a card and now without, is taken one after the other (`Base._alone`). So
``READ COMMITTED`` is enough, and SQLite and PostgreSQL do the same.
"""

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from itertools import count
from typing import Self

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


@dataclass(frozen=True, slots=True)
class Slot:
    """The place that the next use takes in one counter."""

    account: Account
    number: int

    @classmethod
    def after(cls, account: Account, taken: Container[int]) -> Self:
        """The lowest number that is not among those seen taken."""
        return cls(account, next(each for each in count(1) if each not in taken))


@dataclass(frozen=True, slots=True)
class Seen:
    """What one look at the uses of a period shows."""

    of_cards: dict[str, set[int]]  # the slots that each card has used
    redemptions: frozenset[int]  # that count for the person
    of_names: dict[str, set[int]]  # the slots of each name of the person


async def slots_seen(
    session: AsyncSession,
    perk: str,
    period: str,
    *,
    tokens: Sequence[str],
    names: Sequence[str],
    member_id: int,
) -> Seen:
    """The uses of these cards and of this person in the period, all from the same look."""
    of_person = (UseRow.counter == Counter.PERSON) & or_(
        UseRow.subject.in_(names), RedemptionRow.member_id == member_id
    )
    of_cards = (UseRow.counter == Counter.TOKEN) & UseRow.subject.in_(tokens)
    rows = await session.execute(
        select(UseRow.counter, UseRow.subject, UseRow.slot, UseRow.redemption_id)
        .join(RedemptionRow, RedemptionRow.id == UseRow.redemption_id)
        .where(
            UseRow.perk == perk,
            UseRow.period == period,
            or_(of_cards, of_person) if tokens else of_person,
        )
    )
    cards: dict[str, set[int]] = {each: set() for each in tokens}
    known: dict[str, set[int]] = {each: set() for each in names}
    redemptions: set[int] = set()
    for counter, subject, slot, redemption_id in rows:
        if counter == Counter.TOKEN:
            cards[subject].add(slot)
        else:
            redemptions.add(redemption_id)
            known.get(subject, set()).add(slot)
    return Seen(cards, frozenset(redemptions), known)


async def slots_of_tokens(
    session: AsyncSession, perk: str, period: str, tokens: Sequence[str]
) -> dict[str, set[int]]:
    """The slots that each card has used in the period."""
    rows = await session.execute(
        select(UseRow.subject, UseRow.slot).where(
            UseRow.perk == perk,
            UseRow.counter == Counter.TOKEN,
            UseRow.period == period,
            UseRow.subject.in_(tokens),
        )
    )
    taken: dict[str, set[int]] = {each: set() for each in tokens}
    for subject, slot in rows:
        taken[subject].add(slot)
    return taken


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
    slots: Iterable[Slot],
    *,
    redemption_id: int,
    ends_at: datetime | None,
) -> None:
    """Take slots that were seen free by the very look that counted the uses.

    Raises `IntegrityError` if somebody else took one of them since: the count was too old.
    """
    # Always in the same order: two writers who share several counters cannot wait for each other.
    ordered = sorted(slots, key=lambda each: (each.account.counter, each.account.subject))
    if not ordered:
        return
    await session.execute(
        insert(UseRow),
        [
            {
                "perk": perk,
                "counter": each.account.counter,
                "subject": each.account.subject,
                "period": period,
                "slot": each.number,
                "redemption_id": redemption_id,
                "ends_at": ends_at,
            }
            for each in ordered
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
