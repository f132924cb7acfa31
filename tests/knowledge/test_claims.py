"""A generated sentence names nothing that the cited passages do not name."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from knowledge.answer import Fallback, Guide
from knowledge.claims import unsupported_claims, unsupported_names
from knowledge.figures import unsupported
from knowledge.language import Language
from knowledge.passage import Kind, Passage
from knowledge.testing import FakeGenerator
from tests.knowledge.conftest import NOW

FEE = Passage(
    "id", "caves/mizukido-fees", "水城洞の料金と時間", ("料金",), "大人の入洞料: 1,500円",
    Kind.FACT, Language.JA, facility="水城洞", place="水城町",
    aliases=("みずきどう", "Mizukido", "Mizuki Cave", "미즈키도"),
)  # fmt: skip


@pytest.mark.parametrize(
    ("sentence", "language", "missing"),
    [
        pytest.param("水城洞は大人1,500円だよ。", Language.JA, [], id="the sight itself"),
        pytest.param("黒洞も近いよ。", Language.JA, ["黒洞"], id="another sight of the town"),
        pytest.param("京都にもあるよ。", Language.JA, ["京都"], id="a place of elsewhere"),
        pytest.param("「龍の間」も見てね。", Language.JA, ["龍の間"], id="in quotation marks"),
        pytest.param("Mizuki Cave costs 1,500 yen.", Language.EN, [], id="English, the sight"),
        pytest.param("Ask at the Dragon Gate.", Language.EN, ["Dragon", "Gate"], id="English"),
        pytest.param("Open every Monday in December.", Language.EN, [], id="the calendar"),
        pytest.param("黑洞也很近。", Language.ZH_HANS, [], id="a name that no document has"),
        pytest.param("黒洞也很近。", Language.ZH_HANT, ["黒洞"], id="Chinese, another sight"),
        pytest.param("미즈키도는 어른 1,500엔이에요.", Language.KO, [], id="Korean, the sight"),
    ],
)
def test_names_stand_in_the_cited_passages(
    guide: Guide, sentence: str, language: Language, missing: list[str]
) -> None:
    found = unsupported_names(sentence, [FEE], index=guide.index, language=language)
    assert list(found) == missing


@pytest.mark.parametrize(
    "sentence",
    [
        "It opens at nine and closes at half past six.",
        "Call one one nine.",
        "It is half price for students.",
        "学生は半額だよ。",
        "门票打八折。",
        "It is open around the clock.",
        "火曜日は休みだよ。",
        "Closed on Tuesdays.",
        "매주 화요일은 쉬어요.",
        "今日は無料だよ。",
        "Admission is free today.",
    ],
)
def test_a_claim_without_a_digit_is_one_too(sentence: str) -> None:
    assert unsupported_claims(sentence, [FEE])


@pytest.mark.parametrize(
    "sentence", ["Free for infants.", "未就学児は無料だよ。", "유아는 무료예요."]
)
def test_a_claim_that_a_passage_makes_in_any_language_is_supported(sentence: str) -> None:
    free = replace(FEE, text="未就学児の入洞料: 無料")
    assert unsupported_claims(sentence, [free]) == ()


@pytest.mark.parametrize(
    ("sentence", "language"),
    [
        ("附近的山田屋很好吃。", Language.ZH_HANS),
        ("근처의 야마다 식당이 맛있어요.", Language.KO),
    ],
)
def test_a_business_that_no_passage_names_is_invented(
    guide: Guide, sentence: str, language: Language
) -> None:
    assert unsupported_names(sentence, [FEE], index=guide.index, language=language)


@pytest.mark.parametrize("sentence", ["It opens at [9].", "18. It closes then."])
def test_a_figure_does_not_pass_as_a_list_number(sentence: str) -> None:
    assert unsupported(sentence, [FEE])


def test_the_question_and_the_mascot_may_be_named(guide: Guide) -> None:
    known = "京都から行けますか?\nあなたはミズキンです。"
    sentence = "ミズキンが京都からの道を案内するよ。"
    assert (
        unsupported_names(sentence, [FEE], index=guide.index, language=Language.JA, known=known)
        == ()
    )


async def test_an_invented_name_falls_back_to_the_extract(
    plain: Callable[..., Guide],
) -> None:
    guide = plain(FakeGenerator("大人は1,500円だよ。となりの「龍の間」も見てね。"))
    answer = await guide.ask("水城洞の料金は?", language=Language.JA, now=NOW)
    assert (answer.written, answer.fallback) == (None, Fallback.UNSUPPORTED_NAME)
    assert answer.extracts[0].passage.value == "1,500円"
