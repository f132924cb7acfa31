"""Names put back by their exact reading, and long ones of which one sound is misheard."""

import json

import pytest

from knowledge.voice.hearing.recovery import Recovered, Recovery, fold
from knowledge.voice.names import SpokenName, names_of_town
from tests.knowledge.voice.conftest import MINE

NAMES = [
    SpokenName("秋芳洞", "あきよしどう"),
    SpokenName("秋吉台", "あきよしだい"),
    SpokenName("秋吉台サファリランド", "あきよしだいさふぁりらんど"),
    SpokenName("サファリランド", "さふぁりらんど"),
    SpokenName("景清洞", "かげきよどう"),
    SpokenName("別府弁天池", "べっぷべんてんいけ"),
    SpokenName("長者ヶ森", "ちょうじゃがもり"),
    SpokenName("長登銅山", "ながのぼりどうざん"),
    SpokenName("長登", "ながのぼり"),
    SpokenName("道の駅おふく", "みちのえきおふく"),
    SpokenName("角島大橋", "つのしまおおはし"),
    SpokenName("美祢市", "みねし"),
    SpokenName("美東", "みとう"),
    SpokenName("萩", "はぎ"),
]


@pytest.fixture(scope="module")
def recovery() -> Recovery:
    return Recovery(NAMES, ["入洞料", "駐車場", "温泉", "交通"])


@pytest.mark.parametrize(
    ("heard", "said"),
    [
        pytest.param("秋吉堂はどこですか", "秋芳洞はどこですか", id="other characters"),
        pytest.param("あきよしどうはどこですか", "秋芳洞はどこですか", id="kana"),
        pytest.param("アキヨシドーはどこ", "秋芳洞はどこ", id="a long vowel"),
        pytest.param("加劇予動の時間", "景清洞の時間", id="no words at all"),
        pytest.param("別部弁天行けまで車で", "別府弁天池まで車で", id="a verb in it"),
        pytest.param("長者ガモリへ", "長者ヶ森へ", id="kanji and kana"),
        pytest.param("長野ボリ堂山の見学", "長登銅山の見学", id="voiced in the middle"),
        pytest.param("道の駅を福に", "道の駅おふくに", id="a particle that sounds the same"),
        pytest.param("つの島を橋から秋吉道まで", "角島大橋から秋芳洞まで", id="two names"),
    ],
)
def test_a_name_that_was_heard_is_spelled_as_the_town_does(
    recovery: Recovery, heard: str, said: str
) -> None:
    found = recovery.recover(heard)
    assert found.text == said
    assert found.names


def test_the_longest_name_is_meant_even_across_a_comma(recovery: Recovery) -> None:
    found = recovery.recover("秋吉台、サファリランドは今日")
    assert found.text == "秋吉台サファリランドは今日"
    assert found.names == ("秋吉台サファリランド",)


@pytest.mark.parametrize(
    "heard",
    [
        pytest.param("秋芳洞の近く", id="spelled already"),
        pytest.param("秋田堂はどこですか", id="nearly the sounds"),
        pytest.param("秋吉城はどこですか", id="one sound off"),
        pytest.param("未踏の地はどこですか", id="a word of its own"),
        pytest.param("剥ぎ取りますか", id="two sounds"),
        pytest.param("", id="nothing"),
    ],
)
def test_nothing_is_put_in_that_was_not_said(recovery: Recovery, heard: str) -> None:
    assert recovery.recover(heard).text == heard


def test_one_cave_is_never_taken_for_the_plateau(recovery: Recovery) -> None:
    assert recovery.recover("秋吉大の地下").names == ("秋吉台",)
    assert recovery.recover("秋吉道の地下").names == ("秋芳洞",)


def test_common_words_are_put_back_too_but_are_no_names(recovery: Recovery) -> None:
    found = recovery.recover("入道料と中車場と音線")
    assert found.text == "入洞料と駐車場と温泉"
    assert found.names == ()


def test_a_short_name_is_offered_and_not_put_in(recovery: Recovery) -> None:
    found = recovery.recover("峰市への行き方")
    assert found.text == "峰市への行き方"
    assert found.alternatives == ("美祢市への行き方",)


def test_a_word_that_sounds_like_a_name_is_asked_about() -> None:
    found = Recovery(
        [SpokenName("公園谷", "こうえんだに"), SpokenName("香炎", "こうえん")]
    ).recover("公園はどこですか")
    assert found.text == "公園はどこですか"
    assert found.alternatives == ("香炎はどこですか",)


def test_names_that_sound_the_same_are_alternatives() -> None:
    both = Recovery([SpokenName("大田原", "おおたわら"), SpokenName("太田原", "おおたわら")])
    assert both.recover("おおたわらのお店").text == "大田原のお店"
    assert both.recover("おおたわらのお店").alternatives == ("太田原のお店",)
    spelled = both.recover("太田原のお店")
    assert spelled.text == "太田原のお店"
    assert spelled.alternatives == ("大田原のお店",)


def test_very_long_texts_are_left_alone(recovery: Recovery) -> None:
    text = "秋吉堂" * 200
    assert recovery.recover(text).text == text


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("オオハシ", "オーハシ"),
        ("アキヨシドウ", "アキヨシドー"),
        ("ツヅク", "ツズク"),
        ("セイ", "セー"),
    ],
)
def test_readings_are_the_same_whatever_the_length_of_vowels(one: str, other: str) -> None:
    assert fold(one) == fold(other)


@pytest.mark.parametrize(
    ("heard", "meant"),
    [
        pytest.param("長登堂ちゃんの見学", "長登銅山の見学", id="its last word"),
        pytest.param("秋も指導でくれか使える", "秋芳洞でくれか使える", id="across words"),
        pytest.param("カゲキノドーの", "景清洞の", id="in kana"),
    ],
)
def test_a_long_name_of_which_one_sound_is_misheard_is_put_back(
    recovery: Recovery, heard: str, meant: str
) -> None:
    found = recovery.mend(recovery.recover(heard))
    assert found.text == meant
    assert found.names
    assert found.alternatives[0] == heard


@pytest.mark.parametrize(
    "heard",
    [
        pytest.param("秋吉台の広さ", id="another name of the town"),
        pytest.param("大正堂本店と最勝堂の店", id="two sounds"),
        pytest.param("ミメシの人口", id="a short name"),
        pytest.param("角島大橋から秋芳洞まで", id="names as they are"),
    ],
)
def test_what_may_be_something_else_is_left_as_it_was_heard(recovery: Recovery, heard: str) -> None:
    assert recovery.mend(Recovered(heard)) == Recovered(heard)


def test_a_particle_is_no_sound_of_a_name() -> None:
    town = Recovery([SpokenName("月山", "がっさん"), SpokenName("月山湖", "がっさんこ")])
    assert town.mend(Recovered("月山のリフト")).text == "月山のリフト"


def test_a_place_that_is_as_near_to_two_names_is_neither() -> None:
    both = Recovery([SpokenName("花見川", "はなみがわ"), SpokenName("花美山", "はなみやま")])
    near = Recovery([SpokenName("花見川", "はなみがわ"), SpokenName("花身沢", "はなみざわ")])
    assert both.mend(Recovered("ハナミダワへ")).text == "花見川へ"
    assert near.mend(Recovered("ハナミダワへ")).text == "ハナミダワへ"


def test_no_question_of_another_town_is_mended_into_a_name_of_this_one() -> None:
    towns = sorted(each.parent for each in MINE.parent.glob("*/questions.jsonl"))
    said = {
        folder: {
            told["question"]
            for told in map(
                json.loads, (folder / "questions.jsonl").read_text("utf-8").splitlines()
            )
            if told["lang"] == "ja"
        }
        for folder in towns
    }
    town = Recovery(names_of_town(MINE))
    others = [each for folder in towns if folder != MINE for each in said[folder]]
    assert len(others) > 100
    assert not [each for each in others if town.mend(Recovered(each)).text != each]
