"""From a draft to messages that leave: confirmed, agreed to, begun, stopped."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from core.announcements.checks import check_read, checked_audience, unread
from core.announcements.counters import finish_if_settled
from core.announcements.delivery import outbox
from core.announcements.nouns import (
    OPEN,
    OVER,
    Announcement,
    AnnouncementState,
    Counted,
    Fault,
    Kind,
)
from core.announcements.reach import due, fitting, needs_second
from core.announcements.records import (
    announcement,
    audience,
    hold,
    keep_audience,
    move,
    must_move,
    packed,
    same_person,
    step,
)
from core.errors import BadAnnouncement, NotAllowed
from core.tables import AnnouncementRow
from core.town import TownPack

_SETTLED: Final = (
    AnnouncementRow.delivered
    + AnnouncementRow.blocked
    + AnnouncementRow.failed
    + AnnouncementRow.unsure
)

WAITS: Final = (AnnouncementState.ASKED, AnnouncementState.SCHEDULED)
UNDER_WAY: Final = (AnnouncementState.SENDING, AnnouncementState.PAUSED)

AHEAD: Final = timedelta(days=366)
"""How far ahead an announcement may be planned."""


async def confirm(
    session: AsyncSession,
    announcement_id: int,
    *,
    town: TownPack,
    by: str,
    now: datetime,
    start_at: datetime | None = None,
    deadline: datetime | None = None,
    counted: Counted | None = None,
    platforms: Collection[str],
) -> Announcement:
    """Send a draft: now, at `start_at`, or as soon as a second member of staff has agreed.

    `counted` is what `count_audience` found before; without it the transaction counts. It goes to
    `platforms`, those that are open: on others it would wait for ever. Confirming twice sends once.

    Raises `NotFound`, `NotAllowed` if it was cancelled, and `BadAnnouncement` for times that cannot
    be or a machine's draft that nobody has read.
    """
    row = await hold(session, announcement_id)
    if row.state == AnnouncementState.CANCELLED:
        raise NotAllowed("it was cancelled")
    if row.state != AnnouncementState.DRAFT:
        return announcement(row)
    _check_times(start_at, deadline, now)
    if "ja" not in row.texts:  # whoever reads none of the other languages would get nothing
        raise BadAnnouncement(Fault.WORDS, "ja")
    check_read(row.texts)
    row.confirmed_at, row.start_at, row.deadline = now, start_at, deadline
    row.confirmed_by = by[:80]
    row.paused_why = None
    # The pack and the platforms may have changed since the draft.
    whom = checked_audience(town, audience(row), platforms=platforms)
    keep_audience(row, whom)
    found = await fitting(session, whom, counted, now=now)
    row.people = found.people
    if needs_second(whom, found.people):
        row.state, row.asked_by = AnnouncementState.ASKED, by[:80]
        await step(session, row.id, "asked", by=by, now=now, detail=_asked_for(row))
    else:
        await _go(session, row, found, now=now)
        await step(session, row.id, "confirmed", by=by, now=now, detail=_detail(row))
    await session.flush()
    return announcement(row)


def _check_times(start_at: datetime | None, deadline: datetime | None, now: datetime) -> None:
    if start_at is not None and not now < start_at <= now + AHEAD:
        raise BadAnnouncement(Fault.START)
    if deadline is not None and deadline <= (start_at or now):
        raise BadAnnouncement(Fault.DEADLINE)


def _detail(row: AnnouncementRow) -> dict[str, object]:
    return {
        "kind": row.kind,
        "gate": row.gate,
        "topic": row.topic,
        "revision": row.revision,
        "recipients": row.total or None,
        "start_at": row.start_at.isoformat() if row.start_at else None,
    }


def _asked_for(row: AnnouncementRow) -> dict[str, object]:
    """What somebody is asked to agree to, as `core.announcements.seconds` reads it again."""
    return {
        "revision": row.revision,
        "audience": packed(audience(row)),
        "start_at": row.start_at.isoformat() if row.start_at else None,
        "deadline": row.deadline.isoformat() if row.deadline else None,
    }


async def _go(
    session: AsyncSession, row: AnnouncementRow, found: Counted, *, now: datetime
) -> None:
    """Begin, or wait for the start."""
    if row.start_at is not None and row.start_at > now:
        row.state = AnnouncementState.SCHEDULED
        return
    await _begin(session, row, found, now=now)


async def _begin(
    session: AsyncSession, row: AnnouncementRow, found: Counted, *, now: datetime
) -> None:
    whom = found.audience
    row.state, row.people = AnnouncementState.SENDING, found.people
    await session.flush()
    direct = whom.kind is Kind.DIRECT
    platforms = whom.terms.platforms if direct else dict.fromkeys(each for each, _ in whom.places)
    await outbox.begin(session, row.id, tuple(platforms), now, found.recipients)
    await session.refresh(row)
    await finish_if_settled(session, row.id, now=now)
    await session.refresh(row)


async def approve(
    session: AsyncSession,
    announcement_id: int,
    *,
    by: str,
    now: datetime,
    counted: Counted | None = None,
) -> None:
    """Agree to what another member of staff confirmed. `counted`: see `confirm`.

    Raises `NotAllowed` if it is the same person, or nobody asks any more.
    """
    row = await hold(session, announcement_id)
    if row.state != AnnouncementState.ASKED:
        raise NotAllowed(f"it is {row.state}")
    if same_person(by, row.asked_by):
        raise NotAllowed("a second person has to agree")
    row.approved_by = by[:80]
    if row.deadline is not None and row.deadline <= now:
        await _too_late(session, row, now=now)
    else:
        found = await fitting(session, audience(row), counted, now=now)
        await _go(session, row, found, now=now)
    await step(session, row.id, "approved", by=by, now=now, detail=_detail(row))
    await session.flush()


async def refuse(
    session: AsyncSession, announcement_id: int, *, by: str, now: datetime, reason: str = ""
) -> None:
    """Do not agree: it is a draft again. Who asked may take it back so as well.

    Raises `NotAllowed` if nobody asks any more.
    """
    row = await hold(session, announcement_id)
    if row.state != AnnouncementState.ASKED:
        raise NotAllowed(f"it is {row.state}")
    row.state = AnnouncementState.DRAFT
    row.asked_by = row.confirmed_at = row.confirmed_by = None
    detail = {"reason": reason[:500] or None, **_asked_for(row)}
    await step(session, row.id, "refused", by=by, now=now, detail=detail)
    await session.flush()


async def start_due(
    session: AsyncSession, *, now: datetime, counted: Mapping[int, Counted] | None = None
) -> list[int]:
    """Begin what is planned for now, and give up what can no longer be in time; returns what began.

    `counted` is what `count_due` found before; what is missing there is counted here. What has
    grown since it was confirmed, so that a second member of staff has to agree, waits for them.
    May be repeated: only who moves the row on begins it.
    """
    planned = await session.scalars(due(now).with_for_update(skip_locked=True))
    begun = []
    for row in planned.all():
        if row.deadline is not None and row.deadline <= now:
            continue  # given up below
        found = await fitting(session, audience(row), (counted or {}).get(row.id), now=now)
        if await _start(session, row, found, now=now):
            begun.append(row.id)
    await session.flush()
    await _give_up_late(session, now=now)
    return begun


async def _start(
    session: AsyncSession, row: AnnouncementRow, found: Counted, *, now: datetime
) -> bool:
    """Begin what was planned; ``False`` if it has to be read or agreed to first."""
    if unread(row.texts) is not None:
        row.state, row.paused_why = AnnouncementState.DRAFT, "unread"
        row.confirmed_at = row.confirmed_by = row.approved_by = None
        await step(session, row.id, "unread", by="kankei", now=now)
        return False
    if row.approved_by is None and needs_second(found.audience, found.people):
        row.state, row.asked_by = AnnouncementState.ASKED, row.confirmed_by or row.author
        row.people, row.confirmed_at = found.people, now
        detail = {"people": found.people, **_asked_for(row)}
        await step(session, row.id, "asked", by="kankei", now=now, detail=detail)
        return False
    await _begin(session, row, found, now=now)
    await step(session, row.id, "started", by="kankei", now=now, detail=_detail(row))
    return True


async def _give_up_late(session: AsyncSession, *, now: datetime) -> None:
    """Nothing leaves after its deadline, however long the town was switched off."""
    late = await session.scalars(
        select(AnnouncementRow)
        .where(
            AnnouncementRow.deadline <= now,
            AnnouncementRow.kind != Kind.NOTICE,  # the outbox sees to those
            AnnouncementRow.state.in_((*WAITS, *UNDER_WAY)),
        )
        .order_by(AnnouncementRow.id)
        .limit(100)
        .with_for_update(skip_locked=True)
    )
    for row in late.all():
        if row.state in UNDER_WAY:
            await outbox.expire(session, row.id, now=now)
        else:
            await _too_late(session, row, now=now)
    await session.flush()


async def _too_late(session: AsyncSession, row: AnnouncementRow, *, now: datetime) -> None:
    row.state, row.paused_why, row.finished_at = AnnouncementState.CANCELLED, "deadline", now
    await step(session, row.id, "too-late", by="kankei", now=now)


async def pause(session: AsyncSession, announcement_id: int, *, by: str, now: datetime) -> None:
    """Let nothing more leave. Raises `NotAllowed` if it is not being sent."""
    before, after = AnnouncementState.SENDING, AnnouncementState.PAUSED
    await must_move(session, announcement_id, {before}, after, paused_why="staff")
    await step(session, announcement_id, "paused", by=by, now=now)


async def resume(session: AsyncSession, announcement_id: int, *, by: str, now: datetime) -> None:
    """Go on. Raises `NotAllowed` if it is not paused."""
    before, after = AnnouncementState.PAUSED, AnnouncementState.SENDING
    await must_move(
        session,
        announcement_id,
        {before},
        after,
        paused_why=None,
        # What failed before they looked at it does not pause it again.
        window_at=_SETTLED,
        window_failed=AnnouncementRow.failed + AnnouncementRow.unsure,
    )
    await step(session, announcement_id, "sending", by=by, now=now)
    await finish_if_settled(session, announcement_id, now=now)  # the last may have landed meanwhile


async def cancel(session: AsyncSession, announcement_id: int, *, by: str, now: datetime) -> None:
    """Stop a draft or what has not left yet. What has arrived stays. Twice is as once."""
    before = OPEN | set(UNDER_WAY)
    after = AnnouncementState.CANCELLED
    if await move(session, announcement_id, before, after, paused_why="staff", finished_at=now):
        await step(session, announcement_id, "cancelled", by=by, now=now)
        return
    row = await hold(session, announcement_id)
    if row.state not in OVER:
        raise NotAllowed(f"it is {row.state}")
