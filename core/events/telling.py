"""What people are told of events: reminders, news to many, and what concerns one of them.

Every notice goes out through `core.announcements.notify` in the caller's transaction, together
with the row that says that it was told: each of them once, whatever dies and whoever else tells.

A reminder is due from its time before the beginning until the next shorter one, so that an outage
is made up for within that window and never after the beginning. Nobody is reminded of what they
have just said themselves or were just told.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, exists, literal, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from core import identity
from core.announcements import Notice, notify_all
from core.events.nouns import (
    LIVE,
    Event,
    EventState,
    ReplyState,
    Standing,
    Words,
    event_of,
    reply_of,
)
from core.events.records import CANCELLED, CHANGED, MESSAGE, NOTES
from core.events.standing import link_for
from core.identity import Account
from core.tables import EventRow, MemberRow, NewsRow, ReplyRow, ToldOfEventRow

BATCH = 100
"""So many people are told in one transaction."""

WORDS_FOR = timedelta(days=1)
NOTES_FOR = timedelta(days=14)
"""So long after the event, or after they were written, words of staff and notes are told."""


@dataclass(frozen=True, slots=True)
class Due:
    """Somebody who is to be reminded now."""

    event_id: int
    member_id: int
    minutes: int  # before the beginning
    starts_at: datetime
    gate: str | None
    online: bool  # whether there is a link that they may get


@dataclass(frozen=True, slots=True)
class Letter:
    """What one person is to be told of an event, under ``event-<what>``."""

    event: Event
    row: ReplyRow
    what: str
    more: Mapping[str, str]
    deadline: datetime | None


def flat(name: str, words: Words) -> dict[str, str]:
    """Words by language as values of a notice: ``title.ja``, ``title.en``."""
    return {f"{name}.{language}": text for language, text in words.items()}


def values_of(event: Event, *, zone: str | None) -> dict[str, str]:
    """What the words of a notice are made of. `zone`: the reader's own, if it is known."""
    return {
        **flat("title", event.plan.title),
        **flat("place", event.plan.place),
        "event": str(event.id),
        "starts": event.plan.starts_at.isoformat(),
        "ends": event.plan.ends_at.isoformat(),
        **({"online": "yes"} if event.plan.online else {}),
        **({"zone": zone} if zone else {}),
    }


async def zone_of(session: AsyncSession, member_id: int) -> str | None:
    """The time zone (IANA) that a member told us; `None`: the town's."""
    zone: str | None = await session.scalar(select(MemberRow.zone).where(MemberRow.id == member_id))
    return zone


async def tell_one(
    session: AsyncSession,
    event: Event,
    row: ReplyRow,
    what: str,
    *,
    until: datetime | None = None,
    now: datetime,
) -> None:
    """A notice to one person, which does not leave any more once the event has begun."""
    starts = event.plan.starts_at
    more = {"until": until.isoformat()} if until else {}
    deadline = min(until, starts) if until else starts
    await _tell(session, [Letter(event, row, what, more, deadline)], now=now)


async def _tell(session: AsyncSession, letters: Sequence[Letter], *, now: datetime) -> int:
    """Write the notices, at once for all. Returns for how many there was a way to them."""
    members = {each.row.member_id for each in letters}
    accounts = await identity.accounts_of_many(session, sorted(members))
    notices = []
    for each in letters:
        account = _account_for(accounts.get(each.row.member_id, []), each.row.account_id)
        if account is not None:
            values = values_of(each.event, zone=account.zone)
            values |= {"number": str(each.row.number), **each.more}
            notices.append(Notice(account, f"event-{each.what}", values, each.deadline))
    await notify_all(session, notices, now=now)
    return len(notices)


def _account_for(accounts: Sequence[Account], account_id: int | None) -> Account | None:
    """Where somebody is told: where they replied, or else where they can be reached."""
    return min(
        accounts,
        key=lambda each: (not each.reachable, each.id != account_id, each.id),
        default=None,
    )


async def _first(session: AsyncSession, told: Sequence[tuple[int, int, str]]) -> set[int]:
    """Write down who of these is told what of an event. Returns for whom it is the first time.

    The key decides between two who ask at once.
    """
    if not told:
        return set()
    kind = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    names = ("event_id", "member_id", "what")
    written = await session.execute(
        kind.insert(ToldOfEventRow)
        .values([dict(zip(names, each, strict=True)) for each in told])
        .on_conflict_do_nothing()
        .returning(ToldOfEventRow.member_id)
    )
    return set(written.scalars())


# Reminders


async def due(session: AsyncSession, *, now: datetime, limit: int = BATCH) -> list[Due]:
    """Who comes and is to be reminded now, the next event first."""
    found: list[Due] = []
    events = await session.scalars(
        select(EventRow)
        .where(EventRow.state == EventState.OPEN, EventRow.starts_at > now)
        .order_by(EventRow.starts_at)
    )
    for row in events:
        begun = [
            minutes
            for minutes in (int(each) for each in row.reminders.split(",") if each)
            if row.starts_at - timedelta(minutes=minutes) <= now
        ]
        if not begun or len(found) >= limit:
            continue
        minutes = min(begun)
        moment = row.starts_at - timedelta(minutes=minutes)
        if row.timed_at > moment:
            continue  # they have just been told this time
        what = _what(row.starts_at, minutes)
        members = await session.scalars(
            select(ReplyRow.member_id)
            .where(
                ReplyRow.event_id == row.id,
                ReplyRow.state == ReplyState.COMING,
                ReplyRow.since <= moment,
                ~_told(what),
            )
            .order_by(ReplyRow.number)
            .limit(limit - len(found))
        )
        online = row.online is not None
        found.extend(
            Due(row.id, member, minutes, row.starts_at, row.gate, online) for member in members
        )
    return found


def _what(starts_at: datetime, minutes: int) -> str:
    return f"{minutes}:{int(starts_at.timestamp())}"


def _told(what: str) -> ColumnElement[bool]:
    return exists().where(
        ToldOfEventRow.event_id == ReplyRow.event_id,
        ToldOfEventRow.member_id == ReplyRow.member_id,
        ToldOfEventRow.what == literal(what),
    )


async def remind(session: AsyncSession, read: Mapping[Due, Standing], *, now: datetime) -> int:
    """Remind these people, unless it was done, is too late, or the event was moved meanwhile.

    `read`: whether each may have the link. Returns how many notices were written.
    """
    numbers = sorted({each.event_id for each in read})
    told = 0
    for row in await _locked(session, numbers):
        due = {
            each.member_id: each
            for each in read
            if each.event_id == row.id and each.starts_at == row.starts_at
        }
        if due and row.state == EventState.OPEN and row.starts_at > now:
            told += await _remind_of(session, row, due, read, now)
    return told


async def _locked(session: AsyncSession, numbers: Sequence[int]) -> Sequence[EventRow]:
    """The events as they are, and stay until we commit."""
    rows = await session.scalars(
        select(EventRow)
        .where(EventRow.id.in_(numbers))
        .order_by(EventRow.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return rows.all()


async def _remind_of(
    session: AsyncSession,
    event_row: EventRow,
    due: Mapping[int, Due],
    read: Mapping[Due, Standing],
    now: datetime,
) -> int:
    event = event_of(event_row)
    found = await session.scalars(
        select(ReplyRow)
        .where(
            ReplyRow.event_id == event.id,
            ReplyRow.member_id.in_(due),
            ReplyRow.state == ReplyState.COMING,
        )
        .order_by(ReplyRow.number)
        .execution_options(populate_existing=True)
    )
    rows = {row.member_id: row for row in found}
    what = {member: _what(event_row.starts_at, due[member].minutes) for member in rows}
    first = await _first(session, [(event.id, member, what[member]) for member in rows])
    letters = []
    for member, row in rows.items():
        if member in first:
            same_room = due[member].gate == event.plan.gate
            standing = read[due[member]] if same_room else Standing.UNREAD
            link = link_for(event, reply_of(row), standing, now=now)
            more = {"minutes": str(due[member].minutes), **({"link": link} if link else {})}
            letters.append(Letter(event, row, "reminder", more, event.plan.starts_at))
    return await _tell(session, letters, now=now)


# News


async def untold(session: AsyncSession) -> list[int]:
    """News of which not everybody has been told, the oldest first."""
    rows = await session.scalars(
        select(NewsRow.id).where(NewsRow.done_at.is_(None)).order_by(NewsRow.id)
    )
    return list(rows)


async def tell_news(
    session: AsyncSession, news_id: int, *, now: datetime, limit: int = BATCH
) -> int:
    """Tell the next few of those whom a piece of news concerns. Returns how many; 0: all told."""
    news = await session.get(NewsRow, news_id, populate_existing=True, with_for_update=True)
    if news is None or news.done_at is not None:
        return 0
    event = event_of(await session.get_one(EventRow, news.event_id, populate_existing=True))
    deadline = _worth_until(news, event)
    if deadline <= now:
        news.done_at = now
        return 0
    what = f"news:{news.id}"
    concerned = (
        select(ReplyRow)
        .where(ReplyRow.event_id == event.id, _concerned(news.kind), ~_told(what))
        .order_by(ReplyRow.number)
        .limit(limit)
    )
    rows = (await session.scalars(concerned)).all()
    first = await _first(session, [(event.id, row.member_id, what) for row in rows])
    more = flat("words", news.words)
    letters = [
        Letter(event, row, news.kind, more, deadline) for row in rows if row.member_id in first
    ]
    await _tell(session, letters, now=now)
    if len(rows) < limit:
        news.done_at = now
    await session.execute(
        update(NewsRow).where(NewsRow.id == news_id).values(told=NewsRow.told + len(rows))
    )
    return len(rows)


def _worth_until(news: NewsRow, event: Event) -> datetime:
    """Until when news is worth a message: a change until the event is over, words for a while."""
    over = event.plan.ends_at
    if news.kind in {CHANGED, CANCELLED}:
        return over
    return max(over, news.at) + (WORDS_FOR if news.kind == MESSAGE else NOTES_FOR)


def _concerned(kind: str) -> ColumnElement[bool]:
    """Whom a piece of news is for."""
    if kind in {CHANGED, CANCELLED}:
        return ReplyRow.state.in_(LIVE)
    if kind == NOTES:
        return was_there()
    return ReplyRow.state == ReplyState.COMING


def was_there() -> ColumnElement[bool]:
    """Who came; where nobody was marked at the door, who said that they come."""
    other = aliased(ReplyRow)
    marked = exists().where(other.event_id == ReplyRow.event_id, other.came_at.is_not(None))
    return or_(ReplyRow.came_at.is_not(None), and_(~marked, ReplyRow.state == ReplyState.COMING))
