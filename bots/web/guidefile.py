"""The town's answers as a guide file, so that the town owns them without us."""

import json
from collections.abc import Sequence
from datetime import date

from bots import texts
from core.questions import Fact
from knowledge.text import clean


def guide_file(facts: Sequence[Fact], language: str, today: date) -> str:
    """Markdown that can be put into ``guides/``: one row a fact, with its own day.

    Only the facts that are written in `language`. Its review falls due with the first of them.
    """
    own = [each for each in facts if language in each.answers]
    head = {
        "title": texts.say("queue.source", language),
        "lang": language,
        "as_of": max((each.as_of for each in own), default=today).isoformat(),
        "status": "current",
        "source_title": texts.say("queue.source", language),
    }
    if own:
        head["review_by"] = min(each.review_by for each in own).isoformat()
    # A JSON string is a YAML string (YAML 1.2, section 1.3).
    lines = [f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in head.items()]
    rows = [
        f"| {_cell(each.question)} | {_cell(each.answers[language])} |"
        f" {each.as_of.isoformat()} | current | {_cell(each.source) or '—'} |"
        for each in own
    ]
    table = ("| item | value | as of | status | source |", "| --- | --- | --- | --- | --- |", *rows)
    return "\n".join(("---", *lines, "---", f"# {head['title']}", "", *table, ""))


def _cell(text: str) -> str:
    """One line in which no character of Markdown means anything."""
    return "".join(f"\\{each}" if each in r"\|`*_[]<>&" else each for each in clean(text))
