"""Ruby: the readings of kanji in easy Japanese, word by word.

The guideline on easy Japanese of 出入国在留管理庁 and 文化庁 asks for readings of all kanji.
Words are read by the dictionary, local names as the town reads them (秋芳洞 is あきよしどう there).
The kana of a word stay outside: 食べる becomes 食(た)べる. Text that has its readings already keeps
them.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from knowledge.text import is_han
from knowledge.words import Words

_GIVEN = re.compile(r"([㐀-鿿々〆]+)[（(]([ぁ-ゖー]+)[）)]")
_HAN_RUN = re.compile(r"[㐀-鿿々〆]+")
_UNREAD = re.compile("[A-Za-z0-9 ・()-]")
_HIRAGANA = {code: code - 0x60 for code in range(ord("ァ"), ord("ヶ") + 1)}
_SOFT_MINUTES = frozenset("134680")
"""Digits after which 分 is read ぷん: さんぷん, じゅっぷん."""
_DAYS_IN_KA = frozenset({"2", "3", "4", "5", "6", "7", "8", "9", "10", "14", "20", "24"})
_NUMBER_BEFORE = re.compile(r"(\d+)\s*\Z")


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of text; `reading` is hiragana, set where the text is kanji."""

    text: str
    reading: str | None = None


class Ruby:
    """Readings for the texts of one town."""

    def __init__(self, readings: Mapping[str, str], words: Words | None = None) -> None:
        self._words = words or Words()
        # Latin letters and spaces have no place in a reading: 月山IC is read by its part 月山.
        self._readings = {name: each for name, each in readings.items() if not _UNREAD.search(name)}
        longest_first = sorted(self._readings, key=len, reverse=True)
        self._names = re.compile("|".join(map(re.escape, longest_first)) or r"(?!)")

    def parts(self, text: str) -> tuple[Part, ...]:
        """Split a text into kanji with their readings and everything between them."""
        return tuple(self._given(text))

    def bracketed(self, text: str) -> str:
        """Write the readings in brackets, for places that know no ruby: 秋芳洞(あきよしどう)."""
        return "".join(
            f"{each.text}({each.reading})" if each.reading else each.text
            for each in self.parts(text)
        )

    def _given(self, text: str) -> Iterator[Part]:
        position = 0
        for found in _GIVEN.finditer(text):
            yield from self._named(text[position : found.start()])
            yield Part(found[1], found[2])
            position = found.end()
        yield from self._named(text[position:])

    def _named(self, text: str) -> Iterator[Part]:
        position = 0
        for found in self._names.finditer(text):
            yield from self._read(text[position : found.start()])
            yield from aligned(found.group(), self._readings[found.group()])
            position = found.end()
        yield from self._read(text[position:])

    def _read(self, text: str) -> Iterator[Part]:
        if not any(map(is_han, text)):
            if text:
                yield Part(text)
            return
        for surface, reading, start in self._words.readings(text):
            if any(map(is_han, surface)):
                yield from aligned(surface, _counted(surface, text[:start]) or reading)
            else:
                yield Part(surface)


def _counted(surface: str, before: str) -> str | None:
    """Return the reading of a counter that depends on its number."""
    number = _NUMBER_BEFORE.search(before)
    if number is None:
        return None
    if surface == "分":
        return "ぷん" if number[1][-1] in _SOFT_MINUTES else "ふん"
    if surface == "日":
        return "か" if number[1] in _DAYS_IN_KA else "にち"
    return {"月": "がつ", "人": "にん", "時": "じ", "年": "ねん", "円": "えん"}.get(surface)


def aligned(surface: str, reading: str) -> Iterator[Part]:
    """Put a word's reading on its kanji alone: 食べる, たべる becomes 食(た)べる.

    If the kana of the word do not fit its reading, the word stays without one.
    """
    kana = _hiragana(reading)
    pieces = re.split(f"({_HAN_RUN.pattern})", surface)
    pattern = "".join(
        "(.+?)" if at % 2 else re.escape(_hiragana(each)) for at, each in enumerate(pieces)
    )
    found = re.fullmatch(pattern, kana)
    if found is None:
        yield Part(surface)
        return
    readings = iter(found.groups())
    for at, each in enumerate(pieces):
        if each:
            yield Part(each, next(readings)) if at % 2 else Part(each)


def _hiragana(text: str) -> str:
    return text.translate(_HIRAGANA)
