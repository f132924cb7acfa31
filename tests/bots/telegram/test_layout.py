"""How answers and announcements look on Telegram."""

import re

import pytest

from bots.conversation import Button, Reply, SourceLink
from bots.telegram.layout import keyboard, lay_out, lay_out_outgoing, split, units
from core.announcements import Outgoing
from tests.telegram_server.markup import parse_html

OUTGOING = Outgoing("臨時休業", "本日は休みです。", "美祢市", footnote="見本の町です。")


def plain(message: str) -> str:
    return parse_html(message)[0]


def test_an_answer_shows_text_quotes_numbered_sources_and_small_print_in_this_order() -> None:
    reply = Reply(
        "大人1,300円です。",
        quotes=("観覧料 大人 1,300円",),
        sources=(
            SourceLink("秋芳洞", "https://city.example/cave?a=1&b=2", "2026年2月時点・確認済み"),
            SourceLink("町の資料", None, ""),
        ),
        footnote="見本の町です。",
    )
    (message,) = lay_out(reply)
    assert message == (
        "大人1,300円です。\n\n"
        "<blockquote>観覧料 大人 1,300円</blockquote>\n\n"
        '1. <a href="https://city.example/cave?a=1&amp;b=2">秋芳洞</a>'
        " · 2026年2月時点・確認済み\n"
        "2. 町の資料\n\n"
        "<i>見本の町です。</i>"
    )


def test_what_people_and_documents_write_is_never_markup() -> None:
    evil = '<b>&amp;</b><a href="https://evil.example">x</a><script>'
    reply = Reply(
        evil,
        quotes=(evil,),
        sources=(SourceLink(evil, 'https://city.example/"><b>', evil),),
        footnote=evil,
    )
    text, entities = parse_html("".join(lay_out(reply)))
    assert text.count(evil) == 5
    links = [each["url"] for each in entities if each["type"] == "text_link"]
    assert links == ['https://city.example/"><b>']
    assert {each["type"] for each in entities} == {"text_link", "blockquote", "italic"}


def test_an_address_telegram_would_refuse_is_not_a_link() -> None:
    reply = Reply("。", sources=(SourceLink("頁", "javascript:alert(1)", ""),))
    assert "<a" not in lay_out(reply)[0]


@pytest.mark.parametrize(
    "character",
    [
        pytest.param("あ", id="kana"),
        pytest.param("𠮷", id="two code units each"),
        pytest.param("&", id="escaped"),
        pytest.param("か\u3099", id="combined"),
        pytest.param("👩‍🚒", id="joined emoji"),
    ],
)
def test_ten_thousand_characters_are_split_and_nothing_is_lost(character: str) -> None:
    text = character * (10_000 // len(character))
    messages = lay_out(Reply("始め", quotes=(text,)))
    assert len(messages) > 2
    assert all(units(plain(each)) <= 4096 for each in messages)
    quoted = [re.sub(r"^始め\s*", "", plain(each)) for each in messages]
    assert "".join(quoted) == text
    assert all(part.startswith(character) for part in quoted if part)
    assert all(each.endswith("</blockquote>") for each in messages[1:])


def test_a_long_answer_is_cut_between_paragraphs_rather_than_inside() -> None:
    paragraphs = ["段落。" * 600, "次の段落。" * 400, "終わり。" * 300]
    assert split("\n\n".join(paragraphs)) == [
        paragraphs[0] + "\n\n" + paragraphs[1],
        paragraphs[2],
    ]


def test_a_paragraph_too_long_for_a_message_is_cut_after_a_sentence() -> None:
    parts = split("秋芳洞は長いです。" * 600)
    assert all(part.endswith("です。") for part in parts)
    assert "".join(parts) == "秋芳洞は長いです。" * 600


def test_letters_that_cannot_be_sent_are_left_out() -> None:
    assert lay_out(Reply("a\ud800b\x00c\x1bd\r\ne\u202ef")) == ["a\ufffdbcd\ne\u202ef"]


def test_an_answer_without_words_is_still_a_message() -> None:
    assert lay_out(Reply(" \n ")) == ["…"]


def test_buttons_stand_in_their_rows() -> None:
    shown = keyboard(
        ((Button("一", action="a"), Button("二", action="b")), (Button("三", url="https://a.b/c"),))
    )
    assert shown is not None
    rows = [[(b.text, b.callback_data or b.url) for b in row] for row in shown.inline_keyboard]
    assert rows == [[("一", "a"), ("二", "b")], [("三", "https://a.b/c")]]


def test_an_address_without_a_dot_is_written_out_since_no_button_can_open_it() -> None:
    rows = ((Button("つなぐ", url="http://localhost:8080/verify?t=1"),),)
    assert keyboard(rows) is None
    assert lay_out(Reply("どうぞ", buttons=rows)) == [
        "どうぞ\n\nつなぐ\nhttp://localhost:8080/verify?t=1"
    ]


def test_a_button_whose_action_is_too_long_for_telegram_does_not_stop_the_answer() -> None:
    assert keyboard(((Button("長い", action="あ" * 22),),)) is None


def test_an_announcement_names_its_sender() -> None:
    assert lay_out_outgoing(OUTGOING) == [
        "<b>臨時休業</b>\n\n本日は休みです。\n\n— 美祢市\n\n<i>見本の町です。</i>"
    ]
