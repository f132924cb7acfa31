"""Forms: the same question as people type it: in kana alone, with a slip, in half-width kana."""

import random
import unicodedata
from collections.abc import Callable

from sudachipy import Dictionary, SplitMode  # type: ignore[import-untyped]

from knowledge.text import is_han, is_kana


def _half_width() -> dict[str, str]:
    halves = [chr(code) for code in range(0xFF61, 0xFFA0)]
    table = {unicodedata.normalize("NFKC", each): each for each in halves}
    for each in halves:
        for mark in "ﾞﾟ":
            whole = unicodedata.normalize("NFKC", each + mark)
            if len(whole) == 1:
                table[whole] = each + mark
    return table


_HALF = _half_width()
_TO_HIRAGANA = {code: code - 0x60 for code in range(ord("ァ"), ord("ヶ") + 1)}


def half_width(text: str) -> str:
    """カード becomes ｶｰﾄﾞ; hiragana and kanji stay."""
    return "".join(_HALF.get(each, each) for each in text)


class Hiragana:
    """Everything in hiragana, as the dictionary reads it. It reads as ours does: optimistic."""

    def __init__(self) -> None:
        self._tokenizer = Dictionary().tokenizer()

    def __call__(self, text: str) -> str:
        read = (
            each.surface()
            if each.surface().isascii() or not any(map(_letter, each.surface()))
            else each.reading_form()
            for each in self._tokenizer.tokenize(text, SplitMode.A)
        )
        return "".join(read).translate(_TO_HIRAGANA)


def _letter(character: str) -> bool:
    return is_han(character) or is_kana(character)


def one_typo(text: str) -> str:
    """Swap two neighbours, drop one or double one; the same for the same text."""
    if len(text) < 3:
        return text
    chance = random.Random(text)
    at = chance.randrange(len(text) - 1)
    slips = (
        text[:at] + text[at + 1] + text[at] + text[at + 2 :],
        text[:at] + text[at + 1 :],
        text[: at + 1] + text[at:],
    )
    return chance.choice(slips)


def forms() -> dict[str, Callable[[str], str]]:
    return {
        "typed": lambda text: text,
        "hiragana": Hiragana(),
        "typo": one_typo,
        "half-width": half_width,
    }
