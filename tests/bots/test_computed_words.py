"""Computed answers are short, say what they rest on, and never say more than was worked out."""

import re
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from bots import texts
from bots.conversation.computed import word
from knowledge.answer import Guide
from knowledge.computed import Situation, calculators
from knowledge.figures import FigureKind, figures, unsupported
from knowledge.language import Language
from knowledge.question import understand
from knowledge.retrieval.index import Index
from knowledge.testing import FakeEncoder

TOWNS = Path(__file__).parents[2] / "towns"
NOW = datetime(2026, 11, 22, 15, 20, tzinfo=ZoneInfo("Asia/Tokyo"))


@pytest.fixture(scope="module")
def mine(tmp_path_factory: pytest.TempPathFactory) -> Index:
    cache = tmp_path_factory.mktemp("mine-words")
    return Guide.open(TOWNS / "mine" / "guides", cache=cache, models=[FakeEncoder()]).index


def said(index: Index, question: str, language: str = "ja", now: datetime = NOW) -> str:
    situation = Situation(understand(question, Language(language), index), now, index)
    results = (each.answer(situation) for each in calculators())
    result = next(each for each in results if each is not None)
    return word(result, language)


def test_an_open_sight_says_until_when_and_how_long_that_is(mine: Index) -> None:
    assert said(mine, "秋芳洞は今開いてる?").splitlines() == [
        "秋芳洞は、いま開いています。",
        "受付は17:30までです(あと2時間10分)。",
        "入口によって違います。秋芳洞 黒谷口・エレベーター口の受付終了：16:30",
    ]


def test_shortly_before_the_last_entry_visitors_are_told_to_hurry(mine: Index) -> None:
    late = said(mine, "秋芳洞は今開いてる?", now=NOW.replace(hour=17, minute=10))
    assert "あと20分" in late
    assert texts.say("computed.remark.soon", "ja") in late


def test_a_closed_day_names_its_date_and_the_next_opening(mine: Index) -> None:
    assert said(mine, "化石館は明日開いてる?").splitlines() == [
        "美祢市化石館は、11月23日(月・祝)はお休みです。",
        "次に開くのは11月25日(水)の9:00からです。",
    ]


def test_a_weekday_is_told_as_the_rule_before_the_holiday_that_comes_next(mine: Index) -> None:
    assert said(mine, "科学博物館は月曜開いてる?").splitlines()[:2] == [
        "秋吉台科学博物館は、月曜日はお休みです。",
        "休みの日が祝日のときは、その翌日が休みになります。",
    ]
    assert "closed on Mondays" in said(mine, "Is the fossil museum open on Mondays?", "en")


def test_without_known_closing_days_only_the_hours_are_told(mine: Index) -> None:
    shown = said(mine, "景清洞は1月1日開いてますか")
    assert "開いています" not in shown
    assert texts.say("computed.remark.no-closing-days", "ja") in shown


def test_irregular_days_off_send_people_to_the_telephone(mine: Index) -> None:
    shown = said(mine, "道の駅みとうは今開いてる?")
    assert "言い切れません" in shown
    assert texts.say("computed.remark.irregular", "ja") in shown


def test_the_arithmetic_is_shown(mine: Index) -> None:
    assert said(mine, "秋芳洞、大人2人と小学生1人でいくら?").splitlines() == [
        "秋芳洞は、合わせて4,050円です。",
        "・大人 2人：1,600円×2＝3,200円",
        "・小学生 1人：850円",
    ]


def test_a_missing_price_is_said_to_be_missing(mine: Index) -> None:
    shown = said(mine, "大正洞は大人2人と中学生1人でいくら?")
    assert "わかる方の分だけで2,600円" in shown
    assert "中学生 1人：料金が資料にありません" in shown


def test_several_sights_have_their_own_sums_and_one_total(mine: Index) -> None:
    shown = said(mine, "秋芳洞と大正洞、大人2人でいくら?")
    assert shown.startswith("合わせて5,800円です。")
    assert "秋芳洞 3,200円" in shown
    assert "大正洞 2,600円" in shown


def test_an_assumption_is_told(mine: Index) -> None:
    assert texts.say("computed.fee.assumed", "ja") in said(mine, "秋芳洞は3人でいくら?")


def test_a_discount_is_mentioned_and_not_promised(mine: Index) -> None:
    shown = said(mine, "秋芳洞 JAFで大人2人いくら?")
    assert "合わせて3,200円" in shown
    assert "計算に入れていません" in shown


@pytest.mark.parametrize(
    ("language", "question", "first"),
    [
        ("en", "Is Akiyoshido open now?", "Akiyoshido Cave (秋芳洞) is open now."),
        ("zh-Hant", "秋芳洞現在有開嗎", "秋芳洞現在開放中。"),
        ("zh-Hans", "秋芳洞现在开门吗", "秋芳洞现在开放中。"),
        ("ko", "아키요시도 지금 열려 있나요?", "지금 열려 있습니다: 아키요시도(秋芳洞)"),
        ("ja-easy", "秋芳洞は 今 開いていますか",
         "秋芳洞(あきよしどう)は、今(いま) 開(あ)いて います。"),
        ("en", "Is the Fossil Museum open on Nov 30?",
         "Mine City Fossil Museum (美祢市化石館) is closed on Monday, 30 November."),
        ("ko", "아키요시도 어른 2명 초등학생 1명 얼마예요?",
         "아키요시도(秋芳洞): 모두 4,050엔입니다."),
    ],
)  # fmt: skip
def test_every_language_has_its_own_sentences(
    mine: Index, language: str, question: str, first: str
) -> None:
    assert said(mine, question, language).splitlines()[0] == first


QUESTIONS = (
    "秋芳洞は今開いてる?",
    "大正洞は16時40分に入れる?",
    "化石館は明日開いてる?",
    "道の駅みとうは今開いてる?",
    "秋芳洞は年末年始もやってますか",
    "秋芳洞、大人2人と小学生1人でいくら?",
    "化石館は大人2人と子ども1人でいくら",
    "長登銅山文化交流館 大人20人と小学生3人でいくら",
    "景清洞 大人2人 小学生2人 料金",
    "秋芳洞は3人でいくら?",
)


@pytest.mark.parametrize("question", QUESTIONS)
def test_every_amount_and_every_time_is_of_a_row_or_of_the_arithmetic(
    mine: Index, question: str
) -> None:
    situation = Situation(understand(question, Language.JA, mine), NOW, mine)
    result = next(r for each in calculators() if (r := each.answer(situation)) is not None)
    held = frozenset[object]().union(*(figures(each.text) for each in result.passages))
    asked = figures(question)
    for language in texts.LANGUAGES:
        shown = word(result, language)
        assert not re.search(r"[{}]", shown)
        times = {each for each in figures(shown) if each.kind is FigureKind.TIME}
        assert times - asked <= held, language


def test_every_price_beside_a_multiplication_sign_is_of_a_row(mine: Index) -> None:
    question = "秋芳洞と化石館、大人2人と小学生3人でいくら?"
    situation = Situation(understand(question, Language.JA, mine), NOW, mine)
    result = next(r for each in calculators() if (r := each.answer(situation)) is not None)
    factors = re.findall(r"([\d,]+円)×(\d)＝([\d,]+)円", word(result, "ja"))
    assert len(factors) == 4
    for rate, count, amount in factors:
        assert unsupported(rate, result.passages) == ()
        yen = int(rate.replace(",", "").removesuffix("円"))
        assert yen * int(count) == int(amount.replace(",", ""))
