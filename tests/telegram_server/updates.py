"""Updates on their way to the bot: one queue, emptied by getUpdates or by a webhook.

* https://core.telegram.org/bots/api#getting-updates: an update stays until it is confirmed, by a
  higher offset or by a 2xx answer; `allowed_updates` decides when an update is made, not later.
* A webhook gets the updates of one chat in order, those of different chats side by side.
"""

import asyncio
import itertools
import json
import logging
import math
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from aiohttp import ClientError, ClientSession, ClientTimeout, TCPConnector

from tests.telegram_server.api import Json, Params, bad_request, conflict
from tests.telegram_server.clock import Clock

logger = logging.getLogger(__name__)

NOT_BY_DEFAULT: Final = frozenset({"chat_member", "message_reaction", "message_reaction_count"})
MAX_ANSWER_BYTES: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Update:
    id: int
    kind: str
    payload: Json
    lane: int  # the chat whose order is kept

    def json(self) -> Json:
        return {"update_id": self.id, self.kind: self.payload}


@dataclass(slots=True)
class Webhook:
    url: str
    secret_token: str
    max_connections: int
    last_error_date: int = 0
    last_error_message: str = ""


@dataclass(frozen=True, slots=True)
class Backoff:
    """Waits between deliveries of one update: `first`, doubled each time, at most `longest`."""

    first: float = 0.02  # seconds
    longest: float = 0.5

    def after(self, failures: int) -> float:
        return min(math.ldexp(self.first, failures - 1), self.longest)


@dataclass(slots=True)
class UpdateQueue:
    """All that the bot has not confirmed yet."""

    clock: Clock
    execute: Callable[[str, Params], Awaitable[object]]  # a method in a webhook's answer
    backoff: Backoff = field(default_factory=Backoff)
    webhook_timeout: float = 5.0  # seconds
    webhook: Webhook | None = None
    allowed: frozenset[str] = frozenset()  # empty: all but `NOT_BY_DEFAULT`
    pending: dict[int, Update] = field(default_factory=dict)
    closed: bool = False
    _numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1_000_001))
    _polls: int = 0
    _ended_by: str = ""
    _deliveries: dict[int, "asyncio.Task[None]"] = field(default_factory=dict)
    _session: ClientSession | None = None

    def offer(self, kind: str, payload: Json, *, lane: int) -> None:
        """Queue an update, unless the bot does not want this kind."""
        wanted = kind in self.allowed if self.allowed else kind not in NOT_BY_DEFAULT
        if wanted and not self.closed:
            update = Update(next(self._numbers), kind, payload, lane)
            self.pending[update.id] = update
            self._deliver(lane)

    async def get_updates(self, params: Params) -> list[Json]:
        """Answer the long poll. Raises 409 when another one, or a webhook, takes over."""
        if self.webhook is not None:
            raise conflict(
                "can't use getUpdates method while webhook is active; "
                "use deleteWebhook to delete the webhook first"
            )
        self._take_over("other getUpdates request; make sure that only one bot instance is running")
        mine = self._polls
        self._allow(params)
        self._confirm(params.integer("offset"))
        limit = min(max(params.integer("limit", 100), 1), 100)
        timeout = min(max(params.integer("timeout"), 0), 50)
        await self.clock.announce()
        try:
            async with asyncio.timeout(timeout), self.clock.changed:
                await self.clock.changed.wait_for(
                    lambda: bool(self.pending) or mine != self._polls or self.closed
                )
        except TimeoutError:
            logger.debug("long poll ended without updates")
        if mine != self._polls:
            raise conflict(f"terminated by {self._ended_by}")
        return [each.json() for each in itertools.islice(self.pending.values(), limit)]

    def _take_over(self, by: str) -> None:
        self._polls += 1
        self._ended_by = by

    def _allow(self, params: Params) -> None:
        kinds = params.array("allowed_updates", "allowed_updates")
        if kinds is not None:
            self.allowed = frozenset(str(each) for each in kinds)

    def _confirm(self, offset: int) -> None:
        if offset < 0:
            kept = list(self.pending)[offset:]
            offset = kept[0] if kept else 0
        for number in [each for each in self.pending if each < offset]:
            del self.pending[number]

    async def set_webhook(self, params: Params) -> str:
        """Set, change or delete the webhook. Returns the description of the answer."""
        url, secret = params.text("url"), params.text("secret_token")
        if not url:
            return await self.delete_webhook(params)
        _check_webhook(url)
        if len(secret) > 256:
            raise bad_request("secret token is too long")
        if not re.fullmatch(r"[A-Za-z0-9_-]*", secret):
            raise bad_request("secret token contains unallowed characters")
        await self._stop_deliveries()
        self._take_over("setWebhook request")
        self._allow(params)
        if params.boolean("drop_pending_updates"):
            self.pending.clear()
        connections = min(max(params.integer("max_connections", 40), 1), 100)
        self.webhook = Webhook(url, secret, connections)
        self._session = ClientSession(
            connector=TCPConnector(limit=connections),
            timeout=ClientTimeout(total=self.webhook_timeout),
        )
        for lane in dict.fromkeys(each.lane for each in self.pending.values()):
            self._deliver(lane)
        return "Webhook was set"

    async def delete_webhook(self, params: Params) -> str:
        was_set = self.webhook is not None
        await self._stop_deliveries()
        self.webhook = None
        if params.boolean("drop_pending_updates"):
            self.pending.clear()
        return "Webhook was deleted" if was_set else "Webhook is already deleted"

    def webhook_info(self) -> Json:
        """https://core.telegram.org/bots/api#webhookinfo."""
        shown: Json = {"url": "", "has_custom_certificate": False}
        shown["pending_update_count"] = len(self.pending)
        if self.allowed:
            shown["allowed_updates"] = sorted(self.allowed)
        if self.webhook is None:
            return shown
        shown |= {"url": self.webhook.url, "max_connections": self.webhook.max_connections}
        shown["ip_address"] = "127.0.0.1"
        if self.webhook.last_error_date:
            shown["last_error_date"] = self.webhook.last_error_date
            shown["last_error_message"] = self.webhook.last_error_message
        return shown

    async def close(self) -> None:
        self.closed = True
        await self._stop_deliveries()
        await self.clock.announce()

    async def _stop_deliveries(self) -> None:
        tasks, self._deliveries = list(self._deliveries.values()), {}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _deliver(self, lane: int) -> None:
        running = self._deliveries.get(lane)
        if self.webhook is not None and (running is None or running.done()):
            self._deliveries[lane] = asyncio.create_task(self._deliver_lane(lane))

    async def _deliver_lane(self, lane: int) -> None:
        """Deliver one chat's updates in order, each until the bot takes it."""
        failures = 0
        while update := next((each for each in self.pending.values() if each.lane == lane), None):
            retry_after = await self._attempt(update)
            if retry_after is None:
                self.pending.pop(update.id, None)
                failures = 0
            else:
                failures += 1
            await self.clock.announce()
            if retry_after is not None:
                await asyncio.sleep(retry_after or self.backoff.after(failures))

    async def _attempt(self, update: Update) -> float | None:
        """Post one update. Returns None when it was taken, else the seconds the bot asks for."""
        webhook, session = self.webhook, self._session
        if webhook is None or session is None:
            return None
        headers = {"X-Telegram-Bot-Api-Secret-Token": webhook.secret_token}
        try:
            async with session.post(
                webhook.url,
                json=update.json(),
                headers=headers if webhook.secret_token else {},
                allow_redirects=False,
            ) as answer:
                body = await answer.content.read(MAX_ANSWER_BYTES)
        except TimeoutError:
            return self._failed(webhook, "Read timeout expired")
        except ClientError:
            return self._failed(webhook, "Connection refused or closed")
        if not 200 <= answer.status <= 299:
            retry_after = answer.headers.get("Retry-After", "")
            said = f"Wrong response from the webhook: {answer.status} {answer.reason}"
            return self._failed(webhook, said, float(retry_after) if retry_after else 0.0)
        await self._answered_with_method(body)
        return None

    def _failed(self, webhook: Webhook, message: str, retry_after: float = 0.0) -> float:
        webhook.last_error_date, webhook.last_error_message = int(self.clock.now()), message
        return retry_after

    async def _answered_with_method(self, body: bytes) -> None:
        """Carry out the one request a bot may put into its answer."""
        try:
            values = json.loads(body)
        except ValueError:
            return
        method = values.pop("method", "") if isinstance(values, dict) else ""
        if method and not method.lower().startswith(("get", "setwebhook", "deletewebhook")):
            await self.execute(method, Params(values))


def _check_webhook(url: str) -> None:
    """Raise 400 for an address Telegram does not deliver to, or that is not of this machine."""
    parts = urlsplit(url)
    local = parts.hostname in {"127.0.0.1", "localhost"}
    if parts.scheme == "http" and local:
        return  # the one thing here that Telegram does not allow: tests have no certificate
    if parts.scheme != "https":
        raise bad_request("bad webhook: An HTTPS URL must be provided for webhook")
    if (parts.port or 443) not in {80, 88, 443, 8443}:
        raise bad_request("bad webhook: Webhook can be set up only on ports 80, 88, 443 or 8443")
    raise bad_request("bad webhook: Failed to resolve host: Name or service not known")
