"""What recognisers write that nobody said."""

import pytest

from knowledge.voice.hearing.guards import invented, loops, once, recites, worded

PROMPT = "駐車場、入洞料。秋芳洞、秋吉台、大正洞。"


@pytest.mark.parametrize(
    "text",
    [
        "ご視聴ありがとうございました",
        "ご視聴ありがとうございました。",
        "最後までご視聴いただきありがとうございました!",
        "チャンネル登録よろしくお願いします",
        "Thank you for watching!",
        "Thanks for watching.",
        "Subtitles by the Amara.org community",
        "请不吝点赞 订阅 转发 打赏支持明镜与点点栏目",
        "謝謝觀看",
        "시청해주셔서 감사합니다.",
        "MBC 뉴스 김성현입니다.",
        "…",
        "",
    ],
)
def test_what_silence_is_heard_as_is_no_question(text: str) -> None:
    assert invented(text)


@pytest.mark.parametrize(
    "text",
    [
        "ありがとうございました",
        "秋芳洞の営業時間を教えてください",
        "視聴覚室はありますか",
        "Thank you",
        "Do you have subtitles in the movie theatre?",
        "谢谢",
        "감사합니다",
        "좋아요",
    ],
)
def test_what_people_say_is_not_taken_for_an_invention(text: str) -> None:
    assert not invented(text)


@pytest.mark.parametrize(
    "text",
    ["秋芳洞、秋吉台、大正洞", "秋芳洞 秋吉台", "入洞料、秋芳洞、秋吉台。", "秋芳洞、秋芳洞"],
)
def test_a_recited_prompt_is_known(text: str) -> None:
    assert recites(text, PROMPT)


@pytest.mark.parametrize("text", ["秋芳洞", "秋芳洞と秋吉台の料金", "大正洞はどこですか", ""])
def test_a_name_in_a_question_is_no_recital(text: str) -> None:
    assert not recites(text, PROMPT)


def test_without_a_prompt_nothing_is_recited() -> None:
    assert not recites("秋芳洞、秋吉台", "")


@pytest.mark.parametrize(
    ("text", "seconds", "language"),
    [
        pytest.param("行きます" * 20, 30.0, "ja", id="the same again and again"),
        pytest.param("I want to go. " * 12, 30.0, "en", id="the same again, in English"),
        pytest.param("東京都千代田区永田町一丁目七番一号国会議事堂前", 1.2, "ja", id="too fast"),
        pytest.param("Where is the museum and how do I get there by bus", 1.0, "en", id="fast"),
        pytest.param("Where can I rent a bike? Where can I rent a bike?", 1.4, "en", id="twice"),
    ],
)
def test_loops_are_known(text: str, seconds: float, language: str) -> None:
    assert loops(text, seconds=seconds, language=language)


@pytest.mark.parametrize(
    ("text", "seconds", "language"),
    [
        pytest.param("秋芳洞の入洞料はいくらですか", 2.4, "ja", id="a question"),
        pytest.param("秋芳洞、秋芳洞の料金", 2.0, "ja", id="a name said twice"),
        pytest.param("How much does it cost to enter the cave?", 2.2, "en", id="in English"),
        pytest.param("はい", 0.3, "ja", id="one short word"),
    ],
)
def test_what_people_say_is_no_loop(text: str, seconds: float, language: str) -> None:
    assert not loops(text, seconds=seconds, language=language)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("(音楽) 秋芳洞はどこ", "秋芳洞はどこ"),
        ("[Music] Where is it? [Applause]", "Where is it?"),
        ("♪♪ 【拍手】", ""),
        ("  two   spaces ", "two spaces"),
    ],
)
def test_notes_on_sounds_are_left_out(text: str, said: str) -> None:
    assert worded(text) == said


@pytest.mark.parametrize(
    ("heard", "said"),
    [
        ("Where is the cave? Where is the cave?", "Where is the cave?"),
        ("Where is the cave? where is the cave? Where is", "Where is the cave?"),
        ("高すがわ高すがわ", "高すがわ"),
        ("Where is the cave? Where is the lake?", "Where is the cave? Where is the lake?"),
        ("いろいろ見られますか", "いろいろ見られますか"),
        ("Hello. " * 8, "Hello. " * 8),
    ],
)
def test_what_is_written_twice_was_said_once(heard: str, said: str) -> None:
    assert once(heard) == said
