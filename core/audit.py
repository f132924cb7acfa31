"""The audit log: what was done, by whom, to whom. Rows are only ever added.

Each row carries SHA-256 over itself and the digest of the row before, so that a row changed or
removed afterwards is noticed by `verify`. Members appear by number, never by name or address.
"""

import hashlib
import json
from collections.abc import Mapping
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
    last = await session.scalar(select(AuditRow).order_by(AuditRow.id.desc()).limit(1))
    row = AuditRow(
        at=now.astimezone(UTC),
        actor=actor[:80],
        action=action,
        subject=subject[:80],
        detail=dict(detail or {}),
        previous=last.digest if last else GENESIS,
    )
    row.digest = _digest(row)
    session.add(row)
    await session.flush()


async def verify(session: AsyncSession) -> int | None:
    """The id of the first row that does not fit the chain; `None` if every row does."""
    previous = GENESIS
    rows = await session.stream_scalars(select(AuditRow).order_by(AuditRow.id))
    async for row in rows:
        if row.previous != previous or row.digest != _digest(row):
            return row.id
        previous = row.digest
    return None


async def recent(session: AsyncSession, *, limit: int = 100) -> list[AuditRow]:
    """The newest rows first."""
    rows = await session.scalars(select(AuditRow).order_by(AuditRow.id.desc()).limit(limit))
    return list(rows)


def _digest(row: AuditRow) -> str:
    content = json.dumps(
        [row.at.isoformat(), row.actor, row.action, row.subject, row.detail, row.previous],
        ensure_ascii=False,
        sort_keys=True,
    )
    return hashlib.sha256(content.encode()).hexdigest()
