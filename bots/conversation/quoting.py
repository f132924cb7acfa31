"""Quoting: rows and sentences of the guides in a reply, with what a careful clerk adds to them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from bots import texts
from bots.conversation.messages import SourceLink
from knowledge.extract import Extract
from knowledge.language import Language
from knowledge.passage import Kind, Passage, Status

MAX_SOURCES = 3


@dataclass(frozen=True, slots=True)
class Quoted:
    """Extracts in words: what the mascot says, and what it quotes word for word."""

    paragraphs: tuple[str, ...]
    quotes: tuple[str, ...]


class Quoting:
    """How extracts read in each language."""

    def extracts(self, extracts: Sequence[Extract], language: str) -> Quoted:
        """Word what answers: fact rows first, then warnings; prose is quoted."""
        facts = [each for each in extracts if each.passage.kind is Kind.FACT]
        prose = [each for each in extracts if each.passage.kind is Kind.PROSE]
        parts = []
        if any(not _reads(each.passage, language) for each in extracts):
            parts.append(texts.say("chat.answer.japanese-documents", language))
        if facts:
            parts.append("\n".join(self.facts(facts, language)))
        if warnings := _warnings([each.passage for each in extracts], language):
            parts.append("\n".join(warnings))
        return Quoted(tuple(parts), tuple(each.text for each in prose))

    def facts(self, extracts: Sequence[Extract], language: str) -> tuple[str, ...]:
        """Return one line a fact row."""
        return tuple(_fact(each.passage, language) for each in extracts)

    def sources(self, extracts: Sequence[Extract], language: str) -> tuple[SourceLink, ...]:
        """Return where the extracts stand, each place once."""
        return _sources([each.passage for each in extracts], language)


def _reads(passage: Passage, language: str) -> bool:
    return passage.language.value == language or (
        language == "ja-easy" and passage.language is Language.JA
    )


def _fact(passage: Passage, language: str) -> str:
    note = texts.say("chat.answer.fact-note", language, note=passage.note) if passage.note else ""
    line = texts.say(
        "chat.answer.fact", language, item=passage.item, value=passage.value, note=note
    )
    if passage.status in {Status.OLD, Status.UNCONFIRMED}:
        line += " " + texts.say(f"chat.status.mark-{passage.status.value}", language)
    return line


def _warnings(passages: list[Passage], language: str) -> list[str]:
    """What a careful clerk adds: the value is old, unconfirmed, or sources disagreed."""
    lines = []
    if any(each.status is Status.OLD for each in passages):
        lines.append(texts.say("chat.answer.old", language))
    if any(each.status is Status.UNCONFIRMED for each in passages):
        lines.append(texts.say("chat.answer.unconfirmed", language))
    if any(each.contradiction for each in passages):
        lines.append(texts.say("chat.answer.contradiction", language))
    return lines


def _sources(passages: list[Passage], language: str) -> tuple[SourceLink, ...]:
    links: dict[tuple[str, str | None], SourceLink] = {}
    for each in passages:
        key = (each.title, each.source)
        if key not in links:
            status = texts.say(f"chat.status.{each.status.value}", language)
            links[key] = SourceLink(_cited(each), _web(each.source), _dated(each, status, language))
    return tuple(links.values())[:MAX_SOURCES]


def _cited(passage: Passage) -> str:
    """The document, and the site that stands behind this very statement."""
    if (url := _web(passage.source)) is None:
        return passage.source_title or passage.title
    return f"{passage.title} ({urlsplit(url).hostname})"


def _web(url: str | None) -> str | None:
    """Only web addresses become links: documents are not trusted to hold others."""
    return url if url and re.match(r"^https?://", url) else None


def _dated(passage: Passage, status: str, language: str) -> str:
    if not passage.as_of:
        return status
    year, *rest = passage.as_of.split("-")
    key = ("year", "month", "day")[len(rest)]
    values = {"year": year, "month": "", "day": ""}
    for name, part in zip(("month", "day"), rest, strict=False):
        values[name] = str(int(part))
    return texts.say(f"chat.as-of.{key}", language, status=status, **values)
