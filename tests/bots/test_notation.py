"""How sentences are written: full-width signs in Japanese, no guessed particles in Korean."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.main import get_command

from bots import texts
from bots.cli import command

LOCALES = Path(texts.__file__).parent / "locales"
HALF_WIDTH = re.compile(r"(?<=[ぁ-ヿ㐀-鿿」）}])(?:: |[?!(])|[()](?=[ぁ-ヿ㐀-鿿])")
HALF_COLON = re.compile(r"(?<=[ぁ-ヿ㐀-鿿」）}]):|[ 　]（")
"""In words for the terminal: the colon before a value, and a space before a full-width bracket."""
FIXED = re.compile(r"\w+(?:\+\w+)?://\S+|\{file\}:\{line\}")
"""Addresses, and places in a file as editors understand them."""
TERMINAL = ("audit", "cli", "evaluate", "index", "ingest", "jobs", "operations", "settings")
PARTLY = (
    *("chat", "discord", "events-desk", "members", "proofs-desk", "queue", "telegram"),
    *("voice", "web"),
)
PARTLY_TERMINAL = re.compile(r"(?:^|\.)happening\.|^plan\.|^cli-")
"""What a terminal says stands in parts of these files, beside what pages and chats say."""
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


@pytest.mark.parametrize("name", [*TERMINAL, *PARTLY])
def test_japanese_in_the_terminal_has_full_width_signs(name: str) -> None:
    said = sentences("ja", name)
    if name in PARTLY:
        said = {key: words for key, words in said.items() if PARTLY_TERMINAL.search(key)}
    assert said
    assert {key: words for key, words in said.items() if is_half_width(words)} == {}


def test_japanese_in_the_help_of_commands_has_full_width_signs() -> None:
    helps = [
        text.partition(" / ")[0]
        for each in commands(get_command(command))
        for part in (each, *getattr(each, "params", ()))
        if (text := getattr(part, "help", None))
    ]
    assert len(helps) > 40
    assert [text for text in helps if is_half_width(text)] == []


def is_half_width(words: str) -> bool:
    """Whether a sign of the terminal's Japanese is not the Japanese one."""
    words = FIXED.sub("", words)
    return any(each.search(words) for each in (HALF_WIDTH, HALF_COLON))


def commands(group: object) -> Iterator[object]:
    """A command and all that stand under it."""
    yield group
    for each in getattr(group, "commands", {}).values():
        yield from commands(each)


def test_no_korean_particle_depends_on_an_inserted_word() -> None:
    said = texts.catalogue("ko")
    assert len(said) > 500
    wrong = [
        words
        for words in said.values()
        if GUESSED.search(words) or set(PARTICLE.findall(words)) - ALWAYS_FIT
    ]
    assert wrong == []
