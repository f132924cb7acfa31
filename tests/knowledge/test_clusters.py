"""Which questions ask the same: the same clusters always, rather apart than wrongly together."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from knowledge.clusters import COMPARED, Asked, Clusters
from knowledge.encoders import Encoder, UseEncoder
from knowledge.testing import FakeEncoder
from knowledge.words import Words

WORDS = Words()
CAVES = ("秋芳洞", "大正洞", "akiyoshido")


def names(text: str) -> frozenset[str]:
    return frozenset(
        "秋芳洞" if each == "akiyoshido" else each for each in CAVES if each in text.lower()
    )


@pytest.fixture(scope="module")
def use() -> Encoder:
    return UseEncoder()


def clusters(encoder: Encoder | None) -> Clusters:
    return Clusters(WORDS, encoder=encoder, names=names)


def placed(made: Clusters, texts: list[str]) -> list[int]:
    """Put questions in one after another, as they come; the cluster of each."""
    numbers: list[int] = []
    for number, text in enumerate(texts, start=1):
        found = made.find(text, "ja")
        cluster = number if found is None else found
        made.add(Asked(number, cluster, text, "ja"))
        numbers.append(cluster)
    return numbers


def together(encoder: Encoder | None, one: str, other: str) -> bool:
    first, second = placed(clusters(encoder), [one, other])
    return first == second


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("秋芳洞に犬を連れて入れますか", "犬と一緒に秋芳洞に入れる?"),
        ("秋芳洞に犬を連れて入れますか", "Can I bring my dog into Akiyoshido cave?"),
        ("秋芳洞に犬を連れて入れますか", "可以帶狗進秋芳洞嗎"),
        ("秋芳洞に犬を連れて入れますか", "아키요시도 동굴에 강아지를 데리고 들어갈 수 있나요?"),
        ("Wi-Fiは使えますか", "와이파이 있나요?"),
        ("コインロッカーはありますか", "Are there coin lockers?"),
        ("ドローンを飛ばしてもいいですか", "秋吉台でドローンは飛ばせる?"),
        ("授乳室はどこですか", "哺乳室在哪里"),
    ],
)
def test_the_same_question_in_other_words_or_another_language_is_one(
    use: Encoder, one: str, other: str
) -> None:
    assert together(use, one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("秋芳洞に犬を連れて入れますか", "秋芳洞に車いすで入れますか"),
        ("大正洞に犬は入れますか", "秋芳洞に犬は入れますか"),
        ("大正洞に犬は入れますか", "Can I bring my dog into Akiyoshido cave?"),
        ("秋芳洞の駐車場は何台", "秋芳洞の駐車場の料金は"),
        ("大人2人の料金は", "大人3人の料金は"),
        ("宿の予約はできますか", "レストランの予約はできますか"),
        ("コインロッカーはありますか", "授乳室はありますか"),
        ("ごみの収集日はいつですか", "図書館の休館日はいつですか"),
        ("クレジットカードは使えますか", "PayPayは使えますか"),
        ("Can I bring my dog?", "Can I bring my bicycle?"),
    ],
)
def test_questions_that_need_different_answers_stay_apart(
    use: Encoder, one: str, other: str
) -> None:
    assert not together(use, one, other)


def test_without_an_encoder_words_decide() -> None:
    assert together(None, "コインロッカーはありますか", "コインロッカーはどこですか?")
    assert not together(None, "コインロッカーはありますか", "授乳室はありますか")
    assert not together(None, "大正洞に犬は入れますか", "秋芳洞に犬は入れますか")


@pytest.mark.parametrize("text", ["", "???", "🦇", "a", "\u200b", "あ" * 2_000])
@pytest.mark.parametrize("encoder", [None, FakeEncoder()], ids=["words", "vectors"])
def test_any_text_has_a_place(encoder: Encoder | None, text: str) -> None:
    made = clusters(encoder)
    assert placed(made, ["犬は入れますか", text, text])[1:] == [2, 2]


QUESTIONS = st.lists(
    st.sampled_from(
        [
            "犬は入れますか",
            "犬は、入れますか?",
            "犬と入れますか",
            "猫は入れますか",
            "大正洞に犬は入れますか",
            "秋芳洞に犬は入れますか",
            "駐車場は何台",
            "駐車場は何台ですか",
            "is there wifi",
            "Is there Wifi?",
            "와이파이 있나요",
            "2人でいくら",
            "3人でいくら",
        ]
    ),
    max_size=25,
)


@given(QUESTIONS)
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=40)
def test_the_same_questions_in_the_same_order_make_the_same_clusters(texts: list[str]) -> None:
    for encoder in (None, FakeEncoder()):
        assert placed(clusters(encoder), texts) == placed(clusters(encoder), texts)


@given(QUESTIONS, st.integers(min_value=0, max_value=25))
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=40)
def test_a_restart_between_two_questions_changes_no_cluster(texts: list[str], at: int) -> None:
    for encoder in (None, FakeEncoder()):
        whole = placed(clusters(encoder), texts)
        again = clusters(encoder)
        again.load(
            Asked(number, cluster, text, "ja")
            for number, (text, cluster) in enumerate(
                zip(texts[:at], whole[:at], strict=True), start=1
            )
        )
        for number, text in list(enumerate(texts, start=1))[at:]:
            found = again.find(text, "ja")
            assert (number if found is None else found) == whole[number - 1]
            again.add(Asked(number, whole[number - 1], text, "ja"))


@given(QUESTIONS)
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=40)
def test_a_later_question_moves_no_earlier_one(texts: list[str]) -> None:
    for encoder in (None, FakeEncoder()):
        whole = placed(clusters(encoder), texts)
        assert placed(clusters(encoder), texts[:-1]) == whole[:-1]


def test_a_cluster_stands_for_all_by_its_first_questions() -> None:
    made = clusters(FakeEncoder())
    for number in range(50):
        made.add(Asked(number, 1, f"駐車場は何台ですか{'?' * number}", "ja"))
    assert len(made) == COMPARED


def test_reading_the_records_again_encodes_nothing_twice() -> None:
    encoder = FakeEncoder()
    made = clusters(encoder)
    asked = [Asked(1, 1, "犬は入れますか", "ja"), Asked(2, 2, "駐車場は何台", "ja")]
    made.load(asked)
    before = len(encoder.encoded)
    made.load([*asked, Asked(3, 3, "雨の日は", "ja")])
    assert encoder.encoded[before:] == ["雨の日は"]
