"""The words only Telegram needs, and the page that explains them."""

import re
from pathlib import Path

import pytest

from bots import texts

PAGE = Path(__file__).parents[3] / "docs" / "telegram.md"
NO_FAULT = {"for-staff", "mended", "added"}
SHOWN = {
    "room": "ROOM",
    "chat": "GROUP",
    "id": "NEW_NUMBER",
    "reason": "REASON",
    "address": "ADDRESS",
    "town": "TOWN",
}


def words_of(language: str) -> dict[str, str]:
    """What people read; what the terminal tells stands in Japanese and English alone."""
    return {
        key: text
        for key, text in texts.catalogue(language).items()
        if key.startswith("telegram.") and not key.startswith("telegram.happening.")
    }


@pytest.mark.parametrize("language", texts.LANGUAGES)
def test_every_language_has_every_word_with_the_same_places_to_fill_in(language: str) -> None:
    def places(words: dict[str, str]) -> dict[str, set[str]]:
        return {key: set(re.findall(r"\{(\w+)\}", text)) for key, text in words.items()}

    assert places(words_of(language)) == places(words_of("ja"))


def test_every_fault_stands_in_the_documentation_with_its_sentence() -> None:
    page = PAGE.read_text(encoding="utf-8")
    names = {key.split(".")[2] for key in words_of("en") if key.startswith("telegram.problem.")}
    sentences = [texts.say(f"telegram.problem.{each}", "en", **SHOWN) for each in names - NO_FAULT]
    assert [each for each in sentences if each not in page] == []
