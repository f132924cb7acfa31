"""What is said first, and how much at once."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.language import Language
from knowledge.voice.names import SpokenName
from knowledge.voice.speaking.mei import Mei
from knowledge.voice.speaking.pacing import Pace, Script, Turn
from knowledge.voice.spoken import Sentence, sentences
from knowledge.voice.spoken.clauses import cut, sounds
from tests.world.voices import need

LONG = "秋芳洞の入洞料は、大人は1300円、中学生は1050円、小学生は700円で、団体割引もあります。"
QUICK, SLOW = 0.05, 0.4


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def said(text: str, pace: float, names: tuple[SpokenName, ...] = ()) -> list[Sentence]:
    """The pieces of an answer by a voice that works as fast as it says, with nobody beside."""
    clock = Clock()
    turn = Turn(["kokoro"], clock)
    script = Script(sentences(text, Language.JA, names), Language.JA, names)
    pieces: list[Sentence] = []
    while script:
        piece = script.take(*turn.room(pace))
        seconds = sounds(piece.said, Language.JA) / 7.5
        clock.now += pace * seconds
        turn.made(seconds)
        pieces.append(piece)
    return pieces


def test_a_slow_voice_says_the_first_clause_first_and_then_more_and_more() -> None:
    pieces = said(LONG, SLOW)
    assert pieces[0].said == "秋芳洞の入洞料は、"
    lengths = [sounds(each.said, Language.JA) for each in pieces]
    assert lengths[0] < lengths[1] < lengths[2]
    assert "".join(each.said for each in pieces) == LONG


def test_a_fast_voice_says_all_that_follows_its_first_clause_at_once() -> None:
    pieces = said(LONG + "休みはありません。", QUICK)
    assert [each.said for each in pieces] == [
        "秋芳洞の入洞料は、",
        LONG.removeprefix("秋芳洞の入洞料は、"),
        "休みはありません。",
    ]


def test_every_piece_of_a_sentence_shows_all_of_it_and_knows_what_follows() -> None:
    pieces = said(LONG, SLOW)
    assert {each.text for each in pieces} == {LONG}
    assert pieces[0].then.startswith("大人は1300円")
    assert pieces[-1].then == ""


@pytest.mark.parametrize("pace", [0.05, 0.2, 0.4, 0.6])
def test_nobody_hears_a_gap_while_the_voice_keeps_its_pace(pace: float) -> None:
    text = (
        "はい、お答えしますね。"
        + LONG
        + "受付は8:30〜17:30で、休みの日はありませんが、工事の日は別です。"
    )
    made = played = 0.0
    for at, piece in enumerate(said(text, pace)):
        seconds = sounds(piece.said, Language.JA) / 7.5
        made += pace * seconds
        assert at == 0 or made <= played + 0.01
        played = max(played, made) + seconds


def test_a_short_sentence_stays_whole() -> None:
    assert [each.said for each in said("はい、お答えしますね。", SLOW)] == [
        "はい、お答えしますね。"
    ]
    assert said("はい、そうです。", SLOW)[0].said == "はい、そうです。"


@pytest.mark.parametrize(
    ("text", "first"),
    [
        pytest.param(
            "新山口駅から防長バスで約40分、運賃は1170円です。", "新山口駅から、", id="phrase"
        ),
        pytest.param("1300万4500円と2600万円を市が負担します。", None, id="no place"),
        pytest.param(
            "美祢線ビオプラザ美祢は駅の隣にあって9時に開きます。",
            "美祢線ビオプラザ美祢は、",
            id="は",
        ),
        pytest.param("道の駅から寺というラーメン店で食べられます。", None, id="a name"),
    ],
)
def test_a_sentence_without_a_comma_is_cut_where_a_phrase_ends(
    text: str, first: str | None
) -> None:
    names = (SpokenName("道の駅から寺", "みちのえきからてら"),)
    head, rest = cut(text, Language.JA, names, least=8, most=12)
    assert head == (first or text)
    assert bool(rest) is (first is not None)


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("Admission to Akiyoshido Cave, the largest in the country, is 1,300 yen.",
         "Admission to Akiyoshido Cave,"),
        ("It takes about forty minutes by bus from Shin-Yamaguchi Station to the cave.",
         "It takes about forty minutes,"),
    ],
)  # fmt: skip
def test_english_is_cut_at_a_comma_or_before_a_joining_word(text: str, first: str) -> None:
    assert cut(text, Language.EN, least=8, most=14)[0] == first


@pytest.mark.parametrize("most", [12, 14, 16, 20, 25])
@pytest.mark.parametrize(
    ("language", "text", "whole"),
    [
        (Language.EN, "The whole walk usually takes about 2 to 3 hours for them.", "2 to 3"),
        (Language.EN, "The whole walk usually takes about two or three hours for us.",
         "two or three"),
        (Language.EN, "Children aged 6 to 12 pay half the price of an adult.", "6 to 12"),
        (Language.EN, "The cave is open 9 a.m. to 5 p.m. all the year and on holidays.",
         "9 a.m. to 5"),
        (Language.EN, "The shop is open Monday to Friday and from March until November.",
         "Monday to Friday"),
        (Language.JA, "所要時間はおよそ40から50分です。", "40から50"),
        (Language.JA, "定員は20から30名くらいです。", "20から30"),
        (Language.JA, "名物は鶏から揚げ弁当です。", "鶏から揚げ"),
        (Language.JA, "こちらは山口県のため池百選です。", "ため池"),
    ],
)  # fmt: skip
def test_no_range_and_no_word_is_cut(language: Language, text: str, whole: str, most: int) -> None:
    head, rest = cut(text, language, least=8, most=most)
    assert whole in head or whole in rest


@given(
    st.text(st.sampled_from("秋芳洞はから、12,3.5円ですがAbc バス「」にでも"), max_size=60),
    st.sampled_from([Language.JA, Language.EN, Language.ZH_HANS]),
    st.floats(8, 40),
)
def test_a_cut_loses_nothing_and_lies_in_no_number_and_no_latin_word(
    text: str, language: Language, most: float
) -> None:
    head, rest = cut(text, language, least=8, most=most)
    comma = "、" if language.japanese else ","
    together = {re.sub(r"\s", "", each) for each in (head + rest, head.removesuffix(comma) + rest)}
    assert re.sub(r"\s", "", text) in together
    if rest:
        assert not re.search(r"[0-9A-Za-z]$", head)
        assert sounds(head, language) >= 8


def test_a_pace_is_told_by_what_was_lately() -> None:
    pace = Pace(0.5)
    for _ in range(20):
        pace.add(1.2, 4.0)
    assert pace.value == pytest.approx(0.3, abs=0.02)
    for _ in range(10):
        pace.add(4.0, 4.0)
    assert pace.value > 0.8


def test_one_short_piece_tells_no_pace() -> None:
    turn = Turn(["kokoro", "mei"])
    assert turn.worked(1.4, 1.2) is None
    assert turn.worked(0.6, 1.6) == pytest.approx(2.0 / 2.8)


def test_a_clause_of_mei_does_not_close_its_melody() -> None:
    need("pyopenjtalk")
    alone = Mei().speak("別府弁天池は、", language="ja", speed=1.0)
    within = Mei().speak(
        "別府弁天池は、", language="ja", speed=1.0, then="秋芳洞から車で約15分です。"
    )
    assert not np.array_equal(within.samples, alone.samples)
    whole = Mei().speak("別府弁天池は、秋芳洞から車で約15分です。", language="ja", speed=1.0)
    loud = np.flatnonzero(np.abs(whole.samples) > 0.01)
    silence = int(np.argmax(np.diff(loud)))  # the comma
    assert within.seconds == pytest.approx(loud[silence] / whole.rate, abs=0.08)
