"""The row of an announcement, read, moved on and written down in the audit log."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from core import audit
from core.announcements.nouns import (
    Announcement,
    AnnouncementState,
    Audience,
    Change,
    Extras,
    Kind,
    Segment,
    Terms,
)
from core.errors import NotAllowed, NotFound
from core.tables import AnnouncementRow


async def get(session: AsyncSession, announcement_id: int) -> AnnouncementRow:
    """The row as it is now. Raises `NotFound`."""
    row = await session.get(AnnouncementRow, announcement_id, populate_existing=True)
    if row is None:
        raise NotFound(f"announcement {announcement_id}")
    return row


async def hold(session: AsyncSession, announcement_id: int) -> AnnouncementRow:
    """The row, which nobody else moves until the commit.

    Raises `NotFound`, also for notices: they are not for staff.
    """
    row = await session.get(
        AnnouncementRow, announcement_id, populate_existing=True, with_for_update=True
    )
    if row is None or row.kind == Kind.NOTICE:
        raise NotFound(f"announcement {announcement_id}")
    return row


def announcement(row: AnnouncementRow) -> Announcement:
    """As staff see it."""
    return Announcement(
        id=row.id,
        kind=Kind(row.kind),
        state=AnnouncementState(row.state),
        author=row.author,
        audience=audience(row),
        texts=row.texts,
        extras=Extras.unpacked(row.extras),
        total=row.total,
        delivered=row.delivered,
        blocked=row.blocked,
        failed=row.failed,
        unsure=row.unsure,
        created_at=row.created_at,
        confirmed_at=row.confirmed_at,
        start_at=row.start_at,
        deadline=row.deadline,
        finished_at=row.finished_at,
        asked_by=row.asked_by,
        approved_by=row.approved_by,
        people=row.people,
        change=Change.unpacked(row.change) if row.change else None,
        paused_why=row.paused_why,
        revision=row.revision,
        retracted_at=row.retracted_at,
        amended=row.amended,
        amend_failed=row.amend_failed,
    )


def audience(row: AnnouncementRow) -> Audience:
    """Whom it is for."""
    return Audience(
        Kind(row.kind),
        gate=row.gate,
        places=tuple((platform, place) for platform, place in row.places),
        segment=Segment.unpacked(row.segment),
        topic=row.topic,
        terms=Terms.unpacked(row.segment.get("terms", {})),
    )


def packed(audience: Audience) -> dict[str, Any]:
    """Whom it was for, as plain data that a later look can be compared with."""
    return {
        "kind": audience.kind.value,
        "gate": audience.gate,
        "topic": audience.topic,
        "segment": audience.segment.packed(),
    }


def unpacked(stored: Mapping[str, Any]) -> Audience:
    """The same again, without places and terms."""
    return Audience(
        Kind(stored["kind"]),
        gate=stored["gate"],
        segment=Segment.unpacked(stored["segment"]),
        topic=stored["topic"],
    )


def keep_audience(row: AnnouncementRow, audience: Audience) -> None:
    """Write down whom it is for."""
    row.kind, row.gate, row.topic = audience.kind, audience.gate, audience.topic
    row.places = [list(each) for each in audience.places]
    row.segment = {**audience.segment.packed(), "terms": audience.terms.packed()}


async def step(
    session: AsyncSession,
    announcement_id: int,
    action: str,
    *,
    by: str,
    now: datetime,
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Write a step down in the audit log."""
    await audit.record(
        session,
        actor=by,
        action=f"announcement.{action}",
        subject=f"announcement:{announcement_id}",
        detail={name: value for name, value in (detail or {}).items() if value is not None},
        now=now,
    )


async def move(
    session: AsyncSession,
    announcement_id: int,
    before: Collection[AnnouncementState],
    after: AnnouncementState,
    **values: object,
) -> bool:
    """Put an announcement from one of several states into another. `False` if it was in none."""
    moved = await session.execute(
        update(AnnouncementRow)
        .where(
            AnnouncementRow.id == announcement_id,
            AnnouncementRow.kind != Kind.NOTICE,
            AnnouncementRow.state.in_(before),
        )
        .values(state=after, **values)
        .returning(AnnouncementRow.id)
        .execution_options(synchronize_session=False)
    )
    return moved.first() is not None


async def must_move(
    session: AsyncSession,
    announcement_id: int,
    before: Collection[AnnouncementState],
    after: AnnouncementState,
    **values: object,
) -> None:
    """The same. Raises `NotFound`, or `NotAllowed` if it was in another state."""
    if not await move(session, announcement_id, before, after, **values):
        row = await hold(session, announcement_id)
        raise NotAllowed(f"it is {row.state}")


def same_person(one: str, other: str | None) -> bool:
    """Whether two names are one member of staff's, as far as names tell."""
    return other is not None and one.strip().casefold() == other.strip().casefold()
