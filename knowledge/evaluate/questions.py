"""Labelled questions: one JSON object a line (JSON Lines), read liberally, refused precisely.

A byte-order mark, CRLF, blank lines and lines that begin with ``#`` or ``//`` are passed over, and
fields that we do not know are named once. Anything else that is wrong is a `Problem` with its line
and what to do about it: a question that is silently skipped would make the score a lie.
"""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from knowledge.answer import LONGEST_QUESTION
from knowledge.errors import QuestionsUnreadable
from knowledge.language import Language
from knowledge.passage import Problem

MOST_QUESTIONS: Final = 10_000
MOST_BYTES: Final = 32_000_000
MOST_PROBLEMS: Final = 50  # told at once
REFUSE: Final = "REFUSE"
COMPUTED: Final = "computed"
"""The kind of question whose answer is worked out: its figures may stand in no passage."""

FIELDS: Final = ("id", "lang", "question", "expected_facts", "must_not", "kind", "before", "now")
"""What a line may hold; the first four it must."""

_LANGUAGES = {each.value.casefold(): each for each in Language} | {"zh": Language.ZH_HANS}


@dataclass(frozen=True, slots=True)
class Labelled:
    """A question and what a right answer says."""

    id: str
    language: Language
    question: str
    expected: tuple[tuple[str, ...], ...]  # of each entry one alternative; none: to be refused
    must_not: tuple[tuple[str, ...], ...] = ()
    kind: str = ""  # a free label: fee, hours, typo, injection
    may_refuse: bool = False  # a refusal is right, alone or beside the facts
    before: tuple[str, ...] = ()  # earlier questions of the conversation, the first first
    now: datetime | None = None  # for answers that depend on it; else the caller's
    line: int = 0

    @property
    def refused(self) -> bool:
        """Whether only a refusal is right."""
        return not self.expected


@dataclass(frozen=True, slots=True)
class QuestionFile:
    """All questions of one file."""

    questions: tuple[Labelled, ...]
    unknown_fields: tuple[str, ...] = ()


class _Wrong(ValueError):
    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.remedy = remedy


def read_questions(path: Path) -> QuestionFile:
    """Read a file of labelled questions.

    Raises `QuestionsUnreadable`, whose `problems` name each line and its remedy.
    """
    questions: list[Labelled] = []
    problems: list[Problem] = []
    unknown: Counter[str] = Counter()
    seen: dict[str, int] = {}
    for number, line in _lines(path):
        if len(questions) >= MOST_QUESTIONS:
            problems.append(
                Problem(str(path), number, f"more than {MOST_QUESTIONS} questions", "split it")
            )
            break
        try:
            row = _row(line)
            unknown.update(row.keys() - set(FIELDS))
            question = _labelled(row, number)
            if question.id in seen:
                raise _Wrong(
                    f'id "{question.id}" is used by line {seen[question.id]} too',
                    "give each question an id of its own",
                )
        except _Wrong as error:
            problems.append(Problem(str(path), number, str(error), error.remedy))
            if len(problems) >= MOST_PROBLEMS:
                break
            continue
        seen[question.id] = number
        questions.append(question)
    if not questions and not problems:
        problems.append(Problem(str(path), 1, "no question in the file", "write one JSON a line"))
    if problems:
        raise QuestionsUnreadable(problems)
    return QuestionFile(tuple(questions), tuple(sorted(unknown)))


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise QuestionsUnreadable(
                [Problem(str(path), 1, f"larger than {MOST_BYTES:,} bytes", "split the file")]
            )
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        reason = error.strerror or type(error).__name__
        problem = Problem(str(path), 1, reason, "name a file that can be read")
        raise QuestionsUnreadable([problem]) from error
    except UnicodeDecodeError as error:
        at = error.object[: error.start].count(b"\n") + 1
        problem = Problem(str(path), at, "not UTF-8", "save the file as UTF-8")
        raise QuestionsUnreadable([problem]) from error
    # Only real line ends: U+2028 may stand inside a JSON string.
    for number, line in enumerate(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"), 1):
        stripped = line.strip()
        if stripped and not stripped.startswith(("#", "//")):
            yield number, stripped


def _row(line: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except (json.JSONDecodeError, RecursionError) as error:
        reason = error.msg if isinstance(error, json.JSONDecodeError) else "nested too deeply"
        raise _Wrong(f"not JSON: {reason}", "write one JSON object on one line") from error
    if not isinstance(row, dict):
        raise _Wrong("not a JSON object", 'write {"id": …, "lang": …, "question": …}')
    return row


def _labelled(row: dict[str, Any], number: int) -> Labelled:
    question = _text(row, "question")
    if len(question) > 10 * LONGEST_QUESTION:
        raise _Wrong("the question is too long", f"at most {10 * LONGEST_QUESTION} characters")
    tag = _text(row, "lang")
    if (language := _LANGUAGES.get(tag.replace("_", "-").casefold())) is None:
        raise _Wrong(f'lang "{tag}" is not known', "one of " + ", ".join(Language))
    expected, may_refuse = _expected(row.get("expected_facts"))
    return Labelled(
        id=_text(row, "id"),
        language=language,
        question=question,
        expected=expected,
        must_not=_alternatives("must_not", _strings(row, "must_not")),
        kind=_text(row, "kind") if "kind" in row else "",
        may_refuse=may_refuse,
        before=tuple(_strings(row, "before")),
        now=_moment(row.get("now")),
        line=number,
    )


def _text(row: dict[str, Any], name: str) -> str:
    value = row.get(name)
    if name == "id" and isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str) or not value.strip():
        raise _Wrong(f'"{name}" is missing or not a text', f'add "{name}": "…"')
    return value if name == "question" else value.strip()


def _strings(row: dict[str, Any], name: str) -> Sequence[str]:
    value = row.get(name) or []
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise _Wrong(f'"{name}" is not a list of texts', f'write "{name}": ["…"]')
    return value


def _expected(value: object) -> tuple[tuple[tuple[str, ...], ...], bool]:
    """Return what to look for, and whether a refusal is right (too).

    ``REFUSE`` alone asks for a refusal; as one of the alternatives it allows one.
    """
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, list) or not value:
        raise _Wrong(
            '"expected_facts" is missing or empty',
            f'write "expected_facts": ["…"], or "{REFUSE}" where a refusal is right',
        )
    if not all(isinstance(each, str) for each in value):
        raise _Wrong('"expected_facts" holds something else than texts', "write texts only")
    if value == [REFUSE]:
        return (), True
    entries = _alternatives("expected_facts", value)
    if (REFUSE,) in entries:
        raise _Wrong(
            f"{REFUSE} stands beside facts",
            f'expect a refusal alone, or allow one: "{REFUSE}|1,600円"',
        )
    allowed = any(REFUSE in each for each in entries)
    return tuple(tuple(one for one in each if one != REFUSE) for each in entries), allowed


def _alternatives(name: str, entries: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    split = tuple(
        tuple(each.strip() for each in entry.split("|") if each.strip()) for entry in entries
    )
    if not all(split):
        raise _Wrong(f'"{name}" has an empty entry', "remove it or write what to look for")
    return split


def _moment(value: object) -> datetime | None:
    if value is None:
        return None
    try:
        return datetime.fromisoformat(str(value))
    except ValueError as error:
        raise _Wrong(
            f'"now" is no date and time: {value!r}', "write it as 2026-11-21T10:00"
        ) from error
