"""What the second person is asked to agree to, beside what they were asked for before."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from core import audit
from core.announcements.nouns import AnnouncementState, Audience, Extras, Texts
from core.announcements.records import get, unpacked
from core.tables import RevisionRow

ASKED, REFUSED = "announcement.asked", "announcement.refused"


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody was asked to agree to."""

    texts: Texts
    extras: Extras
    audience: Audience | None  # without places and terms; `None` in logs of before it was noted
    start_at: datetime | None
    deadline: datetime | None


async def asked_before(session: AsyncSession, announcement_id: int) -> Asked | None:
    """What it was when a second person was last asked, before they were asked now.

    Whoever changed it since, and whether it had been sent back, agreed to, or neither. `None` if
    this is the first time. Raises `NotFound`.
    """
    row = await get(session, announcement_id)
    wanted = {"subject": f"announcement:{announcement_id}"}
    steps = await audit.last_of(session, (ASKED, REFUSED), **wanted, limit=3)
    # Who asks now has written down so last of all.
    now = row.state == AnnouncementState.ASKED and bool(steps) and steps[0].action == ASKED
    for each in steps[1:] if now else steps:
        kept = await _revision(session, announcement_id, each.detail.get("revision"))
        if kept is not None:
            return _asked(kept, each.detail)
    return None


async def _revision(
    session: AsyncSession, announcement_id: int, number: object
) -> RevisionRow | None:
    if not isinstance(number, int):
        return None
    return await session.scalar(
        select(RevisionRow).where(
            RevisionRow.announcement_id == announcement_id, RevisionRow.revision == number
        )
    )


def _asked(kept: RevisionRow, detail: Mapping[str, Any]) -> Asked:
    whom = detail.get("audience")
    return Asked(
        kept.texts,
        Extras.unpacked(kept.extras),
        unpacked(whom) if whom is not None else None,
        _time(detail.get("start_at")),
        _time(detail.get("deadline")),
    )


def _time(stored: str | None) -> datetime | None:
    return datetime.fromisoformat(stored) if stored else None
