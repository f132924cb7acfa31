"""The way to one page: JSON and sound, in order, and never waiting for a page that is gone."""

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from bots.web.voice.messages import Patience

_NUMBERS: Final = struct.Struct(">II")


class Wire:
    """Sends to one page. Raises `WebSocketDisconnect` when nobody is there any more."""

    def __init__(self, socket: WebSocket, patience: Patience) -> None:
        self._socket = socket
        self._seconds = patience.sending.total_seconds()
        self._one = asyncio.Lock()

    async def say(self, kind: str, **values: object) -> None:
        """One control message."""
        async with self._one, self._in_time():
            await self._socket.send_json({"type": kind, **values})

    async def sound(self, question: int, index: int, file: bytes, **values: object) -> None:
        """A sentence and its sound, one right after the other."""
        announced = {"type": "piece", "question": question, "index": index, **values}
        async with self._one, self._in_time():
            await self._socket.send_json(announced)
            await self._socket.send_bytes(_NUMBERS.pack(question, index) + file)

    async def close(self, code: int) -> None:
        if self._socket.application_state is not WebSocketState.DISCONNECTED:
            async with self._in_time():
                await self._socket.close(code)

    @asynccontextmanager
    async def _in_time(self) -> AsyncIterator[None]:
        """A page that takes nothing for so long is gone."""
        try:
            async with asyncio.timeout(self._seconds):
                yield
        except TimeoutError as late:
            raise WebSocketDisconnect(1006) from late
