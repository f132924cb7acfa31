"""Hanzi: Chinese characters in the forms that Japan, Taiwan or China write.

A visitor types 鹿岛神宫 or 醫光寺, the guides say 鹿島神宮 and 医光寺. OpenCC's dictionaries lead
from simplified to traditional and from there to the forms of the Tōyō list.
"""

import re
from functools import cache

import opencc

from knowledge.language import Language

_BRACKETED = re.compile("(（[^（）]*）)")
_KANA = re.compile("[ぁ-ゖァ-ヺ]")


@cache
def _steps() -> tuple[opencc.OpenCC, opencc.OpenCC]:
    return opencc.OpenCC("s2t"), opencc.OpenCC("t2jp")


def in_japanese_forms(chinese: str) -> str:
    """Return a Chinese text with the characters as Japanese write them; its words stay Chinese."""
    for step in _steps():
        chinese = step.convert(chinese)
    return chinese


@cache
def _script(language: Language) -> opencc.OpenCC:
    return opencc.OpenCC("t2s" if language is Language.ZH_HANS else "s2tw")


def in_script(chinese: str, language: Language) -> str:
    """Return a Chinese text in the characters of the reader; its words stay as they are.

    What is bracketed and holds kana is a Japanese name, and stays as Japan writes it.
    """
    parts = _BRACKETED.split(chinese)
    return "".join(p if _KANA.search(p) else _script(language).convert(p) for p in parts)
