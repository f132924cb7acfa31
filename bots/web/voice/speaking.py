"""Answers aloud: sentence by sentence to one page, until it is cut."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, suppress
from typing import Final, Protocol

from starlette.websockets import WebSocketDisconnect

from bots.conversation import Reply
from bots.web.voice.wire import Wire
from knowledge.errors import VoiceError
from knowledge.voice.port import Container, Piece

logger = logging.getLogger(__name__)

_PREFERRED: Final = (Container.OGG_OPUS, Container.MP4_AAC, Container.WAV)


class Speech(Protocol):
    """What speaks: `bots.voice.Voice`."""

    def speaks(self, language: str) -> bool: ...
    def pieces(
        self, reply: Reply, container: Container = Container.OGG_OPUS
    ) -> AsyncGenerator[Piece, None]: ...


class Speaker:
    """The mascot's voice on one page. One answer at a time."""

    def __init__(self, wire: Wire, speech: Speech, plays: Sequence[str]) -> None:
        self._wire, self._speech = wire, speech
        self._container = next((each for each in _PREFERRED if each in plays), Container.WAV)
        self._task: asyncio.Task[None] | None = None
        self._made = 0  # sentences of this answer that the page has
        self.spoken = ""  # what the page may be playing: the microphone could hear it

    @property
    def speaking(self) -> bool:
        """Whether sentences are still being made."""
        return self._task is not None and not self._task.done()

    def begin(self, question: int, reply: Reply) -> None:
        """Speak; what was being spoken is cut."""
        self.cut()
        self.spoken = reply.spoken
        self._task = asyncio.create_task(self._speak(question, reply))

    def cut(self) -> None:
        """Say nothing more of it, and make nothing more of it."""
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
        with suppress(WebSocketDisconnect):
            await self._wire.say("spoken", question=question, pieces=self._made, **more)

    async def _pieces(self, question: int, reply: Reply) -> None:
        async with aclosing(self._speech.pieces(reply, self._container)) as pieces:
            async for piece in pieces:
                await self._wire.sound(
                    question,
                    self._made,
                    piece.audio,
                    text=piece.text,
                    seconds=round(piece.seconds, 3),
                    media=str(piece.container),
                )
                self._made += 1
