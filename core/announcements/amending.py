"""After the first message: other words, taking back, and those whom it did not reach."""

from dataclasses import replace
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from core.announcements.checks import check_read, checked_texts
from core.announcements.delivery import outbox
from core.announcements.drafts import MAX_REVISIONS, from_row, remember
from core.announcements.nouns import (
    OPEN,
    AnnouncementState,
    Change,
    Extras,
    Fault,
    Kind,
    Texts,
)
from core.announcements.reach import needs_second
from core.announcements.records import audience, hold, same_person, step
from core.errors import BadAnnouncement, NotAllowed
from core.tables import AnnouncementRow


async def change_sent(
    session: AsyncSession, announcement_id: int, texts: Texts, *, by: str, now: datetime
) -> bool:
    """Let it say something else, also where it has arrived already.

    What has not left yet leaves in the new words. `amended` and `amend_failed` count how far the
    change has gone. Returns `False` if it reaches so many that a second member of staff has to
    agree first (`approve_change`); what was asked before is replaced.

    Raises `BadAnnouncement`; `NotAllowed` if nothing has left or it was retracted.
    """
    row = await _sent(session, announcement_id)
    kept = checked_texts(texts, picture=Extras.unpacked(row.extras).picture is not None)
    check_read(kept)
    if kept == row.texts:
        return True
    if row.revision >= MAX_REVISIONS:
        raise NotAllowed("it was changed too often")
    direct = row.kind == Kind.DIRECT
    if needs_second(audience(row), max(row.people, row.total if direct else 0)):
        row.change = Change(kept, by[:80], now).packed()
        await step(session, row.id, "change-asked", by=by, now=now)
        await session.flush()
        return False
    await _change(session, row, kept, by=by, now=now)
    return True


async def approve_change(
    session: AsyncSession, announcement_id: int, *, by: str, asked_at: datetime, now: datetime
) -> None:
    """Agree to other words for what has been sent: those that were asked for at `asked_at`.

    Raises `NotAllowed` to whom asked, if other words were asked for since, or nobody asks.
    """
    row = await _sent(session, announcement_id)
    change = Change.unpacked(row.change) if row.change else None
    if change is None or change.at != asked_at:
        raise NotAllowed("nobody asks for it any more")
    if same_person(by, change.by):
        raise NotAllowed("a second person has to agree")
    detail = {"by": change.by}
    await step(session, row.id, "change-approved", by=by, now=now, detail=detail)
    await _change(session, row, change.texts, by=change.by, now=now)


async def refuse_change(
    session: AsyncSession, announcement_id: int, *, by: str, now: datetime
) -> None:
    """Do not agree to other words, or take back what one asked for. Twice is as once."""
    row = await hold(session, announcement_id)
    if row.change:
        row.change = None
        await step(session, row.id, "change-refused", by=by, now=now)
        await session.flush()


async def _change(
    session: AsyncSession, row: AnnouncementRow, texts: Texts, *, by: str, now: datetime
) -> None:
    row.texts, row.change = {each: dict(text) for each, text in texts.items()}, None
    row.revision, row.amended, row.amend_failed = row.revision + 1, 0, 0
    remember(session, row, by=by, now=now)
    await step(session, row.id, "changed", by=by, now=now, detail={"revision": row.revision})
    await session.flush()
    await outbox.amend(session, row.id)


async def retract(session: AsyncSession, announcement_id: int, *, by: str, now: datetime) -> None:
    """Take it back from all who have it, and let nothing more leave. Twice is as once.

    Raises `NotAllowed` if nothing has left.
    """
    await outbox.hold_runs(session, announcement_id)
    row = await hold(session, announcement_id)
    if row.retracted_at is not None:
        return
    row = await _sent(session, announcement_id)
    if row.state != AnnouncementState.DONE:
        row.state, row.paused_why = AnnouncementState.CANCELLED, "retracted"
        row.finished_at = now
    row.retracted_at, row.revision, row.amended, row.amend_failed = now, row.revision + 1, 0, 0
    row.change = None
    remember(session, row, by=by, now=now)
    await step(session, row.id, "retracted", by=by, now=now)
    await session.flush()
    await outbox.amend(session, row.id)


async def _sent(session: AsyncSession, announcement_id: int) -> AnnouncementRow:
    """The row of something that has begun to leave. A turn of a pump is over before, or waits."""
    await outbox.hold_runs(session, announcement_id)
    row = await hold(session, announcement_id)
    if row.state in OPEN:
        raise NotAllowed("nothing has left yet; change the draft")
    if row.retracted_at is not None:
        raise NotAllowed("it was retracted")
    if row.state == AnnouncementState.CANCELLED and row.delivered + row.unsure == 0:
        raise NotAllowed("nothing has left")
    return row


async def missed(session: AsyncSession, announcement_id: int, *, by: str, now: datetime) -> int:
    """A new draft with the same words for those whom it did not reach; returns its number.

    Raises `NotAllowed` while it is on its way or was retracted, `BadAnnouncement` if it reached
    everybody or went to rooms.
    """
    row = await hold(session, announcement_id)
    if row.state not in {AnnouncementState.DONE, AnnouncementState.CANCELLED} or row.retracted_at:
        raise NotAllowed(f"it is {row.state}")
    if row.kind != Kind.DIRECT or row.total <= row.delivered:
        raise BadAnnouncement(Fault.MISSED, str(announcement_id))
    whom = audience(row)
    whom = replace(whom, segment=replace(whom.segment, missed=row.id))
    draft = await from_row(session, row, whom, by=by, now=now)
    await step(session, row.id, "missed", by=by, now=now, detail={"draft": draft.id})
    await session.flush()
    return draft.id
