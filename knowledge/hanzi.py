"""Hanzi: Chinese characters in the forms that Japan writes.

A visitor types 鹿岛神宫 or 醫光寺, the guides say 鹿島神宮 and 医光寺. OpenCC's dictionaries lead
from simplified to traditional and from there to the forms of the Tōyō list.
"""

from functools import cache

import opencc


@cache
def _steps() -> tuple[opencc.OpenCC, opencc.OpenCC]:
    return opencc.OpenCC("s2t"), opencc.OpenCC("t2jp")


def in_japanese_forms(chinese: str) -> str:
    """Return a Chinese text with the characters as Japanese write them; its words stay Chinese."""
    for step in _steps():
        chinese = step.convert(chinese)
    return chinese
