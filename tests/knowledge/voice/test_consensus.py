"""Of all that may have been said, what most of it sounds like."""

import pytest

from knowledge.voice.consensus import distance, likeliest
from knowledge.voice.recovery import Recovered


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
