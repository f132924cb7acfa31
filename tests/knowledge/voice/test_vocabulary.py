"""What a recogniser is told of a town."""

from knowledge.voice.hearing.guards import recites
from knowledge.voice.hearing.vocabulary import vocabulary
from knowledge.voice.names import SpokenName

NAMES = [
    SpokenName("秋吉台サファリランド", "あきよしだいさふぁりらんど"),
    SpokenName("秋吉台", "あきよしだい"),
    SpokenName("秋芳洞", "あきよしどう"),
    SpokenName("萩", "はぎ"),
]
GUIDE = (
    "秋芳洞の入洞料は1,300円です。\n秋芳洞と秋吉台に駐車場があります。\n駐車場は秋芳洞の前です。\n"
)


def test_what_guides_mention_most_comes_last_next_to_what_is_said() -> None:
    told = vocabulary(NAMES, [GUIDE]).prompts["ja"]
    assert told.index("秋吉台") < told.index("秋芳洞")


def test_a_name_within_another_is_told_once() -> None:
    told = vocabulary(NAMES, [GUIDE]).prompts["ja"]
    assert "秋吉台サファリランド" not in told


def test_a_name_is_not_counted_where_it_is_part_of_another() -> None:
    names = [SpokenName("弁天池", "べんてんいけ"), SpokenName("別府弁天池", "べっぷべんてんいけ")]
    told = vocabulary(names, ["別府弁天池へようこそ。\n別府弁天池は青い。\n弁天池とも言う。"])
    assert told.prompts["ja"] == "別府弁天池。"


def test_translations_of_a_guide_do_not_count() -> None:
    chinese = "秋吉台門票多少錢\n" * 50
    told = vocabulary(NAMES, [GUIDE, chinese])
    assert told.prompts["ja"].index("秋吉台") < told.prompts["ja"].index("秋芳洞")
    assert "門票" not in told.words


def test_words_of_the_guides_can_be_put_back() -> None:
    assert vocabulary(NAMES, [GUIDE]).words == ("駐車場", "入洞料")


def test_without_guides_the_names_within_others_are_told() -> None:
    assert "秋吉台" in vocabulary(NAMES).prompts["ja"]


def test_a_town_without_names_is_told_of_nothing() -> None:
    empty = vocabulary([])
    assert empty.prompts["ja"] == ""
    assert not recites("どこですか", empty.prompts["ja"])


def test_mandarin_is_asked_for_in_its_own_characters() -> None:
    assert vocabulary(NAMES, [GUIDE]).prompts["zh"].startswith("以下是普通话")
