"""A town's gazetteer adds names and synonyms, and says what is wrong with it."""

from pathlib import Path

import pytest

from knowledge.gazetteer import Gazetteer, read_gazetteer
from knowledge.ingest import read_guides
from knowledge.language import Language
from knowledge.retrieval.index import Index
from knowledge.retrieval.retrieve import Retriever
from knowledge.testing import write_guide

WHOLE = """
[[name]]
name = "水城洞"
reading = "みずきどう"
also = ["水城の穴"]
romaji = ["Mizuki-do"]
en = ["Mizuki Cave"]
zh-Hant = ["水城鐘乳洞"]
ko = ["미즈키 동굴"]

[[name]]
name = "青山駅"
reading = "あおやまえき"
en = ["Aoyama Station"]

[[synonym]]
words = ["役場", "町役所"]
"""


def gazetteer(folder: Path, text: str) -> Gazetteer:
    path = folder / "gazetteer.toml"
    path.write_text(text, encoding="utf-8")
    return read_gazetteer(path)


def test_a_reading_is_only_said_and_finds_nothing(tmp_path: Path) -> None:
    found = gazetteer(tmp_path, '[readings]\n"水城町" = "みずきまち"\n"駅" = "station"\n')
    assert found.readings == (("水城町", "みずきまち"),)
    assert found.entries == ()
    (problem,) = found.problems
    assert (problem.line, problem.remedy) == (3, "write it in hiragana")


def opened(folder: Path, text: str = WHOLE) -> Index:
    guides = folder / "guides"
    write_guide(guides, "cave", body="# 料金\n\n入るには500円かかります。", facility="水城洞")
    write_guide(guides, "way", body="# 道\n\n青山駅から歩いて5分です。", title="行き方")
    write_guide(guides, "office", body="# 窓口\n\n役場で手続きします。", title="手続き")
    write_guide(guides, "walk", body="# 散歩\n\n川に沿って歩きます。", title="散歩")
    found = gazetteer(folder, text)
    assert found.problems == ()
    return Index.open(read_guides(guides), folder / "cache", (), lambda _: None, gazetteer=found)


@pytest.mark.parametrize(
    "spelling",
    ["水城の穴", "Mizuki Cave", "mizukicave", "水城鐘乳洞", "미즈키 동굴", "みずきどー", "ﾐｽﾞｷﾄﾞｳ"],
)
def test_a_sight_is_found_by_every_name_of_the_gazetteer(tmp_path: Path, spelling: str) -> None:
    (name,) = opened(tmp_path).names.find(f"{spelling} の料金")
    assert name.facility == "水城洞"
    assert name.documents == {"cave"}


def test_a_place_without_a_document_leads_to_the_passages_that_name_it(tmp_path: Path) -> None:
    retriever = Retriever(opened(tmp_path))
    (name,) = retriever.index.names.find("Aoyama Station")
    assert name.documents == frozenset()
    (best,) = retriever.search("Aoyama Station", language=Language.EN, k=1)
    assert best.passage.document == "way"


def test_a_local_reading_is_how_a_question_in_kana_is_understood(tmp_path: Path) -> None:
    index = opened(tmp_path)
    scores = index.reading_scores("あおやまえき")
    assert index.library.passages[int(scores.argmax())].document == "way"


def test_words_that_mean_the_same_here_find_each_other(tmp_path: Path) -> None:
    with_synonyms = Retriever(opened(tmp_path / "a"))
    (best,) = with_synonyms.search("町役所はどこ", language=Language.JA, k=1)
    assert best.passage.document == "office"
    terms = with_synonyms.index.query_terms("町役所はどこ", Language.JA)
    assert terms["役場"] < 1.0

    without = Retriever(opened(tmp_path / "b", ""))
    assert "役場" not in without.index.query_terms("町役所はどこ", Language.JA)


def test_a_name_of_one_document_stays_its_own(tmp_path: Path) -> None:
    guides = tmp_path / "guides"
    write_guide(guides, "a", body="# a\n\n台地です。", facility="青山台")
    write_guide(guides, "b", body="# b\n\n火をつけます。", facility="青山台", aliases="[山焼き]")
    found = gazetteer(tmp_path, '[[name]]\nname = "青山台"\nalso = ["山焼き", "大草原"]\n')
    index = Index.open(read_guides(guides), tmp_path / "c", (), lambda _: None, gazetteer=found)
    assert index.names.find("山焼きはいつ")[0].documents == {"b"}
    assert index.names.find("大草原はどこ")[0].documents == {"a", "b"}


def test_a_town_needs_no_gazetteer(tmp_path: Path) -> None:
    assert read_gazetteer(tmp_path / "gazetteer.toml") == Gazetteer()


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ('[[name]]\nname = "a"\n\n[[name]]\nreading = "あ"\n', 4, "no name"),
        ('[[name]]\nname = "a"\nreading = "yomi"\n', 1, "not kana"),
        ('[[name]]\nname = "a"\nfr = ["b"]\n', 1, "unknown key fr"),
        ('[[name]]\nname = "a"\n[[name]]\nname = "a"\n', 3, "second time"),
        ('[[name]]\nname = "a"\nen = [1]\n', 1, "en holds what is no name"),
        ('[[synonym]]\nwords = ["一つ"]\n', 1, "two words"),
        ('\n[[place]]\nname = "a"\n', 2, "unknown table place"),
        ('name = "a"\n', 1, "no list"),
        ('[[name]]\nname = "a\n', 2, "no TOML"),
    ],
)
def test_a_mistake_is_said_with_line_and_remedy(
    tmp_path: Path, text: str, line: int, said: str
) -> None:
    (problem,) = gazetteer(tmp_path, text).problems
    assert (problem.file, problem.line) == ("gazetteer.toml", line)
    assert said in problem.message
    assert problem.remedy


def test_what_is_right_stays_beside_a_mistake(tmp_path: Path) -> None:
    found = gazetteer(tmp_path, '[[name]]\nreading = "あ"\n[[name]]\nname = "洞"\nen = ["Cave"]\n')
    assert [each.name for each in found.entries] == ["洞"]
    assert len(found.problems) == 1


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"#" * 1_000_001])
def test_a_file_that_is_no_text_or_too_large_is_a_problem(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "gazetteer.toml"
    path.write_bytes(content)
    found = read_gazetteer(path)
    assert found.entries == ()
    assert len(found.problems) == 1


def test_the_example_in_the_documentation_is_right(tmp_path: Path) -> None:
    page = Path(__file__).parents[2] / "docs" / "town.md"
    section = page.read_text(encoding="utf-8").split("## Gazetteer")[1]
    found = gazetteer(tmp_path, section.split("```text")[1].split("```")[0])
    assert found.problems == ()
    assert found.entries[0].reading == "あおやまどう"
    assert found.synonyms == (("役場", "市役所"),)


GLOSSARY = """
[names]
"水城市" = { en = "Mizuki City", zh-Hant = "水城市", zh-Hans = "水城市", ko = "미즈키시" }
"水城洞" = { en = "Mizuki Grotto", zh-Hant = "水城岩洞", zh-Hans = "水城岩洞", ko = "미즈키 석굴" }
"白浜駅" = { en = "Shirahama Station", zh-Hant = "白濱站", zh-Hans = "白滨站", ko = "시라하마역" }
"水城1-2" = { en = "1-2 Mizuki", zh-Hant = "水城1-2", zh-Hans = "水城1-2", ko = "미즈키 1-2" }
"""


def test_the_names_of_the_glossary_are_heard_but_for_addresses(tmp_path: Path) -> None:
    (tmp_path / "glossary.toml").write_text(GLOSSARY, encoding="utf-8")
    read = gazetteer(tmp_path, WHOLE)
    assert [each.name for each in read.entries] == ["水城洞", "青山駅", "水城市", "白浜駅"]
    assert "Mizuki Cave" in read.entries[0].others  # the gazetteer's own entry wins
    assert "시라하마역" in read.entries[-1].others


@pytest.mark.parametrize(
    ("question", "facilities"),
    [
        ("미즈키 석굴 요금", ["水城洞"]),
        ("시라하마역에서 미즈키 석굴까지 버스로", ["水城洞", "白浜駅"]),
        ("시라하마역에 있는 미즈키 석굴 요금", ["水城洞"]),
        ("시라하마역 요금", []),
    ],
)
def test_a_place_that_is_only_mentioned_tells_from_where(
    tmp_path: Path, question: str, facilities: list[str]
) -> None:
    (tmp_path / "glossary.toml").write_text(GLOSSARY, encoding="utf-8")
    index = opened(tmp_path, "")
    assert sorted(each.facility for each in index.names.find(question)) == sorted(facilities)
