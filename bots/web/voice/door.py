"""Who may talk: pages of this origin, one socket a visitor, so many an address."""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

from fastapi import APIRouter
from starlette.requests import HTTPConnection
from starlette.websockets import WebSocket, WebSocketDisconnect

from bots.limits import TooMany
from bots.web.chat import Transcripts
from bots.web.guard import address_of
from bots.web.pages import Web
from bots.web.voice.call import Call
from bots.web.voice.listening import OpenTurns, Turns
from bots.web.voice.messages import ELSEWHERE, TOO_MANY, Patience
from bots.web.voice.shares import Shares
from knowledge.voice.hearing.activity import Silero

logger = logging.getLogger(__name__)

AN_ADDRESS: Final = 20
"""Sockets at once: a school or a town hall comes from one address."""
IN_ALL: Final = 200
_FORBIDDEN: Final = 1008


def same_origin(socket: HTTPConnection, address: str) -> bool:
    """Whether a page of ours opens the socket (RFC 6455, section 10.2).

    Browsers set ``Origin`` on every WebSocket and let no page change it. It must be the address
    that this request itself went to, or the public one behind a proxy that rewrites ``Host``.
    """
    origin = urlsplit(socket.headers.get("origin", ""))
    if not origin.netloc or socket.headers.get("sec-fetch-site", "same-origin") != "same-origin":
        return False
    public = urlsplit(address)
    if public.scheme == "https" and origin.scheme != "https":
        return False
    return origin.netloc in {socket.headers.get("host", ""), public.netloc}


class Detector:
    """The turn detector, loaded when the first microphone is opened."""

    def __init__(self) -> None:
        self._opening = asyncio.Lock()
        self._make: Callable[[], Turns] | None = None

    async def __call__(self) -> Turns:
        """A detector that has heard nothing. Raises `VoiceMissing`."""
        async with self._opening:
            if self._make is None:
                self._make = await asyncio.to_thread(_silero)
        return self._make()


def _silero() -> Callable[[], Turns]:
    return Silero().turns


class VoiceDoor:
    """The WebSocket ``/voice``."""

    def __init__(
        self,
        web: Web,
        transcripts: Transcripts,
        *,
        patience: Patience | None = None,
        detector: OpenTurns | None = None,
    ) -> None:
        self._web, self._transcripts = web, transcripts
        self.patience = patience or Patience()
        self._turns: OpenTurns = detector or Detector()
        self._calls: dict[str, Call] = {}
        self._addresses: Counter[str] = Counter()
        self._shares = Shares()

    def router(self) -> APIRouter:
        router = APIRouter()
        router.add_api_websocket_route("/voice", self.talk)
        return router

    async def talk(self, socket: WebSocket) -> None:
        voice = self._web.app.voice
        known = all(key in socket.session for key in ("id", "csrf", "thread"))
        if voice is None or not known or not same_origin(socket, self._web.app.settings.address):
            await socket.close(_FORBIDDEN)  # before it is accepted: 403
            return
        who = self._web.visitor(socket)
        address = address_of(socket, self._web.app.settings.trusted_proxies)
        await socket.accept()
        if not self._admits(who.id, address):
            await socket.close(TOO_MANY)
            return
        call = Call(
            socket,
            who,
            web=self._web,
            voice=voice,
            transcripts=self._transcripts,
            turns=self._turns,
            shares=self._shares,
            patience=self.patience,
        )
        self._addresses[address] += 1
        try:
            await self._replace(who.id, call)
            await call.run()
        finally:
            self._addresses -= Counter({address: 1})
            if self._calls.get(who.id) is call:
                del self._calls[who.id]

    def _admits(self, visitor: str, address: str) -> bool:
        if self._addresses[address] >= AN_ADDRESS or self._addresses.total() >= IN_ALL:
            return False
        try:
            self._web.limits.take("voice", visitor, address)
        except TooMany:
            return False
        return True

    async def _replace(self, visitor: str, call: Call) -> None:
        """The page that was opened last has the mascot's ear."""
        before = self._calls.pop(visitor, None)
        self._calls[visitor] = call
        if before is not None:
            try:
                await before.wire.close(ELSEWHERE)
            except (WebSocketDisconnect, RuntimeError):
                logger.debug("voice-page-gone")
