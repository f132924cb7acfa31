"""Buses, distances and plans in words: six languages, the same times in all of them."""

import re
from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

import bots.conversation.computed.travel
from bots import texts
from bots.conversation.computed import word
from knowledge.language import Language
from knowledge.passage import Kind, Passage, Status
from knowledge.travel.bus import Buses, Departure, Expired, Leg, Named, NoBus, Which
from knowledge.travel.distance import Distance, Stated
from knowledge.travel.plan import Assumption, NoPlan, Plan, Step, StepKind
from knowledge.travel.sights import Need
from knowledge.travel.ways import Mode

DAY = date(2026, 11, 24)
TEN = datetime(2026, 11, 24, 10, tzinfo=ZoneInfo("Asia/Tokyo"))
STATION = Named("新水城駅", "Shin-Mizuki Station")
CAVE = Named("水城洞前")
HALL = Named("水城町役場")
LINE = Named("水城線")

every_language = pytest.mark.parametrize("language", texts.LANGUAGES)


def row(item: str, value: str, status: Status = Status.CURRENT, note: str | None = None) -> Passage:
    return Passage(
        id=item,
        document="guide",
        title="案内",
        headings=(),
        text=f"{item}: {value}",
        kind=Kind.FACT,
        language=Language.JA,
        item=item,
        value=value,
        note=note,
        status=status,
    )


def leg(board: Named, alight: Named, minutes: int, length: int) -> Leg:
    departs = TEN + timedelta(minutes=minutes)
    return Leg(LINE, None, board, alight, departs, departs + timedelta(minutes=length))


def departure(*legs: Leg, fare: int | None = 500) -> Departure:
    price = None if fare is None else (Decimal(fare), "JPY")
    return Departure(legs, price, approximate=False, on_request=False)


def buses(*departures: Departure, **changed: object) -> Buses:
    values: dict[str, object] = {
        "passages": (),
        "origin": STATION,
        "destination": CAVE,
        "which": Which.NEXT,
        "day": DAY,
        "after": TEN,
        "departures": departures,
        "waiting": 10,
    }
    return Buses(**(values | changed))  # type: ignore[arg-type]


def plan(*steps: Step, **changed: object) -> Plan:
    values: dict[str, object] = {
        "passages": (),
        "steps": steps,
        "minutes": 240,
        "needs": (Need.RAIN,),
        "mode": Mode.CAR,
        "origin": None,
        "assumptions": tuple(Assumption),
        "missing": ("化石館",),
        "missing_local": ("Fossil Museum",),
    }
    return Plan(**(values | changed))  # type: ignore[arg-type]


VISIT = Step(
    StepKind.VISIT,
    "水城洞",
    TEN,
    TEN + timedelta(hours=1),
    (row("水城洞 見学の所要時間", "1時間"),),
    note=row("水城洞 車いす", "入口から200m", note="介助者が要る"),
    last_entry=16 * 60,
    local="Mizuki Cave",
)
MOVE = Step(
    StepKind.MOVE,
    "黒洞",
    TEN + timedelta(hours=1),
    TEN + timedelta(minutes=75),
    (row("水城洞から黒洞", "車で約15分", Status.UNCONFIRMED),),
    mode=Mode.CAR,
    via=("水城IC",),
)


def spoken(text: str) -> set[str]:
    """All times of day in a text."""
    return set(re.findall(r"(?<!\d)\d{1,2}:\d{2}", text))


@every_language
def test_departures_have_their_times_places_and_fare(language: str) -> None:
    shown = word(buses(departure(leg(STATION, CAVE, 10, 40))), language)
    assert spoken(shown) == {"10:10", "10:50"}
    assert "新水城駅" in shown
    assert "500" in shown


@every_language
def test_a_change_is_two_lines(language: str) -> None:
    journey = departure(leg(STATION, HALL, 10, 25), leg(HALL, CAVE, 45, 20), fare=None)
    shown = word(buses(journey), language)
    assert spoken(shown) == {"10:10", "10:35", "10:45", "11:05"}
    assert shown.count("水城町役場") == 2


@every_language
def test_a_bus_after_midnight_is_said_to_be_of_the_next_day(language: str) -> None:
    shown = word(buses(departure(leg(STATION, CAVE, 14 * 60 + 20, 40)), waiting=None), language)
    assert texts.say("travel.next-day", language, time="0:20") in shown


def test_a_japanese_answer_reads_as_a_visitor_centre_writes() -> None:
    found = buses(
        departure(leg(Named("新水城駅"), CAVE, 10, 40)),
        last_of_day=TEN + timedelta(hours=8, minutes=5),
        origin=Named("新水城駅"),
    )
    assert word(found, "ja").splitlines() == [
        "新水城駅から水城洞前への、次の便です（2026年11月24日（火））。",
        "・10:10 新水城駅発 → 10:50 水城洞前着（水城線）",
        "　運賃 500円",
        "最初の便まで、あと10分です。",
        "この日の最終は18:05発です。",
    ]


@every_language
@pytest.mark.parametrize("which", Which)
@pytest.mark.parametrize(
    ("origin", "destination"), [(STATION, CAVE), (STATION, None), (None, CAVE)]
)
def test_each_question_has_its_own_heading(
    language: str, which: Which, origin: Named | None, destination: Named | None
) -> None:
    found = buses(
        departure(leg(STATION, CAVE, 10, 40)),
        which=which,
        origin=origin,
        destination=destination,
    )
    first = word(found, language).splitlines()[0]
    assert ("新水城駅" in first) == (origin is not None)
    assert ("水城洞前" in first) == (destination is not None)


@every_language
def test_an_expired_timetable_says_for_when_it_was_and_quotes_the_guides(language: str) -> None:
    quote = row("新水城駅から水城洞へのバス", "約40分", Status.UNCONFIRMED)
    found = Expired((quote,), date(2026, 4, 1), date(2027, 3, 31), date(2027, 5, 1), (quote,))
    shown = word(found, language)
    assert "新水城駅から水城洞へのバス" in shown
    assert texts.say("travel.unconfirmed", language) in shown
    assert not spoken(shown)
    assert "2027" in shown


@every_language
def test_no_bus_is_said_with_its_day(language: str) -> None:
    shown = word(NoBus((), STATION, CAVE, DAY), language)
    assert "新水城駅" in shown
    assert "2026" in shown


@every_language
def test_a_plan_states_each_step_and_all_that_it_assumes(language: str) -> None:
    caution = row("水城洞 大雨のとき", "閉める")
    shown = word(plan(VISIT, MOVE, cautions=(caution,)), language)
    assert {"10:00", "11:00", "11:15", "16:00"} <= spoken(shown)
    assert "水城IC" in shown
    assert "介助者が要る" in shown
    assert texts.say("travel.unconfirmed", language) in shown
    assert "水城洞 大雨のとき" in shown
    assert "化石館" in shown
    assert shown.count("\n・") == len(Assumption)


def test_names_are_given_in_the_askers_script_with_the_towns_own_beside() -> None:
    assert "Mizuki Cave (水城洞)" in word(plan(VISIT), "en")


@every_language
def test_the_total_of_a_plan_is_from_its_first_step_to_its_last(language: str) -> None:
    values = {"hours": 1, "minutes": 15}
    total = texts.say("travel.hours-minutes", language, **values)
    expected = texts.say("travel.plan.total", language, time=total)
    assert expected in word(plan(VISIT, MOVE), language)


@every_language
def test_sights_that_fit_into_no_plan_are_named_with_what_is_known(language: str) -> None:
    known = row("水城洞 見学の所要時間", "1時間")
    found = NoPlan((known,), ("水城洞",), ("Mizuki Cave",), 240, Mode.WALK, (known,))
    assert word(found, language).count("水城洞") >= 2


@every_language
def test_a_distance_has_its_map_and_what_the_guides_state(language: str) -> None:
    stated = Stated(50, Mode.WALK, row("黒洞 水城洞から", "徒歩約50分"), turned=True)
    link = "https://www.openstreetmap.org/directions?route=1"
    far = Distance((), "水城洞", "黒洞", None, None, 2_100, None, (stated,), link)
    shown = word(far, language)
    assert link in shown
    assert "2.1" in shown
    assert "徒歩約50分" in shown


@every_language
def test_an_estimated_walk_says_how_it_was_estimated(language: str) -> None:
    near = Distance((), "水城洞", "黒洞", None, None, 520, 8, (), "https://example.org")
    shown = word(near, language)
    assert "520" in shown
    assert "1.3" in shown
    assert "80" in shown


@every_language
def test_every_assumption_kind_and_mode_has_words(language: str) -> None:
    words = texts.catalogue(language)
    assert {f"travel.assumption.{each}" for each in Assumption} <= set(words)
    assert {f"travel.mode.{each}" for each in Mode} <= set(words)
    assert {f"travel.need.{each}" for each in Need} <= set(words)


def test_the_words_are_registered() -> None:
    kinds = {Buses, NoBus, Expired, Distance, Plan, NoPlan}
    assert kinds <= set(word.registry)
    assert bots.conversation.computed.travel.__doc__
