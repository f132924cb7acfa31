"""Labelled questions are read precisely, judged by what people read, and counted honestly."""

import json
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest

from knowledge.answer import AnswerKind
from knowledge.errors import BaselineUnreadable, QuestionsUnreadable
from knowledge.evaluate import (
    Fault,
    Labelled,
    Said,
    compare,
    evaluation,
    holds,
    interval,
    judge,
    read_baseline,
    read_questions,
    values_of,
)
from knowledge.evaluate.judge import in_language
from knowledge.evaluate.questions import FIELDS
from knowledge.language import Language
from knowledge.passage import Kind, Passage
from tests.conftest import ROOT

AT = datetime(2026, 11, 21, 10, tzinfo=UTC)
FEE = {"id": "a", "lang": "ja", "question": "いくら?", "expected_facts": ["1,600円"]}


def passage(text: str = "水城洞の入洞料: 1,600円") -> Passage:
    return Passage(
        id="p",
        document="fees",
        title="料金",
        headings=(),
        text=text,
        kind=Kind.FACT,
        language=Language.JA,
    )


def written(folder: Path, *rows: object) -> Path:
    path = folder / "questions.jsonl"
    lines = [each if isinstance(each, str) else json.dumps(each) for each in rows]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def labelled(folder: Path, **changes: Any) -> Labelled:
    return read_questions(written(folder, {**FEE, **changes})).questions[0]


def said(text: str, kind: AnswerKind = AnswerKind.ANSWERED, **more: Any) -> Said:
    return Said(kind, text, sources=("料金 2026年時点",), passages=(passage(),), **more)


# Reading


def test_a_file_is_read_through_bom_crlf_blank_lines_and_comments(tmp_path: Path) -> None:
    path = tmp_path / "questions.jsonl"
    lines = ["# 料金", json.dumps(FEE), "", "// 時間", json.dumps({**FEE, "id": "b", "author": 1})]
    path.write_bytes(b"\xef\xbb\xbf" + "\r\n".join(lines).encode())
    file = read_questions(path)
    assert [each.id for each in file.questions] == ["a", "b"]
    assert file.unknown_fields == ("author",)
    assert [each.line for each in file.questions] == [2, 5]


@pytest.mark.parametrize(
    ("tag", "language"),
    [("zh", Language.ZH_HANS), ("ZH-hant", Language.ZH_HANT), ("ja_easy", Language.JA_EASY)],
)
def test_a_language_tag_may_be_written_as_people_write_it(
    tmp_path: Path, tag: str, language: Language
) -> None:
    assert labelled(tmp_path, lang=tag).language is language


@pytest.mark.parametrize(
    ("row", "message"),
    [
        pytest.param("{", "not JSON", id="broken"),
        pytest.param("[" * 100_000, "nested too deeply", id="nested"),
        pytest.param([1], "not a JSON object", id="a list"),
        pytest.param({**FEE, "lang": "fr"}, 'lang "fr" is not known', id="language"),
        pytest.param({**FEE, "question": " "}, '"question" is missing', id="no question"),
        pytest.param({**FEE, "question": "あ" * 30_000}, "too long", id="a long question"),
        pytest.param({**FEE, "id": None}, '"id" is missing', id="no id"),
        pytest.param({**FEE, "expected_facts": []}, '"expected_facts" is missing', id="nothing"),
        pytest.param({**FEE, "expected_facts": ["|"]}, "empty entry", id="an empty entry"),
        pytest.param({**FEE, "expected_facts": [1600]}, "else than texts", id="a number"),
        pytest.param(
            {**FEE, "expected_facts": ["1,600円", "REFUSE"]}, "stands beside facts", id="both"
        ),
        pytest.param({**FEE, "must_not": {"a": 1}}, "not a list of texts", id="must_not"),
        pytest.param({**FEE, "now": "noon"}, "no date and time", id="now"),
    ],
)
def test_a_wrong_line_is_named_with_its_remedy(tmp_path: Path, row: object, message: str) -> None:
    with pytest.raises(QuestionsUnreadable) as wrong:
        read_questions(written(tmp_path, {**FEE, "id": "first"}, row))
    problem = wrong.value.problems[0]
    assert problem.line == 2
    assert message in problem.message
    assert problem.remedy


def test_all_wrong_lines_are_named_at_once_and_an_id_counts_only_once(tmp_path: Path) -> None:
    with pytest.raises(QuestionsUnreadable) as wrong:
        read_questions(written(tmp_path, FEE, "?", FEE))
    assert [each.line for each in wrong.value.problems] == [2, 3]
    assert "used by line 1" in wrong.value.problems[1].message


def test_a_file_that_cannot_be_read_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "sjis.jsonl").write_bytes(b"\n" + "料金".encode("shift_jis"))
    (tmp_path / "empty.jsonl").write_bytes(b"")
    for name, line in (("sjis", 2), ("empty", 1), ("missing", 1)):
        with pytest.raises(QuestionsUnreadable) as wrong:
            read_questions(tmp_path / f"{name}.jsonl")
        assert wrong.value.problems[0].line == line


def test_more_than_ten_thousand_questions_are_refused(tmp_path: Path) -> None:
    rows = [{**FEE, "id": str(number)} for number in range(10_001)]
    with pytest.raises(QuestionsUnreadable, match="more than 10000"):
        read_questions(written(tmp_path, *rows))


def test_every_field_of_a_question_is_explained_to_staff() -> None:
    page = (ROOT / "docs" / "evaluation.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| (required|optional) \|", page, flags=re.MULTILINE)
    assert tuple(name for name, _ in rows) == FIELDS
    assert [need for _, need in rows] == ["required"] * 4 + ["optional"] * (len(FIELDS) - 4)


# Matching


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        pytest.param("大人は １，６００ 円です", "1,600円", id="full width"),
        pytest.param("Adults: ¥1,600", "1600 yen", id="another currency sign"),
        pytest.param("千六百円", "1,600円", id="kanji"),
        pytest.param("午後5時30分まで", "17:30", id="a time"),
        pytest.param("・標高：180〜420m", "180〜420m", id="a range after a colon"),
        pytest.param("・時間：8:30-17:15", "17:15", id="the end of a range"),
        pytest.param("電話 0837‐52‐1110", "0837-52-1110", id="another hyphen"),
        pytest.param("休（やす）む所（ところ）です", "休む所", id="readings in brackets"),
        pytest.param("Toilets: None", "none", id="case"),
        pytest.param("約45分で着きます", "45 minutes", id="a duration in another language"),
    ],
)
def test_a_fact_is_found_however_it_is_written(text: str, wanted: str) -> None:
    assert holds(text, wanted)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        pytest.param("大人 1,600円", "600円", id="part of an amount"),
        pytest.param("15,000円", "5,000円", id="part of a larger amount"),
        pytest.param("17:300", "17:30", id="part of a number"),
        pytest.param("Nothing is known", "no", id="part of a word"),
        pytest.param("1,600人", "1,600円", id="another unit"),
        pytest.param("2.5km", "5km", id="after a decimal point"),
    ],
)
def test_a_fact_is_not_found_in_part_of_another(text: str, wanted: str) -> None:
    assert not holds(text, wanted)


# Judging


def test_every_entry_must_be_met_and_any_alternative_will_do(tmp_path: Path) -> None:
    question = labelled(tmp_path, expected_facts=["1,600円|2,000円", "無料|タダ"])
    assert judge(question, said("大人1,600円、幼児は無料")).right
    half = judge(question, said("大人1,600円"))
    assert not half.right
    assert half.of(Fault.MISSING) == ("無料|タダ",)


def test_what_must_not_be_said_makes_an_answer_wrong(tmp_path: Path) -> None:
    question = labelled(tmp_path, must_not=["以前は|1,300円"])
    verdict = judge(question, said("1,600円です。以前は安かった"))
    assert verdict.of(Fault.FORBIDDEN) == ("以前は",)
    assert not verdict.right


@pytest.mark.parametrize(
    ("kind", "right"),
    [
        (AnswerKind.UNKNOWN, True),
        (AnswerKind.OFF_TOPIC, True),
        (AnswerKind.PERSONAL, True),
        (AnswerKind.HARMFUL, True),
        (AnswerKind.ANSWERED, False),
        (AnswerKind.EMERGENCY, False),
        (AnswerKind.CLARIFY, False),
        (AnswerKind.GREETING, False),
    ],
)
@pytest.mark.parametrize("label", ["REFUSE", ["REFUSE"]])
def test_only_a_refusal_is_a_right_refusal(
    tmp_path: Path, label: object, kind: AnswerKind, right: bool
) -> None:
    question = labelled(tmp_path, expected_facts=label)
    assert question.refused
    assert judge(question, said("お答えできません", kind)).right is right


def test_a_refusal_of_what_the_guides_know_is_wrong_even_if_it_holds_the_fact(
    tmp_path: Path,
) -> None:
    refusal = said("見つかりません。窓口 0837-62-0115", AnswerKind.UNKNOWN)
    question = labelled(tmp_path, expected_facts=["0837-62-0115"])
    assert judge(question, refusal).of(Fault.REFUSED) == ("unknown",)


def test_refuse_among_the_alternatives_allows_a_refusal_or_the_facts(tmp_path: Path) -> None:
    question = labelled(tmp_path, expected_facts=["REFUSE|1,600円"])
    assert judge(question, said("お答えできません", AnswerKind.OFF_TOPIC)).right
    assert judge(question, said("1,600円です")).right
    assert not judge(question, said("無料です")).right


def test_a_figure_that_no_cited_passage_holds_makes_an_answer_wrong(tmp_path: Path) -> None:
    question = labelled(tmp_path)
    verdict = judge(question, said("1,600円です。所要2時間です"))
    assert verdict.of(Fault.UNSUPPORTED) == ("2時間",)
    assert not verdict.right


@dataclass(frozen=True, slots=True)
class Total:
    """A computed result of a shape of its own."""

    passages: tuple[Passage, ...]
    amount: int
    parts: tuple[tuple[str, int], ...]
    on: date
    until: time
    stay: timedelta

    @property
    def each(self) -> int:
        return self.amount // 3


def test_a_computed_answer_may_state_its_own_values_and_no_others(tmp_path: Path) -> None:
    result = Total(
        (passage("9999円"),), 4050, (("850円", 1),), date(2026, 12, 5), time(17, 30),
        timedelta(minutes=90),
    )  # fmt: skip
    values = values_of(result)
    assert {"4050", "1350", "850", "2026-12-05", "1050", "90"} <= values
    assert "9999" not in values
    question = labelled(tmp_path, question="大人2人と小学生1人で?", expected_facts=["4,050円"])
    right = "1,600円×2人＋850円×1人＝4,050円(2026年12月5日、17:30まで、あと2時間15分、1人1,350円)"
    assert judge(question, said(right, values=values)).right
    wrong = judge(question, said(right + "、または5,000円", values=values))
    assert wrong.of(Fault.UNSUPPORTED) == ("5000円",)


def test_an_answer_without_source_is_counted_though_it_may_be_right(tmp_path: Path) -> None:
    verdict = judge(labelled(tmp_path), Said(AnswerKind.ANSWERED, "円", passages=(passage(),)))
    assert verdict.of(Fault.NO_SOURCE)


@pytest.mark.parametrize(
    ("text", "language", "own"),
    [
        ("はい、1,600円です", Language.JA, True),
        ("こたえます。1,600円（えん）です", Language.JA_EASY, True),
        ("Kagekiyodo Cave (景清洞): about 700 m is flat", Language.EN, True),
        ("Here: 秋芳洞 車いすで見られる範囲は、正面入口から約三分の一です", Language.EN, False),
        ("아키요시도(秋芳洞) 입장료 1,600엔 Wi-Fi", Language.KO, True),
        ("알려 드릴게요. カルスターは、ジオパークセンターの愛称です", Language.KO, False),
        ("我來回答你。電梯口停車場：免費", Language.ZH_HANT, True),
        ("我來回答你。電梯口停車場：免費", Language.ZH_HANS, False),
        ("我来回答你。电梯口停车场：免费(カルスト)", Language.ZH_HANS, True),
        ("我来回答你。ここに載せた催しの多くは、もう終わったものです", Language.ZH_HANS, False),
        ("119", Language.EN, True),
    ],
)
def test_the_language_of_an_answer_is_told_by_its_script(
    text: str, language: Language, own: bool
) -> None:
    assert in_language(text, language) is own


# Counting


def test_wilson_s_interval_is_the_published_one() -> None:
    # Newcombe (1998), table I: 81 of 263, 15 of 148, 0 of 20, 1 of 29.
    for right, n, low, high in (
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ):
        assert interval(right, n) == pytest.approx((low, high), abs=5e-5)
    assert interval(0, 0) == (0.0, 1.0)


def test_a_run_counts_answers_and_refusals_apart_and_can_be_compared_later(
    tmp_path: Path,
) -> None:
    path = written(
        tmp_path,
        {**FEE, "kind": "fee"},
        {**FEE, "id": "b", "lang": "en", "kind": "fee"},
        {**FEE, "id": "c", "expected_facts": "REFUSE", "kind": "absent"},
    )
    first, second, third = read_questions(path).questions
    right, wrong = said("1,600円です"), said("知りません", AnswerKind.UNKNOWN)
    verdicts = [judge(first, right), judge(second, wrong), judge(third, right)]
    run = evaluation("mizuki", "words", AT, verdicts)
    assert (run.total.right, run.total.n) == (1, 3)
    assert (run.answerable.right, run.answerable.n) == (1, 2)
    assert (run.refusals.right, run.refusals.n) == (0, 1)
    assert [(each.name, each.right, each.n) for each in run.by_kind()] == [
        ("fee", 1, 2),
        ("absent", 0, 1),
    ]
    assert [each.question.id for each in run.failures] == ["b", "c"]

    stored = tmp_path / "run.json"
    stored.write_text(json.dumps(run.as_json()), encoding="utf-8")
    earlier = {**read_baseline(stored), "gone": True}
    change = compare(earlier, [judge(first, wrong), judge(second, right)])
    assert (change.fixed, change.broken, change.removed) == (("b",), ("a",), ("c", "gone"))


@pytest.mark.parametrize("content", ["", "[]", '{"format": 99, "questions": []}', '{"format": 1}'])
def test_an_earlier_run_that_cannot_be_read_says_so(tmp_path: Path, content: str) -> None:
    path = tmp_path / "run.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(BaselineUnreadable, match=r"run\.json"):
        read_baseline(path)
