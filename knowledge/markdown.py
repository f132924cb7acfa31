"""Markdown: the body of a guide file as paragraphs and table rows, each with its heading path.

CommonMark plus GitHub's tables, read by markdown-it-py. Raw HTML is dropped: a guide is text.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from markdown_it import MarkdownIt
from markdown_it.token import Token

from knowledge.text import is_han, is_kana

_URL = re.compile(r"https?://[^\s<>|)）」]+")


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Prose below one heading."""

    headings: tuple[str, ...]
    text: str
    line: int  # 1-based, in the body


@dataclass(frozen=True, slots=True)
class Cell:
    """A table cell: its words, and the first web address in it."""

    text: str
    link: str | None


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table, cells by the header as written."""

    headings: tuple[str, ...]
    cells: tuple[tuple[str, Cell], ...]
    line: int  # 1-based, in the body


def blocks(body: str) -> Iterator[Paragraph | Row]:
    """Yield the paragraphs and table rows of a Markdown text, in reading order."""
    tokens = MarkdownIt("commonmark").enable("table").parse(body)
    path: list[tuple[int, str]] = []
    table: _Table | None = None
    line = 0
    for position, token in enumerate(tokens):
        line = token.map[0] + 1 if token.map is not None else line
        if token.type == "heading_open":
            level = int(token.tag[1:])
            path = [each for each in path if each[0] < level]
            path.append((level, _cell(tokens[position + 1]).text))
        elif token.type in {"table_open", "table_close"}:
            table = _Table([], []) if token.type == "table_open" else None
        elif table is not None:
            if table.take(token):
                yield Row(
                    _headings(path), tuple(zip(table.header, table.cells, strict=False)), line
                )
        elif token.type == "inline" and tokens[position - 1].type != "heading_open":
            if text := _cell(token).text:
                yield Paragraph(_headings(path), text, line)
        elif token.type in {"fence", "code_block"} and token.content.strip():
            yield Paragraph(_headings(path), token.content.strip(), line)


@dataclass(slots=True)
class _Table:
    """A table while it is read: its first row is the header."""

    header: list[str]
    cells: list[Cell]
    in_header: bool = False

    def take(self, token: Token) -> bool:
        """Read one token; True when a row below the header is complete."""
        if token.type in {"thead_open", "thead_close"}:
            self.in_header = token.type == "thead_open"
        elif token.type == "tr_open":
            self.cells = []
        elif token.type == "inline" and self.in_header:
            self.header.append(_cell(token).text)
        elif token.type == "inline":
            self.cells.append(_cell(token))
        return token.type == "tr_close" and not self.in_header


def _headings(path: list[tuple[int, str]]) -> tuple[str, ...]:
    return tuple(text for level, text in path if level > 1 and text)


def _cell(inline: Token) -> Cell:
    """Join the words of an inline token; a soft break between Japanese words is no space."""
    text = ""
    link: str | None = None
    for child in inline.children or []:
        if child.type in {"softbreak", "hardbreak"}:
            glued = bool(text) and _wide(text[-1]) and child.type == "softbreak"
            text += "" if glued else "\n" if child.type == "hardbreak" else " "
        elif child.type in {"text", "code_inline", "image"}:
            text += child.content
        elif child.type == "link_open":
            link = link or str(child.attrs.get("href") or "") or None
    if link is None and (found := _URL.search(text)):
        link = found.group()
    return Cell(text.strip(), link)


def _wide(character: str) -> bool:
    return is_han(character) or is_kana(character) or character in "、。・「」()!?「」』』"
