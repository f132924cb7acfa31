"""Claims: what a generated sentence says that no cited passage does, figures and names alike.

A generator invents names as readily as prices. Names are recognised by what each script gives away:
the town's own gazetteer in every language, the dictionary's proper nouns in Japanese, capitals
within an English sentence, and whatever stands in quotation marks. As with figures, what is refused
wrongly costs a wording, because the extract is sent instead.
"""

import re
from collections.abc import Iterable, Iterator, Sequence

from knowledge.index import Index
from knowledge.language import Language
from knowledge.names import squeeze
from knowledge.passage import Passage
from knowledge.text import clean, without_ruby

_QUOTED = re.compile(r"[「『“\"]([^「」『』“”\"]{2,60})[」』”\"]")
_CAPITAL = re.compile(r"(?<![.!?:\"“'’\n] )(?<!^)\b[A-Z][A-Za-z'’-]{2,}")
_CALENDAR = """
january february march april may june july august september october november december monday
tuesday wednesday thursday friday saturday sunday mondays tuesdays wednesdays thursdays fridays
saturdays sundays
"""
_COMMON = "japan japanese english chinese korean yen please golden week new year obon"
_ANYWHERE = frozenset((*_CALENDAR.split(), *_COMMON.split()))
"""Capitalised words of English that name nothing of the town."""


def unsupported_names(
    sentence: str,
    passages: Sequence[Passage],
    *,
    index: Index,
    language: Language,
    known: str = "",
) -> tuple[str, ...]:
    """Return the names in a sentence that neither the passages nor `known` hold.

    `known` is what may be said besides: the question, and who the mascot is.
    """
    shown = without_ruby(clean(sentence))
    said = squeeze("\n".join((known, *map(_whole, passages))))
    cited = {each.document for each in passages}
    missing = [
        name.facility
        for name in index.names.find(shown)
        if not name.documents & cited and not any(each in said for each in name.others)
    ]
    missing += [each for each in _names(shown, language, index) if squeeze(each) not in said]
    return tuple(dict.fromkeys(missing))


def _names(shown: str, language: Language, index: Index) -> Iterator[str]:
    yield from _QUOTED.findall(shown)
    if language.japanese:
        for word in index.words.morphemes(shown, long=True):
            if word.proper and len(word.surface) > 1:
                yield word.surface
    elif language is Language.EN:
        for found in _CAPITAL.finditer(shown):
            if found.group().casefold() not in _ANYWHERE:
                yield found.group()


def _whole(passage: Passage) -> str:
    fields: Iterable[str | None] = (
        passage.title,
        *passage.headings,
        passage.text,
        passage.facility,
        passage.place,
        *passage.aliases,
        passage.source_title,
    )
    return without_ruby("\n".join(each for each in fields if each))
