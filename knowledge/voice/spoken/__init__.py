"""The spoken form of a written answer: what a voice can say, sentence by sentence.

Writing has signs that voices read wrongly or letter by letter: 8:30〜17:30, ¥1,300, ㎡, weekdays in
brackets, addresses of web pages, lists, tables. Here they become words; figures stay figures,
because every voice reads those, and none is ever lost but by rewriting a clock (17:30 is 5:30 p.m.
in English).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from knowledge.language import Language
from knowledge.text import askable
from knowledge.voice.names import SpokenName
from knowledge.voice.spoken import english, japanese, korean, mandarin
from knowledge.voice.spoken.links import without_links
from knowledge.voice.spoken.markup import lines
from knowledge.voice.spoken.split import split

MOST_CHARACTERS: Final = 6_000
"""Of a text; what is longer is cut: 15 minutes of speech."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence as it is shown and as it is said, or a clause of one."""

    text: str  # the whole sentence, also of a clause
    said: str  # ends with a comma where the sentence goes on
    then: str = ""  # what follows in the same sentence: a voice does not let its pitch fall there


def sentences(
    text: str, language: Language, names: Sequence[SpokenName] = ()
) -> tuple[Sentence, ...]:
    """Split a text into what is said in one breath; what cannot be said is left out."""
    return tuple(_sentences(text[:MOST_CHARACTERS], language, names))


def _sentences(text: str, language: Language, names: Sequence[SpokenName]) -> Iterator[Sentence]:
    for line in lines(text, language):
        for sentence in split(line, language):
            said = spoken_form(sentence, language, names)
            if askable(said):
                yield Sentence(sentence, said)


def spoken_form(text: str, language: Language, names: Sequence[SpokenName] = ()) -> str:
    """Write one sentence as it is said; the empty text if nothing of it can be."""
    plain = without_links(text, language)
    if language.japanese:
        said = japanese.spoken_form(plain, names)
    elif language.chinese:
        said = mandarin.spoken_form(plain, traditional=language is Language.ZH_HANT)
    elif language is Language.KO:
        said = korean.spoken_form(plain)
    else:
        said = english.spoken_form(plain)
    return said if askable(said) else ""
