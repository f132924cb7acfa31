"""Reading GTFS-JP feeds: what is usable is used, what is not is reported with file and line."""

import os
import shutil
import zipfile
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from knowledge.language import Language
from knowledge.passage import Problem
from knowledge.timetable import Timetable, read_feed
from knowledge.timetable import archive as limits
from knowledge.timetable import calls as trips
from knowledge.timetable.journeys import departures, journeys, on_request, price

Write = Callable[..., Path]
FEED = Path(__file__).parent / "feed"
HOLIDAY = date(2026, 11, 23)  # a Monday
TUESDAY = date(2026, 11, 24)
WEDNESDAY = date(2026, 11, 25)
SATURDAY = date(2026, 11, 28)


def table(name: str) -> str:
    return (FEED / f"{name}.txt").read_text("utf-8")


def read(path: Path) -> Timetable:
    timetable, _ = read_feed(path)
    assert timetable is not None
    return timetable


def faults(path: Path) -> list[tuple[str, int]]:
    return [(each.file, each.line) for each in read_feed(path)[1]]


def station(timetable: Timetable, name: str) -> int:
    return [each.name for each in timetable.stations].index(name)


def clocks(timetable: Timetable, origin: str, destination: str, day: date) -> list[str]:
    """Departure and arrival of every journey of a day."""
    ends = [station(timetable, origin)], [station(timetable, destination)]
    return [f"{clock(e.departs)}-{clock(e.arrives)}" for e in journeys(timetable, *ends, day)]


def clock(seconds: int) -> str:
    return f"{seconds // 3600}:{seconds // 60 % 60:02d}"


def zipped(folder: Path, inside: str = "") -> Path:
    path = folder.with_suffix(".zip")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for each in sorted(folder.iterdir()):
            archive.write(each, f"{inside}{each.name}")
    return path


# Stations


def test_platforms_of_one_station_and_stops_of_one_name_are_one(timetable: Timetable) -> None:
    assert [each.name for each in timetable.stations] == [
        "新水城駅",
        "水城町役場",
        "水城洞前",
        "黒洞",
    ]


def test_two_stops_of_one_name_far_apart_are_two(write_feed: Write) -> None:
    stops = table("stops") + "of2,水城町役場,34.9000,131.9000,,0,\n"
    assert [each.name for each in read(write_feed(stops=stops)).stations].count("水城町役場") == 2


def test_a_station_has_its_reading_and_its_translations(timetable: Timetable) -> None:
    first = timetable.stations[0]
    assert first.kana == "しんみずきえき"
    assert first.names[Language.EN] == "Shin-Mizuki Station"
    assert first.names[Language.KO] == "신미즈키역"


def test_translations_of_the_first_edition_are_read_too(write_feed: Write) -> None:
    old = "trans_id,lang,translation\n水城洞前,en,Mizuki Cave\n水城洞前,ja-Hrkt,みずきどうまえ\n"
    cave = read(write_feed(translations=old)).stations[2]
    assert (cave.names, cave.kana) == ({Language.EN: "Mizuki Cave"}, "みずきどうまえ")


# Days


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        pytest.param(
            TUESDAY, ["7:00-7:40", "10:10-10:50", "18:05-18:45", "24:20-25:00"], id="weekday"
        ),
        pytest.param(SATURDAY, ["0:20-1:00", "9:30-10:10"], id="Saturday, with Friday's night bus"),
        pytest.param(HOLIDAY, ["9:30-10:10"], id="a public holiday on a Monday, by exception"),
        pytest.param(date(2027, 1, 1), ["0:20-1:00"], id="a day taken out"),
        pytest.param(
            date(2026, 12, 12), ["0:20-1:00", "9:30-10:10", "20:00-20:40"], id="an extra day"
        ),
        pytest.param(date(2027, 4, 1), ["0:20-1:00"], id="the day after the feed's last"),
        pytest.param(date(2027, 4, 2), [], id="after the feed"),
        pytest.param(date(2026, 3, 31), [], id="before the feed"),
    ],
)
def test_what_runs_depends_on_the_day(timetable: Timetable, day: date, expected: list[str]) -> None:
    assert clocks(timetable, "新水城駅", "水城洞前", day) == expected


def test_a_feed_without_calendar_runs_on_the_days_it_lists(write_feed: Write) -> None:
    days = "service_id,date,exception_type\nwd,20261124,1\n"
    timetable = read(write_feed(calendar=None, calendar_dates=days, feed_info=None))
    assert len(clocks(timetable, "新水城駅", "水城洞前", TUESDAY)) == 4
    assert (timetable.start, timetable.end) == (TUESDAY, TUESDAY)


def test_frequencies_stand_for_trips_at_their_intervals(write_feed: Write) -> None:
    often = "trip_id,start_time,end_time,headway_secs,exact_times\nm1,08:00:00,09:00:00,1800,0\n"
    timetable = read(_with(write_feed(), often))
    found = clocks(timetable, "新水城駅", "水城洞前", TUESDAY)
    assert found[:2] == ["8:00-8:40", "8:30-9:10"]
    assert "7:00-7:40" not in found


def _with(folder: Path, frequencies: str) -> Path:
    (folder / "frequencies.txt").write_text(frequencies, encoding="utf-8")
    return folder


# Journeys


def test_a_change_takes_five_minutes_at_least(timetable: Timetable) -> None:
    """One arrives at the town hall at 10:35; the bus of 10:38 is missed, that of 10:45 not."""
    assert clocks(timetable, "新水城駅", "黒洞", TUESDAY) == ["10:10-11:05"]


def test_a_price_is_told_of_each_ride_or_not_at_all(timetable: Timetable) -> None:
    ends = station(timetable, "新水城駅"), station(timetable, "黒洞")
    (journey,) = journeys(timetable, [ends[0]], [ends[1]], TUESDAY)
    assert price(timetable, journey) == (400, "JPY")
    back = journeys(timetable, [station(timetable, "水城町役場")], [ends[0]], TUESDAY)
    assert price(timetable, back[0]) is None


def test_nobody_boards_where_the_bus_only_sets_down(write_feed: Write) -> None:
    times = table("stop_times").replace("stop_sequence\n", "stop_sequence,pickup_type\n")
    times = times.replace("10:10:00,st1,1\n", "10:10:00,st1,1,1\n")
    timetable = read(write_feed(stop_times=times))
    assert "10:10-10:50" not in clocks(timetable, "新水城駅", "水城洞前", TUESDAY)


def test_a_bus_that_comes_on_request_is_said_to_be_one(write_feed: Write) -> None:
    times = table("stop_times").replace("stop_sequence\n", "stop_sequence,pickup_type\n")
    times = times.replace("10:10:00,st1,1\n", "10:10:00,st1,1,2\n")
    timetable = read(write_feed(stop_times=times))
    found = departures(timetable, [station(timetable, "新水城駅")], TUESDAY)
    assert [on_request(timetable, each) for each in found] == [False, True, False, False]


# Dirty feeds


@pytest.mark.parametrize("encoding", ["utf-8-sig", "cp932", "utf-16"])
def test_older_encodings_are_read_as_what_they_are(write_feed: Write, encoding: str) -> None:
    plain = "table_name,field_name,language,translation,record_id\n"
    timetable = read(write_feed(encoding=encoding, translations=plain))
    assert timetable.stations[0].name == "新水城駅"


def test_times_without_seconds_are_times(write_feed: Write) -> None:
    times = table("stop_times").replace("10:10:00,10:10:00", "10:10,10:10")
    timetable = read(write_feed(stop_times=times))
    assert "10:10-10:50" in clocks(timetable, "新水城駅", "水城洞前", TUESDAY)


def test_rows_out_of_order_are_put_in_order(write_feed: Write) -> None:
    head, *rows = table("stop_times").splitlines()
    timetable = read(write_feed(stop_times="\n".join([head, *reversed(rows)]) + "\n"))
    assert clocks(timetable, "新水城駅", "水城洞前", TUESDAY)[:2] == ["7:00-7:40", "10:10-10:50"]


@pytest.mark.parametrize(
    ("name", "row", "message"),
    [
        ("stop_times", "m1,8:00:00,8:00:00,nowhere,9\n", "stop_id"),
        ("stop_times", "nobody,8:00:00,8:00:00,cv,9\n", "trip_id"),
        ("stop_times", "m1,eight,8:00:00,cv,9\n", "eight"),
        ("stop_times", "m1,99:00:00,99:00:00,cv,9\n", "99:00:00"),
        ("stops", ",名なし,34,131,,0,\n", "no id"),
        ("stops", "of,役場,34,131,,0,\n", "second time"),
        ("stops", "x,逆の所,131.3,34.1,,0,\n", "stop_lat"),
        ("trips", "m,none,m9,どこか\n", "service_id"),
        ("trips", "m,wd,m1,二度\n", "second time"),
        ("calendar", "bad,1,1,1,1,1,0,0,20261340,20270331\n", "dates"),
        ("calendar_dates", "wd,2026-11,2\n", "exception_type"),
        ("fare_attributes", "p,五百円,JPY,0,0\n", "price"),
        ("fare_rules", "p500,m,z1,z9\n", "zone"),
        ("translations", "stops,stop_name,,Nowhere,of\n", "language"),
    ],
)
def test_a_faulty_row_is_reported_where_it_stands_and_the_rest_is_used(
    write_feed: Write, name: str, row: str, message: str
) -> None:
    text = table(name)
    path = write_feed(**{name: text + row})
    timetable, problems = read_feed(path)
    assert timetable is not None
    assert clocks(timetable, "新水城駅", "水城洞前", TUESDAY)[0] == "7:00-7:40"
    (problem,) = problems
    assert (problem.file, problem.line) == (f"bus/{name}.txt", text.count("\n") + 1)
    assert message in problem.message
    assert problem.remedy


def test_a_trip_that_runs_backwards_is_left_out(write_feed: Write) -> None:
    times = table("stop_times").replace("10:50:00,10:50:00", "10:20:00,10:20:00")
    timetable, problems = read_feed(write_feed(stop_times=times))
    assert timetable is not None
    assert clocks(timetable, "新水城駅", "水城洞前", TUESDAY)[:2] == ["7:00-7:40", "18:05-18:45"]
    assert [each.file for each in problems] == ["bus/stop_times.txt"]


def test_of_many_faults_the_first_are_shown_and_the_rest_counted(write_feed: Write) -> None:
    times = table("stop_times") + "m1,8:00:00,8:00:00,nowhere,9\n" * 50
    _, problems = read_feed(write_feed(stop_times=times))
    assert len(problems) == limits.MOST_REPORTED + 1
    assert problems[-1].message == "30 more faults in this table"


@pytest.mark.parametrize("name", ["translations", "fare_attributes", "fare_rules", "agency"])
def test_optional_tables_may_be_absent(write_feed: Write, name: str) -> None:
    timetable, problems = read_feed(write_feed(**{name: None}))
    assert timetable is not None
    assert all(each.file == "bus/fare_rules.txt" for each in problems)


def test_without_feed_info_the_calendars_say_how_long_it_holds(write_feed: Write) -> None:
    timetable, problems = read_feed(write_feed(feed_info=None))
    assert timetable is not None
    assert (timetable.start, timetable.end) == (date(2026, 4, 1), date(2027, 3, 31))
    assert [each.file for each in problems] == ["bus/feed_info.txt"]


@pytest.mark.parametrize("name", ["stops", "routes", "trips", "stop_times"])
def test_a_feed_without_a_required_table_is_none(write_feed: Write, name: str) -> None:
    timetable, problems = read_feed(write_feed(**{name: None}))
    assert timetable is None
    assert f"{name}.txt" in problems[0].message


def test_a_table_without_a_required_column_is_named(write_feed: Write) -> None:
    timetable, problems = read_feed(write_feed(stops="id,name\na,b\n"))
    assert timetable is None
    assert problems[0].file == "bus/stops.txt"
    assert "stop_id" in problems[0].message


def test_a_table_that_is_no_text_is_reported(write_feed: Write) -> None:
    path = write_feed()
    (path / "translations.txt").write_bytes(b"\x81\x00\xff\xfe\xff" * 100)
    timetable, problems = read_feed(path)
    assert timetable is not None
    assert problems[0].file == "bus/translations.txt"


# Archives


@pytest.mark.parametrize("inside", ["", "gtfs/"], ids=["at the top", "in a folder"])
def test_an_archive_reads_as_its_folder(write_feed: Write, inside: str) -> None:
    timetable = read(zipped(write_feed(), inside))
    assert clocks(timetable, "新水城駅", "水城洞前", TUESDAY)[0] == "7:00-7:40"


def test_an_archive_that_is_none_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "bus.zip"
    path.write_bytes(b"no archive")
    timetable, problems = read_feed(path)
    assert timetable is None
    assert problems[0].file == "bus.zip"


def test_a_missing_file_is_reported(tmp_path: Path) -> None:
    assert read_feed(tmp_path / "none.zip")[0] is None
    assert faults(tmp_path / "none.zip") == [("none.zip", 1)]


def test_a_bomb_is_not_unpacked(write_feed: Write) -> None:
    path = write_feed()
    (path / "translations.txt").write_text("0" * 20_000_000)
    timetable, problems = read_feed(zipped(path))
    assert timetable is not None
    assert "bomb" in problems[0].message


def test_too_many_entries_are_not_looked_through(tmp_path: Path) -> None:
    path = tmp_path / "many.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for each in range(limits.MAX_ENTRIES + 1):
            archive.writestr(f"{each}.txt", "")
    timetable, problems = read_feed(path)
    assert timetable is None
    assert "entries" in problems[0].message


def test_more_bytes_than_a_table_may_hold_are_not_read(
    write_feed: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_feed()
    monkeypatch.setattr(limits, "MAX_TABLE_BYTES", 500)
    timetable, problems = read_feed(path)
    assert timetable is None or problems
    assert any("bytes" in each.message for each in problems)


def test_more_stop_times_than_a_town_can_have_are_left_out(
    write_feed: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trips, "MAX_CALLS", 3)
    timetable, problems = read_feed(write_feed())
    assert timetable is not None
    assert len(timetable.trips.stop) == 3
    assert "more than 3 stop times" in problems[0].message


def test_entries_that_lead_out_of_the_archive_are_not_read(write_feed: Write) -> None:
    timetable, problems = read_feed(zipped(write_feed(), "../"))
    assert timetable is None
    assert "leads out" in problems[0].message


@pytest.mark.skipif(not hasattr(os, "symlink"), reason="needs symbolic links")
def test_a_link_that_leads_out_of_the_folder_is_not_followed(
    write_feed: Write, tmp_path: Path
) -> None:
    path = write_feed()
    shutil.move(path / "translations.txt", tmp_path / "elsewhere.txt")
    (path / "translations.txt").symlink_to(tmp_path / "elsewhere.txt")
    _, problems = read_feed(path)
    assert problems == (
        Problem(
            "bus/translations.txt",
            1,
            "the file leads outside the feed's folder",
            "copy it into the folder",
        ),
    )
