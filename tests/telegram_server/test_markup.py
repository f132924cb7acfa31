"""Text and keyboards are read as strictly as Telegram reads them."""

from typing import Any

import pytest

from tests.telegram_server.api import ApiError
from tests.telegram_server.markup import checked_markup, parse_html, to_html, trimmed, with_detected


@pytest.mark.parametrize(
    "source",
    [
        pytest.param("<b>太字</b>と<i>斜体</i>", id="bold and italic"),
        pytest.param("<b>外<i>内</i></b>", id="nested"),
        pytest.param("<b><i>同じ</i></b>", id="nested at one place"),
        pytest.param('<a href="https://example.jp/?a=1&amp;b=2">役場</a>', id="a link"),
        pytest.param("<pre>一\n二</pre>", id="preformatted"),
        pytest.param('<pre><code class="language-python">x &lt; 1</code></pre>', id="a program"),
        pytest.param("<blockquote>引用</blockquote>", id="a quotation"),
        pytest.param("<blockquote expandable>引用</blockquote>", id="an expandable quotation"),
        pytest.param("<tg-spoiler>秘密</tg-spoiler><u>線</u><s>消</s>", id="the others"),
        pytest.param("1 &lt; 2 &amp; 3 &gt; 2", id="escaped characters"),
        pytest.param("😀<b>😀</b>", id="characters of two UTF-16 units"),
    ],
)
def test_html_that_telegram_takes_comes_back_as_it_was(source: str) -> None:
    assert to_html(*parse_html(source)) == source


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("<b>a", 'Can\'t find end tag corresponding to start tag "b"'),
        ("<b", "Unclosed start tag at byte offset 0"),
        ("花<br>", 'Unsupported start tag "br" at byte offset 3'),
        ("a < b", 'Unsupported start tag "" at byte offset 2'),
        ("a</b>", "Unexpected end tag at byte offset 1"),
        ("<b>a</b", "Unclosed end tag at byte offset 4"),
        ("<b><i>a</b></i>", 'Unmatched end tag at byte offset 7, expected "</i>", found "</b>"'),
        ("<span>a</span>", 'Tag "span" must have class "tg-spoiler" at byte offset 0'),
    ],
)
def test_html_that_telegram_refuses(source: str, reason: str) -> None:
    with pytest.raises(ApiError) as refusal:
        parse_html(source)
    assert refusal.value.code == 400
    assert refusal.value.description == f"Bad Request: can't parse entities: {reason}"


def test_entities_count_utf16_units() -> None:
    assert parse_html("😀<b>花</b>") == ("😀花", [{"type": "bold", "offset": 2, "length": 1}])


def test_white_space_at_the_ends_is_taken_off() -> None:
    assert trimmed(*parse_html(" <b> a </b>\n")) == (
        "a",
        [{"type": "bold", "offset": 0, "length": 1}],
    )


def test_an_entity_without_text_disappears() -> None:
    assert parse_html("<b></b>a") == ("a", [])


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("/start", ["bot_command"]),
        ("/start@kankei_test_bot 花", ["bot_command"]),
        ("一/二", []),
        ("@hana_01 見て https://example.jp/a。", ["mention", "url"]),
        ("a@example.jp", []),
    ],
)
def test_what_people_type_is_recognised(text: str, kinds: list[str]) -> None:
    assert [each["type"] for each in with_detected(text, [])] == kinds


def test_nothing_is_recognised_within_code() -> None:
    assert [e["type"] for e in with_detected(*parse_html("<code>/start</code>"))] == ["code"]


def keyboard(**button: Any) -> dict[str, Any]:
    return {"inline_keyboard": [[button]]}


@pytest.mark.parametrize(
    "button",
    [
        pytest.param({"text": "参加", "callback_data": "x" * 64}, id="64 bytes"),
        pytest.param({"text": "参加", "callback_data": "花" * 21}, id="63 bytes"),
        pytest.param({"text": "役場", "url": "https://example.jp/"}, id="a link"),
        pytest.param({"text": "確認", "url": "http://127.0.0.1:8000/v"}, id="a number as host"),
    ],
)
def test_buttons_telegram_takes(button: dict[str, Any]) -> None:
    assert checked_markup(keyboard(**button), private=True) == keyboard(**button)


@pytest.mark.parametrize(
    ("button", "reason"),
    [
        pytest.param({"text": "a", "callback_data": "x" * 65}, "BUTTON_DATA_INVALID", id="65"),
        pytest.param({"text": "a", "callback_data": "花" * 22}, "BUTTON_DATA_INVALID", id="66"),
        pytest.param({"text": "a", "callback_data": ""}, "BUTTON_DATA_INVALID", id="no data"),
        pytest.param({"text": "a"}, "text buttons are unallowed in the inline keyboard", id="bare"),
        pytest.param(
            {"text": "a", "url": "http://localhost:8000/v"},
            "inline keyboard button URL 'http://localhost:8000/v' is invalid: Wrong HTTP URL",
            id="a host without a dot",
        ),
        pytest.param(
            {"text": " ", "callback_data": "a"},
            "inline keyboard button text must be non-empty",
            id="no words",
        ),
    ],
)
def test_buttons_telegram_refuses(button: dict[str, Any], reason: str) -> None:
    with pytest.raises(ApiError, match=reason.replace("(", r"\(")):
        checked_markup(keyboard(**button), private=True)
