"""The guide of a town answers with what was worked out, cites its rows, and quotes otherwise."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from knowledge.answer import Answer, AnswerKind, Guide, Turn
from knowledge.computed import Situation, calculators
from knowledge.computed.opened import Open, Verdict
from knowledge.computed.party_total import PartyTotal
from knowledge.encoders import Tier
from knowledge.language import Language
from knowledge.question import understand
from knowledge.retrieval.index import Index
from tests.knowledge.computed.conftest import TOWNS

TOKYO = ZoneInfo("Asia/Tokyo")
SUNDAY = datetime(2026, 11, 22, 15, 20, tzinfo=TOKYO)  # the Monday after it is a public holiday


@pytest.fixture(scope="module")
def guide(tmp_path_factory: pytest.TempPathFactory) -> Guide:
    cache = tmp_path_factory.mktemp("mine-use")
    return Guide.open(TOWNS / "mine" / "guides", cache=cache, tier=Tier.WORDS_USE)


async def asked(guide: Guide, language: str, question: str, now: datetime = SUNDAY) -> Answer:
    return await guide.ask(question, language=Language(language), now=now)


@pytest.mark.parametrize(
    ("language", "question", "verdict"),
    [
        ("ja", "秋芳洞は今開いてる?", Verdict.OPEN),
        ("ja", "秋芳洞 いま入れますか", Verdict.OPEN),
        ("ja", "あきよしどう いま あいてる?", Verdict.OPEN),
        ("ja", "今開いてる?", Verdict.OPEN),
        ("ja", "大正洞に4時に着くけど間に合う?", Verdict.OPEN),
        ("ja", "大正洞は16時30分でも入れますか", Verdict.OPEN),
        ("ja", "大正洞は16時31分でも入れますか", Verdict.LATE),
        ("ja", "大正洞は17時15分に入れますか", Verdict.OVER),
        ("ja", "秋芳洞は朝8時に入れる?", Verdict.BEFORE),
        ("ja", "化石館は明日開いていますか?", Verdict.CLOSED),
        ("ja", "化石館は火曜日やってる?", Verdict.CLOSED),
        ("ja", "化石館は水曜日やってる?", Verdict.DAY),
        ("ja", "秋芳洞は元旦開いてる?", Verdict.DAY),
        ("ja", "秋芳洞は今日は何時まで入れる?", Verdict.DAY),
        ("ja", "科学博物館は今日開いてますか", Verdict.NOT_CLOSED),
        ("ja-easy", "秋芳洞（あきよしどう）は 明日（あした） 開（あ）いていますか", Verdict.DAY),
        ("en", "Is Akiyoshido Cave open now?", Verdict.OPEN),
        ("en", "Is the Fossil Museum open tomorrow?", Verdict.CLOSED),
        ("en", "Can I still enter Taishodo at 4:45 pm?", Verdict.LATE),
        ("en", "Is Akiyoshido open on Jan 1?", Verdict.DAY),
        ("en", "What time does Akiyoshido close today?", Verdict.DAY),
        ("zh-Hans", "秋芳洞今天开门吗", Verdict.DAY),
        ("zh-Hans", "大正洞现在还能进去吗", Verdict.OPEN),
        ("zh-Hant", "秋芳洞現在有開嗎", Verdict.OPEN),
        ("zh-Hant", "大正洞下午4點45分還能進去嗎", Verdict.LATE),
        ("ko", "아키요시도 지금 열려 있나요?", Verdict.OPEN),
        ("ko", "화석관 내일 열어요?", Verdict.CLOSED),
    ],
)
async def test_open_or_not_is_worked_out(
    guide: Guide, language: str, question: str, verdict: Verdict
) -> None:
    answer = await asked(guide, language, question)
    assert answer.kind is AnswerKind.ANSWERED
    assert isinstance(answer.computed, Open)
    assert answer.computed.verdict is verdict
    assert [each.passage for each in answer.extracts] == list(answer.computed.passages)


@pytest.mark.parametrize(
    ("minute", "verdict", "soon"),
    [
        ("08:29", Verdict.BEFORE, False),
        ("08:30", Verdict.OPEN, False),
        ("16:59", Verdict.OPEN, False),
        ("17:00", Verdict.OPEN, True),
        ("17:30", Verdict.OPEN, True),
        ("17:31", Verdict.LATE, False),
        ("18:29", Verdict.LATE, False),
        ("18:30", Verdict.OVER, False),
        ("00:00", Verdict.BEFORE, False),
    ],
)
async def test_every_boundary_of_the_day_belongs_to_one_side(
    guide: Guide, minute: str, verdict: Verdict, soon: bool
) -> None:
    now = datetime.fromisoformat(f"2026-11-22T{minute}:30").replace(tzinfo=TOKYO)
    answer = await asked(guide, "ja", "秋芳洞は今開いてる?", now)
    assert isinstance(answer.computed, Open)
    assert (answer.computed.verdict, answer.computed.soon) == (verdict, soon)


@pytest.mark.parametrize(
    ("language", "question", "total"),
    [
        ("ja", "秋芳洞、大人2人と小学生1人でいくら?", (4050, 4050)),
        ("ja", "家族4人(大人2、中学生1、小学生1)で秋芳洞はいくら?", (5350, 5350)),
        ("ja", "夫婦と子ども2人(8歳と13歳)で秋芳洞に入るといくらですか", (5350, 5350)),
        ("ja", "秋芳洞と大正洞、大人2人でいくら?", (5800, 5800)),
        ("ja", "長登銅山文化交流館 大人20人と小学生3人でいくら", (5300, 5300)),
        ("ja", "化石館は大人2人と子ども1人でいくら", (200, 250)),
        ("en", "How much is Akiyoshido for 2 adults and 2 kids (5 and 9)?", (4050, 4050)),
        ("en", "How much for two adults and one child at Akiyoshido?", (3200, 4500)),
        ("zh-Hans", "秋芳洞成人两名儿童一名多少钱", (3200, 4500)),
        ("zh-Hant", "秋芳洞2大1小多少錢", (3200, 4500)),
        ("ko", "아키요시도 어른 2명 초등학생 1명 얼마예요?", (4050, 4050)),
        ("ja", "中学生3人、大人1人。秋芳洞の合計は?", (5500, 5500)),
        ("ja", "秋芳洞と大正洞、大人1人ずつ入ると全部でいくら", (2900, 2900)),
        ("en", "Total for 2 adults and 1 elementary school child at Akiyoshido?", (4050, 4050)),
        ("zh-Hant", "兩個大人一個小學生去秋芳洞要多少錢", (4050, 4050)),
        ("zh-Hans", "两大一小(小学生)去秋芳洞一共多少钱", (4050, 4050)),
        ("zh-Hans", "两个大人一个小学生多少钱", (4050, 4050)),
        ("ko", "어른 2명 초등학생 1명이면 아키요시도 총 얼마예요", (4050, 4050)),
    ],
)
async def test_a_party_gets_its_total(
    guide: Guide, language: str, question: str, total: tuple[int, int]
) -> None:
    answer = await asked(guide, language, question)
    assert isinstance(answer.computed, PartyTotal)
    assert (answer.computed.low, answer.computed.high) == total


@pytest.mark.parametrize(
    ("language", "question"),
    [
        ("ja", "秋芳洞は何時まで?"),
        ("ja", "秋芳洞の休みは?"),
        ("ja", "秋芳洞の入洞料はいくらですか?"),
        ("ja", "秋芳洞は大人いくら?"),
        ("ja", "秋芳洞のレストランは今開いてる?"),
        ("ja", "秋芳洞の黒谷口は今入れる?"),
        ("ja", "サファリランドは今日開いてる?"),
        ("ja", "秋芳洞の冒険コースは大人2人でいくら"),
        ("ja", "秋芳洞の駐車場と入洞料、大人2人でいくら"),
        ("ja", "秋芳洞までバスで大人2人いくら"),
        ("ja", "以前の秋芳洞は大人2人でいくらだった?"),
        ("ja", "法隆寺は今日開いてる?"),
        ("ja", "美祢市は今日開いてる?"),
        ("ja", "今日はどこが開いてる?"),
        ("en", "What is open today?"),
        ("en", "What are the opening hours of Akiyoshido?"),
        ("en", "How much is the Louvre for 2 adults?"),
        ("zh-Hans", "故宫今天开门吗"),
        ("ko", "경복궁 어른 2명 얼마예요?"),
    ],
)
async def test_what_is_not_asked_of_the_calculators_stays_with_the_guides(
    guide: Guide, language: str, question: str
) -> None:
    assert (await asked(guide, language, question)).computed is None


@pytest.mark.parametrize(
    ("language", "question"),
    [
        ("zh-Hant", "明天天氣怎麼樣"), ("ja", "明日の秋芳洞の天気は?"), ("ja", "秋芳洞の休みの日"),
        ("zh-Hant", "秋芳洞有公休日嗎"), ("ja", "秋芳洞の定休日は?"),
        ("en", "closing days of Akiyoshido?"),
    ],
)  # fmt: skip
async def test_weather_and_closing_days_are_not_worked_out(
    guide: Guide, language: str, question: str
) -> None:
    assert (await asked(guide, language, question)).computed is None


@pytest.mark.parametrize(
    ("language", "question", "closed"),
    [
        ("ja", "科学博物館は月曜開いてる?", True),
        ("ja", "科学博物館は火曜開いてる?", False),
        ("ja", "化石館は月曜日も開いていますか", True),
        ("en", "Is the fossil museum closed on Mondays?", True),
        ("zh-Hant", "化石館星期一有開嗎", True),
        ("ko", "화석관 월요일에 여나요", True),
        ("ja", "秋芳洞は日曜やってる?", False),
    ],
)
async def test_a_weekday_is_answered_by_its_rule_and_then_by_the_next_such_day(
    guide: Guide, language: str, question: str, closed: bool
) -> None:
    computed = (await asked(guide, language, question)).computed
    assert isinstance(computed, Open)
    assert computed.weekly is not None
    assert computed.weekly.closed is closed
    assert computed.when.days[0].weekday() == computed.weekly.weekday
    assert set(computed.weekly.passages) <= set(computed.passages)


def test_without_an_outstanding_sight_nothing_is_taken_to_be_meant(
    towns: dict[str, Index],
) -> None:
    for question in ("今日は何時まで開いていますか", "大人2人でいくら"):
        asked_of = understand(question, Language.JA, towns["masuda"])
        situation = Situation(asked_of, SUNDAY, towns["masuda"])
        assert all(each.answer(situation) is None for each in calculators())


async def test_a_follow_up_keeps_its_sight(guide: Guide) -> None:
    first = await asked(guide, "ja", "化石館の入館料はいくらですか?")
    turns = [Turn("化石館の入館料はいくらですか?", first)]
    answer = await guide.ask("そこは明日開いてる?", language=Language.JA, turns=turns, now=SUNDAY)
    assert isinstance(answer.computed, Open)
    assert "化石館" in answer.computed.subject
    answer = await guide.ask("大人2人だと?", language=Language.JA, turns=turns, now=SUNDAY)
    assert isinstance(answer.computed, PartyTotal)
    assert answer.computed.low == 200


async def test_a_sight_that_is_closed_is_said_to_open_next_by_its_strictest_rows(
    guide: Guide,
) -> None:
    for language, question in (
        ("ja", "化石館は明日開いてる?"),
        ("en", "Is the Fossil Museum open tomorrow?"),
    ):
        answer = await asked(guide, language, question)
        assert isinstance(answer.computed, Open)
        assert answer.computed.next_open is not None
        assert f"{answer.computed.next_open[0]}" == "2026-11-25"


async def test_rows_in_the_asker_s_language_are_cited_where_they_say_the_same(guide: Guide) -> None:
    for language, question in (
        ("en", "Is Akiyoshido open now?"),
        ("ko", "아키요시도 지금 열려 있나요?"),
        ("zh-Hans", "秋芳洞今天开门吗"),
    ):
        answer = await asked(guide, language, question)
        assert {each.passage.language for each in answer.extracts} == {Language(language)}
