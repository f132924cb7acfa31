"""The audit log: what was done, by whom, to whom. Rows are only ever added.

Each row carries SHA-256 over itself and the digest of the row before, so that a row changed or
removed afterwards is noticed by `verify`. Members appear by number, never by name or address.
"""

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from core.tables import AuditRow

GENESIS = "0" * 64
TURN = 0x6B616E6B  # any number that nothing else locks


async def record(
    session: AsyncSession,
    *,
    actor: str,
    action: str,
    subject: str = "",
    detail: Mapping[str, Any] | None = None,
    now: datetime,
) -> None:
    """Add a row. `previous` is unique: two writers at once cannot both follow the same row."""
    if session.get_bind().dialect.name == "postgresql":
        # Writers take turns until they commit; on SQLite every transaction does so already.
        await session.execute(select(func.pg_advisory_xact_lock(TURN)))
    last = await session.scalar(select(AuditRow.digest).order_by(AuditRow.id.desc()).limit(1))
    row = AuditRow(
        at=now.astimezone(UTC),
        actor=actor[:80],
        action=action,
        subject=subject[:80],
        detail=dict(detail or {}),
        previous=last or GENESIS,
    )
    row.digest = _digest(row)
    session.add(row)
    await session.flush()


async def record_of_member(
    session: AsyncSession,
    member_id: int,
    action: str,
    *,
    by: str | None = None,
    detail: Mapping[str, Any] | None = None,
    now: datetime,
) -> None:
    """Add a row on a member; by themselves, unless `by` names somebody. Empty details are none."""
    await record(
        session,
        actor=by or f"member:{member_id}",
        action=action,
        subject=f"member:{member_id}",
        detail={name: value for name, value in (detail or {}).items() if value},
        now=now,
    )


async def verify(session: AsyncSession, *, after: "Anchor | None" = None) -> int | None:
    """The id of the first row that does not fit the chain; `None` if every row does.

    `after` is where an earlier look ended: only it and the rows behind it are read again.
    """
    found = await _walk(session, after or _START)
    return found if isinstance(found, int) else None


@dataclass(frozen=True, slots=True)
class Anchor:
    """A row up to which the log has been verified."""

    id: int
    digest: str


_START = Anchor(0, GENESIS)


class Watch:
    """Verifies what was added since the last look, and everything when asked to.

    A row before the anchor that is changed later is found by the next look at everything, as by
    ``kankei audit verify``.
    """

    def __init__(self) -> None:
        self._anchor = _START
        self.whole_at: datetime | None = None  # when everything was last read

    async def look(
        self, session: AsyncSession, *, now: datetime, whole: bool = False
    ) -> int | None:
        """The id of the first row that does not fit; `None` if all that was read does."""
        if whole or self.whole_at is None:
            self._anchor = _START
        start = self._anchor
        found = await _walk(session, start)
        if isinstance(found, int):
            self.whole_at = None
            return found
        self._anchor = found
        if start == _START:
            self.whole_at = now
        return None


async def _walk(session: AsyncSession, start: Anchor) -> Anchor | int:
    """From `start` to the newest row: where it ended, or the id of a row that does not fit."""
    last = start
    if start != _START:
        row = await session.get(AuditRow, start.id)
        if row is None or row.digest != start.digest or _digest(row) != start.digest:
            return start.id
    rows = await session.stream_scalars(
        select(AuditRow).where(AuditRow.id > start.id).order_by(AuditRow.id)
    )
    async for row in rows:
        if row.previous != last.digest or row.digest != _digest(row):
            return row.id
        last = Anchor(row.id, row.digest)
    return last


@dataclass(frozen=True, slots=True)
class Filter:
    """Which rows of the log staff want to see."""

    area: str = ""  # the first word of an action, such as "access"
    subject: str = ""  # such as "member:12"
    actor: str = ""
    before: int | None = None  # rows older than this one


async def search(session: AsyncSession, wanted: Filter, *, limit: int = 50) -> list[AuditRow]:
    """The newest rows that fit come first."""
    query = select(AuditRow).order_by(AuditRow.id.desc()).limit(limit)
    if wanted.area:
        query = query.where(AuditRow.action.startswith(f"{wanted.area}.", autoescape=True))
    if wanted.subject:
        query = query.where(AuditRow.subject == wanted.subject)
    if wanted.actor:
        query = query.where(AuditRow.actor == wanted.actor)
    if wanted.before is not None:
        query = query.where(AuditRow.id < wanted.before)
    return list(await session.scalars(query))


async def last_of(
    session: AsyncSession, actions: Collection[str], *, subject: str, limit: int
) -> list[AuditRow]:
    """The newest rows about `subject` in which one of these was done come first."""
    query = select(AuditRow).where(AuditRow.subject == subject, AuditRow.action.in_(actions))
    return list(await session.scalars(query.order_by(AuditRow.id.desc()).limit(limit)))


async def details(
    session: AsyncSession, action: str, *, after: datetime
) -> list[Mapping[str, Any]]:
    """What was noted with an action, each time that it was done since."""
    rows = await session.scalars(
        select(AuditRow.detail).where(AuditRow.action == action, AuditRow.at > after)
    )
    return list(rows)


async def has(session: AsyncSession, action: str, subject: str) -> bool:
    """Whether this was ever done to `subject`."""
    found = await session.scalar(
        select(AuditRow.id).where(AuditRow.action == action, AuditRow.subject == subject).limit(1)
    )
    return found is not None


async def count(session: AsyncSession, action: str, *, since: datetime, until: datetime) -> int:
    """How often an action stands in the log, from `since` to before `until`."""
    found = await session.scalar(
        select(func.count())
        .select_from(AuditRow)
        .where(AuditRow.action == action, AuditRow.at >= since, AuditRow.at < until)
    )
    return found or 0


def _digest(row: AuditRow) -> str:
    content = json.dumps(
        [row.at.isoformat(), row.actor, row.action, row.subject, row.detail, row.previous],
        ensure_ascii=False,
        sort_keys=True,
    )
    return hashlib.sha256(content.encode()).hexdigest()
