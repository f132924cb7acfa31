"""When the last message may be expected, and which moment a clock on a wall names."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.announcements.delivery.quiet import QuietHours
from core.announcements.forecast import Pace, finish
from core.announcements.schedule import Start, start_of

TEN_A_SECOND = Pace(timedelta(milliseconds=100))
NIGHT = QuietHours(time(21), time(8), "Asia/Tokyo")
NOON = datetime(2026, 11, 21, 3, tzinfo=UTC)  # in Japan
EVENING = NOON + timedelta(hours=8, minutes=59)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def test_by_day_the_pace_decides() -> None:
    assert finish({None: 600}, TEN_A_SECOND, start=NOON, quiet=NIGHT) == NOON + timedelta(minutes=1)


def test_what_is_left_at_night_leaves_in_the_morning() -> None:
    ends = finish({None: 1_200}, TEN_A_SECOND, start=EVENING, quiet=NIGHT)
    assert ends == at("2026-11-22T08:01:00+09:00")


def test_who_lives_where_it_is_day_does_not_wait() -> None:
    night = at("2026-11-21T23:00:00+09:00")  # 15:00 in London
    assert finish({"Europe/London": 600}, TEN_A_SECOND, start=night, quiet=NIGHT) == (
        night + timedelta(minutes=1)
    )
    both = finish({"Europe/London": 600, None: 600}, TEN_A_SECOND, start=night, quiet=NIGHT)
    assert both == at("2026-11-22T08:01:00+09:00")


def test_a_platform_that_asks_for_silence_is_waited_for() -> None:
    pace = Pace(timedelta(seconds=1), NOON + timedelta(minutes=5))
    assert finish({None: 60}, pace, start=NOON, quiet=None) == NOON + timedelta(minutes=6)


def test_a_million_at_the_free_rate_take_nine_hours_and_more_over_a_night() -> None:
    thirty = Pace(timedelta(seconds=1 / 30))
    day = finish({None: 1_000_000}, thirty, start=NOON, quiet=None) - NOON
    assert timedelta(hours=9) < day < timedelta(hours=9, minutes=30)
    assert finish({None: 1_000_000}, thirty, start=NOON, quiet=NIGHT) - NOON == pytest.approx(
        day + timedelta(hours=11), abs=timedelta(seconds=1)
    )


ZONES = st.dictionaries(
    st.sampled_from([None, "Asia/Seoul", "Europe/London", "America/New_York"]),
    st.integers(0, 50_000),
)


@given(people=ZONES, quiet=st.sampled_from([None, NIGHT]), hour=st.integers(0, 23))
def test_nobody_is_told_faster_than_the_pace_and_everybody_within_days(
    people: dict[str | None, int], quiet: QuietHours | None, hour: int
) -> None:
    start = NOON + timedelta(hours=hour)
    ends = finish(people, TEN_A_SECOND, start=start, quiet=quiet)
    least = sum(people.values()) * TEN_A_SECOND.gap
    assert start + least - timedelta(seconds=1) <= ends <= start + least + timedelta(days=3)


# The clock on a wall


def test_a_time_of_the_town_is_a_moment() -> None:
    found = start_of(date(2026, 11, 23), time(9), zone="Asia/Tokyo")
    assert found == Start(at("2026-11-23T09:00:00+09:00"))


def test_a_time_that_is_left_out_starts_as_much_later() -> None:
    found = start_of(date(2026, 3, 29), time(1, 30), zone="Europe/London")
    assert found == Start(at("2026-03-29T02:30:00+01:00"), left_out=True)


def test_a_time_that_comes_twice_starts_the_first_time() -> None:
    found = start_of(date(2026, 10, 25), time(1, 30), zone="Europe/London")
    assert found == Start(at("2026-10-25T01:30:00+01:00"), twice=True)


@given(
    day=st.dates(date(2020, 1, 1), date(2035, 12, 31)),
    clock=st.times(),
    zone=st.sampled_from(
        ["Asia/Tokyo", "Europe/London", "America/New_York", "Australia/Lord_Howe"]
    ),
)
def test_the_wall_shows_what_staff_named_unless_that_time_is_left_out(
    day: date, clock: time, zone: str
) -> None:
    found = start_of(day, clock, zone=zone)
    shown = found.at.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    named = datetime.combine(day, clock)
    assert (shown > named) == found.left_out
    assert shown - named in {timedelta(0), timedelta(minutes=30), timedelta(hours=1)}
