"""Steps: replacements that are made one after the other, in every language."""

import re
from collections.abc import Callable, Iterable
from typing import Final

Change = Callable[[re.Match[str]], str]
Step = tuple[re.Pattern[str], Change]


def step(pattern: str, change: str | Change) -> Step:
    """Return a step; a text is a template with groups, as `re.Match.expand` has it."""
    if isinstance(change, str):
        template = change
        return re.compile(pattern), lambda found: found.expand(template)
    return re.compile(pattern), change


_MONTHS: Final = 12
_MOST_DAYS: Final = 31
_FRACTION: Final = 10


def short_dates(*, after: str, before: str, date: str, fraction: str) -> Step:
    """Return a step for 4/29: a day beside what dates have beside them, or if it is no fraction.

    `after` and `before` are patterns; `date` and `fraction` templates of the two figures.
    """
    follows, precedes = re.compile(rf"\s?(?:{after})"), re.compile(rf"(?:{before})\s?$")

    def said(found: re.Match[str]) -> str:
        month, day = int(found[1]), int(found[2])
        dated = (
            day > _FRACTION
            or follows.match(found.string, found.end())
            or precedes.search(found.string, 0, found.start())
        )
        if dated and 1 <= month <= _MONTHS and 1 <= day <= _MOST_DAYS:
            return date.format(month, day)
        return fraction.format(month, day) if 0 < month < day <= _FRACTION else found[0]

    return step(r"(?<![\d/])(\d{1,2})/(\d{1,2})(?![\d/])", said)


def taken(text: str, steps: Iterable[Step]) -> str:
    """Return a text after all steps."""
    for pattern, change in steps:
        text = pattern.sub(change, text)
    return text
