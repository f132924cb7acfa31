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
_LAST_HOUR: Final = 29  # 25:00 is what bars and trains write
_LAST_MINUTE: Final = 59


def full_dates(pattern: str, form: str) -> Step:
    """Return a step for a date; what is none stays. `form` is a template of year, month, day."""

    def said(found: re.Match[str]) -> str:
        year, month, day = (int(each) for each in found.groups())
        valid = 1 <= month <= _MONTHS and 1 <= day <= _MOST_DAYS
        return form.format(year, month, day) if valid else found[0]

    return step(pattern, said)


def clocks(whole: str, *, minutes: str) -> Step:
    """Return a step for 8:30; `whole` is a template of the hour, `minutes` of what follows it."""

    def said(found: re.Match[str]) -> str:
        hour, minute = int(found[1]), int(found[2])
        if hour > _LAST_HOUR or minute > _LAST_MINUTE:
            return found[0]
        return whole.format(hour) + (minutes.format(minute) if minute else "")

    return step(r"(?<!\d)(?<!\d:)(\d{1,2}):(\d{2})(?::\d{2})?(?![\d:])", said)


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
