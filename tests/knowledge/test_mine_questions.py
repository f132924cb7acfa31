"""The sample town of Mine answers its visitors' questions, in six languages.

``mine_questions.jsonl`` holds one question a line: the kind of answer, and alternatives of what its
extracts must say (`` + `` joins what must all be there). `before` are earlier questions.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from knowledge.answer import Answer, AnswerKind, Guide, Turn
from knowledge.encoders import Tier
from knowledge.language import Language
from tests.knowledge.conftest import NOW

HERE = Path(__file__).parent
GUIDES = HERE.parents[1] / "towns" / "mine" / "guides"
RIGHT = 0.95


@dataclass(frozen=True, slots=True)
class Question:
    id: str
    language: Language
    text: str
    expected: tuple[str, ...]
    kind: AnswerKind
    before: tuple[str, ...]


def questions() -> tuple[Question, ...]:
    lines = (HERE / "mine_questions.jsonl").read_text("utf-8").splitlines()
    return tuple(
        Question(
            row["id"],
            Language(row["lang"]),
            row["question"],
            tuple(row["expected"]),
            AnswerKind(row["kind"]),
            tuple(row.get("before", ())),
        )
        for row in map(json.loads, lines)
    )


@pytest.fixture(scope="module")
def mine(tmp_path_factory: pytest.TempPathFactory) -> Guide:
    return Guide.open(GUIDES, cache=tmp_path_factory.mktemp("mine"), tier=Tier.WORDS_USE)


async def asked(guide: Guide, question: Question) -> Answer:
    turns: list[Turn] = []
    for text in (*question.before, question.text):
        answer = await guide.ask(text, language=question.language, turns=turns, now=NOW)
        turns.append(Turn(text, answer))
    return turns[-1].answer


def said(answer: Answer) -> str:
    return "\n".join(each.text for each in answer.extracts)


def right(question: Question, answer: Answer) -> bool:
    if answer.kind is not question.kind:
        return False
    told = said(answer)
    return not question.expected or any(
        all(part in told for part in each.split(" + ")) for each in question.expected
    )


async def test_the_sample_town_answers_its_visitors(mine: Guide) -> None:
    every = questions()
    answers = [(each, await asked(mine, each)) for each in every]
    wrong = [
        f"{each.id} [{each.language}] {each.text}\n    expected {each.kind}: {each.expected}\n"
        f"    got {answer.kind}: {said(answer)}"
        for each, answer in answers
        if not right(each, answer)
    ]
    share = 1 - len(wrong) / len(every)
    assert share >= RIGHT, f"{share:.0%} of {len(every)} right\n" + "\n".join(wrong)


async def test_no_answer_says_the_same_thing_twice(mine: Guide) -> None:
    for each in questions():
        texts = [extract.text for extract in (await asked(mine, each)).extracts]
        assert len(texts) == len(set(texts)), each.text


async def test_an_asker_in_japanese_is_not_answered_in_easy_japanese(mine: Guide) -> None:
    for each in questions():
        if each.language is Language.JA:
            languages = {x.passage.language for x in (await asked(mine, each)).extracts}
            assert languages <= {Language.JA}, each.text
