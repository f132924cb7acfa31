"""Vocabulary: which of a town's names and words a recogniser is told, and which are put back.

A prompt has room for some fifteen names: those that the town's Japanese guides use most often, the
most frequent last, next to what is said. It holds no questions, with which fewer words are
misheard: but 美祢市にスキー場はありますか then becomes 駐車場はありますか, which nobody notices.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from knowledge.lexicon import lexicon
from knowledge.text import is_han
from knowledge.voice.names import SpokenName

PROMPT_NAMES: Final = 14
_CHINESE: Final = "以下是普通话的句子。"
"""In simplified characters, so that Whisper writes Mandarin and not Cantonese or Japanese."""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What is said in one town."""

    names: tuple[SpokenName, ...] = ()  # all of them
    words: tuple[str, ...] = ()  # of kanji, that its guides use, most often first
    often: tuple[str, ...] = ()  # names for the prompt, most often last

    @property
    def prompts(self) -> Mapping[str, str]:
        """What a recogniser is told before it listens, by language (ISO 639-1)."""
        names = "、".join(self.often)
        told = f"{names}。" if names else ""
        return {"ja": told, "zh": _CHINESE + told}


def vocabulary(names: Sequence[SpokenName], texts: Iterable[str] = ()) -> Vocabulary:
    """Count names and the words of common questions in `texts`, the guides of a town.

    Without texts, names that are part of other names come first: 秋吉台 before 秋吉台科学博物館.
    """
    surfaces = [each.surface for each in names]
    topics = [each for each in sorted(lexicon().topics) if len(each) > 1 and all(map(is_han, each))]
    lines = Counter(line for text in texts for line in text.splitlines() if _japanese(line))
    said = "\n".join(lines.elements())
    counted = _counted(said, surfaces) | _counted(said, topics)  # 0 for what is not there
    within = {each: sum(each in other for other in surfaces) for each in surfaces}
    often = sorted(surfaces, key=lambda each: (-counted[each], -within[each], len(each), each))
    words = sorted(
        (each for each in topics if counted[each]), key=lambda each: (-counted[each], each)
    )
    return Vocabulary(tuple(names), tuple(words), tuple(reversed(_apart(often, PROMPT_NAMES))))


def _counted(text: str, terms: Sequence[str]) -> Counter[str]:
    """Count terms; one within a longer one is the longer one."""
    longest_first = sorted(terms, key=len, reverse=True)
    found = re.findall("|".join(map(re.escape, longest_first)), text) if terms else []
    return Counter(found)


def _apart(terms: Sequence[str], most: int) -> list[str]:
    """Return the first terms of which none is part of another."""
    chosen: list[str] = []
    for each in terms:
        if len(chosen) < most and not any(each in other or other in each for other in chosen):
            chosen.append(each)
    return chosen


def _japanese(line: str) -> bool:
    """Whether a line holds hiragana: a guide may be a translation."""
    return any("ぁ" <= each <= "ゖ" for each in line)
