"""Text: what a person typed or a file holds, made comparable without losing its meaning.

`clean` is for text that is shown or quoted, `fold` for text that is compared. Both follow
Unicode NFKC (UAX #15), so that half-width kana, full-width Latin and circled digits meet.
"""

import re
import unicodedata
from collections.abc import Iterator

_SPACES = re.compile(r"\s+")
_SENTENCE_END = re.compile(r"(?<=[。！？!?])(?!\s*[)」』）])\s*|(?<=[.!?])\s+(?=[A-Z\"'(0-9])|\n+")
_KATAKANA = {code: code + 0x60 for code in range(ord("ぁ"), ord("ゖ") + 1)}
_HIRAGANA = {katakana: hiragana for hiragana, katakana in _KATAKANA.items()}


def clean(text: str) -> str:
    """Normalise, drop control, zero-width, bidirectional and unassigned characters."""
    shown = unicodedata.normalize("NFKC", text)
    if not shown.isprintable():  # printable: none of the categories C and Z, but for the space
        shown = "".join(
            each if each.isprintable() else " " if each.isspace() else "" for each in shown
        )
    return _SPACES.sub(" ", shown).strip()


def fold(text: str) -> str:
    """`clean`, without case and with katakana for hiragana: how names and cues are compared."""
    return hiragana_to_katakana(clean(text).casefold())


def askable(text: str) -> bool:
    """Whether anything is left that could be a word: a letter or a digit of any script."""
    return any(unicodedata.category(character)[0] in "LN" for character in text)


def sentences(text: str) -> Iterator[str]:
    """Yield the sentences of a text, each verbatim apart from the space around it."""
    for piece in _SENTENCE_END.split(text):
        if piece and (sentence := piece.strip()):
            yield sentence


def hiragana_to_katakana(text: str) -> str:
    """ぁ (U+3041) to ゖ (U+3096) lie 0x60 below their katakana."""
    return text.translate(_KATAKANA)


def katakana_to_hiragana(text: str) -> str:
    """Undo `hiragana_to_katakana`; the long-vowel mark stays."""
    return text.translate(_HIRAGANA)


def is_han(character: str) -> bool:
    """Whether the character is a CJK ideograph of the two blocks that modern text uses."""
    return "一" <= character <= "鿿" or "㐀" <= character <= "䶿" or character == "々"


def is_kana(character: str) -> bool:
    """Whether the character is hiragana, katakana or the long-vowel mark."""
    return "ぁ" <= character <= "ゖ" or "ァ" <= character <= "ー"


_RUBY = re.compile(r"(?<=[一-鿿々])[（(][ぁ-ゖァ-ー]+[)）]")


def without_ruby(text: str) -> str:
    """Take the readings in brackets out of やさしい日本語: 洞窟(どうくつ) is compared as 洞窟."""
    return _RUBY.sub("", text)
