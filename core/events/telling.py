"""What people are told of events: reminders, news to many, and what concerns one of them.

Every notice goes out through `core.announcements.notify` in the caller's transaction, together
with the row that says that it was told: each of them once, whatever dies and whoever else tells.

A reminder is due from its time before the beginning until the next shorter one, so that an outage
is made up for within that window and never after the beginning. Nobody is reminded of what they
have just said themselves or were just told.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, exists, literal, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from core import identity
from core.announcements import notify
from core.events.nouns import LIVE, Event, EventState, ReplyState, Words, event_of
from core.events.records import CANCELLED, CHANGED, NOTES
from core.identity import Account
from core.tables import EventRow, MemberRow, NewsRow, ReplyRow, ToldOfEventRow

BATCH = 100
"""So many people are told in one transaction."""


@dataclass(frozen=True, slots=True)
class Due:
    """Somebody who is to be reminded now."""

    event_id: int
    member_id: int
    minutes: int  # before the beginning


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


async def account_for(
    session: AsyncSession, member_id: int, account_id: int | None
) -> Account | None:
    """Where somebody is told: where they replied, or else where they can be reached."""
    accounts = await identity.accounts_of(session, member_id)
    accounts.sort(key=lambda each: (not each.reachable, each.id != account_id, each.id))
    return accounts[0] if accounts else None


async def tell_one(
    session: AsyncSession,
    event: Event,
    row: ReplyRow,
    what: str,
    *,
    until: datetime | None = None,
    now: datetime,
    more: Mapping[str, str] | None = None,
    deadline: datetime | None = None,
) -> bool:
    """A notice to one person, under ``event-<what>``. Returns whether there was a way to them."""
    account = await account_for(session, row.member_id, row.account_id)
    if account is None:
        return False
    values = values_of(event, zone=await zone_of(session, row.member_id))
    values |= {"until": until.isoformat()} if until else {}
    values |= {"number": str(row.number), **(more or {})}
    await notify(session, account, f"event-{what}", values, now=now, deadline=deadline)
    return True


async def _first(session: AsyncSession, event_id: int, member_id: int, what: str) -> bool:
    """Whether this is the first time. The key decides between two who ask at once."""
    kind = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    row = {"event_id": event_id, "member_id": member_id, "what": what}
    told = await session.execute(
        kind.insert(ToldOfEventRow)
        .values(row)
        .on_conflict_do_nothing()
        .returning(ToldOfEventRow.member_id)
    )
    return told.first() is not None


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
        found.extend(Due(row.id, member, minutes) for member in members)
    return found


def _what(starts_at: datetime, minutes: int) -> str:
    return f"{minutes}:{int(starts_at.timestamp())}"


def _told(what: str) -> ColumnElement[bool]:
    return exists().where(
        ToldOfEventRow.event_id == ReplyRow.event_id,
        ToldOfEventRow.member_id == ReplyRow.member_id,
        ToldOfEventRow.what == literal(what),
    )


async def remind(session: AsyncSession, reminder: Due, *, link: str | None, now: datetime) -> bool:
    """Remind somebody, unless it was done or is too late. Returns whether a notice was written."""
    event_row = await session.get(EventRow, reminder.event_id, populate_existing=True)
    row = await session.get(
        ReplyRow, (reminder.event_id, reminder.member_id), populate_existing=True
    )
    if event_row is None or row is None or row.state != ReplyState.COMING:
        return False
    if event_row.state != EventState.OPEN or event_row.starts_at <= now:
        return False
    what = _what(event_row.starts_at, reminder.minutes)
    if not await _first(session, reminder.event_id, reminder.member_id, what):
        return False
    more = {"minutes": str(reminder.minutes), **({"link": link} if link else {})}
    return await tell_one(
        session,
        event_of(event_row),
        row,
        "reminder",
        now=now,
        more=more,
        deadline=event_row.starts_at,
    )


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
    event = event_of(await session.get_one(EventRow, news.event_id))
    what = f"news:{news.id}"
    concerned = (
        select(ReplyRow)
        .where(ReplyRow.event_id == event.id, _concerned(news.kind), ~_told(what))
        .order_by(ReplyRow.number)
        .limit(limit)
    )
    rows = (await session.scalars(concerned)).all()
    for row in rows:
        if await _first(session, event.id, row.member_id, what):
            more = flat("words", news.words)
            await tell_one(session, event, row, news.kind, now=now, more=more)
    if len(rows) < limit:
        news.done_at = now
    await session.execute(
        update(NewsRow).where(NewsRow.id == news_id).values(told=NewsRow.told + len(rows))
    )
    return len(rows)


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
