"""Retrieval: which views count for which question, what is left out, and how well it finds."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path

import pytest

from benchmarks.retrieval.scores import score
from benchmarks.retrieval.sets import beir
from knowledge.encoders import Tier, encoders
from knowledge.ingest import read_guides
from knowledge.language import Language
from knowledge.library import Library
from knowledge.passage import Document, Kind, Passage, Status
from knowledge.retrieval.index import Index
from knowledge.retrieval.retrieve import (
    FOREIGN,
    JAPANESE,
    KANA_ONLY,
    VALID,
    Only,
    Retriever,
    Weights,
    weights,
)
from knowledge.testing import FakeEncoder

HERE = Path(__file__).parent


@pytest.fixture
def guides(tmp_path: Path) -> Retriever:
    return Retriever(
        Index.open(read_guides(HERE / "guides"), tmp_path, [FakeEncoder()], lambda _: None)
    )


def library(**texts: Mapping[str, object]) -> Library:
    """Passages of one document each."""
    passages, documents = [], []
    for name, parts in texts.items():
        given = {"language": Language.JA, "kind": Kind.PROSE, **parts}
        passages.append(Passage(name, name, "案内", (), **given))  # type: ignore[arg-type]
        head = (name, "案内", Language.JA, None, None, ())
        documents.append(Document(*head, None, Status.CURRENT, None, None, None))
    return Library(tuple(passages), tuple(documents))


@pytest.mark.parametrize(
    ("question", "language", "expected"),
    [
        ("洞窟の料金は", Language.JA, JAPANESE),
        ("どうくつのりょうきんは", Language.JA, KANA_ONLY),
        ("ドウクツ ﾘｮｳｷﾝ", Language.JA, KANA_ONLY),
        ("どうくつは なんじ まで", Language.JA_EASY, KANA_ONLY),
        ("cave fee", Language.EN, FOREIGN),
        ("門票多少錢", Language.ZH_HANT, FOREIGN),
        ("입장료", Language.KO, FOREIGN),
    ],
)
def test_the_script_of_a_question_decides_what_counts(
    question: str, language: Language, expected: Weights
) -> None:
    assert weights(question, language) == expected


def test_an_endpoint_counts_as_the_model_whose_place_it_takes() -> None:
    assert JAPANESE.of("endpoint") == JAPANESE.of("e5") > JAPANESE.of("use")


def test_what_is_no_longer_true_can_be_left_out(guides: Retriever) -> None:
    asked = "水城洞の以前の大人の入洞料"
    everything = guides.search(asked, language=Language.JA, k=50)
    valid = guides.search(asked, language=Language.JA, k=50, only=Only(statuses=VALID))
    assert Status.OLD in {each.passage.status for each in everything}
    assert Status.OLD not in {each.passage.status for each in valid}
    assert {each.number for each in valid} < {each.number for each in everything}


def test_a_language_can_be_asked_for(guides: Retriever) -> None:
    only = Only(languages=frozenset({Language.EN}))
    found = guides.search("水城洞の料金", language=Language.JA, k=50, only=only)
    assert found
    assert {each.passage.language for each in found} == {Language.EN}


def test_dates_and_documents_limit_what_is_found(tmp_path: Path) -> None:
    held = library(
        old={"text": "洞窟は三百円", "as_of": "2019-05", "review_by": date(2020, 1, 1)},
        year={"text": "洞窟は四百円", "as_of": "2025"},
        day={"text": "洞窟は五百円", "as_of": "2025-06-30"},
        undated={"text": "洞窟は広い"},
    )
    retriever = Retriever(Index.open(held, tmp_path, (), lambda _: None))

    def found(only: Only) -> set[str]:
        return {
            each.passage.id
            for each in retriever.search("洞窟", language=Language.JA, k=9, only=only)
        }

    assert found(Only(as_of_from=date(2025, 6, 30))) == {"year", "day", "undated"}
    assert found(Only(as_of_from=date(2025, 7, 1))) == {"year", "undated"}
    assert found(Only(reviewed=date(2026, 1, 1))) == {"year", "day", "undated"}
    assert found(Only(reviewed=date(2020, 1, 1))) == {"old", "year", "day", "undated"}
    assert found(Only(documents=frozenset({"old", "day"}))) == {"old", "day"}
    assert found(Only(documents=frozenset())) == set()


def test_the_best_k_are_those_of_a_longer_list(guides: Retriever) -> None:
    long = guides.search("水城洞の料金", language=Language.JA, k=20)
    short = guides.search("水城洞の料金", language=Language.JA, k=3)
    assert [each.number for each in long[:3]] == [each.number for each in short]
    assert [each.score for each in long] == sorted((each.score for each in long), reverse=True)
    assert guides.search("水城洞", language=Language.JA, k=0) == ()


@pytest.mark.parametrize(
    ("tier", "recall", "ndcg"),
    [(Tier.WORDS, 0.60, 0.45), (Tier.WORDS_USE, 0.90, 0.75)],
)
def test_a_small_labelled_set_is_found_no_worse_than_before(
    tmp_path: Path, tier: Tier, recall: float, ndcg: float
) -> None:
    labelled = beir(HERE / "labelled")
    index = Index.open(labelled.library, tmp_path, encoders(tier), lambda _: None)
    retriever = Retriever(index)
    run = {
        query.id: {
            each.passage.document: each.score
            for each in retriever.search(query.text, language=query.language, k=10)
        }
        for query in labelled.queries
    }
    values = score(run, labelled.qrels, [each.id for each in labelled.queries])
    means = {name: sum(each) / len(each) for name, each in values.items()}
    assert means["R@5"] >= recall, means
    assert means["nDCG@10"] >= ndcg, means
