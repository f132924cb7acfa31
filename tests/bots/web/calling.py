"""A page on the voice socket without a browser: what it says, and what it is told."""

import asyncio
import json
import struct
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import numpy as np
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from yarl import URL

from bots.voice import Voice
from core.testing import SetClock
from knowledge.language import Language
from knowledge.testing import FakeEars, FakeMouth
from knowledge.voice.codec import AvCodec
from knowledge.voice.port import HEARING_RATE, Clip, Container, Piece
from tests.bots.web.stage import Visitor, World, open_town


@dataclass
class SlowMouth(FakeMouth):
    """Says the next sentence only when it may, and knows whether it was closed."""

    may: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(1))
    closed_early: asyncio.Event = field(default_factory=asyncio.Event)

    async def pieces(
        self, text: str, *, language: Language, container: Container = Container.OGG_OPUS
    ) -> AsyncGenerator[Piece, None]:
        try:
            async for piece in super().pieces(text, language=language, container=container):
                await self.may.acquire()
                yield piece
        except (asyncio.CancelledError, GeneratorExit):
            self.closed_early.set()
            raise


@dataclass
class Page:
    """What a page of ours does on the socket."""

    socket: ClientConnection
    sounds: list[tuple[int, int, bytes]] = field(default_factory=list)

    async def say(self, kind: str, **values: object) -> None:
        await self.socket.send(json.dumps({"type": kind, **values}))

    async def next(self) -> dict[str, Any]:
        """The next control message; sound is put aside."""
        while True:
            async with asyncio.timeout(10):
                message = await self.socket.recv()
            if isinstance(message, str):
                return cast("dict[str, Any]", json.loads(message))
            question, index = struct.unpack(">II", message[:8])
            self.sounds.append((question, index, message[8:]))

    async def until(self, kind: str) -> dict[str, Any]:
        while (message := await self.next())["type"] != kind:
            pass
        return message

    async def record(self, sound: bytes = b"a recording") -> None:
        await self.say("start", media="audio/webm")
        await self.socket.send(sound)
        await self.say("end")

    async def closed(self) -> int:
        """Read on until the socket is closed; the code."""
        try:
            while True:
                await self.next()
        except ConnectionClosed:
            return self.socket.close_code or 0


@dataclass
class Town:
    world: World
    ears: FakeEars
    mouth: FakeMouth

    async def cookie(self, visitor: Visitor) -> dict[str, str]:
        await visitor.get("/")
        cookies = visitor._session.cookie_jar.filter_cookies(URL(self.world.url))
        return {"Cookie": "; ".join(f"{name}={each.value}" for name, each in cookies.items())}

    @asynccontextmanager
    async def page(
        self, visitor: Visitor, *, plays: Sequence[str] = ("audio/ogg",), aloud: bool = True
    ) -> AsyncIterator[Page]:
        """A page that has said hello."""
        headers = await self.cookie(visitor)
        async with self.connect(headers) as socket:
            page = Page(socket)
            await page.say("hello", csrf=await visitor.csrf(), plays=list(plays), aloud=aloud)
            assert (await page.next())["type"] == "ready"
            yield page

    def connect(self, headers: dict[str, str], origin: str | None = "own") -> connect:
        url = self.world.url
        own = url if origin == "own" else origin
        return connect(
            f"{url.replace('http', 'ws')}/voice",
            additional_headers={**headers, **({"Origin": own} if own else {})},
            max_size=None,
        )


@asynccontextmanager
async def opened(
    folder: Path, clock: SetClock, ears: FakeEars, mouth: FakeMouth, *, foresees: bool = False
) -> AsyncIterator[Town]:
    voice = Voice(ears=lambda: ears, mouth=lambda: mouth, foresees=foresees)
    async with open_town(folder, clock, demo=False, voice=voice) as world:
        world.talk.spoken = "おとなは1600円です。こどもは1000円です。"
        yield Town(world, ears, mouth)


def pcm(*parts: Clip | float) -> bytes:
    """Voices and silences (in seconds) as the page's worklet sends them."""
    samples = [
        AvCodec().decode(AvCodec().encode(part, Container.WAV), rate=HEARING_RATE, limit=60).samples
        if isinstance(part, Clip)
        else np.zeros(int(part * HEARING_RATE), np.float32)
        for part in parts
    ]
    return (np.concatenate(samples) * 32767).astype("<i2").tobytes()


async def stream(page: Page, sound: bytes, frame: int = 1024) -> None:
    for start in range(0, len(sound), frame):
        await page.socket.send(sound[start : start + frame])
