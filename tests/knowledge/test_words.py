"""Words and readings: what is compared when a question meets a passage."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from knowledge.kana import fold_reading, romaji_to_kana
from knowledge.language import Language
from knowledge.retrieval.bm25 import Bm25
from knowledge.words import Words, grams, stem


@pytest.fixture(scope="module")
def words() -> Words:
    return Words()


@pytest.mark.parametrize(
    ("romaji", "kana"),
    [
        ("akiyoshido", "アキヨシド"),
        ("shin-yamaguchi", "シンヤマグチ"),
        ("tsuwano", "ツワノ"),
        ("motonosumi", "モトノスミ"),
        ("gassan", "ガッサン"),
        ("matcha", "マッチャ"),
        ("taishōdō", "タイショウドウ"),
        ("shimbun", "シンブン"),
        ("price", None),
        ("", None),
    ],
)
def test_romaji_reads_as_kana_and_english_does_not(romaji: str, kana: str | None) -> None:
    assert romaji_to_kana(romaji) == kana


def test_spellings_of_one_reading_meet(words: Words) -> None:
    names = {"秋芳洞": "あきよしどう"}
    spellings = ["秋芳洞", "あきよしどう", "ｱｷﾖｼﾄﾞｳ", "アキヨシドー", "akiyoshido", "Akiyoshidou"]
    assert {words.reading(each, names) for each in spellings} == {"アキヨシド"}


def test_long_vowels_fold_and_others_stay() -> None:
    assert fold_reading("シュウホウ") == "シュホ"
    assert fold_reading("アウル") == "アウル"


def test_particles_and_question_words_are_no_terms(words: Words) -> None:
    assert words.terms("秋芳洞の料金はいくらですか?", Language.JA) == ["秋芳", "洞", "料金"]


def test_terms_are_normalised(words: Words) -> None:
    assert words.terms("打ち合わせ", Language.JA) == words.terms("打合せ", Language.JA)
    assert words.terms("Fees", Language.EN) == words.terms("fee", Language.EN)


def test_chinese_and_korean_are_compared_by_character_pairs(words: Words) -> None:
    assert "門票" in words.terms("秋芳洞門票", Language.ZH_HANT)
    assert words.terms("입장료", Language.KO) == ["입장", "장료"]


def test_a_stem_keeps_short_and_double_s_words() -> None:
    assert [stem(each) for each in ("fees", "bus", "pass", "cities")] == [
        "fee", "bus", "pass", "city",
    ]  # fmt: skip


def test_one_dictionary_serves_many_threads(words: Words) -> None:
    texts = ["秋芳洞の入洞料は大人千六百円です。" * 20] * 32
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda text: words.terms(text, Language.JA), texts))
    assert all(each == results[0] for each in results)


def test_a_very_long_text_is_read_in_parts(words: Words) -> None:
    assert len(words.terms("料金" * 40_000, Language.JA)) >= 40_000


def test_bm25_prefers_rare_terms_and_short_documents() -> None:
    index = Bm25.of([["料金", "洞"], ["料金", "洞", "山", "川", "町"], ["犬"]])
    assert list(index.scores(["洞"]).argsort()[::-1][:2]) == [0, 1]
    assert index.idf("犬") > index.idf("洞")
    assert index.scores(["猫"]).tolist() == [0.0, 0.0, 0.0]
    assert "猫" not in index


def test_bm25_of_nothing_scores_nothing() -> None:
    assert Bm25.of([]).scores(["料金"]).shape == (0,)


def test_grams_are_pairs_and_triples() -> None:
    assert grams("アキヨ") == ["アキ", "キヨ", "アキヨ"]
