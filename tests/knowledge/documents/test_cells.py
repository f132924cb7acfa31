"""A cell is repaired only where the repair is proven; everything else is doubted and left alone."""

from datetime import date, time

import pytest

from knowledge.documents import cells
from knowledge.documents.cells import Point


@pytest.mark.parametrize(
    ("written", "prefecture", "value", "repair", "doubt"),
    [
        pytest.param("352136", "山口県", "352136", None, None, id="right"),
        pytest.param("352135", "山口県", "352135", None, "code-check", id="wrong check digit"),
        pytest.param("10006", "北海道", "010006", "code-zero", None, id="proven by both"),
        pytest.param("10006.0", "北海道", "010006", "code-zero", None, id="Excel's decimal"),
        pytest.param("10006", "山口県", "10006", None, "code-short", id="another prefecture"),
        pytest.param("10006", "", "10006", None, "code-short", id="five digits of Gunma's, maybe"),
        pytest.param("10007", "北海道", "10007", None, "code-short", id="check digit against it"),
        pytest.param("３５２１３６", "", "352136", None, None, id="full-width"),
        pytest.param("美祢", "", "美祢", None, "code-form", id="no digits"),
    ],
)
def test_a_lost_zero_of_a_municipality_code_comes_back_only_if_proven(
    written: str, prefecture: str, value: str, repair: str | None, doubt: str | None
) -> None:
    read = cells.municipality_code(written, prefecture)
    assert (read.value, read.repair, read.doubt) == (value, repair, doubt)


@pytest.mark.parametrize(
    ("written", "value", "repair", "doubt"),
    [
        pytest.param("0837-62-0304", "0837-62-0304", None, None, id="whole"),
        pytest.param("837620304", "0837620304", "phone-zero", None, id="nine digits"),
        pytest.param("9012345678", "09012345678", "phone-zero", None, id="a mobile number"),
        pytest.param("837-62-0304", "0837-62-0304", "phone-zero", None, id="a known area code"),
        pytest.param("836-62-0304", "836-62-0304", None, "phone-short", id="an unknown area code"),
        pytest.param("62-0304", "62-0304", None, "phone-short", id="a local number"),
        pytest.param("１１９", "119", None, None, id="a short number"),
        pytest.param("窓口へ", "窓口へ", None, None, id="words"),
        pytest.param("", None, None, None, id="nothing"),
    ],
)
def test_a_lost_zero_of_a_telephone_number_comes_back_only_if_proven(
    written: str, value: str | None, repair: str | None, doubt: str | None
) -> None:
    read = cells.phone(written, frozenset({"0837"}))
    assert (read.value, read.repair, read.doubt) == (value, repair, doubt)


@pytest.mark.parametrize(
    ("latitude", "longitude", "point", "repair", "doubt"),
    [
        pytest.param("34.25", "131.3", Point(34.25, 131.3), None, None, id="right"),
        pytest.param("３４．２５", "１３１．３", Point(34.25, 131.3), None, None, id="full-width"),
        pytest.param(
            "131.3", "34.25", Point(34.25, 131.3), "coordinates-swapped", None, id="swapped"
        ),
        pytest.param(
            "34°15′0″", "131度18分0秒", Point(34.25, 131.3), "coordinates-dms", None, id="DMS"
        ),
        pytest.param("51.5", "-0.1", None, None, "coordinates-abroad", id="abroad"),
        pytest.param("0", "0", None, None, "coordinates-abroad", id="zero"),
        pytest.param("34.25", "", None, None, "coordinates-form", id="half a pair"),
        pytest.param("34.15.0", "131.18.0", None, None, "coordinates-form", id="dots: which?"),
        pytest.param("34°75′0″", "131°18′0″", None, None, "coordinates-form", id="75 minutes"),
        pytest.param("", "", None, None, None, id="nothing"),
    ],
)
def test_coordinates_are_swapped_back_only_if_japan_is_where_they_then_lie(
    latitude: str, longitude: str, point: Point | None, repair: str | None, doubt: str | None
) -> None:
    read = cells.coordinates(latitude, longitude)
    assert (read.value, read.repair, read.doubt) == (point, repair, doubt)


@pytest.mark.parametrize(
    ("written", "value", "repair", "doubt"),
    [
        pytest.param("2026-04-01", date(2026, 4, 1), None, None, id="ISO"),
        pytest.param("２０２６年４月１日（水）", date(2026, 4, 1), None, None, id="kanji"),
        pytest.param("令和8年4月1日", date(2026, 4, 1), "date-era", None, id="an era"),
        pytest.param("R8.4.1", date(2026, 4, 1), "date-era", None, id="an era's letter"),
        pytest.param("令和元年5月1日", date(2019, 5, 1), "date-era", None, id="a first year"),
        pytest.param("46113", date(2026, 4, 1), "date-serial", None, id="a serial number"),
        pytest.param("20260401", date(2026, 4, 1), "date-compact", None, id="eight digits"),
        pytest.param("350", None, None, "date-form", id="a number that is no day"),
        pytest.param("2026-02-30", None, None, "date-form", id="30 February"),
        pytest.param("未定", None, None, "date-form", id="words"),
    ],
)
def test_days_are_read_as_towns_write_them(
    written: str, value: date | None, repair: str | None, doubt: str | None
) -> None:
    read = cells.day(written)
    assert (read.value, read.repair, read.doubt) == (value, repair, doubt)


@pytest.mark.parametrize(
    ("written", "value", "repair", "doubt"),
    [
        pytest.param("9:00", time(9), None, None, id="plain"),
        pytest.param("１７時３０分", time(17, 30), None, None, id="full-width kanji"),
        pytest.param("午後5時", time(17), None, None, id="afternoon"),
        pytest.param("24:00", time.max, None, None, id="the end of the day"),
        pytest.param("0.375", time(9), "time-fraction", None, id="a fraction of a day"),
        pytest.param("日没", None, None, "time-form", id="words"),
        pytest.param("25:00", None, None, "time-form", id="no such hour"),
    ],
)
def test_times_are_read_as_towns_write_them(
    written: str, value: time | None, repair: str | None, doubt: str | None
) -> None:
    read = cells.clock(written)
    assert (read.value, read.repair, read.doubt) == (value, repair, doubt)


@pytest.mark.parametrize(
    ("written", "iso"),
    [
        ("2024.04.15", "2024-04-15"),
        ("2024年4月", "2024-04"),
        ("令和6年4月1日", "2024-04-01"),
        ("2024", None),
        ("いつか", None),
    ],
)
def test_a_date_of_publication_becomes_an_as_of_date(written: str, iso: str | None) -> None:
    assert cells.partial_date(written) == iso
