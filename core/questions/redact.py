"""What a question is kept without: addresses and numbers that lead to a person.

Names cannot be told from other words and stay; the retention period is what limits them.
"""

import re
import unicodedata
from typing import Final

_SEPARATED: Final = r"[\s().・‐‑‒–—―−ー-]?"
_DATE: Final = re.compile(r"(?<!\d)\d{4}[-/.]\d{1,2}[-/.]\d{1,2}(?!\d)")
_PATTERNS: Final = (
    (
        "[email]",
        re.compile(r"[A-Za-z0-9._+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}"),
    ),
    ("[account]", re.compile(r"(?<![A-Za-z0-9/])@[A-Za-z0-9_]{3,64}")),
    ("[wallet]", re.compile(r"(?<![0-9A-Za-z])0x[0-9a-fA-F]{16,}")),
    ("[wallet]", re.compile(r"(?<![0-9A-Za-z.-])[0-9A-Za-z-]{1,64}\.eth(?![0-9A-Za-z])")),
    ("[wallet]", re.compile(r"(?<![0-9A-Za-z])(?=[A-Za-z]*\d)(?=\d*[A-Za-z])[0-9A-Za-z]{25,}")),
    (
        "[phone]",
        re.compile(rf"(?<![\d.])(?:\+\d{{1,3}}{_SEPARATED})?\(?0(?:{_SEPARATED}\d){{8,10}}"),
    ),
    ("[phone]", re.compile(rf"\+\d(?:{_SEPARATED}\d){{7,14}}")),
    ("[number]", re.compile(rf"\d(?:{_SEPARATED}\d){{8,}}|\d{{7,}}")),
)


def redact(text: str) -> str:
    """`text` in NFKC, with what leads to a person replaced by the name of what it was.

    A date is left as it is; redacting twice changes nothing.
    """
    shown = unicodedata.normalize("NFKC", text)
    kept: list[str] = []

    def put_by(found: re.Match[str]) -> str:
        kept.append(found[0])
        return chr(_PRIVATE + len(kept) - 1)

    if len(shown) > _LONGEST:
        shown = shown[:_LONGEST]
    shown = _PRIVATE_USE.sub("", shown)
    shown = _DATE.sub(put_by, shown)
    for name, pattern in _PATTERNS:
        shown = pattern.sub(name, shown)
    return _PRIVATE_USE.sub(lambda found: kept[ord(found[0]) - _PRIVATE], shown)


_LONGEST: Final = 4_000  # characters looked at; a question is bounded by far less
_PRIVATE: Final = 0xE000  # private use: a date waits behind one of its characters
_PRIVATE_USE: Final = re.compile("[\ue000-\uf8ff]")
