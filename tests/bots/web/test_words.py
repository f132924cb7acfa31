"""The words of the pages: complete in every language, safe to put into a page."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

import pytest

from bots import texts
from bots.web.pages import HERE
from bots.web.words import clean, is_blank, one_line, when, with_ruby, without_ruby
from core.proof import Refusal

USED = re.compile(r"(?:t|plain)\('((?:web|console)\.[\w.-]+)'(\s*~)?")
PLACES = re.compile(r"\{\w+\}")


def flat(table: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", str(value)


def words(language: str, name: str) -> dict[str, str]:
    file = texts.LOCALES / language / f"{name}.toml"
    return dict(flat(tomllib.loads(file.read_text(encoding="utf-8"))))


@pytest.mark.parametrize("language", texts.LANGUAGES)
def test_every_language_has_every_word_of_the_visitors_pages(language: str) -> None:
    japanese = words("ja", "web")
    # What happens is told in the terminal, which speaks Japanese and English.
    wanted = {key for key in japanese if not key.startswith("happening.")}
    theirs = words(language, "web")
    assert wanted <= set(theirs) <= set(japanese)
    for key, text in theirs.items():
        assert set(PLACES.findall(text)) == set(PLACES.findall(japanese[key])), key


def test_the_console_speaks_japanese_and_english() -> None:
    japanese, english = words("ja", "console"), words("en", "console")
    assert set(japanese) == set(english)
    for key, text in english.items():
        assert set(PLACES.findall(text)) == set(PLACES.findall(japanese[key])), key


def test_every_word_that_a_page_says_is_there() -> None:
    known = texts.catalogue("ja")
    for template in (HERE / "templates").rglob("*.html"):
        for key, chosen in USED.findall(template.read_text(encoding="utf-8")):
            there = key in known or (chosen and any(each.startswith(key) for each in known))
            assert there, f"{template.name}: {key}"


@pytest.mark.parametrize("refusal", [*Refusal, "wallet-taken", "link-expired", "chain-unavailable"])
def test_every_fault_of_a_proof_has_a_sentence_and_a_next_step(refusal: str) -> None:
    for language in texts.LANGUAGES:
        own = texts.catalogue(language)
        assert own[f"web.fault.{refusal}.text"]
        assert own[f"web.fault.{refusal}.next"]


def test_only_the_verify_page_speaks_of_wallets() -> None:
    allowed = ("verify.", "fault.", "result.", "consent.", "demo.wallet")
    for language, word in (("ja", "ウォレット"), ("en", "wallet"), ("ko", "지갑")):
        for key, text in words(language, "web").items():
            # The button of the demo's shop that gives a card back tells why it could not.
            if not key.startswith((*allowed, "done.card-not-demo")):
                assert word not in text.lower(), f"{language} {key}"


def test_control_characters_and_lone_surrogates_are_not_kept() -> None:
    assert clean("a\x00b\x1b\r\nc\ud800") == "ab\nc"


def test_a_name_is_one_line_that_cannot_turn_what_follows_around() -> None:
    assert one_line(" \u202ea\u200bb\n c\u2066 ") == "ab c"


def test_text_of_invisible_characters_is_blank() -> None:
    assert is_blank("\u200b\u2060 \n\u202e")
    assert not is_blank("🦕")


def test_a_reading_stands_above_its_characters_in_easy_japanese_only() -> None:
    text = "<b>秋芳洞（あきよしどう）"
    expected = "&lt;b&gt;<ruby>秋芳洞<rp>（</rp><rt>あきよしどう</rt><rp>）</rp></ruby>"
    assert with_ruby(text, "ja-easy") == expected
    assert with_ruby(text, "ja") == text
    assert without_ruby(text, "ja-easy") == "<b>秋芳洞"


def test_times_are_shown_on_the_towns_clock() -> None:
    moment = datetime(2026, 11, 21, 15, 4, tzinfo=UTC)
    assert when(moment, "ja", "Asia/Tokyo") == "2026年11月22日 0:04"
    assert when(moment, "en", "Asia/Tokyo") == "22 November 2026, 0:04"
