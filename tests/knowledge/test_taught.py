"""What staff answer in one line is known from then on, with its date, until they take it back."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from knowledge.answer import Answer, AnswerKind, Guide, Taught
from knowledge.encoders import Tier
from knowledge.language import Language
from knowledge.question import understand
from knowledge.testing import FakeEncoder
from tests.knowledge.conftest import GUIDES, NOW

NURSING = Taught(
    id="1",
    question="水城洞に授乳室はありますか?",
    answer="はい、案内所の2階に授乳室があります。",
    language=Language.JA,
    as_of=date(2026, 11, 20),
    source="町役場の回答",
)
LOCKER = Taught(
    id="2",
    question="黒洞でスケボーをしてもいいですか?",
    answer="洞内でのスケートボードはお断りしています。",
    language=Language.JA,
    as_of=date(2026, 11, 19),
    source="町役場の回答",
)


@pytest.fixture
def mizuki(tmp_path: Path) -> Guide:
    return Guide.open(GUIDES, cache=tmp_path, tier=Tier.WORDS_USE)


async def ask(guide: Guide, question: str, language: Language = Language.JA) -> Answer:
    return await guide.ask(question, language=language, now=NOW)


async def test_a_taught_question_is_answered_at_once_with_its_day(mizuki: Guide) -> None:
    assert (await ask(mizuki, NURSING.question)).kind is not AnswerKind.ANSWERED
    mizuki.teach([NURSING])
    answer = await ask(mizuki, NURSING.question)
    assert answer.kind is AnswerKind.ANSWERED
    (extract,) = answer.extracts
    assert extract.text == NURSING.answer
    assert (extract.passage.as_of, extract.passage.source_title) == ("2026-11-20", "町役場の回答")


@pytest.mark.parametrize(
    ("question", "language"),
    [
        pytest.param("水城洞には授乳室がありますか", Language.JA, id="nearly the same words"),
        pytest.param("授乳室は?", Language.JA, id="its word alone"),
        pytest.param("Is there a nursing room at Mizuki Cave?", Language.EN, id="English"),
        pytest.param("미즈키도에 수유실이 있나요?", Language.KO, id="Korean"),
    ],
)
async def test_it_answers_other_words_and_languages_too(
    mizuki: Guide, question: str, language: Language
) -> None:
    mizuki.teach([NURSING, LOCKER])
    answer = await ask(mizuki, question, language)
    assert [each.text for each in answer.extracts] == [NURSING.answer]


@pytest.mark.parametrize(
    "question",
    [
        "水城洞の料金は?",
        "黒洞の電話番号",
        "水城洞は冬は何時まで?",
        "病院はどこ?",
        "黒洞に授乳室はある?",
    ],
)
async def test_it_answers_nothing_else(mizuki: Guide, question: str) -> None:
    before = await ask(mizuki, question)
    mizuki.teach([NURSING, LOCKER])
    assert NURSING.answer not in [each.text for each in (await ask(mizuki, question)).extracts]
    assert (await ask(mizuki, question)).kind is before.kind


def lesson(question: str, answer: str) -> Taught:
    return replace(NURSING, id=answer, question=question, answer=answer)


@pytest.mark.parametrize(
    ("taught", "asked"),
    [
        pytest.param("水城洞の大人の団体料金は?", "水城洞の小学生の団体料金は?", id="for whom"),
        pytest.param("8月に水城洞は混みますか?", "12月に水城洞は混みますか?", id="when"),
        pytest.param("水城洞で現金は使えますか?", "水城洞でカードは使えますか?", id="with what"),
        pytest.param(
            "水城洞にベビーカーで行けますか?",
            "水城洞のレストランにベビーカーで行けますか?",
            id="what of it",
        ),
        pytest.param("授乳室はありますか?", "黒洞に授乳室はありますか?", id="of which sight"),
    ],
)
async def test_it_does_not_answer_what_differs_in_one_word(
    mizuki: Guide, taught: str, asked: str
) -> None:
    mizuki.teach([lesson(taught, "これは別の答えです。")])
    (passage,) = [each for each in mizuki.library.passages if each.id.startswith("taught-")]
    found = mizuki._finder.facts.match(understand(asked, Language.JA, mizuki.index))
    assert passage.text not in [each.text for each in found]


async def test_what_was_taught_answers_before_a_slow_encoder_has_read_it(tmp_path: Path) -> None:
    slow = FakeEncoder(name="e5", identity="slow-1", slow=True)
    guide = Guide.open(GUIDES, cache=tmp_path, models=[FakeEncoder(), slow])
    guide.teach([NURSING])
    assert guide.index.behind == ("e5",)
    assert [each.text for each in (await ask(guide, NURSING.question)).extracts] == [NURSING.answer]


async def test_what_is_taken_back_is_forgotten(mizuki: Guide) -> None:
    mizuki.teach([NURSING])
    mizuki.teach([])
    assert (await ask(mizuki, NURSING.question)).kind is not AnswerKind.ANSWERED
    assert mizuki.taught == ()


async def test_a_corrected_answer_replaces_the_first(mizuki: Guide) -> None:
    mizuki.teach([NURSING])
    mizuki.teach([replace(NURSING, answer="授乳室は工事中です。")])
    answer = await ask(mizuki, NURSING.question)
    assert [each.text for each in answer.extracts] == ["授乳室は工事中です。"]


async def test_without_an_encoder_the_words_decide(tmp_path: Path) -> None:
    guide = Guide.open(GUIDES, cache=tmp_path, models=[])
    guide.teach([NURSING, LOCKER])
    answer = await ask(guide, "水城洞に授乳室はあるの?")
    assert [each.text for each in answer.extracts] == [NURSING.answer]


async def test_questions_are_answered_while_staff_teach(
    plain: Callable[..., Guide],
) -> None:
    guide = plain()
    questions: Sequence[str] = ["水城洞の料金は?"] * 5
    answers = []
    for each in questions:
        guide.teach([NURSING])
        answers.append(await ask(guide, each))
    assert {each.kind for each in answers} == {AnswerKind.ANSWERED}
