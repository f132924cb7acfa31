"""Quoting: rows and sentences of the guides in a reply, with what a careful clerk adds to them.

A row of a Japanese guide is said in the reader's language where the town's glossary covers all of
it, with the original below; else it is quoted as Japanese under the name of what it is about.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from bots import texts
from bots.conversation.messages import Quote, SourceLink
from knowledge.easy import polite, said_easily
from knowledge.extract import Extract
from knowledge.glossary import FOREIGN, glossary
from knowledge.hanzi import in_script
from knowledge.language import Language
from knowledge.lexicon import lexicon
from knowledge.passage import Kind, Passage, Status
from knowledge.rendering import Renderer, named
from knowledge.ruby import Ruby
from knowledge.words import Words

MAX_SOURCES = 3
SEVERAL = 2
TOPICS = (
    *("price", "parking", "hours", "holiday", "phone", "address", "hospital", "reservation"),
    *("duration", "bus", "train", "car", "access", "wheelchair", "stroller", "toilet", "pet"),
    *("payment", "discount", "length", "size", "temperature", "season", "event", "food"),
    *("souvenir", "stay", "hot_spring", "history", "reading", "population", "perk", "digital"),
)
"""Concepts that have a name in every language (`chat.topic`), the most telling first."""

_BRACKETS = re.compile(r"[(（][^()（）]*[)）]")
_ADDRESSED = re.compile(r"[(（][^()（）]*https?://[^()（）]*[)）]|https?://\S+")
_LISTED = {
    **dict.fromkeys(Language, "、"),
    Language.EN: ", ",
    Language.KO: ", ",
}


@dataclass(frozen=True, slots=True)
class Quoted:
    """Extracts in words: what the mascot says, and what it quotes word for word."""

    paragraphs: tuple[str, ...]
    quotes: tuple[Quote, ...]
    heading: str | None = None  # stands just above the quotes: the original text in Japanese


@dataclass(slots=True)
class _Rows:
    """Lines for fact rows, and the originals of those that were put into another language."""

    lines: list[str] = field(default_factory=list)
    originals: list[str] = field(default_factory=list)
    untranslated: bool = False


class Quoting:
    """How the extracts of one town read in each language."""

    def __init__(self, folder: Path) -> None:
        town = glossary(folder)
        self._words = Words()
        self._renderer = Renderer(town)
        self._ruby = Ruby(town.readings, self._words)

    def extracts(self, extracts: Sequence[Extract], language: str) -> Quoted:
        """Word what answers: fact rows first, then warnings; prose is quoted."""
        reader = Language(language)
        rows = self._rows([e.passage for e in extracts if e.passage.kind is Kind.FACT], reader)
        prose = [each for each in extracts if each.passage.kind is Kind.PROSE]
        quotes = [self._prose(each, reader) for each in prose]
        parts = ["\n".join(rows.lines)] if rows.lines else []
        passages = [each.passage for each in extracts]
        if warnings := [*_warnings(passages, language), *self._disagreements(passages, reader)]:
            parts.append("\n".join(warnings))
        heading = None
        if rows.untranslated or any(not _reads(each.passage, language) for each in prose):
            heading = texts.say("chat.answer.japanese-documents", language)
        elif rows.originals:
            heading = texts.say("chat.answer.original", language)
        if rows.originals:
            quotes.append(Quote("\n".join(rows.originals), Language.JA))
        return Quoted(tuple(parts), tuple(quotes), heading)

    def name(self, facility: str, language: str) -> str:
        """Return what a sight is called by the reader, with the Japanese beside."""
        reader = Language(language)
        own = self._renderer.name(facility, reader) if reader in FOREIGN else None
        return f"{own} ({facility})" if own and own != facility else facility

    def facts(self, extracts: Sequence[Extract], language: str) -> tuple[str, ...]:
        """Return one line a fact row."""
        return tuple(self._rows([each.passage for each in extracts], Language(language)).lines)

    def row_aloud(self, passage: Passage, reader: Language) -> tuple[str, str] | None:
        """Return a fact row as item and value for who listens, without its note.

        `None` where the row is Japanese and the glossary does not cover it.
        """
        if reader in FOREIGN and passage.language.japanese:
            rendered = self._renderer.row(passage, reader, _Everything())
            return (rendered.item, rendered.value) if rendered.item and rendered.value else None
        item, value = passage.item or "", passage.value or ""
        if reader.japanese:
            value = polite(value.rstrip("。"), self._words)
        elif reader.chinese and passage.language.chinese and reader is not passage.language:
            item, value = in_script(item, reader), in_script(value, reader)
        return item, value

    def sources(
        self, extracts: Sequence[Extract], language: str, limit: int | None = MAX_SOURCES
    ) -> tuple[SourceLink, ...]:
        """Return where the extracts stand, each place once; all of them without a limit."""
        return _sources([each.passage for each in extracts], language)[:limit]

    def _prose(self, extract: Extract, reader: Language) -> Quote:
        """Quote sentences word for word; in easy Japanese with readings."""
        own = extract.passage.language
        if reader is Language.JA_EASY and own.japanese:
            return Quote(self._ruby.bracketed(extract.text), Language.JA_EASY)
        if reader.chinese and own.chinese and reader is not own:
            return Quote(in_script(extract.text, reader), reader)
        return Quote(extract.text, own)

    def _disagreements(self, passages: Sequence[Passage], reader: Language) -> list[str]:
        """Say what sources say differently; in Japanese also why one value was adopted."""
        lines: dict[str, None] = {}
        for passage in passages:
            disagreement = passage.contradiction
            if disagreement is None or len(disagreement.found) < SEVERAL:
                continue  # one source alone contradicts none
            told = (_ADDRESSED.sub("", each) for each in disagreement.found)
            found = [self._stated(each, reader) for each in told]
            value = self._stated(disagreement.adopted, reader)
            if value is None or None in found:
                line = texts.say("chat.answer.contradiction", reader)
            else:
                listed = _LISTED[reader].join(each for each in found if each)
                line = texts.say(
                    "chat.answer.contradiction-found", reader, found=listed, value=value
                )
            if reader is Language.JA:
                line += f"（{disagreement.reason.split('。')[0]}）"
            lines[line] = None
        return list(lines)

    def _stated(self, japanese: str, reader: Language) -> str | None:
        """Say a value for the reader, without its brackets if these are not covered."""
        if reader is Language.JA:
            return japanese
        bare = _BRACKETS.sub("", japanese)
        if reader is Language.JA_EASY:
            return self._ruby.bracketed(bare)
        covered = (self._renderer.cell(each, reader) for each in (japanese, bare))
        rendered = next((each for each in covered if each is not None), None)
        return named(rendered, reader, set()) if rendered else None

    def _rows(self, passages: Sequence[Passage], reader: Language) -> _Rows:
        rows, seen = _Rows(), set[str]()
        for passage in passages:
            if reader is Language.JA_EASY and passage.language is Language.JA:
                line = "・" + self._ruby.bracketed(said_easily(passage, self._words))
            elif reader in FOREIGN and passage.language.japanese:
                line = self._foreign(passage, reader, seen, rows)
            else:
                line = _fact(passage.item, passage.value, passage.note, reader)
                if reader.chinese and passage.language.chinese and reader is not passage.language:
                    line = in_script(line, reader)
            rows.lines.append(_marked(line, passage, reader))
        return rows

    def _foreign(self, passage: Passage, reader: Language, seen: set[str], rows: _Rows) -> str:
        """Say a Japanese row in the reader's language, as far as the glossary covers it."""
        rendered = self._renderer.row(passage, reader, seen)
        if not rendered.item or not rendered.value:
            rows.untranslated = True
            return texts.say(
                "chat.answer.fact-quoted", reader, topic=_topic(passage, reader), row=_row(passage)
            )
        rows.originals.append(_row(passage))
        note = rendered.note
        if rendered.noted and note is None:
            note = texts.say("chat.answer.note-below", reader)
        return _fact(rendered.item, rendered.value, note, reader)


class _Everything(set[str]):
    """Names that were all given before: none gets its Japanese beside it."""

    def __contains__(self, name: object) -> bool:
        return True


def _fact(item: str | None, value: str | None, note: str | None, reader: Language) -> str:
    shown = texts.say("chat.answer.fact-note", reader, note=note) if note else ""
    return texts.say("chat.answer.fact", reader, item=item, value=value, note=shown)


def _marked(line: str, passage: Passage, reader: Language) -> str:
    if passage.status not in {Status.OLD, Status.UNCONFIRMED}:
        return line
    return f"{line} {texts.say(f'chat.status.mark-{passage.status.value}', reader)}"


def _row(passage: Passage) -> str:
    """Return a row as the guide has it."""
    note = f"（{passage.note}）" if passage.note else ""
    return f"{passage.item}：{passage.value}{note}"


def _topic(passage: Passage, reader: Language) -> str:
    """Name what a row is about: Admission, Address."""
    named = lexicon().named(passage.item or "")
    topic = next((each for each in TOPICS if each in named), "other")
    return texts.say(f"chat.topic.{topic}", reader)


def _reads(passage: Passage, language: str) -> bool:
    own, reader = passage.language, Language(language)
    easy = reader is Language.JA_EASY and own is Language.JA
    return own is reader or easy or (own.chinese and reader.chinese)


def _warnings(passages: Sequence[Passage], language: str) -> list[str]:
    """What a careful clerk adds: the value is old or unconfirmed. Only rows carry a mark."""
    lines = []
    for status in (Status.OLD, Status.UNCONFIRMED):
        kinds = {each.kind for each in passages if each.status is status}
        if kinds:
            whole = "" if Kind.FACT in kinds else "-document"
            lines.append(texts.say(f"chat.answer.{status.value}{whole}", language))
    return lines


def _sources(passages: list[Passage], language: str) -> tuple[SourceLink, ...]:
    links: dict[tuple[str, str | None], SourceLink] = {}
    for each in passages:
        key = (each.title, each.source)
        if key not in links:
            status = texts.say(f"chat.status.{each.status.value}", language)
            links[key] = SourceLink(_cited(each), _web(each.source), _dated(each, status, language))
    return tuple(links.values())


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
