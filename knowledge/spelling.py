"""Spelling: what people meant to type.

Two kinds of slip are common enough to be worth a second look. In Japanese the converter offers a
homophone (入洞量 for 入洞料), so words are compared as they are read. In Latin letters a word is a
letter or two off ("admision", "Akiyosido"), so it is compared with the town's names and the words
for what visitors ask about; a word that the guides know is left alone.
"""

import difflib
import re
from collections.abc import Iterable
from functools import cache
from weakref import WeakKeyDictionary

from knowledge.lexicon import Cues, lexicon
from knowledge.retrieval.index import Index
from knowledge.text import fold, is_han, is_kana
from knowledge.words import Words, stem

SHORTEST_READING = 4  # kana; shorter ones are read in too many other words
SHORTEST = 5  # Latin letters
ALIKE = 0.8  # of the letters, in order (Ratcliff and Obershelp)

_LATIN = re.compile(r"[A-Za-z][A-Za-z'-]*")


def homophones(question: str, index: Index) -> frozenset[str]:
    """Return the concepts whose Japanese words a question holds by their sound."""
    return _sounds(index.words).find(index.words.reading(question, {}))


@cache
def _sounds(words: Words) -> Cues:
    return Cues(
        (reading, name)
        for name, concept in lexicon().concepts.items()
        for cue in concept.words
        if any(map(is_han, cue)) and all(is_han(each) or is_kana(each) for each in cue)
        if len(reading := words.reading(cue, {})) >= SHORTEST_READING
    )


def corrected(question: str, index: Index) -> str:
    """Return a question with its misspelt Latin words as they were probably meant."""
    vocabulary = _vocabulary(index)

    def correct(match: re.Match[str]) -> str:
        word = match.group().casefold()
        if len(word) < SHORTEST or word in vocabulary or index.knows(stem(word)):
            return match.group()
        if lexicon().asked(word) or index.names.find(word):
            return match.group()
        alike = (each for each in vocabulary if each[0] == word[0])
        near = difflib.get_close_matches(word, alike, n=1, cutoff=ALIKE)
        return near[0] if near else match.group()

    return _LATIN.sub(correct, question)


def _vocabulary(index: Index) -> frozenset[str]:
    """Return the Latin words of the town's names and of the lexicon."""
    if (kept := _vocabularies.get(index)) is not None:
        return kept
    named = (each for document in index.library.documents for each in document.aliases)
    cues = (cue for concept in lexicon().concepts.values() for cue in concept.words)
    return _vocabularies.setdefault(index, frozenset(_words((*named, *cues))))


_vocabularies: WeakKeyDictionary[Index, frozenset[str]] = WeakKeyDictionary()


def _words(texts: Iterable[str]) -> Iterable[str]:
    for text in texts:
        for word in _LATIN.findall(fold(text)):
            if len(word) >= SHORTEST:
                yield word.casefold()
