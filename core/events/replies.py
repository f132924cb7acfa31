"""Who comes: seats, the waiting list, and the next in line.

Seats are counted over the replies while the event's row is locked, so of two who ask for the last
seat at the same moment one gets it. A free seat goes to the first in line whose party fits; it is
kept for them for a while (`answer_time`), and then offered to the next.

A reply's life::

    coming ◄──► declined          waiting ──► offered ──► coming
       │                             ▲           ├──► declined
       └──► released                 └── again   └──► lapsed
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from core import audit
from core.events.nouns import (
    LIVE,
    SEATED,
    Event,
    EventState,
    NotTaken,
    Refusal,
    Reply,
    ReplyState,
    event_of,
    reply_of,
)
from core.events.records import locked
from core.events.telling import tell_one
from core.identity import Account
from core.tables import EventRow, ReplyRow

LONGEST_ANSWER: Final = timedelta(hours=24)
SHORTEST_ANSWER: Final = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Taken:
    """A reply that was stored, and the place in the waiting list, if it is there."""

    event: Event
    reply: Reply
    line: int | None = None


def answer_time(starts_at: datetime, now: datetime) -> datetime:
    """Until when an offered seat is kept: a quarter of the time left, 30 minutes to 24 hours.

    Never longer than until the event begins.
    """
    quarter = (starts_at - now) / 4
    return min(now + min(max(quarter, SHORTEST_ANSWER), LONGEST_ANSWER), starts_at)


async def seats_taken(session: AsyncSession, event_id: int) -> int:
    """People who come or to whom a seat is offered, companions included."""
    found = await session.scalar(
        select(func.sum(1 + ReplyRow.companions)).where(
            ReplyRow.event_id == event_id, ReplyRow.state.in_(SEATED)
        )
    )
    return int(found or 0)


async def people_waiting(session: AsyncSession, event_id: int) -> int:
    found = await session.scalar(
        select(func.sum(1 + ReplyRow.companions)).where(
            ReplyRow.event_id == event_id, ReplyRow.state == ReplyState.WAITING
        )
    )
    return int(found or 0)


async def reply_by(session: AsyncSession, event_id: int, member_id: int) -> Reply | None:
    row = await session.get(ReplyRow, (event_id, member_id), populate_existing=True)
    return reply_of(row) if row is not None else None


async def replies_of(session: AsyncSession, event_id: int) -> list[Reply]:
    """Every reply to an event, by reception number."""
    rows = await session.scalars(
        select(ReplyRow).where(ReplyRow.event_id == event_id).order_by(ReplyRow.number)
    )
    return [reply_of(row) for row in rows]


async def place_in_line(session: AsyncSession, reply: Reply) -> int | None:
    """Their place in the waiting list, from 1; `None`: not in it."""
    if reply.state is not ReplyState.WAITING:
        return None
    for place, row in enumerate(await _line(session, reply.event_id), start=1):
        if row.member_id == reply.member_id:
            return place
    return None


async def _line(session: AsyncSession, event_id: int) -> Sequence[ReplyRow]:
    rows = await session.scalars(
        select(ReplyRow)
        .where(ReplyRow.event_id == event_id, ReplyRow.state == ReplyState.WAITING)
        .order_by(ReplyRow.since, ReplyRow.number)
    )
    return rows.all()


async def come(
    session: AsyncSession,
    event_id: int,
    account: Account,
    companions: int,
    *,
    admitted: str | None = None,
    now: datetime,
) -> Taken | NotTaken:
    """Take a seat for a member and their companions, or a place in the waiting list.

    The caller has looked whether the member may come: `admitted` is the room by whose rule, if
    anybody could tell. Asking twice changes nothing. Raises `NotFound`.
    """
    event_row = await locked(session, event_id)
    event = event_of(event_row)
    row = await session.get(ReplyRow, (event_id, account.member_id), populate_existing=True)
    refusal = _refused(event, row, companions, now)
    if refusal is not None:
        return NotTaken(refusal)
    await _move_up(session, event_row, now)  # those in line come first
    party = 1 + companions
    taken = await seats_taken(session, event_id)
    seated = row is not None and row.state in SEATED
    mine = 1 + row.companions if row is not None and seated else 0
    capacity = event.plan.capacity
    # What somebody has stays theirs, even where the seats have become fewer since.
    fits = capacity is None or party <= mine or taken - mine + party <= capacity
    if not fits and seated:
        return NotTaken(Refusal.FULL)
    state = ReplyState.COMING if fits else ReplyState.WAITING
    row = row or await _new_row(session, event_id, account, now)
    before = (row.state, row.companions)
    _set(row, state, now)
    row.companions, row.account_id = companions, account.id
    row.admitted_gate = admitted or row.admitted_gate
    await session.flush()
    if before != (state, companions):
        await _note(session, row, now, people=party)
        await _move_up(session, event_row, now)  # a smaller party may have freed seats
    reply = reply_of(row)
    return Taken(event, reply, await place_in_line(session, reply))


def _refused(event: Event, row: ReplyRow | None, companions: int, now: datetime) -> Refusal | None:
    plan = event.plan
    if not event.is_open:
        return Refusal.CANCELLED
    if now >= plan.starts_at:
        return Refusal.BEGUN
    # An offered seat may be taken, and a number changed, after the replies have ended.
    if now >= event.replies_end and (row is None or row.state not in LIVE):
        return Refusal.CLOSED
    most = plan.companions if plan.capacity is None else min(plan.companions, plan.capacity - 1)
    if row is not None and row.state in SEATED:
        most = max(most, row.companions)
    if not 0 <= companions <= most:
        return Refusal.TOO_MANY
    return None


async def decline(
    session: AsyncSession, event_id: int, account: Account, *, now: datetime
) -> Taken | NotTaken:
    """Say that a member does not come. What they had goes to the next in line.

    Raises `NotFound`.
    """
    event_row = await locked(session, event_id)
    event = event_of(event_row)
    if not event.is_open:
        return NotTaken(Refusal.CANCELLED)
    if now >= event.plan.starts_at:
        return NotTaken(Refusal.BEGUN)
    row = await session.get(ReplyRow, (event_id, account.member_id), populate_existing=True)
    row = row or await _new_row(session, event_id, account, now)
    if row.state != ReplyState.DECLINED:
        _set(row, ReplyState.DECLINED, now)
        row.companions = 0
        await session.flush()
        await _note(session, row, now)
        await _move_up(session, event_row, now)
    return Taken(event, reply_of(row))


async def _new_row(
    session: AsyncSession, event_id: int, account: Account, now: datetime
) -> ReplyRow:
    """A reply with the next reception number; the lock on the event makes it ours alone."""
    last = await session.scalar(
        select(func.max(ReplyRow.number)).where(ReplyRow.event_id == event_id)
    )
    row = ReplyRow(
        event_id=event_id,
        member_id=account.member_id,
        account_id=account.id,
        number=(last or 0) + 1,
        state="",
        companions=0,
        since=now,
    )
    session.add(row)
    return row


def _set(row: ReplyRow, state: ReplyState, now: datetime) -> None:
    """A state that does not change keeps its time, and with it the place in line."""
    if row.state != state:
        row.state, row.since = state, now
    if state is not ReplyState.OFFERED:
        row.offer_until = None
    if state not in LIVE:
        row.leave_at = row.admitted_gate = None


async def _note(session: AsyncSession, row: ReplyRow, now: datetime, *, people: int = 0) -> None:
    await audit.record_of_member(
        session,
        row.member_id,
        f"event.{row.state}",
        detail={"event_number": row.event_id, "people": people},
        now=now,
    )


# The next in line


async def move_up(session: AsyncSession, event_id: int, *, now: datetime) -> int:
    """Offer free seats to those in line, as far as they go. Returns how many parties."""
    return await _move_up(session, await locked(session, event_id), now)


async def _move_up(session: AsyncSession, event: EventRow, now: datetime) -> int:
    if event.state != EventState.OPEN or event.starts_at <= now:
        return 0
    line = await _line(session, event.id)
    taken = await seats_taken(session, event.id) if line else 0
    moved = 0
    for row in line:
        party = 1 + row.companions
        if event.capacity is not None and taken + party > event.capacity:
            continue
        _set(row, ReplyState.OFFERED, now)
        row.offer_until = answer_time(event.starts_at, now)
        taken, moved = taken + party, moved + 1
        await session.flush()
        await _note_by(session, row, "event.offered", now)
        until = row.offer_until
        await tell_one(session, event_of(event), row, "offered", until=until, now=now)
    return moved


async def lapse(session: AsyncSession, event_id: int, *, now: datetime) -> int:
    """End the offers of an event whose time is over, and go on to the next in line."""
    event = await locked(session, event_id)
    rows = await session.scalars(
        select(ReplyRow).where(
            ReplyRow.event_id == event_id,
            ReplyRow.state == ReplyState.OFFERED,
            ReplyRow.offer_until <= now,
        )
    )
    over = rows.all()
    for row in over:
        _set(row, ReplyState.LAPSED, now)
        await session.flush()
        await _note_by(session, row, "event.lapsed", now)
        if event.state == EventState.OPEN and event.starts_at > now:
            await tell_one(session, event_of(event), row, "lapsed", now=now)
    if over:
        await _move_up(session, event, now)
    return len(over)


async def in_motion(session: AsyncSession, *, now: datetime) -> list[int]:
    """Events that have not begun and have offers that are over, or people in line."""
    over = (ReplyRow.state == ReplyState.OFFERED) & (ReplyRow.offer_until <= now)
    rows = await session.scalars(
        select(ReplyRow.event_id)
        .join(EventRow, EventRow.id == ReplyRow.event_id)
        .where(
            EventRow.state == EventState.OPEN,
            EventRow.starts_at > now,
            over | (ReplyRow.state == ReplyState.WAITING),
        )
        .distinct()
    )
    return list(rows)


# Who may not come any more


async def warn(
    session: AsyncSession, event_id: int, member_id: int, leave_at: datetime, *, now: datetime
) -> bool:
    """Tell somebody that their seat goes to another at `leave_at`. Returns whether it was new."""
    event = await locked(session, event_id)
    row = await session.get(ReplyRow, (event_id, member_id), populate_existing=True)
    if row is None or row.state not in LIVE or row.leave_at is not None:
        return False
    row.leave_at = leave_at
    await session.flush()
    await _note_by(session, row, "event.warned", now)
    await tell_one(session, event_of(event), row, "losing", until=leave_at, now=now)
    return True


async def keep(session: AsyncSession, event_id: int, member_id: int, gate: str) -> None:
    """Somebody may come, or may again, by the rule of this room: their seat stays theirs."""
    row = await session.get(ReplyRow, (event_id, member_id), populate_existing=True)
    if row is not None and row.state in LIVE:
        row.leave_at, row.admitted_gate = None, gate
        await session.flush()


async def release(session: AsyncSession, event_id: int, member_id: int, *, now: datetime) -> bool:
    """Give the seat of somebody whose grace is over to the next. Returns whether it was theirs."""
    event = await locked(session, event_id)
    row = await session.get(ReplyRow, (event_id, member_id), populate_existing=True)
    if row is None or row.state not in LIVE or row.leave_at is None or row.leave_at > now:
        return False
    _set(row, ReplyState.RELEASED, now)
    await session.flush()
    await _note_by(session, row, "event.released", now)
    await tell_one(session, event_of(event), row, "released", now=now)
    await _move_up(session, event, now)
    return True


async def _note_by(session: AsyncSession, row: ReplyRow, action: str, now: datetime) -> None:
    """What the system does for a member."""
    await audit.record_of_member(
        session,
        row.member_id,
        action,
        by="kankei",
        detail={"event_number": row.event_id},
        now=now,
    )
