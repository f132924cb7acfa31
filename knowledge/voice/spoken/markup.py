"""Markdown to lines that can be said: marks go, a row of a table becomes a sentence."""

import re
from collections.abc import Iterator
from typing import Final

from knowledge.language import Language
from knowledge.voice.spoken.links import without_links

_IMAGE: Final = re.compile(r"!\[([^\]\n]*)\]\([^)\n]*\)")
_LINK: Final = re.compile(r"\[([^\]\n]+)\]\([^)\n]*\)")
_FOOTNOTE: Final = re.compile(r"\[\^?\d{1,3}\]|(?<!m)[⁰¹²³⁴-⁹]+(?=[\s。、.,]|$)")
_TAG: Final = re.compile(r"</?[A-Za-z][^<>\n]{0,200}>")
_EMPHASIS: Final = re.compile(r"(\*\*|__|~~|`+)(?=\S)(.+?)(?<=\S)\1")
_ITALIC: Final = re.compile(r"(?<![\w*])([*_])(?=\S)([^*_\n]+?)(?<=\S)\1(?![\w*])")
_ESCAPE: Final = re.compile(r"\\([\\`*_{}\[\]()#+.!|~-])")
_HEAD: Final = re.compile(r"^\s{0,3}#{1,6}\s+|^\s*>+\s?")
# A hyphen before a figure is a minus, a plus the beginning of a telephone number.
_BULLET: Final = re.compile(
    r"^\s*(?:[-*+](?=\s|[぀-ヿ一-鿿가-힣])|[•◦▪●○◆◇■□▶・※★☆]|\(?\d{1,2}[.)](?=\s))\s*"
)
_RULE: Final = re.compile(r"^\s*(?:[-*_=]\s*){3,}$|^\s*```.*$")
_DIVIDER: Final = re.compile(r"^\s*\|?(?:\s*:?-{2,}:?\s*\|)+\s*:?-*:?\s*\|?\s*$")
_NOTHING: Final = frozenset({"", "-", "—", "–", "―", "−", "ー", "n/a", "N/A"})
_COLUMNS_OF_A_LIST: Final = 2


def lines(text: str, language: Language) -> Iterator[str]:
    """Yield what is written line by line, without the marks of Markdown."""
    table: list[list[str]] = []
    for line in filter(str.strip, text.splitlines()):
        if line.lstrip().startswith("|") and line.count("|") > 1:
            table.append([] if _DIVIDER.match(line) else _cells(line))
            continue
        yield from _rows(table, language)
        table = []
        if not _RULE.match(line) and (plain := _plain(_BULLET.sub("", _HEAD.sub("", line)))):
            yield plain
    yield from _rows(table, language)


def _plain(line: str) -> str:
    line = _LINK.sub(r"\1", _IMAGE.sub(r"\1", line))
    line = _FOOTNOTE.sub("", _TAG.sub("", line))
    for _ in range(3):  # emphasis within emphasis
        line = _ITALIC.sub(r"\2", _EMPHASIS.sub(r"\2", line))
    return _ESCAPE.sub(r"\1", line).strip()


def _cells(line: str) -> list[str]:
    inner = line.strip().removeprefix("|").removesuffix("|")
    return [_plain(each) for each in re.split(r"(?<!\\)\|", inner)]


def _rows(table: list[list[str]], language: Language) -> Iterator[str]:
    """Say each row: its first cell, then the others, each after its heading if there are many."""
    if not table:
        return
    headed = len(table) > 1 and not table[1]
    heads = table[0] if headed else []
    comma, stop = ("、", "。") if language.japanese or language.chinese else (", ", ".")
    colon = "は" if language.japanese else "：" if language.chinese else ": "
    for row in table[2 if headed else 0 :]:
        told = [without_links(each, language).strip() for each in row]
        cells = [(at, each) for at, each in enumerate(told) if each not in _NOTHING]
        if not cells:
            continue
        many = len(row) > _COLUMNS_OF_A_LIST and len(heads) == len(row)
        said = [f"{heads[at]}{colon}{each}" if many and at and heads[at] else each
                for at, each in cells]  # fmt: skip
        yield comma.join(said).rstrip("。.") + stop
