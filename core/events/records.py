"""Events as they are made, changed and cancelled, by the town pack or by staff.

A change that people must know of becomes *news*; `core.events.telling` tells it to each of them
once. What the pack says is applied when the pack changes, so that what staff changed since stays.
"""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from core import audit
from core.errors import NotAllowed, NotFound
from core.events.nouns import MISSING_FOR, Event, EventState, Plan, Words, event_of
from core.tables import EventRow, NewsRow
from core.town import Event as PackEvent
from core.town import Localised, TownPack, moment_of

PACK: Final = "pack"
"""Who made or cancelled what the town pack says."""

CHANGED: Final = "changed"
CANCELLED: Final = "cancelled"
MESSAGE: Final = "message"
NOTES: Final = "notes"

MAX_LISTED: Final = 200


async def get(session: AsyncSession, event_id: int) -> Event:
    """Raises `NotFound`."""
    return event_of(await _row(session, event_id))


async def locked(session: AsyncSession, event_id: int) -> EventRow:
    """The row, for us alone until we commit: seats are counted and given away under this lock.

    SQLite has one writer at a time anyway. Raises `NotFound`.
    """
    return await _row(session, event_id, lock=True)


async def _row(session: AsyncSession, event_id: int, *, lock: bool = False) -> EventRow:
    row = await session.get(
        EventRow, event_id, populate_existing=True, with_for_update=True if lock else None
    )
    if row is None:
        raise NotFound(f"event {event_id}")
    return row


async def upcoming(session: AsyncSession, *, now: datetime) -> list[Event]:
    """What is not over and was not cancelled, the next first."""
    rows = await session.scalars(
        select(EventRow)
        .where(EventRow.state == EventState.OPEN, EventRow.ends_at > now)
        .order_by(EventRow.starts_at, EventRow.id)
        .limit(MAX_LISTED)
    )
    return [event_of(row) for row in rows]


async def all_events(session: AsyncSession) -> list[Event]:
    """Everything that is kept, the latest first."""
    rows = await session.scalars(
        select(EventRow).order_by(EventRow.starts_at.desc(), EventRow.id.desc()).limit(MAX_LISTED)
    )
    return [event_of(row) for row in rows]


async def any_upcoming(session: AsyncSession, *, now: datetime) -> bool:
    found = await session.scalar(
        select(EventRow.id)
        .where(EventRow.state == EventState.OPEN, EventRow.ends_at > now)
        .limit(1)
    )
    return found is not None


async def make(session: AsyncSession, plan: Plan, *, by: str, now: datetime) -> int:
    """Open a new event. Returns its number."""
    row = _new(plan, by, now)
    session.add(row)
    await session.flush()
    await _note(session, row, "event.made", by, now)
    return row.id


async def change(
    session: AsyncSession, event_id: int, plan: Plan, *, by: str, now: datetime
) -> Event:
    """Let an event be as `plan` says. Who comes hears of another time or place.

    Raises `NotFound`, or `NotAllowed` if it was cancelled or is over.
    """
    row = await locked(session, event_id)
    if row.state != EventState.OPEN or row.ends_at <= now:
        raise NotAllowed("it was cancelled or is over")
    await _apply(session, row, plan, by=by, now=now)
    return event_of(row)


async def cancel(session: AsyncSession, event_id: int, *, by: str, now: datetime) -> None:
    """Call an event off; who comes or waits hears of it. Cancelling twice tells once.

    Raises `NotFound`, or `NotAllowed` if it is over.
    """
    row = await locked(session, event_id)
    if row.state == EventState.CANCELLED:
        return
    if row.ends_at <= now:
        raise NotAllowed("it is over")
    await _cancel(session, row, by=by, now=now)


async def message(
    session: AsyncSession, event_id: int, words: Words, *, by: str, now: datetime
) -> None:
    """Words of staff to those who come, or who came. Raises `NotFound`, `NotAllowed`."""
    row = await locked(session, event_id)
    if row.state == EventState.CANCELLED:
        raise NotAllowed("it was cancelled")
    _news(session, row, MESSAGE, by, now, dict(words))
    await _note(session, row, "event.message", by, now)


async def post_notes(
    session: AsyncSession,
    event_id: int,
    words: Words,
    link: str | None,
    *,
    for_gate: bool,
    by: str,
    now: datetime,
) -> None:
    """Put up what was decided, or a recording; those who came are told when it is new.

    `for_gate`: everybody who may come to the event may read it; else those who came.
    Raises `NotFound`, or `NotAllowed` before it has begun or if it was cancelled.
    """
    row = await locked(session, event_id)
    if row.state == EventState.CANCELLED or row.starts_at > now:
        raise NotAllowed("it has not begun")
    new = not row.notes
    row.notes, row.notes_link = dict(words), link
    row.notes_for = "gate" if for_gate else "came"
    if new:
        _news(session, row, NOTES, by, now)
    await _note(session, row, "event.notes", by, now)


# The town pack


async def follow_pack(session: AsyncSession, town: TownPack, *, now: datetime) -> None:
    """Let the records be as the pack says: new events, changed ones, and those that are gone.

    An event that was over before we first heard of it is left out. One that is gone is called off
    only by `call_off_missing`: a process that starts with an old copy of the pack tells nobody.
    """
    named = {each.name: plan_of(each, ZoneInfo(town.town.timezone)) for each in town.events}
    rows = await session.scalars(
        select(EventRow).where(EventRow.pack.is_not(None)).order_by(EventRow.id).with_for_update()
    )
    known = {str(row.pack): row for row in rows}
    for name, plan in named.items():
        row = known.get(name)
        if row is None and plan.ends_at > now:
            await _from_pack(session, name, plan, now)
        elif row is not None and row.pack_digest != plan.digest:
            await _as_pack_says(session, row, plan, now)
        elif row is not None and _is_back(row):
            await _reopen(session, row, now)
    for name, row in known.items():
        if name in named:
            row.missing_since = None
        elif row.missing_since is None and row.state == EventState.OPEN and row.ends_at > now:
            row.missing_since = now
            await _note(session, row, "event.missing", PACK, now)


async def call_off_missing(session: AsyncSession, *, now: datetime) -> int:
    """Call off what has been missing from the pack for `MISSING_FOR`. Returns how many."""
    rows = await session.scalars(
        select(EventRow)
        .where(
            EventRow.missing_since <= now - MISSING_FOR,
            EventRow.state == EventState.OPEN,
            EventRow.ends_at > now,
        )
        .order_by(EventRow.id)
        .with_for_update()
    )
    missing = rows.all()
    for row in missing:
        row.missing_since = None
        await _cancel(session, row, by=PACK, now=now)
    return len(missing)


def plan_of(event: PackEvent, zone: ZoneInfo) -> Plan:
    """What the pack says, with its times as moments. The pack has been checked."""

    def moment(wall: datetime) -> datetime:
        return moment_of(wall, zone) or wall.replace(tzinfo=zone)

    def words(said: Localised | None) -> Words:
        return {str(key): text for key, text in said.root.items()} if said else {}

    return Plan(
        title=words(event.title),
        text=words(event.text),
        starts_at=moment(event.starts),
        ends_at=moment(event.ends),
        place=words(event.place),
        contact=words(event.contact),
        online=str(event.online) if event.online else None,
        gate=event.gate,
        capacity=event.capacity,
        companions=event.companions,
        reply_until=moment(event.reply_until) if event.reply_until else None,
        reminders=tuple(timedelta(hours=each) for each in event.reminder_hours),
    )


async def _from_pack(session: AsyncSession, name: str, plan: Plan, now: datetime) -> None:
    row = _new(plan, PACK, now)
    row.pack, row.pack_digest = name, plan.digest
    try:
        async with session.begin_nested():
            session.add(row)
            await session.flush()
    except IntegrityError:
        return  # another worker that starts at the same moment was quicker
    await _note(session, row, "event.made", PACK, now)


async def _as_pack_says(session: AsyncSession, row: EventRow, plan: Plan, now: datetime) -> None:
    row.pack_digest = plan.digest
    if _is_back(row):
        await _reopen(session, row, now)
    if row.state == EventState.OPEN and (row.ends_at > now or plan.ends_at > now):
        await _apply(session, row, plan, by=PACK, now=now)


def _is_back(row: EventRow) -> bool:
    """Whether an event that had disappeared from the pack stands in it again."""
    return row.state == EventState.CANCELLED and row.cancelled_by == PACK


async def _reopen(session: AsyncSession, row: EventRow, now: datetime) -> None:
    row.state, row.cancelled_by = EventState.OPEN, None
    await _changed(session, row, "event.reopened", PACK, now)
    await _tell(session, row, CHANGED, PACK, now)


# Rows


def _new(plan: Plan, by: str, now: datetime) -> EventRow:
    row = EventRow(
        uid=str(uuid.uuid4()),
        sequence=0,
        state=EventState.OPEN,
        notes={},
        created_by=by,
        created_at=now,
        changed_at=now,
        timed_at=now,
    )
    _write(row, plan)
    return row


def _write(row: EventRow, plan: Plan) -> None:
    row.title, row.text = dict(plan.title), dict(plan.text)
    row.place, row.contact = dict(plan.place), dict(plan.contact)
    row.online, row.gate = plan.online, plan.gate
    row.starts_at, row.ends_at, row.reply_until = plan.starts_at, plan.ends_at, plan.reply_until
    row.capacity, row.companions = plan.capacity, plan.companions
    longest_first = sorted(set(plan.reminders), reverse=True)
    row.reminders = ",".join(str(int(each.total_seconds() // 60)) for each in longest_first)


async def _apply(
    session: AsyncSession, row: EventRow, plan: Plan, *, by: str, now: datetime
) -> None:
    before = event_of(row).plan
    if before.digest == plan.digest:
        return
    _write(row, plan)
    if before.starts_at != plan.starts_at:
        row.timed_at = now
    what = {
        "when": (before.starts_at, before.ends_at) != (plan.starts_at, plan.ends_at),
        "where": (dict(before.place), before.online) != (dict(plan.place), plan.online),
        "title": dict(before.title) != dict(plan.title),
        "capacity": before.capacity != plan.capacity,
    }
    names = [name for name, changed in what.items() if changed] or ["other"]
    detail = {"changes": ", ".join(names)}
    await _changed(session, row, "event.changed", by, now, detail)
    if what["when"] or what["where"]:
        await _tell(session, row, CHANGED, by, now)


async def _cancel(session: AsyncSession, row: EventRow, *, by: str, now: datetime) -> None:
    row.state, row.cancelled_by = EventState.CANCELLED, by
    await _changed(session, row, "event.cancelled", by, now)
    await _tell(session, row, CANCELLED, by, now)


async def _changed(
    session: AsyncSession,
    row: EventRow,
    action: str,
    by: str,
    now: datetime,
    detail: Mapping[str, Any] | None = None,
) -> None:
    row.sequence, row.changed_at = row.sequence + 1, now
    await session.flush()
    await _note(session, row, action, by, now, detail)


async def _note(
    session: AsyncSession,
    row: EventRow,
    action: str,
    by: str,
    now: datetime,
    detail: Mapping[str, Any] | None = None,
) -> None:
    said = {"event": row.title["ja"], **(detail or {})}
    actor = "kankei" if by == PACK else by
    await audit.record(
        session, actor=actor, action=action, subject=f"event:{row.id}", detail=said, now=now
    )


async def _tell(session: AsyncSession, row: EventRow, kind: str, by: str, now: datetime) -> None:
    """News that replaces what nobody has been told yet of older changes."""
    await session.execute(
        update(NewsRow)
        .where(
            NewsRow.event_id == row.id,
            NewsRow.kind.in_((CHANGED, CANCELLED)),
            NewsRow.done_at.is_(None),
        )
        .values(done_at=now)
    )
    _news(session, row, kind, by, now)


def _news(
    session: AsyncSession,
    row: EventRow,
    kind: str,
    by: str,
    now: datetime,
    words: Mapping[str, Any] | None = None,
) -> None:
    session.add(NewsRow(event_id=row.id, kind=kind, words=dict(words or {}), by=by, at=now))


async def sent_messages(session: AsyncSession, event_id: int) -> Sequence[NewsRow]:
    """What those who come were told together, the newest first."""
    rows = await session.scalars(
        select(NewsRow).where(NewsRow.event_id == event_id).order_by(NewsRow.id.desc()).limit(50)
    )
    return rows.all()
