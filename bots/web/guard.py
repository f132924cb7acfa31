"""What stands before every page: response headers, the size of a request, the rate of requests."""

import ipaddress
import logging
import time
from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import urlsplit

from fastapi import HTTPException, Request, Response
from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bots.limits import Buckets, TooMany

logger = logging.getLogger(__name__)

MAX_BODY: Final = 1_000_000
LARGER: Final[Mapping[str, int]] = {
    "/console/proofs/": 8_200_000,
    "/console/announcements": 10_400_000,
}
"""For lists and pictures of staff: no handler there reads a body before it knows who sends it."""

# Wallets announce their icons as data: URIs (EIP-6963).
CONTENT_SECURITY_POLICY: Final = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)
HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Referrer-Policy": "no-referrer",  # the address of a verify page holds a secret
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin-allow-popups",
    "Cross-Origin-Resource-Policy": "same-origin",
}
PERMISSIONS: Final = (
    "Permissions-Policy",
    "camera=(), microphone=(), geolocation=(), payment=()",
)


class SecurityHeaders:
    """Adds the headers to every response, and ``no-store`` to those that set nothing else."""

    def __init__(self, app: ASGIApp, *, address: str) -> None:
        self.app = app
        self._headers = dict(HEADERS)
        https = address.startswith("https:")
        # In Safari before 15.4, 'self' is no WebSocket of the same host.
        socket = f"{'wss' if https else 'ws'}://{urlsplit(address).netloc}"
        self._headers["Content-Security-Policy"] += f"; connect-src 'self' {socket}"
        if https:
            self._headers["Strict-Transport-Security"] = "max-age=31536000"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers[name] = value
                headers.setdefault(*PERMISSIONS)  # a ticket window's page uses the camera
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await self.app(scope, receive, with_headers)


class BodyLimit:
    """Refuses more than `MAX_BODY` bytes (or `LARGER`), announced or streamed without a length."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        length = dict(scope["headers"]).get(b"content-length", b"0")
        announced = int(length) if length.isdigit() else 0
        path = scope["path"]
        most = next((most for start, most in LARGER.items() if path.startswith(start)), MAX_BODY)
        seen = 0

        async def limited() -> Message:
            nonlocal seen
            if announced > most:
                raise HTTPException(413)
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > most:
                raise HTTPException(413)
            return message

        await self.app(scope, limited, send)


class LastResort:
    """Answers what nobody expected with a page, in one place, and logs it."""

    def __init__(self, app: ASGIApp, answer: Callable[[Request], Response]) -> None:
        self.app = app
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self.app(scope, receive, watched)
        except Exception:
            if scope["type"] != "http" or started:
                raise
            # The edge of the web: whatever went wrong, the person gets a page.
            logger.exception("page-failed", extra={"route": _route(scope)})
            await self._answer(Request(scope))(scope, receive, send)


def _route(scope: Scope) -> str:
    """Which page, without what its address may hold in secret."""
    return str(getattr(scope.get("route"), "path", ""))


# At most so many at once, then so many a minute, for one visitor.
RATES: Final[Mapping[str, tuple[int, int]]] = {
    "chat": (12, 20),
    "join": (6, 6),
    "proof": (20, 20),
    "code": (10, 2),
    "rooms": (20, 20),
    "post": (5, 6),
    "staff": (10, 10),
    "demo": (20, 20),
    "form": (30, 60),
    "look": (40, 150),
    "translate": (6, 12),
    "card": (40, 90),
    "calendar": (10, 10),
    "pin": (10, 10),
    "desk": (120, 240),
    "voice": (10, 10),
}
ADDRESS_FACTOR: Final = 10  # a school or a town hall comes from one address


class Limits:
    """How often one visitor, and one address with all its visitors, may ask for something."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        def buckets(factor: int) -> dict[str, Buckets]:
            return {
                name: Buckets(rate=minute * factor / 60, burst=burst * factor, clock=clock)
                for name, (burst, minute) in RATES.items()
            }

        self._visitors = buckets(1)
        self._addresses = buckets(ADDRESS_FACTOR)

    def take(self, name: str, visitor: str, address: str) -> None:
        """Raises `TooMany` when this visitor or this address comes too often."""
        self._visitors[name].take(visitor)
        self._addresses[name].take(address)

    def check(self, name: str, request: Request, visitor: str, proxies: tuple[str, ...]) -> None:
        """Raises `HTTPException` 429 when this visitor or this address comes too often."""
        try:
            self.take(name, visitor, address_of(request, proxies))
        except TooMany as error:
            raise HTTPException(429, headers={"Retry-After": "60"}) from error


def address_of(request: HTTPConnection, proxies: tuple[str, ...]) -> str:
    """Who is calling: the last address that a trusted proxy did not add. IPv6 by its /64."""
    address = request.client.host if request.client else "unknown"
    forwarded = [part.strip() for part in request.headers.get("x-forwarded-for", "").split(",")]
    while address in proxies and forwarded and forwarded[-1]:
        address = forwarded.pop()
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address[:64]
    if parsed.version == 6:  # noqa: PLR2004
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)
