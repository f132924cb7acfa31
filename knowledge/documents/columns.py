"""Columns: what the columns of a published table mean, by their normalised names.

The names of 自治体標準オープンデータセット, of its forerunner 推奨データセット, and of tables that
only resemble them stand in ``opendata.toml``.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from knowledge.text import clean

_BRACKETS = str.maketrans("〔〕[]【】「」《》<>", "()()()()()()")
_REMARK = re.compile(r"※.*\Z")


def normal(name: str) -> str:
    """Make a column's name comparable: NFKC, no spaces, one kind of bracket, no case."""
    folded = clean(name).casefold().translate(_BRACKETS)
    return _REMARK.sub("", folded).replace(" ", "")


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """``opendata.toml``, read once."""

    meaning: Mapping[str, str]  # normalised name → what it means
    ignored: frozenset[str]
    flags: re.Pattern[str]
    kinds: Sequence[tuple[str, frozenset[str]]]
    named: Mapping[str, Sequence[str]]
    totals: frozenset[str]
    yes: frozenset[str]
    no: frozenset[str]


@cache
def vocabulary() -> Vocabulary:
    """Return the vocabulary of published tables."""
    text = files("knowledge.documents").joinpath("opendata.toml").read_text(encoding="utf-8")
    tables = tomllib.loads(text)
    words = tables["words"]
    return Vocabulary(
        meaning={
            normal(name): meaning for meaning, names in tables["columns"].items() for name in names
        },
        ignored=frozenset(normal(name) for name in tables["ignored"]["names"]),
        flags=re.compile("|".join(tables["flags"]["patterns"])),
        kinds=tuple(
            (kind["name"], frozenset(normal(each) for each in kind["columns"]))
            for kind in tables["kinds"]
        ),
        named=tables["named"],
        totals=frozenset(normal(each) for each in words["totals"]),
        yes=frozenset(normal(each) for each in words["yes"]),
        no=frozenset(normal(each) for each in words["no"]),
    )


def known(name: str) -> bool:
    """Whether a cell is a column's name as published tables have it."""
    words, cell = vocabulary(), normal(name)
    return cell in words.meaning or cell in words.ignored


def kind_of(header: Iterable[str], *names: str) -> str | None:
    """What a table lists: by its columns, else by the names of its file and sheet."""
    words = vocabulary()
    columns = {normal(each) for each in header}
    for kind, needed in words.kinds:
        if needed <= columns:
            return kind
    shown = " ".join(normal(each) for each in names)
    for kind, parts in words.named.items():
        if any(part in shown for part in parts):
            return kind
    return None


def flag(text: str, *, digits: bool) -> bool | None:
    """Read a flag; 1 and 0 count only where the column is known to hold flags."""
    words, cell = vocabulary(), normal(text)
    if cell in words.yes or (digits and cell == "1"):
        return True
    if cell in words.no or (digits and cell == "0"):
        return False
    return None
