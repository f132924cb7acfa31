"""Words: how people ask about buses, ways and plans; compiled from ``words.toml``."""

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from knowledge.text import fold, hiragana_to_katakana


@cache
def _tables() -> Mapping[str, Mapping[str, re.Pattern[str]]]:
    raw = tomllib.loads(files("knowledge.travel").joinpath("words.toml").read_text("utf-8"))
    return {
        table: {
            name: re.compile("|".join(hiragana_to_katakana(each) for each in expressions))
            for name, expressions in entries.items()
        }
        for table, entries in raw.items()
    }


def says(table: str, name: str, text: str) -> bool:
    """Whether a text says what an entry of ``words.toml`` stands for."""
    return pattern(table, name).search(fold(text)) is not None


def pattern(table: str, name: str) -> re.Pattern[str]:
    """Return the expression of an entry, for folded texts."""
    return _tables()[table][name]
