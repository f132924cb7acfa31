"""Eight digits to read out when a camera is broken: seven by chance and one to check them.

The check digit is Damm's (H. Michael Damm, 2004): every single wrong digit and every swap of two
neighbours is noticed. A code is kept as HMAC-SHA-256, for two minutes, and tries are counted.
"""

import hashlib
import hmac
import secrets
import unicodedata
from datetime import timedelta
from typing import Final

CODE_LIFETIME: Final = timedelta(minutes=2)
DIGITS: Final = 8

_DAMM: Final = (
    "0317598642",
    "7092154863",
    "4206871359",
    "1750983426",
    "6123045978",
    "3674209581",
    "5869720134",
    "8945362017",
    "9438617205",
    "2581436790",
)


def new_code() -> str:
    """A code that nobody can guess."""
    digits = f"{secrets.randbelow(10 ** (DIGITS - 1)):0{DIGITS - 1}}"
    return digits + str(_damm(digits))


def normalise(typed: str) -> str | None:
    """The digits of what a clerk typed (spaces, hyphens, full-width digits); `None`: no code."""
    if len(typed) > 4 * DIGITS:
        return None
    plain = unicodedata.normalize("NFKC", typed)
    digits = "".join(each for each in plain if each not in " -\u2010\u2011\u2012\u2013\u2014\u30fc")
    if len(digits) != DIGITS or not (digits.isascii() and digits.isdigit()) or _damm(digits):
        return None
    return digits


def digest(code: str, secret: bytes) -> str:
    """How a code is kept: with only 10 million of them, a plain hash would tell it."""
    return hmac.new(secret, b"code:" + code.encode(), hashlib.sha256).hexdigest()


def _damm(digits: str) -> int:
    interim = 0
    for each in digits:
        interim = int(_DAMM[interim][int(each)])
    return interim
