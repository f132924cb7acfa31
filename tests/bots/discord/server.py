"""A small Discord over real sockets: enough REST and gateway to connect, drop, resume and send.

What simcord, which replaces the transport, cannot show: the addresses, the session and its resume,
the nonce, rate limits and broken connections. https://discord.com/developers/docs/events/gateway
"""

import asyncio
import fnmatch
import json
from dataclasses import dataclass, field
from typing import Any

from aiohttp import BodyPartReader, WSMsgType, web

BOT = {
    "id": "100",
    "username": "Minedon",
    "discriminator": "0",
    "avatar": None,
    "global_name": None,
    "bot": True,
}
TOKEN = "not-a-real-token"
DROP = -1  # as a status: the request is carried out, and the line cut before the answer

DISPATCH, HEARTBEAT, IDENTIFY, RESUME, RECONNECT, INVALID, HELLO, ACK = 0, 1, 2, 6, 7, 9, 10, 11


@dataclass
class Fault:
    """One prepared refusal."""

    method: str
    path: str
    status: int
    body: dict[str, Any]
    headers: dict[str, str]


@dataclass
class Server:
    """Discord, as far as these tests go."""

    base: str = ""
    requests: list[tuple[str, str, Any]] = field(default_factory=list)
    messages: list[dict[str, Any]] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    identified: int = 0
    resumed: list[int] = field(default_factory=list)  # the sequence numbers that clients named
    refuse_gateway: int | None = None  # a close code for the next IDENTIFY
    forget_sessions: bool = False
    _sequence: int = 0
    _log: list[dict[str, Any]] = field(default_factory=list)
    _sockets: list[web.WebSocketResponse] = field(default_factory=list)

    @property
    def api(self) -> str:
        return f"http://{self.base}/api/v10"

    @property
    def gateway(self) -> str:
        return f"ws://{self.base}/gateway"

    @property
    def cdn(self) -> str:
        return f"http://{self.base}/cdn"

    def application(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/gateway", self._gateway)
        app.router.add_route("*", "/api/v10/{path:.*}", self._rest)
        return app

    def fail(
        self,
        method: str,
        path: str,
        status: int,
        *,
        body: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        """The next matching request is refused."""
        self.faults.append(Fault(method, path, status, body or {}, headers or {}))

    def delivered(self, delivery: int) -> list[dict[str, Any]]:
        """The messages that bear a delivery's number."""
        return [each for each in self.messages if each["nonce"] == str(delivery)]

    # --- gateway ------------------------------------------------------------------------------

    async def dispatch(self, event: str, data: dict[str, Any]) -> None:
        """Something happens; whoever is connected hears it now, others when they resume."""
        self._sequence += 1
        payload = {"op": DISPATCH, "t": event, "s": self._sequence, "d": data}
        self._log.append(payload)
        for socket in self._sockets:
            await socket.send_json(payload)

    async def message(self, number: int, text: str) -> None:
        """Somebody writes the bot a direct message."""
        author = {"id": "200", "username": "hana", "discriminator": "0", "avatar": None}
        await self.dispatch(
            "MESSAGE_CREATE", message_payload(number, channel=300, text=text, author=author)
        )

    async def drop(self) -> None:
        """Every connection breaks without a word."""
        for socket in self._sockets:
            transport = socket._req.transport if socket._req is not None else None
            if transport is not None:
                transport.abort()
        self._sockets.clear()

    async def ask_to_reconnect(self) -> None:
        for socket in self._sockets:
            await socket.send_json({"op": RECONNECT, "d": None})

    async def hang_up(self, code: int) -> None:
        for socket in tuple(self._sockets):
            await socket.close(code=code)

    async def _gateway(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_json({"op": HELLO, "d": {"heartbeat_interval": 41250}})
        try:
            async for frame in socket:
                if frame.type is WSMsgType.TEXT:
                    await self._hear(socket, json.loads(frame.data))
        finally:
            if socket in self._sockets:
                self._sockets.remove(socket)
        return socket

    async def _hear(self, socket: web.WebSocketResponse, said: dict[str, Any]) -> None:
        match said["op"]:
            case 1:
                await socket.send_json({"op": ACK})
            case 2 if self.refuse_gateway is not None:
                code, self.refuse_gateway = self.refuse_gateway, None
                await socket.close(code=code)
            case 2:
                self.identified += 1
                self.forget_sessions = False
                self._sockets.append(socket)
                await self._ready(socket)
            case 6 if self.forget_sessions:
                await socket.send_json({"op": INVALID, "d": False})
            case 6:
                self.resumed.append(said["d"]["seq"])
                for payload in self._log:
                    if payload["s"] > said["d"]["seq"]:
                        await socket.send_json(payload)
                self._sequence += 1
                await socket.send_json(
                    {"op": DISPATCH, "t": "RESUMED", "s": self._sequence, "d": {}}
                )
                self._sockets.append(socket)

    async def _ready(self, socket: web.WebSocketResponse) -> None:
        self._sequence += 1
        data = {
            "v": 10,
            "user": BOT,
            "guilds": [],
            "session_id": f"session-{self.identified}",
            "resume_gateway_url": self.gateway,
            "application": {"id": "100", "flags": 0},
        }
        await socket.send_json({"op": DISPATCH, "t": "READY", "s": self._sequence, "d": data})

    # --- REST ---------------------------------------------------------------------------------

    async def _rest(self, request: web.Request) -> web.StreamResponse:
        path = f"/{request.match_info['path']}"
        body = await read_body(request)
        self.requests.append((request.method, path, body))
        if request.headers.get("Authorization") != f"Bot {TOKEN}":
            return answer({"message": "401: Unauthorized", "code": 0}, status=401)
        for fault in self.faults:
            if fault.method == request.method and fnmatch.fnmatch(path, fault.path):
                self.faults.remove(fault)
                if fault.status == DROP:
                    self._answer(request.method, path, body)  # done, but nobody hears of it
                    assert request.transport is not None
                    request.transport.abort()
                    return web.Response()
                return answer(fault.body, status=fault.status, headers=fault.headers)
        return self._answer(request.method, path, body)

    def _answer(self, method: str, path: str, body: Any) -> web.Response:
        match method, path.strip("/").split("/"):
            case "GET", ["users", "@me"]:
                return answer(BOT)
            case "GET", ["oauth2", "applications", "@me"]:
                return answer(APPLICATION)
            case "PUT", ["applications", "100", "commands"]:
                return answer([])
            case "POST", ["users", "@me", "channels"]:
                return answer({"id": "300", "type": 1, "recipients": []})
            case "POST", ["channels", number, "messages"]:
                return answer(self._store(int(number), body))
            case "PATCH", ["channels", _, "messages", number]:
                return self._amend(number, body)
            case "DELETE", ["channels", _, "messages", number]:
                return self._amend(number, None)
            case "PUT", ["guilds", _, "members", _, "roles", _]:
                return web.Response(status=204)
            case "POST", ["channels", _, "typing"]:
                return web.Response(status=204)
        return answer({"message": "Not Found", "code": 10004}, status=404)

    def _amend(self, number: str, body: dict[str, Any] | None) -> web.Response:
        message = next((each for each in self.messages if each["id"] == number), None)
        if message is None:
            return answer({"message": "Unknown Message", "code": 10008}, status=404)
        if body is None:
            self.messages.remove(message)
            return web.Response(status=204)
        message |= {key: body[key] for key in ("content", "embeds") if key in body}
        return answer(message)

    def _store(self, channel: int, body: dict[str, Any]) -> dict[str, Any]:
        nonce = body.get("nonce")
        if body.get("enforce_nonce") and nonce is not None:
            for each in self.messages:
                if (each["nonce"], each["channel_id"]) == (nonce, str(channel)):
                    return each
        payload = message_payload(
            1000 + len(self.messages), channel=channel, text=body.get("content", ""), author=BOT
        )
        payload["nonce"] = nonce
        payload["embeds"] = body.get("embeds", [])
        payload["components"] = body.get("components", [])
        payload["attachments"] = [
            {"id": each["id"], "url": "", "proxy_url": "", "size": 1, **each}
            for each in body.get("attachments", [])
        ]
        self.messages.append(payload)
        return payload


async def read_body(request: web.Request) -> Any:
    """JSON, alone or as one part beside files, whose sizes are all that is kept of them."""
    if not request.can_read_body:
        return None
    if request.content_type == "application/json":
        return await request.json()
    body: dict[str, Any] = {}
    sizes: list[int] = []
    async for part in await request.multipart():
        assert isinstance(part, BodyPartReader)
        content = await part.read()
        if part.name == "payload_json":
            body = json.loads(content)
        else:
            sizes.append(len(content))
    return {**body, "sizes": sizes}


APPLICATION = {
    "id": "100",
    "name": "Kankei",
    "icon": None,
    "description": "",
    "bot_public": False,
    "bot_require_code_grant": False,
    "verify_key": "00",
    "flags": 0,
    "owner": {"id": "900", "username": "office", "discriminator": "0", "avatar": None},
    "team": None,
}


def message_payload(
    number: int, *, channel: int, text: str, author: dict[str, Any]
) -> dict[str, Any]:
    return {
        "id": str(number),
        "channel_id": str(channel),
        "author": author,
        "content": text,
        "timestamp": "2026-11-21T00:00:00+00:00",
        "edited_timestamp": None,
        "tts": False,
        "mention_everyone": False,
        "mentions": [],
        "mention_roles": [],
        "attachments": [],
        "embeds": [],
        "pinned": False,
        "type": 0,
    }


def answer(body: Any, *, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """JSON as Discord sends it: the library compares the content type letter by letter."""
    headers = {"Content-Type": "application/json", **(headers or {})}
    return web.Response(body=json.dumps(body).encode(), status=status, headers=headers)


async def until(condition: Any, *, within: float = 10.0) -> None:
    """Wait for something that happens on another connection."""
    async with asyncio.timeout(within):
        while not condition():  # noqa: ASYNC110  the condition is in another task's hands
            await asyncio.sleep(0.01)
