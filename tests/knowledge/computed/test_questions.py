"""Questions with a day, a time or a party are understood in six languages."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.computed.fees import Category
from knowledge.computed.party import of_age, party
from knowledge.computed.when import asked_when

NOW = datetime(2026, 11, 22, 15, 20, tzinfo=ZoneInfo("Asia/Tokyo"))  # a Sunday


@pytest.mark.parametrize(
    ("question", "days"),
    [
        ("明日は開いていますか", "11-23"),
        ("明後日は?", "11-24"),
        ("あさって やってる?", "11-24"),
        ("3日後は開いてる?", "11-25"),
        ("今度の日曜は開いてる?", "11-29"),
        ("日曜は開いてる?", "11-22"),
        ("月曜は?", "11-23"),
        ("来週の火曜は?", "11-24"),
        ("再来週の火曜は?", "12-01"),
        ("1月3日は開いていますか", "01-03"),
        ("12/31やってる?", "12-31"),
        ("元旦は開いてる?", "01-01"),
        ("お正月は開いてますか", "01-01 01-02 01-03"),
        ("年末年始は?", "12-29 12-30 12-31 01-01 01-02 01-03"),
        ("祝日は開いてますか", "11-23"),
        ("来週末は?", "11-28 11-29"),
        ("23日は開いていますか", "11-23"),
        ("21日は開いていますか", "12-21"),
        ("明日（あした）は 開（あ）いていますか", "11-23"),
        ("Is it open tomorrow?", "11-23"),
        ("Is it open on Monday?", "11-23"),
        ("Is it open on Jan 1?", "01-01"),
        ("open on 2 January?", "01-02"),
        ("Is it open on Christmas?", "12-25"),
        ("明天开放吗", "11-23"),
        ("下周二开门吗", "11-24"),
        ("星期三有開嗎", "11-25"),
        ("내일 열어요?", "11-23"),
        ("다음 주 화요일에 열어요?", "11-24"),
        ("1월 1일에 여나요?", "01-01"),
    ],
)
def test_the_day_of_a_question_is_found(question: str, days: str) -> None:
    when = asked_when(question, NOW)
    assert when is not None
    assert " ".join(f"{each:%m-%d}" for each in when.days) == days
    assert when.minute is None
    assert not when.now


@pytest.mark.parametrize(
    ("question", "time"),
    [
        ("3時に着くけど間に合う?", "15:00"),
        ("16時でも入れる?", "16:00"),
        ("16時半に入れますか", "16:30"),
        ("午前10時に入れる?", "10:00"),
        ("朝8時半は?", "8:30"),
        ("１６：４５でも大丈夫?", "16:45"),
        ("1時間後に着くけど入れる?", "16:20"),
        ("あと30分後に行きます", "15:50"),
        ("can I still enter at 4:45 pm?", "16:45"),
        ("can I enter at 5?", "17:00"),
        ("下午4点45分还能进去吗", "16:45"),
        ("오후 4시 반에 들어갈 수 있나요?", "16:30"),
    ],
)
def test_the_time_of_a_question_is_found(question: str, time: str) -> None:
    when = asked_when(question, NOW)
    assert when is not None
    assert when.days == (NOW.date(),)
    assert when.minute is not None
    assert f"{when.minute // 60}:{when.minute % 60:02d}" == time


@pytest.mark.parametrize(
    "question",
    [
        "今開いてる?",
        "いま入れますか",
        "まだ入れる?",
        "Is it open now?",
        "现在开门吗",
        "現在有開嗎",
        "지금 열려 있나요",
    ],
)
def test_now_is_the_present_minute(question: str) -> None:
    when = asked_when(question, NOW)
    assert when is not None
    assert when.now
    assert when.minute == 15 * 60 + 20


@pytest.mark.parametrize(
    "question",
    [
        "何時まで?", "開いていますか", "昨日は開いてた?", "今週の月曜は?", "冬は何時まで?",
        "12月は?", "第2水曜は開いてる?", "何時間かかる?", "opening hours?", "去年の1月1日",
        "2020年1月1日は開いてた?",
    ],
)  # fmt: skip
def test_no_day_a_vague_one_or_a_past_one_is_not_answered(question: str) -> None:
    assert asked_when(question, NOW) is None


@pytest.mark.parametrize(
    ("question", "weekday"),
    [
        ("月曜開いてる?", 0), ("月曜日は休みですか", 0), ("open on Mondays?", 0),
        ("星期一開嗎", 0), ("월요일에 여나요", 0), ("次の月曜は?", None), ("来週の月曜は?", None),
        ("11月23日(月)は?", None), ("明日の月曜は?", None), ("日曜の16時に入れる?", None),
        ("土日は開いてる?", None), ("next Monday?", None),
    ],
)  # fmt: skip
def test_a_weekday_alone_means_every_such_day(question: str, weekday: int | None) -> None:
    when = asked_when(question, NOW)
    assert when is not None
    assert when.weekday == weekday


@pytest.mark.parametrize(
    "question",
    [
        "休みの日", "定休日は?", "公休日嗎", "休館日はいつ", "closing days?", "休馆日是哪天",
        "휴무일은 언제예요", "月曜と火曜は開いてる?",
    ],
)  # fmt: skip
def test_closing_days_as_such_are_no_day(question: str) -> None:
    assert asked_when(question, NOW) is None


def test_days_off_on_which_one_wants_to_come_are_the_weekend() -> None:
    when = asked_when("休みの日は開いてる?", NOW.replace(day=19))
    assert when is not None
    assert [each.day for each in when.days] == [21, 22]


@given(ahead=st.integers(0, 364))
def test_any_date_of_the_year_to_come_is_that_date(ahead: int) -> None:
    day = NOW.date() + timedelta(ahead)
    when = asked_when(f"{day.month}月{day.day}日は開いていますか", NOW)
    assert when is not None
    assert when.days == (day,)


def test_the_day_is_that_of_the_town_and_not_of_the_server() -> None:
    late = datetime(2026, 11, 22, 15, 30, tzinfo=ZoneInfo("UTC")).astimezone(ZoneInfo("Asia/Tokyo"))
    when = asked_when("今日は?", late)
    assert when is not None
    assert when.days == (date(2026, 11, 23),)


# Parties


def told(question: str) -> str | None:
    """Write a party as 2 adult, 1 primary(8); options of one guest with a stroke between."""
    found = party(question)
    if found is None:
        return None
    return ", ".join(
        f"{each.count} {'/'.join(each.options)}" + ("" if each.age is None else f"({each.age})")
        for each in found.guests
    )


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("大人2人と小学生1人でいくら?", "2 adult, 1 primary"),
        ("大人２人、中学生１人、小学生３人", "2 adult, 1 junior, 3 primary"),
        ("家族4人(大人2、中学生1、小学生1)で", "2 adult, 1 junior, 1 primary"),
        ("夫婦と子ども2人(8歳と13歳)", "2 adult, 1 primary(8), 1 junior(13)"),
        ("夫婦と子供2人(8と13歳)", "2 adult, 1 primary(8), 1 junior(13)"),
        ("おとな二人、小学生一人", "2 adult, 1 primary"),
        ("2名様でいくら", "2 adult"),
        ("ふたりでいくら", "2 adult"),
        ("大人1人、6歳、12歳", "1 adult, 1 preschool/primary(6), 1 primary/junior(12)"),
        (
            "大人（おとな）2人（ふたり）と 小学生（しょうがくせい）1人（ひとり）",
            "2 adult, 1 primary",
        ),
        ("小学生2人(8歳と10歳)と大人1人", "2 primary, 1 adult"),
        ("高校生2人と幼児1人", "2 high, 1 preschool"),
        ("2 adults and 2 kids (5 and 9)", "2 adult, 1 preschool(5), 1 primary(9)"),
        ("two adults, a child aged 7", "2 adult, 1 primary(7)"),
        ("a couple and one baby", "2 adult, 1 preschool"),
        ("my wife and I and our kids aged 5 and 9", "2 adult, 1 preschool(5), 1 primary(9)"),
        ("成人两名儿童一名", "2 adult, 1 primary/junior/preschool"),
        ("两个大人和一个小学生", "2 adult, 1 primary"),
        ("2大1小多少錢", "2 adult, 1 primary/junior/preschool"),
        ("兩個大人一個小學生", "2 adult, 1 primary"),
        ("两个大人一个小学生多少钱", "2 adult, 1 primary"),
        ("大人两个小学生一个", "2 adult, 1 primary"),
        ("两大一小(小学生)", "2 adult, 1 primary"),
        ("2 adults and 1 elementary school child", "2 adult, 1 primary"),
        ("大人と小学生1人ずつ", "1 adult, 1 primary"),
        ("2名の大人と1名の小学生", "2 adult, 1 primary"),
        ("어른 2명 초등학생 1명이면", "2 adult, 1 primary"),
        ("成人2位、國中生1位", "2 adult, 1 junior"),
        ("어른 2명 초등학생 1명", "2 adult, 1 primary"),
        ("어른 두 명, 초등학생 한 명", "2 adult, 1 primary"),
        ("아이 2명(8세, 13세)와 어른 2명", "2 adult, 1 primary(8), 1 junior(13)"),
    ],
)
def test_a_party_is_read_as_people_write_it(question: str, expected: str) -> None:
    said = told(question)
    assert said is not None
    assert sorted(said.split(", ")) == sorted(expected.split(", "))


@pytest.mark.parametrize(
    "question",
    [
        "大人と小学生1人で", "家族4人でいくら", "家族5人(大人2、小学生1)で",
        "3人で、うち1人は小学生です", "母と私と小学生1人", "子ども3人(8歳と13歳)",
        "いくらですか", "大人1600円は本当?", "3時に行きます",
        "20名以上の団体料金は?", "大人9999人",
    ],
)  # fmt: skip
def test_a_party_that_could_be_another_is_not_added_up(question: str) -> None:
    assert told(question) is None


def test_school_children_in_the_year_of_a_change_may_be_of_either_school() -> None:
    assert of_age(5) == (Category.PRESCHOOL,)
    assert of_age(6) == (Category.PRESCHOOL, Category.PRIMARY)
    assert of_age(11) == (Category.PRIMARY,)
    assert of_age(12) == (Category.PRIMARY, Category.JUNIOR)
    assert of_age(15) == (Category.JUNIOR, Category.HIGH)
    assert of_age(18) == (Category.HIGH, Category.ADULT)
    assert of_age(40) == (Category.ADULT,)
