"""Speaker: one voice channel, in which one thing is said after another.

What was stopped is never said later: an answer that comes after its question was replaced, or after
somebody said stop, is dropped when it arrives.
"""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import Final

import aiohttp
import discord

from bots.discord.channel.speech import Line, Speech, packets_of
from core.errors import KankeiError
from knowledge.errors import VoiceError
from knowledge.voice.port import Piece

logger = logging.getLogger(__name__)

MOST_WAITING: Final = 8
"""Answers that wait to be said; what is more stands in writing only."""

IDLE: Final = 30 * 60.0
"""Seconds of silence after which the mascot goes."""

HANG_UP_WITHIN: Final = 5.0
"""Seconds; the library waits for Discord's word that we have left."""

Pieces = Callable[[], AsyncGenerator[Piece, None]]


@dataclass(frozen=True, slots=True)
class Turn:
    """One question of one person, in the order in which they were asked."""

    person: str
    number: int


@dataclass(frozen=True, slots=True)
class Utterance:
    """What is to be said; the sentences are made when its turn comes."""

    pieces: Pieces
    person: str = ""  # whose question it answers; nobody's: an announcement


class Speaker:
    """Says things in one channel, until it is closed.

    `idle`: it calls `on_idle` after so many seconds in which nothing was said.
    """

    def __init__(self, line: Line, *, on_idle: Callable[[], object], idle: float = IDLE) -> None:
        self.line = line
        self.reads_announcements = False
        self._on_idle = on_idle
        self._idle = idle
        self._waiting: deque[Utterance] = deque()
        self._more = asyncio.Event()
        self._numbers = 0
        self._newest: dict[str, int] = {}  # the last question of each person
        self._stopped_at = 0  # questions up to this one are not answered aloud any more
        self._closed = False
        self._now: Utterance | None = None
        self._speech: Speech | None = None
        self._saying: asyncio.Task[None] | None = None
        self._running = asyncio.create_task(self._run(), name="discord-voice-channel")

    @property
    def there(self) -> bool:
        """Whether the line is open, or is being opened anew."""
        return self.line.guild.voice_client is self.line

    @property
    def speaking(self) -> bool:
        """Whether something is being said, or about to be."""
        return self._now is not None or bool(self._waiting)

    # --- questions ----------------------------------------------------------------------------

    def asked(self, person: str) -> Turn:
        """Somebody asks: what is said to them, or waits to be, is over."""
        self._numbers += 1
        self._newest[person] = self._numbers
        self._drop(lambda each: each.person == person)
        return Turn(person, self._numbers)

    def answer(self, turn: Turn, pieces: Pieces) -> bool:
        """Say an answer when its turn comes; whether it will be said."""
        stale = self._newest.get(turn.person) != turn.number or turn.number <= self._stopped_at
        return not stale and self._add(Utterance(pieces, turn.person))

    def announce(self, pieces: Pieces) -> bool:
        """Say what nobody asked for, after what waits."""
        return self._add(Utterance(pieces))

    def stop(self) -> bool:
        """Silence: nothing that was asked up to now is said. Whether anything had been to say."""
        had = self.speaking
        self._stopped_at = self._numbers
        self._drop(lambda _: True)
        return had

    def _add(self, utterance: Utterance) -> bool:
        if self._closed or len(self._waiting) >= MOST_WAITING:
            return False
        self._waiting.append(utterance)
        self._more.set()
        return True

    def _drop(self, which: Callable[[Utterance], bool]) -> None:
        self._waiting = deque(each for each in self._waiting if not which(each))
        if self._now is not None and which(self._now):
            if self._speech is not None:
                self._speech.cut()  # within 20 ms, whatever the loop is at
            if self._saying is not None:
                self._saying.cancel()  # once: the player's end is waited for after it
            self._now = self._saying = None

    # --- speaking -----------------------------------------------------------------------------

    async def _run(self) -> None:
        while not self._closed:
            try:
                async with asyncio.timeout(self._idle):
                    await self._more.wait()
            except TimeoutError:
                self._on_idle()
                return
            while self._waiting:
                self._now = self._waiting.popleft()
                saying = self._saying = asyncio.create_task(self._say(self._now))
                await asyncio.wait({saying})
                _report(saying)
                self._now = self._saying = None
            self._more.clear()

    async def _say(self, utterance: Utterance) -> None:
        speech = self._speech = Speech()
        played: asyncio.Event | None = None
        try:
            try:
                async with aclosing(utterance.pieces()) as pieces:
                    async for piece in pieces:
                        speech.feed(await asyncio.to_thread(packets_of, piece.audio))
                        played = played or self._play(speech)
            except (KankeiError, VoiceError) as error:  # what was made of it is still said
                logger.warning("discord-channel-not-said", extra={"code": error.code})
            except discord.ClientException as error:
                logger.warning("discord-channel-not-said", extra={"reason": type(error).__name__})
            speech.end()
            if played is not None:
                await played.wait()
        except asyncio.CancelledError:
            speech.cut()
            raise
        finally:
            if played is not None and not self._closed:
                await played.wait()  # two players at once would mix their packets
            self._speech = None

    def _play(self, speech: Speech) -> asyncio.Event:
        """Begin to play; the event is set when the library has come to the end."""
        loop, played = asyncio.get_running_loop(), asyncio.Event()

        def over(error: Exception | None) -> None:  # in the library's thread
            if error is not None:
                logger.warning("discord-channel-player", extra={"reason": type(error).__name__})
            with suppress(RuntimeError):  # the loop has ended before the thread
                loop.call_soon_threadsafe(played.set)

        self.line.play(speech, after=over)
        return played

    # --- ending -------------------------------------------------------------------------------

    async def close(self) -> None:
        """Say nothing more and leave the channel."""
        if self._closed:
            return
        self._closed = True
        saying, running = self._saying, self._running
        self.stop()
        running.cancel()
        if self.there:
            with suppress(discord.DiscordException, aiohttp.ClientError, OSError, TimeoutError):
                async with asyncio.timeout(HANG_UP_WITHIN):
                    await self.line.disconnect(force=True)
        ending = {each for each in (saying, running) if each not in {None, asyncio.current_task()}}
        if ending:
            await asyncio.wait({each for each in ending if each is not None})


def _report(task: "asyncio.Task[None]") -> None:
    if not task.cancelled() and (failure := task.exception()) is not None:
        logger.error("discord-channel-failed", exc_info=failure)
