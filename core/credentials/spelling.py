"""How a claim code is written, read aloud, typed and recognised.

Sixteen characters in four groups: fourteen drawn at random from `ALPHABET` (68 bits) and two check
characters by ISO/IEC 7064 MOD 1271-36, the standard's system of two check characters for letters
and digits. It finds every single wrong character, every transposition of two, and all but 1 in
1,271 of what else goes wrong, so that a slip is told as a slip and nothing is looked up. Codes
whose check characters would not be in `ALPHABET` are not made.

`ALPHABET` has no 0 O 1 I L U, which are taken for one another in print and by telephone.
"""

import re
import secrets
import unicodedata
from collections.abc import Iterator
from typing import Final, NewType

ALPHABET: Final = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
LENGTH: Final = 16
GROUP: Final = 4

ClaimCode = NewType("ClaimCode", str)
"""Sixteen characters, without hyphens, with right check characters."""

_CHARACTERS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_MODULUS: Final = 1271
_RADIX: Final = 36

_BETWEEN: Final = re.compile(
    r"[\s\-\u200b\ufeff\u2010-\u2015\u2043\u2212\u30fc\ufe58\ufe63\uff0d\uff70_.・]+"
)
_HYPHENS: Final = "-\u2010\u2011\u2012\u2013\u2014\u2015\u2043\u2212\u30fc\uff0d\uff70"
_LIKE_A_CODE: Final = re.compile(
    rf"[A-Z0-9]{{{GROUP}}}(?:[{_HYPHENS}][A-Z0-9]{{{GROUP}}}){{{LENGTH // GROUP - 1}}}"
)

# What eyes, fingers and text recognition take for what. Never more than one at a time.
_TAKEN_FOR: Final = {
    "0": "DQ8",
    "O": "DQ8",
    "1": "7T",
    "I": "T7",
    "L": "E",
    "U": "V",
    "V": "Y",
    "Y": "V",
    "5": "S",
    "S": "5",
    "8": "B",
    "B": "8",
    "2": "Z",
    "Z": "2",
    "6": "G",
    "G": "6",
    "9": "G",
    "M": "N",
    "N": "M",
    "D": "Q",
    "Q": "9D",
}


def check_characters(body: str) -> str:
    """The two check characters of `body` (ISO/IEC 7064 MOD 1271-36): ``3W`` for ``ISO79``."""
    total = 0
    for character in body:
        total = (total + _CHARACTERS.index(character)) * _RADIX % _MODULUS
    first, second = divmod((1 - total * _RADIX) % _MODULUS, _RADIX)
    return _CHARACTERS[first] + _CHARACTERS[second]


def new_code() -> ClaimCode:
    """A code that nobody can guess."""
    while True:
        body = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH - 2))
        check = check_characters(body)
        if all(each in ALPHABET for each in check):
            return ClaimCode(body + check)


def written(code: str) -> str:
    """In groups of four with hyphens, as it is printed and read aloud."""
    return "-".join(code[start : start + GROUP] for start in range(0, len(code), GROUP))


def read_code(text: str) -> ClaimCode | None:
    """The code that somebody typed, or `None` if what they typed cannot be one.

    Any case and width, spaces or none, any hyphens; one character taken for another (8 and B) is
    put right where the check characters leave a single possibility.
    """
    plain = _plain(text)
    if len(plain) != LENGTH or any(each not in _CHARACTERS for each in plain):
        return None
    if _sound(plain):
        return ClaimCode(plain)
    meant = {each for each in _nearby(plain) if _sound(each)}
    return ClaimCode(meant.pop()) if len(meant) == 1 else None


def is_code(text: str) -> bool:
    """Whether a message is a code and nothing else, letter for letter."""
    return _sound(_plain(text))


def is_like_a_code(text: str) -> bool:
    """Whether a message was meant as a code: four groups of four with hyphens between."""
    return _LIKE_A_CODE.fullmatch(_folded(text).strip()) is not None


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text[:100]).upper()


def _plain(text: str) -> str:
    return _BETWEEN.sub("", _folded(text))


def _sound(plain: str) -> bool:
    return (
        len(plain) == LENGTH
        and all(each in ALPHABET for each in plain)
        and check_characters(plain[:-2]) == plain[-2:]
    )


def _nearby(plain: str) -> Iterator[str]:
    for place, character in enumerate(plain):
        for other in _TAKEN_FOR.get(character, ""):
            yield plain[:place] + other + plain[place + 1 :]
