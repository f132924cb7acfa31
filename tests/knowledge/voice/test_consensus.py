"""Of all that may have been said, what most of it sounds like."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.voice.hearing.consensus import distance, likeliest, nearest
from knowledge.voice.hearing.recovery import Recovered


def guess(text: str, weight: float, *names: str) -> tuple[Recovered, float]:
    return Recovered(text, names), weight


def test_what_most_guesses_sound_like_wins_over_the_likeliest() -> None:
    best, risk = likeliest(
        [guess("zebra", 1.0), guess("cavern", 0.8), guess("cavers", 0.8)], str.casefold
    )
    assert best.text in {"cavern", "cavers"}
    assert 0 < risk < 1


def test_a_name_of_the_town_counts_in_favour() -> None:
    guesses = [guess("かけ木洞", 0.6), guess("景清洞", 0.4, "景清洞")]
    assert likeliest(guesses, str)[0].text == "景清洞"


def test_a_name_does_not_win_against_all_the_others() -> None:
    others = [guess("雨の日に行ける場所", 0.9), guess("雨の日にいける場所", 0.9)]
    best, _ = likeliest([guess("秋吉台", 0.1, "秋吉台"), *others], str)
    assert best.text != "秋吉台"


def test_spellings_of_one_sound_support_one_another() -> None:
    sounds = {
        "出来ますか": "デキマスカ",
        "できますか": "デキマスカ",
        "出来マストか": "デキマストカ",
    }
    best, _ = likeliest(
        [guess("出来マストか", 0.6), guess("出来ますか", 0.5), guess("できますか", 0.5)],
        sounds.__getitem__,
    )
    assert best.text == "出来ますか"


def test_one_guess_is_certain_of_itself() -> None:
    assert likeliest([guess("秋芳洞", 0.3)], str) == (Recovered("秋芳洞"), 0.0)


@pytest.mark.parametrize(
    ("one", "other", "edits"),
    [("", "", 0), ("abc", "abc", 0), ("abc", "", 3), ("", "ab", 2), ("kitten", "sitting", 3)],
)
def test_distance_counts_edits(one: str, other: str, edits: int) -> None:
    assert distance(one, other) == edits


def test_a_name_that_only_the_prompt_suggests_counts_for_little() -> None:
    untold = ["kutaniyaki wa", "kutaniyaki was", "kutaniyaki ha"]
    heard = [guess(each, 0.4) for each in untold]
    guesses = [guess("kakusenkei wa", 0.5, "kakusenkei"), *heard]
    assert likeliest(guesses, str)[0].text == "kakusenkei wa"
    assert likeliest(guesses, str, untold=untold)[0].text in untold


def test_a_name_that_was_nearly_heard_without_the_prompt_counts() -> None:
    guesses = [guess("kutaniyaka wa", 0.6), guess("kutaniyaki wa", 0.4, "kutaniyaki")]
    assert likeliest(guesses, str, untold=["kutaniyaka wa"])[0].text == "kutaniyaki wa"


@given(st.text("ab", max_size=6), st.text("abc", max_size=8))
def test_the_nearest_part_is_the_best_of_all_parts(one: str, other: str) -> None:
    parts = [other[a:b] for a in range(len(other) + 1) for b in range(a, len(other) + 1)]
    assert nearest(one, other) == min(distance(one, each) for each in parts)


def by_cells(one: str, other: str) -> int:
    """As Wagner and Fischer (1974) wrote it down."""
    row = list(range(len(other) + 1))
    for number, character in enumerate(one, 1):
        corner, row[0] = row[0], number
        for place, against in enumerate(other, 1):
            change = corner + (character != against)
            corner, row[place] = row[place], min(row[place] + 1, row[place - 1] + 1, change)
    return row[-1]


@given(one=st.text("アキヨシ", max_size=80), other=st.text("アキヨシ", max_size=80))
def test_distance_is_that_of_the_textbook(one: str, other: str) -> None:
    assert distance(one, other) == distance(other, one) == by_cells(one, other)


def test_each_pair_is_compared_once(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[frozenset[str]] = []

    def counted(one: str, other: str) -> int:
        compared.append(frozenset({one, other}))
        return by_cells(one, other)

    monkeypatch.setattr("knowledge.voice.hearing.consensus.distance", counted)
    likeliest([guess(each, 1.0) for each in ("ア", "アキ", "アキヨ", "アキ")], str)
    assert len(compared) == len(set(compared)) == 3
