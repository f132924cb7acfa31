"""Doubles that ship with the package, for tests here and in other packages.

A generator that says what it is told, an encoder without weights, and guide files of a few lines.
"""

import asyncio
import hashlib
import re
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from knowledge.encoders import Vectors
from knowledge.generate import Message
from knowledge.language import Language
from knowledge.text import fold
from knowledge.voice.port import Container, Heard, Piece


@dataclass
class FakeGenerator:
    """Says `says`, a few characters at a time; then fails with `fails`, if that is set."""

    says: str = ""
    fails: Exception | None = None
    heard: list[Sequence[Message]] = field(default_factory=list)
    closed: bool = False

    async def stream(self, messages: Sequence[Message]) -> AsyncIterator[str]:
        self.heard.append(messages)
        for start in range(0, len(self.says), 5):
            await asyncio.sleep(0)
            yield self.says[start : start + 5]
        if self.fails is not None:
            raise self.fails

    async def aclose(self) -> None:
        self.closed = True


@dataclass
class FakeEncoder:
    """Texts that share character pairs are similar; every other similarity is chance.

    The same text always has the same vector, on every machine.
    """

    name: str = "use"
    identity: str = "fake-1"
    slow: bool = False
    dimension: int = 64
    encoded: list[str] = field(default_factory=list)

    def passages(self, texts: Sequence[str]) -> Vectors:
        self.encoded += texts
        return np.stack([self.query(text) for text in texts])

    def query(self, text: str) -> Vectors:
        folded = fold(text)
        vector = np.full(self.dimension, 1e-3, dtype=np.float32)
        for start in range(max(len(folded) - 1, 1)):
            pair = hashlib.sha256(folded[start : start + 2].encode()).digest()
            vector[int.from_bytes(pair[:4]) % self.dimension] += 1.0
        return np.asarray(vector / np.linalg.norm(vector), dtype=np.float32)


def write_guide(
    folder: Path,
    name: str,
    *,
    body: str,
    title: str = "水城洞の案内",
    lang: str = "ja",
    **head: str,
) -> Path:
    """Write one guide file; `head` adds lines to its front matter."""
    lines = [
        f"title: {title}",
        f"lang: {lang}",
        *(f"{key}: {value}" for key, value in head.items()),
    ]
    path = folder / f"{name}.md"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(("---", *lines, "---", body, "")), encoding="utf-8")
    return path


def table(*rows: Sequence[str], header: Sequence[str] = ("項目", "内容")) -> str:
    """Return a Markdown table of facts."""
    lines = (header, ["---"] * len(header), *rows)
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


@dataclass
class FakeEars:
    """Hears `says` in every recording, whatever is in it; or fails with `fails`."""

    says: str = "秋芳洞の料金はいくらですか"
    language: Language = Language.JA
    confidence: float = 0.9
    alternatives: tuple[str, ...] = ()
    fails: Exception | None = None
    name: str = "fake"
    hold: asyncio.Event = field(default_factory=asyncio.Event)  # set: hears at once
    heard: list[tuple[bytes, tuple[Language, ...]]] = field(default_factory=list)
    closed: bool = False

    def __post_init__(self) -> None:
        self.hold.set()

    async def hear(self, audio: bytes, *, languages: Sequence[Language]) -> Heard:
        self.heard.append((audio, tuple(languages)))
        await self.hold.wait()
        if self.fails is not None:
            raise self.fails
        return Heard(self.says, self.language, self.confidence, 2.0, self.alternatives)

    async def close(self) -> None:
        self.closed = True


@dataclass
class FakeMouth:
    """Says a beep a sentence, in the languages it knows."""

    languages: frozenset[Language] = frozenset(Language) - {Language.KO}
    fails: Exception | None = None
    name: str = "fake"
    audio: bytes = b"beep"
    said: list[tuple[str, Language]] = field(default_factory=list)
    closed: bool = False

    def speaks(self, language: Language) -> bool:
        return language in self.languages

    async def pieces(
        self, text: str, *, language: Language, container: Container = Container.OGG_OPUS
    ) -> AsyncGenerator[Piece, None]:
        for sentence in filter(None, re.split(r"(?<=[。！？!?])|(?<=\.)\s", text)):
            yield await self.whole(sentence, language=language, container=container)

    async def whole(self, text: str, *, language: Language, container: Container) -> Piece:
        if self.fails is not None:
            raise self.fails
        self.said.append((text, language))
        return Piece(text, self.audio, container, len(text) / 8)

    async def close(self) -> None:
        self.closed = True
