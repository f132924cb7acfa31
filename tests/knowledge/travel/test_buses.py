"""The next bus: asked in six languages, worked out from the feed, and never from an expired one."""

from collections.abc import Callable
from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from knowledge.answer import AnswerKind, Guide, Turn
from knowledge.computed import Computed
from knowledge.figures import unsupported
from knowledge.language import Language
from knowledge.timetable import Timetable
from knowledge.travel.bus import Buses, Expired, NoBus, Which

TUESDAY_TEN = "2026-11-24T10:00"
JA = Language.JA
Town = Callable[..., Guide]


@pytest.fixture
def guide(town: Town, timetable: Timetable) -> Guide:
    return town(timetable, 水城洞=(34.2310, 131.3010), 黒洞=(34.2501, 131.3501))


async def answer(
    guide: Guide, question: str, language: Language = JA, at: str = TUESDAY_TEN
) -> Computed | None:
    now = datetime.fromisoformat(at).replace(tzinfo=ZoneInfo("Asia/Tokyo"))
    return (await guide.ask(question, language=language, now=now)).computed


async def buses(
    guide: Guide, question: str, language: Language = JA, at: str = TUESDAY_TEN
) -> Buses:
    found = await answer(guide, question, language, at)
    assert isinstance(found, Buses), found
    return found


def times(found: Buses) -> list[str]:
    return [f"{each.departs:%d %H:%M}-{each.arrives:%H:%M}" for each in found.departures]


@pytest.mark.parametrize(
    ("language", "question"),
    [
        (JA, "新水城駅から水城洞への次のバスは?"),
        (JA, "新水城駅発水城洞行きのバスは何時ですか"),
        (Language.JA_EASY, "しんみずきえきから みずきどうへの つぎの バスは なんじですか"),
        (Language.EN, "When is the next bus from Shin-Mizuki Station to Mizuki Cave?"),
        (Language.ZH_HANT, "從新水城站到水城洞的下一班公車幾點?"),
        (Language.ZH_HANS, "从新水城站到水城洞的下一班巴士几点?"),
        (Language.KO, "신미즈키역에서 미즈키도까지 다음 버스는 몇 시예요?"),
    ],
)
async def test_the_next_bus_is_found_in_every_language(
    guide: Guide, language: Language, question: str
) -> None:
    found = await buses(guide, question, language)
    assert times(found) == ["24 10:10-10:50", "24 18:05-18:45", "25 00:20-01:00"]
    assert found.waiting == 10
    assert found.departures[0].fare == (500, "JPY")
    assert found.departures[0].legs[0].route.name == "水城線"


async def test_all_that_is_said_stands_in_what_is_cited(guide: Guide) -> None:
    found = await buses(guide, "新水城駅から水城洞への次のバスは?")
    said = " ".join(
        f"{each.departs:%H:%M} {each.arrives:%H:%M} {each.fare[0]}円"
        for each in found.departures
        if each.fare
    )
    assert unsupported(said, found.passages) == ()
    assert {each.source for each in found.passages} == {"https://example.org/bus"}


@pytest.mark.parametrize(
    ("language", "question", "expected"),
    [
        (JA, "新水城駅から水城洞への最終バスは?", "25 00:20-01:00"),
        (JA, "水城洞から新水城駅への終バスは何時?", "24 17:20-18:00"),
        (Language.EN, "last bus back from Mizuki Cave?", "24 17:20-18:00"),
        (Language.ZH_HANT, "從水城洞到新水城站的末班公車", "24 17:20-18:00"),
        (Language.KO, "미즈키도에서 신미즈키역까지 막차는 언제예요?", "24 17:20-18:00"),
    ],
)
async def test_the_last_bus_of_the_day(
    guide: Guide, language: Language, question: str, expected: str
) -> None:
    found = await buses(guide, question, language)
    assert (found.which, times(found)) == (Which.LAST, [expected])


async def test_a_last_bus_that_has_left_is_said_to_have_left(guide: Guide) -> None:
    found = await buses(guide, "水城洞から新水城駅への最終バスは?", at="2026-11-24T19:00")
    assert found.gone
    assert found.waiting is None


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("15時ごろの新水城駅から水城洞へのバス", "24 18:05-18:45"),
        ("明日の新水城駅から水城洞行きのバスは何時?", "25 07:00-07:40"),
        ("土曜日の新水城駅から水城洞への始発は?", "28 09:30-10:10"),
        ("11月29日の新水城駅発水城洞行きのバスは何時", "29 09:30-10:10"),
        ("8時の新水城駅から水城洞へのバスはありますか", "25 10:10-10:50"),
    ],
)
async def test_a_day_or_a_time_may_be_named(guide: Guide, question: str, expected: str) -> None:
    assert times(await buses(guide, question))[0] == expected


async def test_a_public_holiday_has_its_own_buses(guide: Guide) -> None:
    found = await buses(guide, "新水城駅から水城洞への次のバスは?", at="2026-11-23T09:00")
    assert times(found) == ["23 09:30-10:10"]


async def test_after_midnight_the_night_bus_of_the_day_before_still_comes(guide: Guide) -> None:
    found = await buses(guide, "新水城駅から水城洞への次のバスは?", at="2026-11-25T00:10")
    assert times(found)[0] == "25 00:20-01:00"
    assert found.waiting == 10


async def test_when_nothing_runs_any_more_the_next_days_first_is_told(guide: Guide) -> None:
    found = await buses(guide, "水城洞から新水城駅への次のバスは?", at="2026-11-24T18:00")
    assert found.over
    assert times(found) == ["25 11:30-12:10"]


async def test_a_change_is_told_as_two_rides(guide: Guide) -> None:
    found = await buses(guide, "新水城駅から黒洞へのバスは何時?")
    (journey,) = found.departures
    assert [leg.alight.name for leg in journey.legs] == ["水城町役場", "黒洞"]
    assert journey.fare == (400, "JPY")


async def test_a_sight_is_reached_by_the_stops_near_it(town: Town, timetable: Timetable) -> None:
    far = town(timetable)
    assert await answer(far, "新水城駅から水城洞への次のバスは?") is not None
    near = town(timetable, 水城洞=(34.2501, 131.3501))  # where the stop of 黒洞 is
    found = await buses(near, "水城町役場からみずきどうへの次のバスは何時?")
    assert {leg.alight.name for each in found.departures for leg in each.legs} >= {"黒洞"}


async def test_only_where_from_gives_the_departures_there(guide: Guide) -> None:
    found = await buses(guide, "水城町役場を出るバスは何時?")
    assert found.destination is None
    assert times(found)[0] == "24 10:36-10:50"


async def test_only_where_to_gives_what_goes_there(guide: Guide) -> None:
    found = await buses(guide, "黒洞行きのバスは何時ですか")
    assert found.origin is None
    assert times(found) == ["24 10:38-10:58", "24 10:45-11:05"]


async def test_a_place_that_the_timetable_does_not_know_is_left_to_the_guides(
    guide: Guide,
) -> None:
    assert await answer(guide, "萩から水城洞へのバスは何時?") is None


@pytest.mark.parametrize(
    "question",
    [
        "新水城駅から水城洞へのバスの料金は?",
        "新水城駅から水城洞へバスで何分?",
        "水城洞の入洞料は?",
        "水城洞は何時まで?",
        "次のバスは何時?",
    ],
)
async def test_other_questions_are_none_of_the_timetables(guide: Guide, question: str) -> None:
    found = await answer(guide, question)
    assert not isinstance(found, Buses | NoBus | Expired)


@pytest.mark.parametrize(
    ("question", "at"),
    [
        ("新水城駅から水城洞への次のバスは?", "2027-05-01T10:00"),
        ("2027年4月10日の新水城駅から水城洞へのバスは何時?", TUESDAY_TEN),
        ("新水城駅から水城洞への次のバスは?", "2026-03-01T10:00"),
    ],
)
async def test_an_expired_timetable_gives_no_times_and_the_guides_are_quoted(
    guide: Guide, question: str, at: str
) -> None:
    found = await answer(guide, question, at=at)
    assert isinstance(found, Expired)
    assert (found.start, found.end) == (date(2026, 4, 1), date(2027, 3, 31))
    assert [each.item for each in found.quotes] == ["新水城駅から水城洞へのバス"]


async def test_a_way_that_no_bus_goes_is_said_to_have_none(guide: Guide) -> None:
    found = await answer(guide, "黒洞から水城洞への次のバスは?")
    assert isinstance(found, NoBus)
    assert found.passages[0].source == "https://example.org/bus"


async def test_a_follow_up_keeps_its_subject(guide: Guide) -> None:
    now = datetime.fromisoformat(TUESDAY_TEN).replace(tzinfo=ZoneInfo("Asia/Tokyo"))
    first = await guide.ask("水城洞の入洞料は?", language=JA, now=now)
    again = await guide.ask(
        "そこからの最終バスは何時?",
        language=JA,
        turns=(Turn("水城洞の入洞料は?", first),),
        now=now,
    )
    assert again.kind is AnswerKind.ANSWERED
    assert isinstance(again.computed, Buses)
    assert times(again.computed) == ["24 17:20-18:00"]


async def test_without_a_timetable_nothing_is_worked_out(town: Town) -> None:
    assert await answer(town(), "新水城駅から水城洞への次のバスは?") is None
