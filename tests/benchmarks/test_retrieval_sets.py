"""Labelled sets are read as their formats say, and a faulty one is refused with file and line."""

import json
from pathlib import Path

import pytest

from benchmarks.retrieval.forms import Hiragana, half_width, one_typo
from benchmarks.retrieval.scores import interval, score, write_qrels, write_run
from benchmarks.retrieval.sets import UnreadableSet, beir, bulletin, jsquad, sampled, town
from knowledge.language import Language
from knowledge.testing import write_guide

CORPUS = [
    {"_id": "d1", "title": "料金", "text": "500円です。"},
    {"_id": "d2", "text": "無料です。"},
]
QUERIES = [
    {"_id": "q1", "text": "いくら"},
    {"_id": "q2", "text": "fee", "lang": "en"},
    {"_id": "q3", "text": "誰も判定していない"},
]
QRELS = "query-id\tcorpus-id\tscore\nq1\td1\t2\nq1\td2\t0\nq2\td2\t1\n"


def folder(path: Path, *, corpus: object = None, qrels: str = QRELS) -> Path:
    def lines(entries: object) -> str:
        return (
            "".join(f"{json.dumps(each, ensure_ascii=False)}\n" for each in entries)
            if isinstance(entries, list)
            else str(entries)
        )

    (path / "qrels").mkdir(parents=True)
    (path / "corpus.jsonl").write_text(lines(corpus or CORPUS), encoding="utf-8")
    (path / "queries.jsonl").write_text(lines(QUERIES), encoding="utf-8")
    (path / "qrels" / "test.tsv").write_text(qrels, encoding="utf-8")
    return path


def test_a_folder_in_beirs_format_becomes_documents_queries_and_judgements(tmp_path: Path) -> None:
    read = beir(folder(tmp_path / "set"))
    assert read.texts() == {"d1": "料金\n500円です。", "d2": "無料です。"}
    assert [(each.id, each.language) for each in read.queries] == [
        ("q1", Language.JA),
        ("q2", Language.EN),
    ]
    assert read.qrels == {"q1": {"d1": 2}, "q2": {"d2": 1}}


@pytest.mark.parametrize(
    ("corpus", "qrels", "said"),
    [
        ('{"_id": "d1", "text": "a"}\n{broken\n', QRELS, r"corpus.jsonl:2: no JSON"),
        ('{"_id": "d1"}\n', QRELS, r"corpus.jsonl:1: needs the texts"),
        ('{"_id": 1, "text": "a"}\n', QRELS, r"corpus.jsonl:1: needs the texts"),
        (CORPUS, "q1\td1\n", r"test.tsv:1: needs query"),
        (CORPUS, "q1\td1\tyes\n", r"test.tsv:1: needs query"),
        (CORPUS, "q1\td9\t1\n", r"wants document d9"),
    ],
)
def test_a_faulty_line_is_named(tmp_path: Path, corpus: object, qrels: str, said: str) -> None:
    with pytest.raises(UnreadableSet, match=said):
        beir(folder(tmp_path / "set", corpus=corpus, qrels=qrels))


@pytest.mark.parametrize("file", ["corpus.jsonl", "queries.jsonl", "qrels/test.tsv"])
def test_a_missing_file_is_named(tmp_path: Path, file: str) -> None:
    path = folder(tmp_path / "set")
    (path / file).unlink()
    with pytest.raises(UnreadableSet, match=Path(file).name):
        beir(path)


def test_jsquad_is_questions_to_paragraphs(tmp_path: Path) -> None:
    paragraph = {"context": "梅雨 [SEP] 雨の多い期間。", "qas": [{"id": "a", "question": "雨は?"}]}
    content = {"data": [{"title": "梅雨", "paragraphs": [paragraph]}]}
    (tmp_path / "valid-v1.3.json").write_text(json.dumps(content), encoding="utf-8")
    read = jsquad(tmp_path)
    assert read.texts() == {"p0": "梅雨\n雨の多い期間。"}
    assert read.qrels == {"a": {"p0": 1}}


def test_a_headline_asks_for_all_articles_below_it(tmp_path: Path) -> None:
    head = "自治体名,記事タイトル,記事本文\n"
    text = (
        "図書館で読み聞かせの会を開きます。申し込みは要りません。お子さんと一緒にお越しください。"
    )
    rows = f"青山市,お話し会,{text}\n青山市,お話し会,次の月も{text}\n緑町,水泳教室,プールの{text}\n"
    (tmp_path / "a.csv").write_text(head + rows + "青山市,短い,短い\n", encoding="utf-8")
    read = bulletin(tmp_path, "青山")
    assert [each.text for each in read.queries] == ["お話し会"]
    assert set(read.qrels[read.queries[0].id]) == {"a0", "a1"}
    assert len(read.texts()) == 3


def test_our_questions_want_the_passages_that_hold_an_expected_fact(tmp_path: Path) -> None:
    write_guide(
        tmp_path / "guides", "a", body="# 料金\n\n大人は500円です。\n\n# 犬\n\n犬も入れます。"
    )
    questions = tmp_path / "questions.jsonl"
    entries = [
        {"id": "1", "lang": "ja", "question": "いくら", "expected": ["600円", "500円 + 大人"]},
        {"id": "2", "lang": "ja", "question": "それは?", "expected": ["500円"], "before": ["x"]},
        {"id": "3", "lang": "ja", "question": "市長の電話は", "expected": [], "kind": "unknown"},
    ]
    questions.write_text("\n".join(map(json.dumps, entries)), encoding="utf-8")
    read = town(tmp_path, questions)
    assert [each.id for each in read.queries] == ["1"]
    (right,) = read.qrels["1"]
    assert "500円" in read.texts()[right]


def test_a_sample_is_the_same_on_every_machine(tmp_path: Path) -> None:
    read = beir(folder(tmp_path / "set"))
    assert sampled(read, 1) == sampled(read, 1)
    assert len(sampled(read, 1).queries) == 1
    assert sampled(read, 0) == sampled(read, 99) == read


def test_a_query_without_results_counts_as_nothing_found() -> None:
    qrels = {"q1": {"d1": 1}, "q2": {"d2": 1}}
    values = score({"q1": {"d1": 1.0, "d2": 0.5}}, qrels, ["q1", "q2"])
    assert values["R@5"] == [1.0, 0.0]
    assert values["Success@1"] == [1.0, 0.0]
    assert interval([1.0] * 20) == (1.0, 1.0)


def test_runs_and_judgements_are_written_as_trec_does(tmp_path: Path) -> None:
    write_run(tmp_path / "run", {"q1": {"d2": 0.5, "d1": 1.0}}, "ours too")
    write_qrels(tmp_path / "qrels", {"q1": {"d1": 2}})
    assert (tmp_path / "run").read_text() == (
        "q1 Q0 d1 1 1.000000 ours-too\nq1 Q0 d2 2 0.500000 ours-too\n"
    )
    assert (tmp_path / "qrels").read_text() == "q1 0 d1 2\n"


def test_forms_change_how_a_question_is_typed() -> None:
    assert half_width("カードとガム") == "ｶｰﾄﾞとｶﾞﾑ"
    assert Hiragana()("東京のカフェ") == "とうきょうのかふぇ"
    assert one_typo("図書館の時間") == one_typo("図書館の時間") != "図書館の時間"
    assert one_typo("図") == "図"
