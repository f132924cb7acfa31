"""Opening hours are read from the rows as a town writes them, or not at all."""

from dataclasses import replace
from datetime import date, time, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from knowledge.computed.hours import Opening, Span, State, opening, stated, unread
from knowledge.computed.notation import CLOCK, canonical
from knowledge.language import Language
from knowledge.passage import Kind, Passage, Status
from knowledge.places import Place
from knowledge.retrieval.index import Index
from tests.knowledge.computed.conftest import Town

MONDAY = date(2026, 11, 16)
HOLIDAY_MONDAY = date(2026, 11, 23)


def of(index: Index, facility: str = "水城洞", language: Language = Language.JA) -> Opening:
    found = opening(index, index.names.of(facility), language)
    assert found is not None
    return found


def told(span: Span) -> str:
    return " ".join(
        "-" if each is None else f"{each // 60}:{each % 60:02d}"
        for each in (span.opens, span.last_entry, span.closes)
    )


@pytest.mark.parametrize(
    ("lang", "item", "value", "note", "expected"),
    [
        ("ja", "営業時間", "9:00〜17:00", "", "9:00 - 17:00"),
        ("ja", "営業時間", "９時〜１７時", "", "9:00 - 17:00"),
        ("ja", "営業時間", "午前9時から午後5時30分まで", "", "9:00 - 17:30"),
        ("ja", "開館時間", "9:00〜17:00", "入館は16:30まで", "9:00 16:30 17:00"),
        ("ja", "開館時間", "9:00〜17:00(最終入館16:30)", "", "9:00 16:30 17:00"),
        ("ja", "開館時間", "9:00〜17:00", "最終入館は閉館の30分前まで", "9:00 16:30 17:00"),
        ("ja", "入洞受付", "8:30〜17:30(閉洞18:30)", "", "8:30 17:30 18:30"),
        ("ja", "受付時間(正面入口)", "8:30〜17:30", "閉洞は18:30", "8:30 17:30 18:30"),
        ("ja", "受付時間", "8:30〜17:30", "", "8:30 17:30 -"),
        ("ja", "営業時間", "24時間", "", "0:00 - 24:00"),
        ("ja", "営業時間", "18:00〜翌2:00", "", "18:00 - 26:00"),
        ("ja", "時間", "10〜16時", "", "10:00 - 16:00"),
        ("en", "opening hours", "9 am to 5 pm", "last entry 4:30 pm", "9:00 16:30 17:00"),
        ("en", "hours", "9:00-17:00", "Last entry 30 minutes before closing", "9:00 16:30 17:00"),
        ("zh-Hant", "開放時間", "9:00-17:00(最後入洞16:30)", "", "9:00 16:30 17:00"),
        ("zh-Hans", "开放时间", "9:00-17:00(最后入洞16:30)", "", "9:00 16:30 17:00"),
        ("ko", "영업시간", "9:00~17:00(입장 마감 16:30)", "", "9:00 16:30 17:00"),
        ("ja-easy", "時間", "午前9時（9:00）から 午後5時（17:00）まで", "", "9:00 - 17:00"),
    ],
)
def test_hours_are_read_as_towns_write_them(
    town: Town, lang: str, item: str, value: str, note: str, expected: str
) -> None:
    index = town((f"水城洞 {item}", value, note), lang=lang)
    (span,) = of(index, language=Language(lang)).on(MONDAY)
    assert told(span) == expected


@pytest.mark.parametrize(
    ("item", "value", "note"),
    [
        ("開園時刻", "9:30", ""),
        ("営業時間", "10:30〜16:30または11:00〜17:00", ""),
        ("営業時間", "夏は9:00〜18:00、冬は9:00〜16:00", ""),
        ("営業時間", "9:00〜17:00", "入館は4:30まで"),
        ("営業時間", "9:00〜17:00", "冬の間は短縮あり"),
        ("営業時間", "10〜16時に毎時1回", ""),
        ("冬の営業", "ほとんど営業しない", ""),
        ("営業", "通年(2つの区画は11〜2月休止)", ""),
        ("営業時間", "日の出から日没まで", ""),
    ],
)
def test_a_row_that_cannot_be_read_as_a_whole_leaves_nothing_to_claim(
    town: Town, item: str, value: str, note: str
) -> None:
    index = town((f"水城洞 {item}", value, note))
    name = index.names.of("水城洞")
    assert unread(index, name, Language.JA)
    assert stated(index, name) is None


def test_the_hours_of_the_restaurant_are_not_those_of_the_sight(town: Town) -> None:
    index = town(("水城洞 レストランの時間", "11:00〜15:00", "火曜は休み"))
    assert opening(index, index.names.of("水城洞")) is None


def test_one_unread_row_about_closing_silences_the_rows_that_can_be_read(town: Town) -> None:
    index = town(
        ("水城洞 営業時間", "9:00〜17:00", ""),
        ("水城洞 休業日", "水位が高い日は休み、ほか臨時あり", ""),
    )
    assert opening(index, index.names.of("水城洞")) is None


def test_old_rows_decide_nothing(town: Town) -> None:
    index = town(("水城洞 営業時間", "9:00〜17:00", ""), status="old")
    assert opening(index, index.names.of("水城洞")) is None


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (date(2026, 11, 30), "8:30 17:30 18:30"),
        (date(2026, 12, 1), "8:30 16:30 17:30"),
        (date(2028, 2, 29), "8:30 16:30 17:30"),
        (date(2026, 3, 1), "8:30 17:30 18:30"),
        (date(2027, 1, 1), "8:30 16:30 17:30"),
    ],
)
def test_the_seasons_of_the_main_cave_change_on_their_first_day(
    mine: Index, day: date, expected: str
) -> None:
    (span,) = of(mine, "秋芳洞").on(day)
    assert told(span) == expected


def test_winter_hours_in_the_same_cell_count_before_those_of_the_year(town: Town) -> None:
    found = of(town(("水城洞 営業時間", "8:00〜18:00、11〜2月は17:00まで", "")))
    assert [told(each) for each in found.on(date(2026, 10, 31))] == ["8:00 - 18:00"]
    assert [told(each) for each in found.on(date(2026, 11, 1))] == ["8:00 - 17:00"]


def test_weekends_and_holidays_have_hours_of_their_own(town: Town) -> None:
    found = of(
        town(
            ("水城洞 平日の営業時間", "10:00〜16:00", ""),
            ("水城洞 土日祝の営業時間", "9:00〜17:00", ""),
        )
    )
    assert [told(each) for each in found.on(MONDAY)] == ["10:00 - 16:00"]
    assert [told(each) for each in found.on(HOLIDAY_MONDAY)] == ["9:00 - 17:00"]
    assert [told(each) for each in found.on(date(2026, 11, 22))] == ["9:00 - 17:00"]


def test_a_day_may_have_two_spans(town: Town) -> None:
    found = of(town(("水城洞 営業時間", "10〜12時と14〜16時", "")))
    assert [told(each) for each in found.on(MONDAY)] == ["10:00 - 12:00", "14:00 - 16:00"]


def test_rows_that_disagree_leave_the_day_open(town: Town) -> None:
    found = of(town(("水城洞 営業時間", "9:00〜17:00", ""), ("水城洞 開館時間", "8:00〜18:00", "")))
    assert found.on(MONDAY) == ()
    assert found.state(MONDAY) is State.UNSURE


def test_a_season_without_hours_is_not_called_closed(town: Town) -> None:
    found = of(town(("水城洞 営業時間(4〜11月)", "9:00〜17:00", "")))
    assert found.state(date(2026, 11, 30)) is State.OPEN
    assert found.state(date(2026, 12, 1)) is State.UNSURE


def closed_by(town: Town, value: str, note: str = "") -> Opening:
    return of(town(("水城洞 営業時間", "9:00〜17:00", ""), ("水城洞 休業日", value, note)))


@pytest.mark.parametrize(
    ("value", "note", "closed", "open_on"),
    [
        ("月曜", "", ["2026-11-16", "2026-11-23"], ["2026-11-17", "2026-11-24"]),
        ("月・火曜", "", ["2026-11-16", "2026-11-17"], ["2026-11-18"]),
        ("月曜(祝日の場合は翌日)", "", ["2026-11-16", "2026-11-24"], ["2026-11-23", "2026-11-17"]),
        ("月曜(祝日なら翌火曜)", "", ["2026-11-16", "2026-11-24"], ["2026-11-23"]),
        ("月曜", "祝日のときは翌日", ["2026-11-16", "2026-11-24"], ["2026-11-23"]),
        ("月曜(祝日の場合は開館)", "", ["2026-11-16"], ["2026-11-23", "2026-11-24"]),
        ("月曜(祝日の場合は翌平日)", "", ["2026-05-07", "2026-11-24"],
         ["2026-05-04", "2026-05-05"]),
        (
            "月曜と祝日", "月曜が祝日の場合は翌日も休む",
            ["2026-11-16", "2026-11-23", "2026-11-24", "2026-11-03"], ["2026-11-04", "2026-11-17"],
        ),
        ("第2・第4水曜", "", ["2026-11-11", "2026-11-25"], ["2026-11-04", "2026-11-18"]),
        ("毎月第3火曜", "", ["2026-11-17"], ["2026-11-10", "2026-11-24"]),
        ("第2水曜", "1月と8月を除く。祝日のときは翌日", ["2026-11-11", "2026-02-12"],
         ["2026-01-14", "2026-08-12", "2026-02-11"]),
        ("年末年始(12月29日〜1月3日)", "", ["2026-12-29", "2027-01-03"],
         ["2026-12-28", "2027-01-04"]),
        ("月曜と12/28〜1/4", "", ["2026-12-28", "2027-01-01", "2026-11-16"], ["2027-01-05"]),
        ("12〜3月", "", ["2026-12-01", "2027-03-31"], ["2026-11-30", "2027-04-01"]),
        ("日曜・祝日", "", ["2026-11-22", "2026-11-23"], ["2026-11-24"]),
        ("元日", "", ["2027-01-01"], ["2027-01-02", "2026-12-31"]),
        ("なし(年中無休)", "", [], ["2027-01-01", "2026-11-23"]),
    ],
)  # fmt: skip
def test_closing_days_are_read_as_towns_write_them(
    town: Town, value: str, note: str, closed: list[str], open_on: list[str]
) -> None:
    found = closed_by(town, value, note)
    said = {each: found.state(date.fromisoformat(each)) for each in (*closed, *open_on)}
    assert said == {
        **dict.fromkeys(closed, State.CLOSED),
        **dict.fromkeys(open_on, State.OPEN),
    }


@pytest.mark.parametrize(
    ("lang", "item", "value", "closed"),
    [
        ("en", "closing days", "Mondays", "2026-11-16"),
        ("en", "closing days", "2nd and 4th Wednesdays", "2026-11-25"),
        (
            "en",
            "closing days",
            "Mondays (or the following day if it is a public holiday)",
            "2026-11-24",
        ),
        ("zh-Hans", "休息日", "星期一和法定节假日", "2026-11-03"),
        ("zh-Hant", "休息日", "週一", "2026-11-16"),
        ("ko", "휴관일", "월요일과 공휴일", "2026-11-03"),
        ("ja-easy", "休みの日", "月曜日（げつようび）と 祝日（しゅくじつ）", "2026-11-03"),
    ],
)
def test_closing_days_are_read_in_every_language(
    town: Town, lang: str, item: str, value: str, closed: str
) -> None:
    index = town((f"水城洞 {item}", value, ""), lang=lang)
    found = stated(index, index.names.of("水城洞"), Language(lang))
    assert found is not None
    assert found.state(date.fromisoformat(closed)) is State.CLOSED


def test_where_the_day_after_a_holiday_is_one_too_the_closing_day_is_unsure(town: Town) -> None:
    found = closed_by(town, "月曜(祝日の場合は翌日)")
    assert found.state(date(2026, 5, 4)) is State.OPEN  # a Monday of Golden Week
    assert found.state(date(2026, 5, 5)) is State.UNSURE
    assert found.state(date(2026, 5, 7)) is State.UNSURE
    assert found.state(date(2026, 5, 8)) is State.OPEN


def test_a_substitute_holiday_is_a_holiday(town: Town) -> None:
    found = closed_by(town, "祝日")
    assert found.state(date(2026, 5, 6)) is State.CLOSED  # 振替休日
    assert found.state(date(2026, 9, 22)) is State.CLOSED  # 国民の休日


def test_irregular_days_off_are_never_called_open(town: Town) -> None:
    found = closed_by(town, "不定休")
    assert found.irregular
    assert found.state(MONDAY) is State.UNSURE
    assert [told(each) for each in found.on(MONDAY)] == ["9:00 - 17:00"]


def test_the_turn_of_the_year_without_dates_is_unsure(town: Town) -> None:
    found = closed_by(town, "月曜、年末年始")
    assert found.state(date(2027, 1, 1)) is State.UNSURE
    assert found.state(MONDAY) is State.CLOSED
    assert found.state(date(2027, 1, 9)) is State.OPEN


def test_days_on_which_a_rule_may_change_are_unsure(mine: Index) -> None:
    museum = stated(mine, mine.names.of("秋吉台科学博物館"))
    assert museum is not None
    assert museum.state(date(2027, 5, 3)) is State.UNSURE  # a Monday of Golden Week


def test_half_a_day_off_is_unsure(towns: dict[str, Index]) -> None:
    bath = of(towns["kaga"], "山代温泉 古総湯")
    assert bath.state(date(2026, 11, 25)) is State.UNSURE  # the fourth Wednesday
    assert bath.state(date(2026, 11, 18)) is State.OPEN


def test_a_museum_is_closed_on_mondays_on_holidays_and_after_a_holiday_monday(mine: Index) -> None:
    museum = of(mine, "美祢市化石館")
    assert museum.state(HOLIDAY_MONDAY + timedelta(1)) is State.CLOSED
    assert museum.next_open(date(2026, 11, 21)) == date(2026, 11, 22)
    assert museum.next_open(date(2026, 11, 22)) == date(2026, 11, 25)


# Open data


def with_place(index: Index, **values: object) -> Index:
    passage = Passage(
        "row-1", "data/places", "施設一覧", (), "月見館", Kind.FACT, Language.JA, facility="水城洞",
        status=Status.CURRENT,
    )  # fmt: skip
    place = Place("水城洞", "row-1", **values)  # type: ignore[arg-type]
    library = index.library
    index.library = replace(library, passages=(*library.passages, passage), places=(place,))
    return index


def test_open_data_answers_where_no_row_does(town: Town) -> None:
    index = with_place(
        town(("水城洞 読み", "みずきどう", "")),
        days="火水木金土日", opens=time(9, 0), closes=time(16, 30),
    )  # fmt: skip
    found = of(index)
    assert found.state(MONDAY) is State.CLOSED
    assert [told(each) for each in found.on(date(2026, 11, 17))] == ["9:00 - 16:30"]
    assert found.on(date(2026, 11, 17))[0].passages[0].id == "row-1"


@pytest.mark.parametrize(
    "values",
    [
        {"days": None, "opens": time(9), "closes": time(17)},
        {"days": "月火(隔週)", "opens": time(9), "closes": time(17)},
        {"days": "月火", "opens": time(9), "closes": time(17), "hours_note": "冬は短縮"},
        {"days": "月火", "opens": time(9), "closes": None},
    ],
)
def test_open_data_that_leaves_something_open_is_not_used(
    town: Town, values: dict[str, object]
) -> None:
    index = with_place(town(("水城洞 読み", "みずきどう", "")), **values)
    assert opening(index, index.names.of("水城洞")) is None


# What holds of any hours


@pytest.fixture(scope="module")
def every(towns: dict[str, Index]) -> tuple[Opening, ...]:
    """What is stated of every sight of every town."""
    found = (
        stated(index, index.names.of(facility))
        for index in towns.values()
        for facility in index.sights
    )
    return tuple(each for each in found if each is not None)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(day=st.dates(date(2025, 1, 1), date(2032, 12, 31)))
def test_no_span_lies_outside_the_rows_on_any_day(every: tuple[Opening, ...], day: date) -> None:
    assert len(every) > 8
    for found in every:
        rows = {(each.opens, each.last_entry, each.closes) for each in found.hours}
        for span in found.on(day):
            assert (span.opens, span.last_entry, span.closes) in rows
            assert span.opens < span.admits_until <= span.ends
        if found.state(day) is State.CLOSED:
            assert found.on(day) == ()
            assert found.closed_by(day)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("午後" + " " * 3000, id="spaces after the half of the day"),
        pytest.param("1 、" * 3000, id="numbers that are no months"),
        pytest.param("月、" * 3000, id="weekdays without 曜"),
        pytest.param("1" * 6000, id="digits"),
        pytest.param("3月1" * 2000, id="months without days"),
    ],
)
def test_a_cell_without_an_end_is_put_into_one_notation_at_once(text: str) -> None:
    assert not list(CLOCK.finditer(text))
    assert "<T" not in canonical(text)


def test_an_item_that_repeats_days_is_read_or_left_at_once(town: Town) -> None:
    index = town(
        ("水城洞 " + "土日祝 " * 30 + "営業時間" * 8 + "x", "9:00〜17:00", ""),
        ("水城洞 営業時間", "10:00〜16:00", ""),
    )
    opening(index, index.names.of("水城洞"))
    found = opening(town(("水城洞 営業時間", "10:00〜16:00", "")), index.names.of("水城洞"))
    assert found is not None
    assert [(each.opens, each.closes) for each in found.hours] == [(600, 960)]
