"""Naming: what a sight is called in the asker's script, from the aliases in the guides."""

import re

from knowledge.language import Language
from knowledge.retrieval.index import Index
from knowledge.text import is_han

_HANGUL = re.compile(r"[가-힣 ]+\Z")
_LATIN = re.compile(r"[A-Z][\w .'’-]*\Z", re.ASCII)


def called(index: Index, facility: str, language: Language) -> str | None:
    """Return a sight's name in a language; None if the guides' own is the one to use.

    Easy Japanese has the kana beside the name. Names in kanji are read in both Chinese scripts:
    only where the facility's own name holds kana is another one looked for.
    """
    if language is Language.JA_EASY:
        return index.names.readings.get(facility)
    if language is Language.JA or (language.chinese and all(map(is_han, facility))):
        return None
    aliases = dict.fromkeys(
        alias
        for each in index.library.documents
        if each.facility == facility
        for alias in each.aliases
    )
    if language.chinese:
        return next((each for each in aliases if all(map(is_han, each))), None)
    script = _HANGUL if language is Language.KO else _LATIN
    return next((each for each in aliases if script.match(each)), None)
