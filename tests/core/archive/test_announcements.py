"""A restore must not send old news twice: what may have gone out since waits for staff."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from core import announcements, audit
from core.announcements import RESTORED
from core.database import session_factory, transaction
from core.tables import AnnouncementRow
from core.testing import SetClock
from tests.core.archive.conftest import Place, Places


async def announce(place: Place, clock: SetClock) -> dict[str, int]:
    """One announcement of each sort, as they stand when the backup is made."""
    now, hour = clock(), timedelta(hours=1)
    sorts: dict[str, dict[str, Any]] = {
        "going out": {"state": "sending"},
        "going out, too late": {"state": "sending", "deadline": now + hour},
        "planned before the restore": {"state": "scheduled", "start_at": now + hour},
        "planned, too late": {
            "state": "scheduled",
            "start_at": now + hour,
            "deadline": now + 2 * hour,
        },
        "planned for later": {"state": "scheduled", "start_at": now + 90 * hour},
        "asked": {"state": "asked"},
        "paused": {"state": "paused", "paused_why": "staff"},
        "done": {"state": "done"},
        "draft": {"state": "draft"},
        "notice": {"state": "sending", "kind": "notice"},
    }
    numbers = {}
    async with transaction(session_factory(place.engine)) as session:
        for name, values in sorts.items():
            row = AnnouncementRow(
                **{"kind": "room", "author": name, "texts": {}, "created_at": now, **values}
            )
            session.add(row)
            await session.flush()
            numbers[name] = row.id
    return numbers


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
async def test_nothing_goes_out_by_itself_after_a_restore(
    places: Places, tmp_path: Path, clock: SetClock, database: str
) -> None:
    town, other = await places("sqlite"), await places(database, tables=False)
    numbers = await announce(town, clock)
    await town.back_up(tmp_path / "a.tar.gz")
    clock.advance(timedelta(days=1))
    restored = await other.restore(tmp_path / "a.tar.gz")
    async with transaction(session_factory(other.engine)) as session:
        rows = {row.id: row for row in await session.scalars(select(AnnouncementRow))}
        states = {name: rows[number].state for name, number in numbers.items()}
        assert await announcements.start_due(session, now=clock()) == []
        assert await audit.verify(session) is None
        paused = await audit.count(
            session, "announcement.paused", since=clock(), until=clock() + timedelta(seconds=1)
        )
    assert states == {
        "going out": "paused",
        "going out, too late": "cancelled",
        "planned before the restore": "draft",
        "planned, too late": "cancelled",
        "planned for later": "scheduled",
        "asked": "asked",
        "paused": "paused",
        "done": "done",
        "draft": "draft",
        "notice": "cancelled",
    }
    held = restored.held
    assert (held.paused, held.drafts, held.cancelled, held.notices) == (1, 1, 2, 1)
    assert rows[numbers["going out"]].paused_why == RESTORED
    assert rows[numbers["paused"]].paused_why == "staff"
    assert paused == 1
