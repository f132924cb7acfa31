"""Writing an announcement, and changing it until the first message leaves."""

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from core.announcements import pictures
from core.announcements.checks import (
    checked_audience,
    checked_extras,
    checked_texts,
    unread,
)
from core.announcements.nouns import (
    OPEN,
    PLAIN,
    AnnouncementState,
    Audience,
    Extras,
    Fault,
    Kind,
    Revision,
    Texts,
)
from core.announcements.records import audience as audience_of
from core.announcements.records import get, hold, keep_audience, step
from core.errors import BadAnnouncement, NotAllowed
from core.tables import AnnouncementRow, RevisionRow
from core.town import TownPack

MAX_REVISIONS: Final = 200
"""How often one announcement may be rewritten."""


async def compose(
    session: AsyncSession,
    *,
    town: TownPack,
    author: str,
    audience: Audience,
    texts: Texts,
    extras: Extras = PLAIN,
    now: datetime,
    platforms: Collection[str],
) -> int:
    """Keep a draft; returns its number. `platforms` are those that are open.

    Raises `BadAnnouncement` for what cannot be sent so; nothing is kept then.
    """
    audience = await _checked(session, town, audience, platforms)
    extras = checked_extras(extras)
    row = AnnouncementRow(
        kind=audience.kind,
        state=AnnouncementState.DRAFT,
        author=author[:64],
        texts=checked_texts(texts, picture=extras.picture is not None),
        extras=extras.packed(),
        created_at=now,
    )
    keep_audience(row, audience)
    session.add(row)
    await session.flush()
    if extras.picture is not None:
        await pictures.attach(session, extras.picture, row.id)
    remember(session, row, by=author, now=now)
    await step(session, row.id, "drafted", by=author, now=now, detail={"kind": row.kind})
    return row.id


async def from_row(
    session: AsyncSession, row: AnnouncementRow, whom: Audience, *, by: str, now: datetime
) -> AnnouncementRow:
    """A new draft with the words and extras of another, with a picture of its own."""
    extras = Extras.unpacked(row.extras)
    if extras.picture is not None:
        twin = await pictures.copy(session, extras.picture, now=now)
        extras = replace(extras, picture=twin)
    draft = AnnouncementRow(
        kind=whom.kind,
        state=AnnouncementState.DRAFT,
        author=by[:64],
        texts=row.texts,
        extras=extras.packed(),
        revision=1,
        created_at=now,
    )
    keep_audience(draft, whom)
    session.add(draft)
    await session.flush()
    if extras.picture is not None:
        await pictures.attach(session, extras.picture, draft.id)
    remember(session, draft, by=by, now=now)
    await session.flush()
    return draft


async def revise(
    session: AsyncSession,
    announcement_id: int,
    *,
    town: TownPack,
    by: str,
    now: datetime,
    audience: Audience | None = None,
    texts: Texts | None = None,
    extras: Extras | None = None,
    platforms: Collection[str],
) -> None:
    """Change what has not begun to leave; what is not given stays.

    What a second person has agreed to, or is asked for, is a draft again: they agreed to something
    else. So is what was planned for others, or now has a machine's words that nobody has read.
    Raises `BadAnnouncement`; `NotAllowed` once it is being sent.
    """
    row = await hold(session, announcement_id)
    if row.state not in OPEN:
        raise NotAllowed(f"it is {row.state}")
    extras = checked_extras(extras if extras is not None else Extras.unpacked(row.extras))
    kept = checked_texts(row.texts if texts is None else texts, picture=extras.picture is not None)
    whom = audience or audience_of(row)
    whom = await _checked(session, town, whom, platforms, itself=row.id)
    before = audience_of(row)
    if (kept, extras.packed(), whom) == (row.texts, row.extras, before):
        return
    await _replace(session, row, kept, extras, by=by, now=now)
    keep_audience(row, whom)
    if row.state != AnnouncementState.DRAFT:
        again = row.state == AnnouncementState.ASKED or row.approved_by is not None
        others = replace(whom, terms=before.terms) != before
        if again or others or unread(kept) is not None:
            row.state = AnnouncementState.DRAFT
            row.asked_by = row.approved_by = row.confirmed_at = row.confirmed_by = None
    await step(session, row.id, "revised", by=by, now=now, detail={"revision": row.revision})
    await session.flush()


async def revisions(session: AsyncSession, announcement_id: int) -> list[Revision]:
    """What it said at every time, the newest first."""
    await get(session, announcement_id)
    rows = await session.scalars(
        select(RevisionRow)
        .where(RevisionRow.announcement_id == announcement_id)
        .order_by(RevisionRow.revision.desc())
    )
    return [
        Revision(each.revision, each.by, each.at, each.texts, Extras.unpacked(each.extras))
        for each in rows
    ]


async def _replace(
    session: AsyncSession,
    row: AnnouncementRow,
    texts: dict[str, dict[str, str]],
    extras: Extras,
    *,
    by: str,
    now: datetime,
) -> None:
    """Write down a new revision of the words and of what goes with them."""
    if (texts, extras.packed()) == (row.texts, row.extras):
        return
    if row.revision >= MAX_REVISIONS:
        raise NotAllowed("it was changed too often; write a new one")
    before = Extras.unpacked(row.extras).picture
    if extras.picture != before:
        if extras.picture is not None:
            await pictures.attach(session, extras.picture, row.id)
        if before is not None:
            await pictures.drop(session, before)
    row.texts, row.extras, row.revision = texts, extras.packed(), row.revision + 1
    remember(session, row, by=by, now=now)


def remember(session: AsyncSession, row: AnnouncementRow, *, by: str, now: datetime) -> None:
    """Write down what it says from now on, and who wrote it so."""
    session.add(
        RevisionRow(
            announcement_id=row.id,
            revision=row.revision or 1,
            by=by[:80],
            at=now,
            texts=row.texts,
            extras=row.extras,
        )
    )


async def _checked(
    session: AsyncSession,
    town: TownPack,
    audience: Audience,
    platforms: Collection[str],
    *,
    itself: int | None = None,
) -> Audience:
    """The audience with the pack's terms; also the announcement that it follows is known."""
    audience = checked_audience(town, audience, platforms=platforms)
    missed = audience.segment.missed
    if missed is None:
        return audience
    row = await session.get(AnnouncementRow, missed)
    if row is None or row.kind != Kind.DIRECT or row.id == itself:
        raise BadAnnouncement(Fault.MISSED, str(missed))
    return audience
