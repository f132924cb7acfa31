"""Clauses: where a voice may pause within a sentence, and about how long it takes to say.

A cut lies after a comma or, where there is none, at the end of a Japanese phrase (は, から, まで …
before something that is no ending) or before an English conjunction or preposition. It never
lies within a number, a range of numbers or days, a Latin word or a name of the town.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from knowledge.language import Language
from knowledge.voice.names import SpokenName

SOUNDS_A_SECOND: Final = 7.5
"""Sounds (morae, or as long as those) that the voices say in a second."""
STUB: Final = 5.0
"""Sounds; what is shorter is no piece of its own (です。)."""

_IDEOGRAPH: Final = re.compile("[一-鿿々〆]")
_WEIGHTS: Final = (
    (re.compile("[ぁ-ヿ](?<![ャュョァィゥェォゃゅょぁぃぅぇぉ])"), 1.0),
    (re.compile("[가-힣]"), 1.2),
    (re.compile(r"\d"), 2.0),
    (re.compile("[A-Z](?![a-z])"), 1.5),  # spelled
    (re.compile("[A-Z](?=[a-z])|[a-z]"), 0.5),
    (re.compile("[、，,;；]"), 1.0),
)
_COMMA: Final = re.compile(r"[、，；;](?!\d)\s*|,(?=\s)\s*")
_PHRASE: Final = re.compile(
    r"(?<=[一-鿿々〆ヵヶァ-ヺー0-9])(?:に|で|と|へ|から|まで)?は(?=[一-鿿ァ-ヺ0-9])"
    r"|(?<=[一-鿿々〆ヵヶァ-ヺー])から(?=[一-鿿ァ-ヺ0-9])(?![揚傘松芋])"
    r"|(?<=[一-鿿々〆ヵヶァ-ヺー0-9])(?:まで|より|では|には)(?=[一-鿿ァ-ヺ0-9])"
    r"|(?:ので|ですが|ますが|けれど|ながら|ときは|場合は|たら|ため(?![池息込]))(?=[一-鿿ァ-ヺ0-9])"
)
_COUNT: Final = r"(?:\d|(?:one|two|three|four|five|six|seven|eight|nine|ten|twelve)\b)"
_JOINT: Final = re.compile(
    r"(?<=[a-z0-9.]) (?=(?:but|which|who|where|because|while|from|between|with|by|for|at|on|in) )"
    rf"|(?<=[a-z0-9.]) (?=(?:and|or) (?!{_COUNT}))"
    rf"|\b(?!{_COUNT})[a-z]+ (?=(?:to|until) )"  # after no figure, clock, day or month
)
_LIMIT: Final = 0.6  # of a clause: sounds of what may stay uncut beyond it


def sounds(said: str, language: Language) -> float:
    """Estimate how many sounds a text in spoken form has: 7.5 are a second."""
    ideograph = 2.0 if language.japanese else 1.7
    return sum(
        weight * len(kind.findall(said)) for kind, weight in ((_IDEOGRAPH, ideograph), *_WEIGHTS)
    )


def cut(
    said: str,
    language: Language,
    names: Sequence[SpokenName] = (),
    *,
    least: float,
    most: float,
) -> tuple[str, str]:
    """Return the first clause of a sentence, of `least` to `most` sounds, and what follows it.

    A comma goes before any other place, and the later one before the earlier. Where there is none
    the clause is as much longer as it has to be; what is little longer than `most`, or cannot be
    cut, stays whole. The first part ends with a comma, also where none was written.
    """
    if sounds(said, language) <= most:
        return said, ""
    commas = list(_fit(said, language, names, _COMMA, least))
    within = [each for each in commas if each[2] <= most]
    if within:
        return within[-1][:2]
    if sounds(said, language) <= most * (1 + _LIMIT):
        return commas[0][:2] if commas and commas[0][2] <= most * (1 + _LIMIT / 2) else (said, "")
    weaker = _JOINT if language is Language.EN else _PHRASE
    others = list(_fit(said, language, names, weaker, least))
    within = [each for each in others if each[2] <= most]
    if within:
        return within[-1][:2]
    found = min((*commas, *others), key=lambda each: each[2], default=(said, "", 0.0))
    return found[:2]


def _fit(
    said: str,
    language: Language,
    names: Sequence[SpokenName],
    mark: re.Pattern[str],
    least: float,
) -> Iterator[tuple[str, str, float]]:
    """Yield the cuts that leave neither side too short, with the sounds of what comes first."""
    comma = "、" if language.japanese else ","
    for found in mark.finditer(said):
        head = said[: found.end()].rstrip()
        rest = said[found.end() :].lstrip()
        length = sounds(head, language)
        if length < least or sounds(rest, language) < STUB:
            continue
        if not any(_within(each.surface, said, found) for each in names):
            yield head if mark is _COMMA else head + comma, rest, length


def _within(name: str, said: str, found: re.Match[str]) -> bool:
    """Whether a cut lies inside a name."""
    first = max(0, found.end() - len(name) + 1)
    at = said.find(name, first, found.end() + len(name) - 1)
    return at >= 0 and at < found.end() < at + len(name)
