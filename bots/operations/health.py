"""Whether this process lives, and whether it can do its work."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from bots.limits import Buckets, TooMany
from bots.web.guard import address_of
from core.database import schema_state
from core.errors import RecordsUnavailable
from knowledge.library import Library

logger = logging.getLogger(__name__)

PATIENCE: Final = 2.0
"""Seconds that the records have for their answer."""
KEPT: Final = 1.0
"""Seconds for which an answer is given again: many monitors ask the records once."""
AT_ONCE: Final = 30
A_SECOND: Final = 2.0


class Guide(Protocol):
    @property
    def ready(self) -> bool: ...
    @property
    def library(self) -> Library: ...


class Town(Protocol):
    """What is asked of a running town."""

    @property
    def engine(self) -> AsyncEngine: ...
    @property
    def guide(self) -> Guide: ...
    @property
    def answers(self) -> bool: ...
    @property
    def draining(self) -> bool: ...
    @property
    def clock_state(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Readiness:
    """One word each, and nothing that is anybody's."""

    records: str  # ok, away, pending (a migration) or too-new
    guide: str  # ok, empty, reading or (where no questions are answered) unused
    clock: str  # ok, starting (or its tables cannot be opened: the town runs on) or stopped
    process: str  # ok or draining

    @property
    def ready(self) -> bool:
        guided = self.guide in {"ok", "unused"}
        well = (self.records, self.process) == ("ok", "ok")
        return well and guided and self.clock != "stopped"

    def words(self) -> Mapping[str, str]:
        return {
            "status": "ready" if self.ready else "not-ready",
            "records": self.records,
            "guide": self.guide,
            "clock": self.clock,
            "process": self.process,
        }


class Health:
    """Looks at a town, at most once a second."""

    def __init__(self, town: Town, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._town, self._monotonic = town, monotonic
        self._lock = asyncio.Lock()
        self._records = ("", float("-inf"))

    async def look(self) -> Readiness:
        return Readiness(
            await self._of_records(),
            self._of_guide(),
            self._town.clock_state,
            "draining" if self._town.draining else "ok",
        )

    def _of_guide(self) -> str:
        if not self._town.answers:
            return "unused"
        if not self._town.guide.ready:
            return "reading"
        return "ok" if self._town.guide.library.documents else "empty"

    async def _of_records(self) -> str:
        async with self._lock:
            word, until = self._records
            if self._monotonic() >= until:
                word = await self._ask()
                self._records = (word, self._monotonic() + KEPT)
        return word

    async def _ask(self) -> str:
        try:
            async with asyncio.timeout(PATIENCE):
                state = await schema_state(self._town.engine)
        except (RecordsUnavailable, TimeoutError) as error:
            logger.warning("records-away", extra={"reason": type(error).__name__})
            return "away"
        if state.too_new:
            return "too-new"
        return "pending" if state.pending else "ok"


Page = Callable[[], Awaitable[Response]]


class Probes:
    """``/healthz`` and ``/readyz``, before session, pages and records.

    ``/healthz`` says that the process lives, even while the records are away: restart it if there
    is no answer. ``/readyz`` says whether to send people here: 200 or 503, with a word for each
    part.
    """

    def __init__(
        self, app: ASGIApp, health: Health, *, slug: str, proxies: tuple[str, ...] = ()
    ) -> None:
        self.app = app
        self._pages: Mapping[str, Page] = {"/healthz": self._alive, "/readyz": self._ready}
        self._health, self._slug, self._proxies = health, slug, proxies
        self._buckets = Buckets(rate=A_SECOND, burst=AT_ONCE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        page = self._pages.get(scope.get("path", "")) if scope["type"] == "http" else None
        if page is None or scope["method"] not in {"GET", "HEAD"}:
            await self.app(scope, receive, send)
            return
        try:
            self._buckets.take(address_of(Request(scope), self._proxies))
        except TooMany:
            response: Response = JSONResponse({"status": "too-many"}, 429, {"Retry-After": "5"})
        else:
            response = await page()
        response.headers["Cache-Control"] = "no-store"
        await response(scope, receive, send)

    async def _alive(self) -> Response:
        return JSONResponse({"town": self._slug, "ok": True})

    async def _ready(self) -> Response:
        found = await self._health.look()
        return JSONResponse(found.words(), 200 if found.ready else 503)
