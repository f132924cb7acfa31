"""Words: the expressions of ``words.toml``, by table and name."""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files


@cache
def _table(name: str) -> Mapping[str, list[str]]:
    raw = files("knowledge.computed").joinpath("words.toml").read_text("utf-8")
    table: Mapping[str, list[str]] = tomllib.loads(raw)[name]
    return table


def words(table: str, name: str) -> str:
    """Return one alternation of all the expressions under a name."""
    return f"(?:{'|'.join(_table(table)[name])})"


def expressions(table: str, name: str) -> tuple[str, ...]:
    """Return the expressions under a name one by one."""
    return tuple(_table(table)[name])
