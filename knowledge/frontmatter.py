"""Front matter: the YAML head of a guide file, checked key by key.

What is wrong is returned as problems with the line where it stands, so that a person without a
programmer beside them can mend the file.
"""

import calendar
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, TypeVar

import yaml
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from knowledge.language import Language
from knowledge.passage import Problem, Status

MAX_FRONT_MATTER_CHARACTERS = 64_000
MAX_BRACKETS = 500  # PyYAML's time grows with the square of their depth: 30,000 take a minute
_DATE = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?\Z")
_FENCE = "---"


def partial_date(text: str) -> str:
    """Check a date of one of the forms YYYY, YYYY-MM and YYYY-MM-DD (ISO 8601, reduced precision).

    Raises `ValueError` for any other form and for days that no calendar has.
    """
    match = _DATE.match(text)
    if match is None:
        raise ValueError("not a date of the form YYYY, YYYY-MM or YYYY-MM-DD")
    year, month, day = match.groups()
    date(int(year), int(month or 1), int(day or 1))
    return text


def last_day(text: str) -> date:
    """Return the last day that a partial date covers: 2027-02 is 2027-02-28."""
    year, month, day = (*(int(part) for part in text.split("-")), None, None)[:3]
    assert year is not None  # noqa: S101 - `split` never returns an empty list
    month = month or 12
    return date(year, month, day or calendar.monthrange(year, month)[1])


def _scalar(value: Any) -> Any:
    """YAML reads 2026 as a number; it was written as text."""
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


Text = Annotated[str, BeforeValidator(_scalar), Field(min_length=1, max_length=2_000)]
PartialDate = Annotated[Text, AfterValidator(partial_date)]


class Disagreement(BaseModel):
    """One entry of `contradictions`."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    about: Text
    found: Annotated[list[Text], Field(min_length=1, max_length=50)]
    adopted: Text
    reason: Text = "—"


class _Shared(BaseModel):
    """What every document can say of itself."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    status: Status = Status.CURRENT
    as_of: PartialDate | None = None
    facility: Text | None = None
    place: Text | None = None
    aliases: Annotated[list[Text], Field(max_length=200)] = []
    source: Text | None = None
    source_title: Text | None = None
    review_by: PartialDate | None = None
    contradictions: Annotated[list[Disagreement], Field(max_length=200)] = []


class FrontMatter(_Shared):
    """The head of a guide file."""

    title: Text
    lang: Language


class Sidecar(_Shared):
    """The same keys in a file beside a PDF or a table, which may know its own title."""

    title: Text | None = None
    lang: Language | None = None


Matter = TypeVar("Matter", FrontMatter, Sidecar)


class _Loader(yaml.SafeLoader):
    """The safe loader, which leaves dates as they were written: 2026-02-30 needs a line number."""


_Loader.yaml_implicit_resolvers = {
    first: [each for each in resolvers if not each[0].endswith(":timestamp")]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


@dataclass(frozen=True, slots=True)
class Split:
    """A file cut in two; `body_line` is the 1-based line on which the body begins."""

    head: str
    body: str
    body_line: int


def split(text: str) -> Split | None:
    """Cut a guide file at its two ``---`` lines; None if it has no front matter."""
    lines = text.splitlines(keepends=True)
    if not lines or lines[0].strip() != _FENCE:
        return None
    for number, line in enumerate(lines[1:], start=1):
        if line.strip() == _FENCE:
            return Split("".join(lines[1:number]), "".join(lines[number + 1 :]), number + 2)
    return None


def parse(head: str, file: str) -> FrontMatter | tuple[Problem, ...]:
    """Read the YAML between the ``---`` lines; problems instead if it cannot be used."""
    return _parse(head, file, FrontMatter, first_line=2)


def parse_sidecar(text: str, file: str) -> Sidecar | tuple[Problem, ...]:
    """Read the YAML file beside a document; problems instead if it cannot be used."""
    return _parse(text, file, Sidecar, first_line=1)


def _parse(
    head: str, file: str, model: type[Matter], *, first_line: int
) -> Matter | tuple[Problem, ...]:
    def problem(line: int, what: str, remedy: str) -> Problem:
        return Problem(file, line, what, remedy, "front-matter", (what,))

    if len(head) > MAX_FRONT_MATTER_CHARACTERS:
        remedy = f"keep the head below {MAX_FRONT_MATTER_CHARACTERS:,} characters"
        return (problem(1, "the front matter is too long", remedy),)
    if head.count("[") + head.count("{") > MAX_BRACKETS:
        remedy = "write lists as lines that begin with a hyphen"
        return (problem(1, f"more than {MAX_BRACKETS} brackets", remedy),)
    try:
        loaded = yaml.load(head, _Loader)  # noqa: S506 - a safe loader, but for its dates
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + first_line if error.problem_mark else 1
        what = f"the front matter is not YAML: {error.problem or 'unreadable'}"
        return (problem(line, what, 'put texts that contain ": " or "#" in quotes'),)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        what = f"the front matter is not YAML: {type(error).__name__}"
        return (problem(1, what, "write one `key: value` a line"),)
    if not isinstance(loaded, Mapping):
        return (problem(1, "the front matter holds no keys", "write one `key: value` a line"),)
    try:
        return model.model_validate(dict(loaded))
    except ValidationError as error:
        return tuple(
            problem(_line_of(head, each["loc"], first_line), _message(each), _remedy(each["loc"]))
            for each in error.errors(include_url=False, include_context=False, include_input=False)
        )


def _line_of(head: str, location: tuple[int | str, ...], first_line: int) -> int:
    key = str(location[0]) if location else ""
    for number, line in enumerate(head.splitlines(), start=first_line):
        if line.split(":", 1)[0].strip() == key:
            return number
    return 1


def _message(error: Any) -> str:
    where = ".".join(str(part) for part in error["loc"]) or "front matter"
    return f"{where}: {error['msg'].removeprefix('Value error, ')}"


_REMEDIES = {
    "title": "add a line such as `title: 秋芳洞の料金と時間`",
    "lang": "use one of: " + ", ".join(Language),
    "status": "use one of: " + ", ".join(Status),
    "as_of": "write when this was true: 2026, 2026-02 or 2026-02-11",
    "review_by": "write when to look again: 2027, 2027-03 or 2027-03-31",
    "contradictions": "each entry needs about, found (a list), adopted and reason",
}


def _remedy(location: tuple[int | str, ...]) -> str:
    known = "known keys: title, lang, " + ", ".join(_Shared.model_fields)
    return _REMEDIES.get(str(location[0]), known) if location else known
