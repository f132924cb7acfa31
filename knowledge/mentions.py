"""Mentions: which sights a question means, however they are called in it.

By any name that the guides or the gazetteer give; in Chinese, by the characters that Japan writes;
and by a part of a name that stands for one sight alone.
"""

import re
from collections import defaultdict
from collections.abc import Mapping
from weakref import WeakKeyDictionary

from knowledge.hanzi import in_japanese_forms
from knowledge.language import Language
from knowledge.names import Name
from knowledge.retrieval.index import Index
from knowledge.text import fold


def mentioned(shown: str, language: Language, index: Index) -> tuple[tuple[Name, ...], str]:
    """Return the sights named, and the question in the spelling in which they were found."""
    found = index.names.find(shown)
    if found:
        return found, shown
    if language.chinese:
        japanese = in_japanese_forms(shown)
        if found := index.names.find(japanese):
            return found, japanese
    return _by_part(shown, index) if language.japanese else (), shown


def _by_part(shown: str, index: Index) -> tuple[Name, ...]:
    """Return the one sight that a part of its name stands for: サファリ, スキー場."""
    parts = _parts(index)
    heard = {parts[each] for each in _PART.findall(fold(shown)) if each in parts}
    return (index.names.of(heard.pop()),) if len(heard) == 1 else ()


def _parts(index: Index) -> Mapping[str, str]:
    """Return the facility that each run of one script within a name belongs to alone.

    The part must speak of the facility wherever the guides use it: 公園 of a name may be any park.
    """
    if (kept := _kept_parts.get(index)) is not None:
        return kept
    owners: defaultdict[str, set[str]] = defaultdict(set)
    for facility in index.sights:
        for part in {each for each in _PART.findall(fold(facility)) if each != fold(facility)}:
            owners[part].add(facility)
    found = {part: each.pop() for part, each in owners.items() if len(each) == 1}
    return _kept_parts.setdefault(
        index, {part: each for part, each in found.items() if _speaks_of(part, each, index)}
    )


def _speaks_of(part: str, facility: str, index: Index) -> bool:
    own = other = 0
    for number, passage in enumerate(index.library.passages):
        if part in fold(passage.text):
            about = index.names.subject(index.labels[number]) == facility
            own, other = own + about, other + (not about)
    return own >= other and own > 0


_PART = re.compile(r"[ァ-ヶー]{3,}場?|[一-鿿]{3,}")
_kept_parts: WeakKeyDictionary[Index, Mapping[str, str]] = WeakKeyDictionary()
