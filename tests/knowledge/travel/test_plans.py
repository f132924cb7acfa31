"""Day plans: only what the guides state, in times that add up and fit the opening hours."""

from collections.abc import Collection, Mapping
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.answer import Guide, Turn
from knowledge.encoders import Tier
from knowledge.figures import figures, unsupported
from knowledge.ingest import read_guides
from knowledge.language import Language
from knowledge.passage import Kind, Passage, Status
from knowledge.retrieval.index import Index
from knowledge.testing import FakeEncoder, table, write_guide
from knowledge.travel.hours import UNKNOWN, Hours, Span
from knowledge.travel.plan import Assumption, NoPlan, Plan, StepKind, Wish
from knowledge.travel.planner import Planner
from knowledge.travel.route import LONGEST_WAIT
from knowledge.travel.sights import Need, Sights, Stay
from knowledge.travel.ways import Mode, Place, Way
from knowledge.words import Words

TOKYO = ZoneInfo("Asia/Tokyo")
SATURDAY = datetime(2026, 11, 21, 8, tzinfo=TOKYO)
MINE = Path(__file__).parents[3] / "towns/mine/guides"
HEAD = ("項目", "内容", "補足", "状態")


def row(item: str, value: str) -> Passage:
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
    )


# What holds of every plan


@st.composite
def towns(draw: st.DrawFn) -> tuple[Planner, Wish, Mapping[str, Hours], Mapping[str, Stay]]:
    """A town of a few sights, with some ways between them, and a wish."""
    names = [f"所{each}" for each in range(draw(st.integers(1, 5)))]
    stays = {
        each: Stay(each, minutes, row(f"{each} 所要時間", f"{minutes}分"))
        for each in names
        for minutes in [draw(st.integers(10, 120))]
    }
    hours = {each: draw(_hours(each)) for each in names}
    ways = {
        (one, other): draw(st.none() | st.integers(1, 60))
        for one in names
        for other in names
        if one < other
    }
    food = {each: row(f"{each}の名物", "そば") for each in names if draw(st.booleans())}

    def between(origin: str, destination: str, _: Collection[Mode]) -> tuple[Way, ...] | None:
        minutes = ways.get((min(origin, destination), max(origin, destination)))
        if minutes is None:
            return None
        passage = row(f"{origin}から{destination}まで", f"車で{minutes}分")
        ends = Place(origin, origin), Place(destination, destination)
        return (Way(*ends, minutes, Mode.CAR, passage),)

    sights = Sights(stays, {need: {} for need in Need}, {need: {} for need in Need}, food)
    planner = Planner(sights, between, dict.fromkeys(names, 0.5), lambda name, _: hours[name])
    wish = Wish(
        day=date(2026, 11, 24),
        zone=TOKYO,
        start=draw(st.integers(6 * 60, 16 * 60)),
        minutes=draw(st.integers(30, 600)),
        modes=frozenset({Mode.CAR}),
        mode=Mode.CAR,
    )
    return planner, wish, hours, stays


@st.composite
def _hours(draw: st.DrawFn, name: str) -> Hours:
    if draw(st.integers(0, 4)) == 0:
        return UNKNOWN
    opens = draw(st.integers(6 * 60, 13 * 60))
    closes = opens + draw(st.integers(30, 600))
    last = draw(st.none() | st.integers(opens, closes))
    passage = row(f"{name} 営業時間", f"{opens // 60}:{opens % 60:02d}〜")
    closed = draw(st.integers(0, 5)) == 0
    return Hours((Span(opens, closes, last),), closed=closed, passages=(passage,))


@given(towns())
def test_a_plan_adds_up_and_keeps_to_hours_and_time(
    town: tuple[Planner, Wish, Mapping[str, Hours], Mapping[str, Stay]],
) -> None:
    planner, wish, hours, stays = town
    plan = planner.plan(wish)
    if plan is None:
        return
    midnight = datetime.combine(wish.day, datetime.min.time(), TOKYO)
    assert plan.steps[0].begin == midnight + timedelta(minutes=wish.start)
    assert all(one.end == two.begin for one, two in zip(plan.steps, plan.steps[1:], strict=False))
    assert all(each.begin < each.end for each in plan.steps)
    assert plan.steps[-1].end - plan.steps[0].begin <= timedelta(minutes=wish.minutes)
    visits = [each for each in plan.steps if each.kind is StepKind.VISIT]
    assert len({each.name for each in visits}) == len(visits) > 0
    for each in visits:
        begin, end = ((at - midnight) // timedelta(minutes=1) for at in (each.begin, each.end))
        assert end - begin == stays[each.name].minutes
        assert not hours[each.name].closed
        for span in hours[each.name].spans:
            assert span.opens <= begin
            assert span.closes is None or end <= span.closes
            assert span.last_entry is None or begin <= span.last_entry
    waits = [each for each in plan.steps if each.kind is StepKind.WAIT]
    assert all(each.end - each.begin <= timedelta(minutes=LONGEST_WAIT) for each in waits)


@given(towns())
def test_every_stated_length_of_a_plan_stands_in_what_its_step_cites(
    town: tuple[Planner, Wish, Mapping[str, Hours], Mapping[str, Stay]],
) -> None:
    plan = town[0].plan(town[1])
    for each in plan.steps if plan is not None else ():
        if each.kind in {StepKind.VISIT, StepKind.MOVE}:
            minutes = (each.end - each.begin) // timedelta(minutes=1)
            assert unsupported(f"{minutes}分", each.passages) == ()


# What is read from guides


@pytest.fixture(scope="module")
def words() -> Words:
    return Words()


def guide(folder: Path, words: Words, *extra: tuple[str, str, str, str]) -> Guide:
    """The guide of two caves, a pond and a museum."""
    write_guide(
        folder,
        "cave",
        facility="水城洞",
        title="水城洞の案内",
        body="水城洞は地下にあるので、雨の日も楽しめます。\n\n"
        + table(
            ("水城洞 見学の所要時間", "40分〜1時間", "—", "現行"),
            ("水城洞 営業時間", "8:30〜17:00", "受付は16:00まで", "現行"),
            ("水城洞 休業日", "なし", "—", "現行"),
            ("水城洞 車いす", "入口から200mは平らで、車いす可", "介助者が要る", "現行"),
            header=HEAD,
        ),
    )
    write_guide(
        folder,
        "museum",
        facility="水城資料館",
        title="水城資料館の案内",
        body="水城資料館は屋内なので、雨の日にもおすすめです。\n\n"
        + table(
            ("水城資料館 見学の所要時間", "約30分", "—", "現行"),
            ("水城資料館の開館時間", "9:00〜17:00", "—", "現行"),
            ("水城資料館の休館日", "月曜", "—", "現行"),
            ("水城資料館 水城洞から", "車で約10分", "—", "現行"),
            ("水城資料館 車いす", "階段があり不可", "—", "現行"),
            header=HEAD,
        ),
    )
    write_guide(
        folder,
        "pond",
        facility="鏡池",
        title="鏡池の案内",
        body="鏡池は青い池です。\n\n"
        + table(
            ("鏡池 見学の所要時間", "約20分", "—", "現行"),
            ("新水城駅から鏡池まで", "バスで約15分", "—", "現行"),
            ("車で 鏡池から水城洞まで", "約15分", "—", "現行"),
            *extra,
            header=HEAD,
        ),
    )
    cache = folder.parent / "cache"
    index = Index(read_guides(folder), [FakeEncoder()], cache, words)
    index.catch_up()
    return Guide(index)


async def ask(
    guide: Guide, question: str, language: Language = Language.JA, now: datetime = SATURDAY
) -> object:
    return (await guide.ask(question, language=language, now=now)).computed


async def plan(
    guide: Guide, question: str, language: Language = Language.JA, now: datetime = SATURDAY
) -> Plan:
    found = await ask(guide, question, language, now)
    assert isinstance(found, Plan), found
    return found


def visits(found: Plan) -> set[str]:
    return {each.name for each in found.steps if each.kind is StepKind.VISIT}


def clocks(found: Plan) -> list[str]:
    return [f"{each.begin:%H:%M} {each.kind} {each.name}" for each in found.steps]


async def test_a_rainy_half_day_by_car_sees_what_is_fit_for_rain(
    tmp_path: Path, words: Words
) -> None:
    found = await plan(guide(tmp_path / "guides", words), "雨の日に車で半日まわりたい")
    assert visits(found) == {"水城洞", "水城資料館"}
    assert found.steps[-1].end - found.steps[0].begin == timedelta(minutes=60 + 10 + 30)
    assert Assumption.MODE not in found.assumptions
    assert {Assumption.DATE, Assumption.START, Assumption.BUDGET} <= set(found.assumptions)


async def test_what_is_closed_on_that_day_is_in_no_plan(tmp_path: Path, words: Words) -> None:
    town = guide(tmp_path / "guides", words)
    monday = datetime(2026, 11, 30, 8, tzinfo=TOKYO)
    found = await plan(town, "今日は雨です。車で半日まわりたい", now=monday)
    assert visits(found) == {"水城洞"}


async def test_what_says_no_to_wheelchairs_is_in_no_plan(tmp_path: Path, words: Words) -> None:
    found = await plan(guide(tmp_path / "guides", words), "車いすで回れるコースを教えてください")
    assert visits(found) == {"水城洞"}
    (visit,) = found.steps
    assert visit.note is not None
    assert visit.note.note == "介助者が要る"


async def test_without_a_car_only_stated_buses_and_walks_are_ways(
    tmp_path: Path, words: Words
) -> None:
    found = await plan(guide(tmp_path / "guides", words), "新水城駅から車なしで日帰りしたい")
    assert clocks(found) == [
        "09:00 move 鏡池",
        "09:15 visit 鏡池",
        "09:35 move 新水城駅",
    ]
    assert found.origin == "新水城駅"
    assert Assumption.NO_WAITING in found.assumptions


async def test_without_a_stated_time_a_plan_begins_when_the_first_sight_opens(
    tmp_path: Path, words: Words
) -> None:
    folder = tmp_path / "guides"
    body = table(("見晴塔 見学の所要時間", "約30分"), ("見晴塔 営業時間", "11:00〜16:00"))
    write_guide(folder, "tower", facility="見晴塔", title="見晴塔の案内", body=body)
    index = Index(read_guides(folder), [FakeEncoder()], tmp_path / "cache", words)
    found = await plan(Guide(index), "車で半日まわりたい")
    assert clocks(found) == ["11:00 visit 見晴塔"]


async def test_what_was_spoken_of_before_need_not_be_part_of_a_plan(
    tmp_path: Path, words: Words
) -> None:
    town = guide(tmp_path / "guides", words)
    before = await town.ask("鏡池の見学の所要時間は?", language=Language.JA, now=SATURDAY)
    answer = await town.ask(
        "雨の日に車で半日まわりたい",
        language=Language.JA,
        turns=(Turn("鏡池の見学の所要時間は?", before),),
        now=SATURDAY,
    )
    assert isinstance(answer.computed, Plan)
    assert visits(answer.computed) == {"水城洞", "水城資料館"}


async def test_the_last_entry_is_kept(tmp_path: Path, words: Words) -> None:
    late = datetime(2026, 11, 21, 16, 10, tzinfo=TOKYO)
    found = await plan(guide(tmp_path / "guides", words), "今から車で1時間だけあります", now=late)
    assert "水城洞" not in visits(found)
    assert found.steps[0].begin == late


async def test_a_row_of_the_past_makes_no_plan(tmp_path: Path, words: Words) -> None:
    old = ("鏡池から水城資料館まで", "徒歩5分", "—", "以前")
    town = guide(tmp_path / "guides", words, old)
    found = await ask(town, "徒歩で鏡池と水城資料館を半日で回るプランを作って")
    assert isinstance(found, NoPlan)
    assert set(found.names) == {"鏡池", "水城資料館"}


async def test_a_row_to_be_confirmed_is_marked(tmp_path: Path, words: Words) -> None:
    unsure = ("鏡池から水城資料館まで", "徒歩5分", "—", "要確認")
    town = guide(tmp_path / "guides", words, unsure)
    found = await plan(town, "徒歩で鏡池と水城資料館を半日で回るプランを作って")
    assert visits(found) == {"鏡池", "水城資料館"}
    assert Assumption.UNCONFIRMED in found.assumptions


async def test_where_no_bus_is_stated_a_taxi_is_assumed_and_said(
    tmp_path: Path, words: Words
) -> None:
    town = guide(tmp_path / "guides", words)
    found = await plan(town, "車なしで鏡池と水城洞を半日で回るプランを作って")
    assert {each.mode for each in found.steps if each.kind is StepKind.MOVE} == {Mode.TAXI}
    assert Assumption.TAXI in found.assumptions


async def test_too_little_time_for_any_visit_is_left_to_the_guides(
    tmp_path: Path, words: Words
) -> None:
    town = guide(tmp_path / "guides", words)
    night = datetime(2026, 11, 21, 23, tzinfo=TOKYO)
    assert await ask(town, "雨です。今から車で半日まわりたい", now=night) is None


@pytest.mark.parametrize(
    "question",
    [
        "雨の日はどこへ行けますか",
        "水城洞は車いすで回れますか",
        "水城洞は何時まで?",
        "水城洞の観光コースの長さは?",
        "おすすめの観光コースは?",
        "半日で元に戻る住民票の手続きは?",
    ],
)
async def test_other_questions_get_no_plan(tmp_path: Path, words: Words, question: str) -> None:
    found = await ask(guide(tmp_path / "guides", words), question)
    assert not isinstance(found, Plan | NoPlan)


# The sample town, as it is


@pytest.fixture(scope="module")
def mine(tmp_path_factory: pytest.TempPathFactory) -> Guide:
    return Guide.open(MINE, cache=tmp_path_factory.mktemp("mine"), tier=Tier.WORDS)


@pytest.mark.parametrize(
    ("language", "question"),
    [
        (Language.JA, "雨の日に車で半日まわりたい"),
        (Language.JA_EASY, "雨(あめ)の 日(ひ)に 車(くるま)で 半日(はんにち) 回(まわ)りたいです"),
        (Language.EN, "It is raining and we have a car and half a day. What should we see?"),
        (Language.ZH_HANT, "下雨天開車半天怎麼玩?"),
        (Language.ZH_HANS, "下雨天开车玩半天，去哪里好？"),
        (Language.KO, "비 오는 날 차로 반나절 코스를 추천해 주세요"),
    ],
)
async def test_half_a_day_by_car_in_rain_in_every_language(
    mine: Guide, language: Language, question: str
) -> None:
    found = await plan(mine, question, language)
    assert visits(found) == {"秋芳洞", "景清洞", "大正洞"}
    assert found.steps[-1].end - found.steps[0].begin <= timedelta(hours=4)
    assert all(each.passages for each in found.steps)
    assert all(each.source for each in found.passages)
    assert "大雨" in (found.cautions[0].item or "")


@pytest.mark.parametrize(
    ("language", "question", "need"),
    [
        (Language.JA, "子ども連れで1日", Need.CHILDREN),
        (Language.EN, "Plan a day with kids", Need.CHILDREN),
        (Language.ZH_HANS, "带孩子一日游", Need.CHILDREN),
        (Language.KO, "휠체어로 돌아볼 수 있는 코스", Need.WHEELCHAIR),
        (Language.JA, "車いすで回れるコース", Need.WHEELCHAIR),
    ],
)
async def test_what_a_plan_must_suit_is_stated_of_each_sight(
    mine: Guide, language: Language, question: str, need: Need
) -> None:
    found = await plan(mine, question, language)
    assert found.needs == (need,)
    known = {each.facility for each in mine.library.documents}
    assert visits(found) <= known
    assert all(each.status is not Status.OLD for each in found.passages)
    if need is Need.WHEELCHAIR:
        assert visits(found) == {"秋芳洞", "景清洞"}
        assert all(each.note for each in found.steps if each.kind is StepKind.VISIT)


async def test_the_lengths_of_a_real_plan_are_the_guides_own(mine: Guide) -> None:
    found = await plan(mine, "子ども連れで1日遊びたい")
    for each in found.steps:
        minutes = (each.end - each.begin) // timedelta(minutes=1)
        stated = {figure for passage in each.passages for figure in figures(passage.text)}
        if each.kind is StepKind.VISIT or (each.kind is StepKind.MOVE and not each.via):
            assert figures(f"{minutes}分") <= stated, each


async def test_two_hours_from_now_begin_now(mine: Guide) -> None:
    now = datetime(2026, 11, 22, 10, 3, tzinfo=TOKYO)
    found = await plan(mine, "2時間だけあるのですが、どこを見ればいいですか", now=now)
    assert found.steps[0].begin == datetime(2026, 11, 22, 10, 5, tzinfo=TOKYO)
    assert found.steps[-1].end <= datetime(2026, 11, 22, 12, 5, tzinfo=TOKYO)
