"""Steps: replacements that are made one after the other, in every language."""

import re
from collections.abc import Callable, Iterable

Change = Callable[[re.Match[str]], str]
Step = tuple[re.Pattern[str], Change]


def step(pattern: str, change: str | Change) -> Step:
    """Return a step; a text is a template with groups, as `re.Match.expand` has it."""
    if isinstance(change, str):
        template = change
        return re.compile(pattern), lambda found: found.expand(template)
    return re.compile(pattern), change


def taken(text: str, steps: Iterable[Step]) -> str:
    """Return a text after all steps."""
    for pattern, change in steps:
        text = pattern.sub(change, text)
    return text
