"""What changed in an announcement since somebody looked at it."""

import re
from collections.abc import Mapping
from difflib import SequenceMatcher
from typing import Final

from markupsafe import Markup

from core.announcements import Announcement, Revision

_WORDS: Final = re.compile(r"\d+|[A-Za-z]+|.", re.DOTALL)


def changes(each: Announcement, seen: Revision) -> list[tuple[str, Markup, Markup]]:
    """By language what it said and says, where that differs, with the difference marked."""

    def said(texts: Mapping[str, Mapping[str, str]], code: str) -> str:
        text = texts.get(code)
        return f"{text['heading']}\n\n{text['body']}" if text else ""

    languages = dict.fromkeys((*seen.texts, *each.texts))
    pairs = [(code, said(seen.texts, code), said(each.texts, code)) for code in languages]
    return [(code, *marked(was, now)) for code, was, now in pairs if was != now]


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
