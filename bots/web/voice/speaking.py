"""Answers aloud: sentence by sentence to one page, until it is cut."""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing, suppress
from typing import Final, Protocol

from starlette.websockets import WebSocketDisconnect

from bots.conversation import Reply
from bots.web.voice.wire import Wire
from knowledge.errors import VoiceError
from knowledge.voice.port import Container, Piece

logger = logging.getLogger(__name__)

_PREFERRED: Final = (Container.OGG_OPUS, Container.MP4_AAC, Container.WAV)


ECHO_SECONDS: Final = 1.5
"""That a sentence may sound later than it should by our clock: the way to the page, decoding."""


SLOWEST: Final = 0.4
"""Seconds a character that a device's own voice may take, where its end is not told."""


class Speech(Protocol):
    """What speaks: `bots.voice.Voice`."""

    def speaks(self, language: str) -> bool: ...
    def pieces(
        self, reply: Reply, container: Container = Container.OGG_OPUS
    ) -> AsyncGenerator[Piece, None]: ...


class Speaker:
    """The mascot's voice on one page. One answer at a time."""

    def __init__(
        self,
        wire: Wire,
        speech: Speech,
        plays: Sequence[str],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._wire, self._speech, self._clock = wire, speech, clock
        self._container = next((each for each in _PREFERRED if each in plays), Container.WAV)
        self._task: asyncio.Task[None] | None = None
        self._made = 0  # sentences of this answer that the page has
        self._spoken = ""
        self._lent: tuple[int, str] = (0, "")  # a question and its answer, for the device's voice
        self._until = 0.0  # when the page has played all that it got, if it played at once

    @property
    def speaking(self) -> bool:
        """Whether sentences are still being made."""
        return self._task is not None and not self._task.done()

    @property
    def sounding(self) -> str:
        """What the page may be playing, so that its microphone could hear it; or nothing."""
        return self._spoken if self._clock() <= self._until + ECHO_SECONDS else ""

    def lend(self, question: int, reply: Reply) -> None:
        """The page may read this answer with a voice of its own; it tells when."""
        self._lent = (question, reply.spoken)

    def reads(self, question: int, *, on: bool) -> None:
        """The device's voice begins or ends; of an answer that it was not given, nothing."""
        lent, text = self._lent
        if question != lent:
            return
        if on:
            self._spoken = text
            self._until = self._clock() + SLOWEST * len(text)
        else:
            self._until = min(self._until, self._clock())

    def begin(self, question: int, reply: Reply) -> None:
        """Speak; what was being spoken is cut."""
        self.cut()
        self._spoken = reply.spoken
        self._task = asyncio.create_task(self._speak(question, reply))

    def cut(self) -> None:
        """Say nothing more of it, and make nothing more of it."""
        self._until = min(self._until, self._clock())
        if self._task is not None:
            self._task.cancel()
            self._task = None

    async def close(self) -> None:
        task = self._task
        self.cut()
        if task is not None:
            await asyncio.wait({task})

    async def _speak(self, question: int, reply: Reply) -> None:
        """The edge of the voice: whatever breaks, the written answer stands and the page knows."""
        self._made = 0
        try:
            await self._pieces(question, reply)
        except WebSocketDisconnect:
            return
        except VoiceError as error:
            logger.warning("voice-mute", extra={"reason": error.code})
        except Exception:
            logger.exception("voice-mute")
        more = {}
        if not self._made and not self._speech.speaks(reply.language):
            more = {"language": reply.language, "text": reply.spoken}
            self.lend(question, reply)
        with suppress(WebSocketDisconnect):
            await self._wire.say("spoken", question=question, pieces=self._made, **more)

    async def _pieces(self, question: int, reply: Reply) -> None:
        async with aclosing(self._speech.pieces(reply, self._container)) as pieces:
            async for piece in pieces:
                self._until = max(self._until, self._clock()) + piece.seconds
                await self._wire.sound(
                    question,
                    self._made,
                    piece.audio,
                    text=piece.text,
                    seconds=round(piece.seconds, 3),
                    media=str(piece.container),
                )
                self._made += 1
