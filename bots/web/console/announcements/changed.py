"""What changed in an announcement since somebody looked at it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final

from markupsafe import Markup

from core.announcements import Texts

_WORDS: Final = re.compile(r"\d+|[A-Za-z]+|.", re.DOTALL)


def reworded(was: Texts, now: Texts) -> list[tuple[str, Markup, Markup]]:
    """By language what it said and says, where that differs, with the difference marked."""

    def said(texts: Mapping[str, Mapping[str, str]], code: str) -> str:
        text = texts.get(code)
        return f"{text['heading']}\n\n{text['body']}" if text else ""

    pairs = [(code, said(was, code), said(now, code)) for code in dict.fromkeys((*was, *now))]
    return [(code, *marked(before, after)) for code, before, after in pairs if before != after]


@dataclass(frozen=True, slots=True)
class Facet:
    """Something other than words that changed: a key under ``announcing``, before and now."""

    key: str
    was: Sequence[str]
    now: Sequence[str]


def facets(before: Mapping[str, Sequence[str]], after: Mapping[str, Sequence[str]]) -> list[Facet]:
    """What differs between two descriptions, in the order of the second."""
    return [
        Facet(key, before[key], now)
        for key, now in after.items()
        if key in before and list(before[key]) != list(now)
    ]


def marked(was: str, now: str) -> tuple[Markup, Markup]:
    """Both texts with what went in ``del`` and what came in ``ins``; words and numbers whole."""
    before, after = _WORDS.findall(was), _WORDS.findall(now)
    old, new = Markup(), Markup()
    for kind, start, end, first, last in SequenceMatcher(None, before, after).get_opcodes():
        gone, come = "".join(before[start:end]), "".join(after[first:last])
        if kind == "equal":
            old, new = old + gone, new + come
            continue
        old += Markup("<del>{}</del>").format(gone) if gone else ""
        new += Markup("<ins>{}</ins>").format(come) if come else ""
    return old, new
