"""Tones that change beside others: 你好 is ní hǎo, 不是 bú shì, 一起 yì qǐ.

Of third tones in a row all but the last rise, within a word first, then within a foot (words of one
syllable in pairs), then between what stands beside each other (Duanmu, The Phonology of Standard
Chinese, chapter 11).
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

_THIRD, _SECOND = "3", "2"
_FIGURES: Final = frozenset("零〇一二三四五六七八九")
_ORDINAL_BEFORE: Final = ("第", "初", "周", "星期", "十", "百", "千", "万", "亿")
_ORDINAL_AFTER: Final = ("月", "号", "楼")
_PAIR: Final = 2


@dataclass(slots=True)
class Word:
    """A word and its syllables: pinyin with the number of the tone, 5 for none."""

    text: str
    syllables: list[str]


def spoken_tones(words: list[Word], known: Callable[[str], bool]) -> list[Word]:
    """Return the words of a phrase with the tones that are said; `known` tells what is a word."""
    said = [Word(each.text, list(each.syllables)) for each in words]
    _negation_and_one(said)
    for word in said:
        _rise_within(word, known)
    feet = _feet(said)
    for one, other in pairwise(feet):
        _rise(one.syllables, other.syllables[0])
    _give_back(said, feet)
    return said


def _negation_and_one(words: list[Word]) -> None:
    """不 and 一 take their tone from what follows."""
    text = "".join(each.text for each in words)
    flat = [(word, at) for word in words for at in range(len(word.syllables))]
    if len(text) != len(flat):  # 一会儿 as two syllables: what cannot be matched stays
        return
    tones = [word.syllables[at][-1] for word, at in flat]
    for place, character in enumerate(text):
        word, at = flat[place]
        if character not in "不一" or tones[place] == "5":
            continue
        following = tones[place + 1] if place + 1 < len(text) else ""
        if _echoed(text, place):
            tone = "5"
        elif character == "不":
            tone = "2" if following == "4" else "4"
        else:
            ends_word = at > 0 and at == len(word.syllables) - 1
            tone = "1" if ends_word else _one(text, place, following)
        word.syllables[at] = word.syllables[at][:-1] + tone


def _echoed(text: str, place: int) -> bool:
    """Whether it stands between the same: 是不是, 看一看."""
    return 0 < place < len(text) - 1 and text[place - 1] == text[place + 1]


def _one(text: str, place: int, following: str) -> str:
    before, after = text[:place], text[place + 1 :]
    counts = before.endswith(_ORDINAL_BEFORE) or before[-1:] in _FIGURES
    number = not after or after[0] in _FIGURES or after.startswith(_ORDINAL_AFTER)
    if counts or number or re.match(r"日(?![游券票])", after):
        return "1"
    return "2" if following in {"4", "5"} else "4"


def _rise_within(word: Word, known: Callable[[str], bool]) -> None:
    """Apply the third tone's rule to a word: 展览馆 is 展览 + 馆, 小老虎 小 + 老虎."""
    if len(word.syllables) != len(word.text) or len(word.syllables) < _PAIR:
        return
    if len(word.syllables) == _PAIR:
        _rise_all(word.syllables, [_PAIR])
    elif len(word.syllables) == _PAIR + 1:
        ends_in_word = known(word.text[1:]) and not known(word.text[:2])
        _rise_all(word.syllables, [1, _PAIR] if ends_in_word else [_PAIR, 1])
    else:
        pairs = len(word.syllables) // _PAIR
        odd = [1] * (len(word.syllables) % _PAIR)
        _rise_all(word.syllables, [*[_PAIR] * pairs, *odd])


def _rise_all(syllables: list[str], sizes: list[int]) -> None:
    """Let third tones rise in parts of these sizes, then between the parts."""
    parts, start = [], 0
    for size in sizes:
        parts.append(syllables[start : start + size])
        start += size
    for part in parts:
        if len(part) == _PAIR:
            head = part[:1]
            _rise(head, part[1])
            part[:1] = head
    for one, other in pairwise(parts):
        _rise(one, other[0])
    syllables[:] = [each for part in parts for each in part]


def _rise(syllables: list[str], following: str) -> None:
    if syllables[-1].endswith(_THIRD) and following.endswith(_THIRD):
        syllables[-1] = syllables[-1][:-1] + _SECOND


def _feet(words: list[Word]) -> list[Word]:
    """Put words of one syllable together in pairs, as they are spoken: 我 想 买 水."""
    feet: list[Word] = []
    open_foot = False
    for word in words:
        if open_foot and len(word.syllables) == 1:
            _rise(feet[-1].syllables, word.syllables[0])
            feet[-1] = Word(feet[-1].text + word.text, [*feet[-1].syllables, *word.syllables])
            open_foot = False
        else:
            feet.append(Word(word.text, list(word.syllables)))
            open_foot = len(word.syllables) == 1
    return feet


def _give_back(words: list[Word], feet: list[Word]) -> None:
    said = [each for foot in feet for each in foot.syllables]
    for word in words:
        word.syllables = said[: len(word.syllables)]
        del said[: len(word.syllables)]
