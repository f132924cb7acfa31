"""How sentences are written: full-width signs in Japanese, no guessed particles in Korean."""

import re
import tomllib
from pathlib import Path

import pytest

from bots import texts

LOCALES = Path(texts.__file__).parent / "locales"
HALF_WIDTH = re.compile(r"(?<=[ぁ-ヿ㐀-鿿」）}])(?:: |[?!(])|[()](?=[ぁ-ヿ㐀-鿿])")
GUESSED = re.compile(r"[은이을와]\([는가를과]\)|\(으\)로|\(이\)")
PARTICLE = re.compile(r"\{(\w+)\}[’”」]?(?:은|는|을|를|와|과|로|으로|라서)[ .,]")
ALWAYS_FIT = {"weekday", "date", "time"}
"""These end in 요일, 일 and 시간 or 분: the same particle follows all of them."""


def sentences(language: str, name: str) -> dict[str, str]:
    found: dict[str, str] = {}

    def walk(table: dict[str, object], before: str) -> None:
        for key, value in table.items():
            if isinstance(value, dict):
                walk(value, f"{before}{key}.")
            else:
                found[f"{before}{key}"] = str(value)

    walk(tomllib.loads((LOCALES / language / f"{name}.toml").read_text(encoding="utf-8")), "")
    return found


@pytest.mark.parametrize(
    ("language", "name"),
    [
        *(
            ("ja", name)
            for name in (
                "announce-chat",
                "announcing",
                "events",
                "events-desk",
                "settings",
                "topics",
            )
        ),
        *(("ja-easy", name) for name in ("events", "topics")),
    ],
)
def test_japanese_of_events_and_announcements_has_full_width_signs(
    language: str, name: str
) -> None:
    said = sentences(language, name)
    assert len(said) > 20
    assert {key: words for key, words in said.items() if HALF_WIDTH.search(words)} == {}


def test_no_korean_particle_depends_on_an_inserted_word() -> None:
    said = texts.catalogue("ko")
    assert len(said) > 500
    wrong = [
        words
        for words in said.values()
        if GUESSED.search(words) or set(PARTICLE.findall(words)) - ALWAYS_FIT
    ]
    assert wrong == []
