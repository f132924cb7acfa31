"""A text's language is told by its script; what a script cannot tell, the default decides."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.language import Language, detect
from knowledge.text import askable, clean, fold, sentences, without_ruby


@pytest.mark.parametrize(
    ("text", "default", "expected"),
    [
        pytest.param("秋芳洞の料金は?", Language.EN, Language.JA, id="kana is Japanese"),
        pytest.param("ｱｷﾖｼﾄﾞｳ", Language.EN, Language.JA, id="half-width kana is Japanese"),
        pytest.param("これは?", Language.JA_EASY, Language.JA_EASY, id="easy Japanese stays easy"),
        pytest.param("입장료 얼마예요?", Language.JA, Language.KO, id="hangul is Korean"),
        pytest.param("How much is it?", Language.JA, Language.EN, id="Latin is English"),
        pytest.param("How is 秋芳洞 read?", Language.JA, Language.EN, id="a name in English"),
        pytest.param("料金", Language.JA, Language.JA, id="a bare Han noun is the default's"),
        pytest.param("門票多少錢", Language.JA, Language.ZH_HANT, id="錢 is traditional"),
        pytest.param("门票多少钱", Language.JA, Language.ZH_HANS, id="钱 is simplified"),
        pytest.param("料金", Language.ZH_HANT, Language.ZH_HANT, id="a Chinese default stays"),
        pytest.param("🎉 12", Language.KO, Language.KO, id="no letters: the default"),
    ],
)
def test_the_script_tells_the_language(text: str, default: Language, expected: Language) -> None:
    assert detect(text, default) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("akiyoshidai no hirosa", Language.JA),
        ("akiyoshido wa nanji made desu ka", Language.JA),
        ("How much is Akiyoshido?", Language.EN),
        ("no", Language.EN),
        ("made in Japan", Language.EN),
        ("to no one", Language.EN),
    ],
)
def test_japanese_in_latin_letters_is_japanese(text: str, expected: Language) -> None:
    assert detect(text, Language.EN) is expected


@given(st.text(max_size=200), st.sampled_from(Language))
def test_any_text_has_a_language(text: str, default: Language) -> None:
    assert isinstance(detect(text, default), Language)


@given(st.text(max_size=200))
def test_clean_text_holds_nothing_invisible_and_cleaning_it_again_changes_nothing(
    text: str,
) -> None:
    cleaned = clean(text)
    assert cleaned.isprintable()
    assert clean(cleaned) == cleaned


def test_control_zero_width_and_direction_marks_are_dropped() -> None:
    assert clean("料\u200b金\u202eは\x00?\u3000 いくら") == "料金は? いくら"


def test_kana_and_width_do_not_tell_names_apart() -> None:
    assert fold("あきよしどう") == fold("ｱｷﾖｼﾄﾞｳ") == "アキヨシドウ"


@pytest.mark.parametrize("nothing", ["", "   ", "🎉🎉", "\u200b\u200d", "?!…", "♪"])
def test_what_holds_no_letter_and_no_digit_cannot_be_asked(nothing: str) -> None:
    assert not askable(clean(nothing))


def test_sentences_are_verbatim_and_a_decimal_point_ends_none() -> None:
    text = "総延長は11.2kmです。「近い。」と言う。It is 1.5 km. Come early!"
    assert list(sentences(text)) == [
        "総延長は11.2kmです。",
        "「近い。」と言う。",
        "It is 1.5 km.",
        "Come early!",
    ]


def test_readings_in_brackets_are_left_out_of_comparisons_but_remarks_are_not() -> None:
    assert without_ruby("洞窟（どうくつ）は1,600円（大人）") == "洞窟は1,600円（大人）"
