"""When the records were last backed up, as the audit log and the figures say."""

from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from core import audit
from core.archive.format import Manifest
from core.tables import CounterRow

_LAST: Final = "archive.minutes"  # since 1970: a 32-bit number lasts
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


async def note(session: AsyncSession, manifest: Manifest, *, by: str) -> None:
    """An archive is on disk."""
    await audit.record(
        session,
        actor=by,
        action="archive.written",
        detail={"rows": manifest.rows, "pack": bool(manifest.files("pack/"))},
        now=manifest.made_at,
    )
    minutes = (manifest.made_at - _EPOCH) // timedelta(minutes=1)
    await session.merge(CounterRow(name=_LAST, value=minutes))


async def last(session: AsyncSession) -> datetime | None:
    """When the last archive was begun; `None` if there never was one."""
    row = await session.get(CounterRow, _LAST)
    return _EPOCH + timedelta(minutes=row.value) if row is not None else None
