"""What a question is kept without: addresses and numbers that lead to a person.

Names cannot be told from other words and stay; the retention period is what limits them.
"""

import re
import unicodedata
from typing import Final

_SEPARATED: Final = r"[\s().,/・‐‑‒–—―−ー-]?"
_LATIN: Final = r"A-Za-z0-9À-ÖØ-öø-ɏ._%+\-"
_OTHER: Final = rf"[^\s@#\[\]()<>「」、。,:;!?/{_LATIN}]"  # a letter of a Japanese name, say
_LABEL: Final = r"[^\s@#\[\]()<>「」、。,:;!?/.]{1,63}"
_LAST_LABEL: Final = rf"(?:[A-Za-z0-9À-ÖØ-öø-ɏ-]{{1,63}}|{_OTHER}{{1,63}})"

_STAYS: Final = (
    re.compile(r"(?<!\d)\d{4}[-/.]\d{1,2}[-/.]\d{1,2}(?!\d)"),  # a date
    re.compile(r"(?<![\d/.,-])\d{1,2}/\d{1,2}(?![\d/])"),  # a day
    re.compile(
        r"(?<![\d/.,-])[1-9]\d{0,4}(?:,\d{3}|/[1-9]\d{0,4})*(?=\s*(?:円|yen|JPY|日圓|日元|엔))",
        re.IGNORECASE,
    ),
)
_PATTERNS: Final = (
    (
        "[email]",
        re.compile(
            rf"(?:[{_LATIN}]{{1,64}}|[^\s@#\[\]()<>「」、。,:;!?]{{0,63}}{_OTHER})"
            rf"@{_LABEL}(?:\.{_LABEL}){{0,7}}\.{_LAST_LABEL}"
        ),
    ),
    ("[account]", re.compile(rf"(?:[{_LATIN}]{{2,32}}|{_OTHER}{{1,32}})#\d{{4}}(?!\d)")),
    ("[account]", re.compile(r"(?<![A-Za-z0-9/])@[A-Za-z0-9_]{3,64}")),
    ("[wallet]", re.compile(r"(?<![0-9A-Za-z])0x[0-9a-fA-F]{16,}")),
    ("[wallet]", re.compile(r"(?<![0-9A-Za-z.-])[0-9A-Za-z-]{1,64}\.eth(?![0-9A-Za-z])")),
    ("[wallet]", re.compile(r"(?<![0-9A-Za-z])(?=[A-Za-z]*\d)(?=\d*[A-Za-z])[0-9A-Za-z]{25,}")),
)
_NUMBERS: Final = (
    (
        "[phone]",
        re.compile(rf"(?<![\d.])(?:\+\d{{1,3}}{_SEPARATED})?\(?0(?:{_SEPARATED}\d){{8,10}}"),
    ),
    ("[phone]", re.compile(rf"\+\d(?:{_SEPARATED}\d){{7,14}}")),
    ("[number]", re.compile(rf"\d(?:{_SEPARATED}\d){{8,}}|\d{{7,}}")),
)
_DIGITS: Final = str.maketrans("〇○零一二三四五六七八九", "000123456789")


def redact(text: str) -> str:
    """`text` in NFKC, with what leads to a person replaced by the name of what it was.

    Dates and amounts of money are left as they are; redacting twice changes nothing.
    """
    shown = _PRIVATE_USE.sub("", unicodedata.normalize("NFKC", text)[:_LONGEST])
    for _ in range(_PASSES):  # what was taken out may have hidden what stood beside it
        before, shown = shown, _once(shown)
        if shown == before:
            break
    return shown


def _once(shown: str) -> str:
    kept: list[str] = []

    def put_by(found: re.Match[str]) -> str:
        if len(kept) == _MOST:
            return found[0]
        kept.append(found[0])
        return chr(_PRIVATE + len(kept) - 1)

    for pattern in _STAYS:
        shown = pattern.sub(put_by, shown)
    for name, pattern in _PATTERNS:
        shown = pattern.sub(name, shown)
    for name, pattern in _NUMBERS:
        shown = _without_number(shown, name, pattern)
    return _PRIVATE_USE.sub(lambda found: kept[ord(found[0]) - _PRIVATE], shown)


def _without_number(shown: str, name: str, pattern: re.Pattern[str]) -> str:
    """`shown` with `name` for each number, also where its digits are Chinese numerals."""
    parts, at = [], 0
    for found in pattern.finditer(shown.translate(_DIGITS)):
        parts += [shown[at : found.start()], name]
        at = found.end()
    return "".join((*parts, shown[at:]))


_LONGEST: Final = 4_000  # characters looked at; a question is bounded by far less
_PRIVATE: Final = 0xE000  # private use: what stays waits behind one of its characters
_PASSES: Final = 8
_MOST: Final = 0xF8FF - _PRIVATE + 1
_PRIVATE_USE: Final = re.compile("[\ue000-\uf8ff]")
