"""When a turn is due: by the town's wall clock on days that are 23 or 25 hours long."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from bots.jobs import JOBS, next_daily

BERLIN, NEW_YORK, LORD_HOWE, TOKYO = (
    ZoneInfo(name)
    for name in ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Tokyo")
)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "wall", "after", "due"),
    [
        pytest.param(TOKYO, time(4, 10), "2026-11-21T19:09", "2026-11-21T19:10", id="today"),
        pytest.param(TOKYO, time(4, 10), "2026-11-21T19:10", "2026-11-22T19:10", id="once a day"),
        pytest.param(BERLIN, time(4), "2027-03-27T12:00", "2027-03-28T02:00", id="spring, after"),
        pytest.param(BERLIN, time(2, 30), "2027-03-27T12:00", "2027-03-28T01:30", id="skipped"),
        pytest.param(BERLIN, time(2, 30), "2027-03-28T01:30", "2027-03-29T00:30", id="day after"),
        pytest.param(
            NEW_YORK, time(1, 30), "2026-11-01T05:00", "2026-11-01T05:30", id="first of 2"
        ),
        pytest.param(NEW_YORK, time(1, 30), "2026-11-01T05:30", "2026-11-02T06:30", id="not again"),
        pytest.param(
            LORD_HOWE, time(2, 10), "2026-10-03T00:00", "2026-10-03T15:40", id="half hour"
        ),
    ],
)
def test_a_daily_job_is_due_once_on_every_day_of_the_town(
    zone: ZoneInfo, wall: time, after: str, due: str
) -> None:
    assert next_daily(at(after), wall, zone) == at(due)


@pytest.mark.parametrize("zone", [BERLIN, NEW_YORK, LORD_HOWE, TOKYO], ids=str)
@pytest.mark.parametrize("wall", [time(0), time(1, 30), time(2, 30), time(23, 59)], ids=str)
def test_a_year_has_as_many_turns_as_days(zone: ZoneInfo, wall: time) -> None:
    now, days = datetime(2026, 6, 1, 12, tzinfo=UTC), set()
    for _ in range(365):
        before, now = now, next_daily(now, wall, zone)
        days.add(now.astimezone(zone).date())
        assert timedelta(hours=22) < now - before < timedelta(hours=26) or len(days) == 1
    assert len(days) == 365


def test_every_job_of_the_town_has_a_name_of_its_own() -> None:
    names = [each.name for each in JOBS]
    assert len(set(names)) == len(names)
