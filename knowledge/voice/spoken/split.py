"""Sentences: where a voice may pause, and where a full stop is none."""

import re
from collections.abc import Iterator
from typing import Final

from knowledge.language import Language

LONGEST: Final = 110
"""Characters of Japanese, Chinese or Korean said in one breath; of English three times as many."""
_OPEN: Final = dict(zip("（(「『【［[〈《“", "）)」』】］]〉》”", strict=True))
_CLOSE: Final = frozenset("）)」』】］]〉》”\"'’")
_STOPS: Final = frozenset("。！？!?｡")
_DEEPEST: Final = 150
"""Characters after which a bracket is taken to have been forgotten."""
_ABBREVIATIONS: Final = frozenset(
    {"mr", "mrs", "ms", "dr", "st", "mt", "no", "nos", "vs", "approx", "ca", "cf", "etc", "jr"}
    | {"e.g", "i.e", "tel", "fig", "vol", "min", "max", "inc", "ltd", "co", "dept", "ave", "ext"}
    | {"jan", "feb", "mar", "apr", "jun", "jul", "aug", "sep", "sept", "oct", "nov", "dec"}
    | {"mon", "tue", "tues", "wed", "thu", "thur", "thurs", "fri", "sat", "sun", "p", "pp"}
)
_CLOCK: Final = frozenset({"a.m", "p.m"})
_WORD_BEFORE: Final = re.compile(r"([^\s（(/–—〜~-]+)$")
_NAMED: Final = (  # days and months, also in full
    r"(?:mon|tue|tues|wed|thu|thur|thurs|fri|sat|sun"
    r"|jan|feb|mar|apr|may|jun|jul|aug|sep|sept|oct|nov|dec)"
)
_SPAN: Final = re.compile(
    rf"\b{_NAMED}[a-z]*\.?(?:\s?[–—〜~/&-]\s?|\s(?:to|through|and)\s){_NAMED}$", re.IGNORECASE
)
"""Tue–Sun: the full stop after it ends a sentence where another one begins."""
_MORE_DAYS: Final = re.compile(
    rf"{_NAMED}(?:day|sday|nesday|rsday|urday)?\b|(?:public |national )?hol", re.IGNORECASE
)
_CLAUSE: Final = re.compile(r"[、，；;]|,(?=\s)")


def split(line: str, language: Language) -> Iterator[str]:
    """Yield the sentences of one line, each as it is written apart from the space around it."""
    start = 0
    for end in (*_ends(line), len(line)):
        yield from breaths(line[start:end].strip(), language)
        start = end


def _ends(line: str) -> Iterator[int]:
    awaited: list[tuple[str, int]] = []
    at = 0
    while at < len(line):
        character = line[at]
        if awaited and (character == awaited[-1][0] or at - awaited[0][1] > _DEEPEST):
            awaited = awaited[:-1] if character == awaited[-1][0] else []
        elif character in _OPEN:
            awaited.append((_OPEN[character], at))
        elif not awaited and _is_end(line, at):
            at += 1
            while at < len(line) and (line[at] in _STOPS or line[at] in _CLOSE):
                at += 1
            yield at
            continue
        at += 1


def _is_end(line: str, at: int) -> bool:
    character, rest = line[at], line[at + 1 :]
    if character in "!?":
        return not rest or not (rest[0].isascii() and rest[0].isalnum())
    if character in _STOPS:
        return True
    if character != "." or not rest:
        return False
    after = rest.lstrip("".join(_CLOSE))
    if after and not after[0].isspace():
        return False
    found = _WORD_BEFORE.search(line[:at])
    word = found[1].casefold() if found else ""
    follows = after.lstrip()[:1]
    if word in _CLOCK:
        return follows.isupper()
    if word.isdecimal():  # "2026. 12. 20. 까지" of Korean
        return not follows.isdecimal() and not "가" <= follows <= "힣"
    if follows.isupper() and _SPAN.search(line[:at]):
        return _MORE_DAYS.match(after.lstrip()) is None
    return word not in _ABBREVIATIONS and not (len(word) == 1 and word.isalpha() and word.isascii())


def breaths(sentence: str, language: Language, longest: int = LONGEST) -> Iterator[str]:
    """Cut what is too long for one breath after a comma, the later the better."""
    if language is Language.EN:
        longest *= 3
    while len(sentence) > longest:
        cuts = [each.end() for each in _CLAUSE.finditer(sentence, longest // 3, longest)]
        cuts = [each for each in cuts if _balanced(sentence[:each])]
        if not cuts:
            break
        yield sentence[: cuts[-1]].strip()
        sentence = sentence[cuts[-1] :].strip()
    if sentence:
        yield sentence


def _balanced(text: str) -> bool:
    return all(text.count(opened) == text.count(closed) for opened, closed in _OPEN.items())
