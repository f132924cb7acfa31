"""The counting platform: HTTP/1.1 on 127.0.0.1, and the Bot API's answers."""

import asyncio
import json
import math
import re
import time
from functools import partial
from types import TracebackType
from typing import Any, Final, Self

from tests.world.arrivals.conduct import Conduct, Fate, Fates, Limits
from tests.world.arrivals.log import Log

TOKEN: Final = "1:counting"
SENT, EDITED, DELETED = range(3)

_METHODS: Final = {
    "sendMessage": SENT,
    "sendPhoto": SENT,
    "editMessageText": EDITED,
    "editMessageCaption": EDITED,
    "editMessageMedia": EDITED,
    "deleteMessage": DELETED,
}
_NAMES: Final = {each.lower(): each for each in _METHODS}
"""Methods are case-insensitive: core.telegram.org/bots/api#making-requests."""
_LENGTH: Final = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_ME: Final = b'{"ok":true,"result":{"id":1,"is_bot":true,"first_name":"count","username":"c_bot"}}'
_TRUE: Final = b'{"ok":true,"result":true}'
_NONE: Final = b'{"ok":true,"result":[]}'
_CHAT: Final = (
    b'{"id":%d,"type":"private","first_name":"x"}',
    b'{"id":%d,"type":"supergroup","title":"x"}',
)
_MESSAGE: Final = b'{"ok":true,"result":{"message_id":%d,"date":1795000000,"chat":%b,%b}}'
_PHOTO: Final = (
    b'"photo":[{"file_id":"p%d","file_unique_id":"u%d","width":1,"height":1}],"caption":"x"'
)


def _field(name: bytes) -> re.Pattern[bytes]:
    """One parameter, urlencoded, as JSON or as multipart: the three ways clients send it."""
    return re.compile(
        rb"(?:(?:^|&)" + name + rb'=([^&]*))|(?:"' + name + rb'": *"?((?:[^"\\,}]|\\.)*))'
        rb'|(?:name="' + name + rb'"\r\n(?:[^\r\n]+\r\n)*\r\n([^\r\n]*))'
    )


_CHAT_ID, _MESSAGE_ID = _field(b"chat_id"), _field(b"message_id")
_WORDS: Final = (_field(b"text"), _field(b"caption"), _field(b"media"))


def _number(pattern: re.Pattern[bytes], body: bytes) -> int | None:
    found = pattern.search(body)
    value = next((each for each in found.groups() if each is not None), b"") if found else b""
    return int(value) if re.fullmatch(rb"-?\d+", value) else None


def _words(body: bytes) -> int:
    """A number that tells what a message says; 0 if it says nothing."""
    for pattern in _WORDS:
        if found := pattern.search(body):
            return hash(found.groups()) & 0x7FFF_FFFF or 1
    return 0


class CountingTelegram:
    """One bot's platform. Times are of the machine's monotonic clock."""

    def __init__(self, conduct: Conduct | None = None, *, port: int = 0) -> None:
        self._port = port
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Transport] = set()
        self.arrived = asyncio.Event()
        self.begin(conduct or Conduct())

    def begin(self, conduct: Conduct) -> None:
        """Forget what came, and behave like this from now on."""
        self.log = Log()
        self._numbers = 0
        self._standing: dict[int, tuple[int, int]] = {}  # message number: chat, words
        self.behave(conduct)

    def behave(self, conduct: Conduct) -> None:
        """Behave like this from now on."""
        self.conduct, self.limits, self._fates = conduct, Limits(conduct), Fates(conduct)

    def ban(self, seconds: float) -> None:
        """Answer 429 to everything for so long."""
        self.limits.ban(time.monotonic(), seconds)

    def seen(self) -> Log:
        """What came so far."""
        self.log.refused, self.log.while_banned = self.limits.refused, self.limits.while_banned
        self.log.texts.clear()
        self.log.texts.update(words for _, words in self._standing.values())
        return self.log

    async def until(self, count: int, *, timeout: float = 30) -> None:  # noqa: ASYNC109
        """Wait until so many requests were carried out. Raises `TimeoutError`."""
        async with asyncio.timeout(timeout):
            while len(self.log.times) < count:
                self.arrived.clear()
                await self.arrived.wait()

    @property
    def url(self) -> str:
        if self._server is None:
            raise RuntimeError("not started")
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    @property
    def base_url(self) -> str:
        """What `telegram.Bot` is given."""
        return f"{self.url}/bot"

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: _Connection(self), "127.0.0.1", self._port, backlog=4_096
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._server is not None:
            self._server.close()
            for each in tuple(self._connections):
                each.abort()
            await self._server.wait_closed()

    # -- one request ---------------------------------------------------------------------------

    def answer(self, path: str, body: bytes) -> tuple[int, bytes, float] | None:
        """Carry a request out: status, body, seconds to wait. None: cut the connection."""
        method = path.rpartition("/")[2]
        method = _NAMES.get(method.lower(), method)
        kind = _METHODS.get(method)
        if kind is None:
            return self._other(path, method, body)
        now, latency = time.monotonic(), self.conduct.latency
        self.log.requests += 1
        if wait := self.limits.seconds_to_wait(now):
            seconds = max(1, math.ceil(wait))
            error = _error(429, f"Too Many Requests: retry after {seconds}", seconds)
            return 429, error, latency
        chat = _number(_CHAT_ID, body)
        if chat is None:
            return 400, _error(400, "Bad Request: chat_id is empty"), latency
        if refused := self._refusal(chat):
            return *refused, latency
        fate = self._fates.draw()
        if fate is Fate.UNREAD:
            return None
        if fate is Fate.BROKEN:
            return 502, _error(502, "Bad Gateway"), latency
        status, content = self._carry_out(now, kind, method, chat, body)
        if fate is Fate.CUT:
            return None
        if fate is Fate.LYING:
            return 502, _error(502, "Bad Gateway"), latency
        return status, content, latency + (self.conduct.stall if fate is Fate.STALLED else 0)

    def _refusal(self, chat: int) -> tuple[int, bytes] | None:
        conduct = self.conduct
        if conduct.blocked_every and chat % conduct.blocked_every == 0:
            return 403, _error(403, "Forbidden: bot was blocked by the user")
        if conduct.gone_every and chat % conduct.gone_every == 1:
            return 400, _error(400, "Bad Request: chat not found")
        return None

    def _carry_out(
        self, now: float, kind: int, method: str, chat: int, body: bytes
    ) -> tuple[int, bytes]:
        self.log.note(now, chat, kind)
        self.arrived.set()
        place = _CHAT[chat < 0] % chat
        if kind == SENT:
            self._numbers = number = self._numbers + 1
            self._standing[number] = (chat, _words(body))
            what = _PHOTO % (number, number) if method == "sendPhoto" else b'"text":"x"'
            return 200, _MESSAGE % (number, place, what)
        found = _number(_MESSAGE_ID, body)
        if found is None or self._standing.get(found, (None, 0))[0] != chat:
            verb = "edit" if kind == EDITED else "delete"
            return 400, _error(400, f"Bad Request: message to {verb} not found")
        if kind == DELETED:
            del self._standing[found]
            return 200, _TRUE
        words = _words(body)
        if self._standing[found][1] == words:
            return 400, _error(400, "Bad Request: message is not modified")
        self._standing[found] = (chat, words)
        return 200, _MESSAGE % (found, place, b'"text":"x"')

    def _other(self, path: str, method: str, body: bytes) -> tuple[int, bytes, float]:
        if path.startswith("/control/"):
            return 200, json.dumps(self._control(method, body)).encode(), 0.0
        if method == "getMe":
            return 200, _ME, 0.0
        if method == "getUpdates":
            return 200, _NONE, 1.0
        return 200, _TRUE, 0.0

    def _control(self, what: str, body: bytes) -> dict[str, Any]:
        told = json.loads(body) if body else {}
        match what:
            case "begin":
                self.begin(Conduct(**told))
            case "behave":
                self.behave(Conduct(**told))
            case "ban":
                self.ban(told["seconds"])
            case "count":
                return {"count": len(self.log.times), "requests": self.log.requests}
            case "seen":
                return self.seen().json()
            case _:
                raise ValueError(what)
        return {}

    def opened(self, transport: asyncio.Transport) -> None:
        self._connections.add(transport)

    def closed(self, transport: asyncio.Transport) -> None:
        self._connections.discard(transport)


def _error(code: int, words: str, retry_after: int = 0) -> bytes:
    told: dict[str, Any] = {"ok": False, "error_code": code, "description": words}
    if retry_after:
        told["parameters"] = {"retry_after": retry_after}
    return json.dumps(told).encode()


class _Connection(asyncio.Protocol):
    """One kept-alive connection; requests on it come one after the other."""

    def __init__(self, platform: CountingTelegram) -> None:
        self._platform = platform
        self._pending = b""
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if not isinstance(transport, asyncio.Transport):
            raise TypeError(type(transport))
        self._transport = transport
        self._platform.opened(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._platform.closed(self._transport)

    def data_received(self, data: bytes) -> None:
        self._pending += data
        while True:
            end = self._pending.find(b"\r\n\r\n")
            if end < 0:
                return
            head = self._pending[:end]
            found = _LENGTH.search(head)
            whole = end + 4 + (int(found[1]) if found else 0)
            if len(self._pending) < whole:
                return
            body, self._pending = self._pending[end + 4 : whole], self._pending[whole:]
            self._respond(head[: head.index(b"\r\n")].split(b" ")[1].decode(), body)

    def _respond(self, path: str, body: bytes) -> None:
        answer = self._platform.answer(path, body)
        if answer is None:
            self._transport.abort()
            return
        status, content, wait = answer
        whole = (
            b"HTTP/1.1 %d -\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b"
            % (status, len(content), content)
        )
        if wait > 0:
            loop = asyncio.get_running_loop()
            loop.call_later(wait, partial(self._write, whole))
        else:
            self._transport.write(whole)

    def _write(self, whole: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(whole)
