"""What goes wrong between a bot and Telegram: floods, refusals, lost connections, slowness.

https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this: about 30 messages
a second overall, one a second in a chat, 20 a minute in a group. All limits are off until set.
"""

import asyncio
import math
from collections import deque
from dataclasses import dataclass, field

from tests.telegram_server.api import ApiError, too_many_requests


@dataclass(slots=True)
class Limits:
    """How many messages may come before 429; None is no limit. `retry_after` is in seconds."""

    per_second: int | None = None
    paid_per_second: int | None = 1_000  # with allow_paid_broadcast
    per_chat_second: int | None = None
    per_group_minute: int | None = None
    retry_after: int | None = None  # None: until the window has room again


@dataclass(slots=True)
class _Window:
    arrivals: deque[float] = field(default_factory=deque)
    banned_until: float = 0.0


@dataclass(slots=True)
class Floods:
    """Counts messages as they arrive, and bans for a while who sends too many."""

    limits: Limits = field(default_factory=Limits)
    refused: int = 0  # every 429
    while_banned: int = 0  # those of them that came before `retry_after` was over
    paid: int = 0  # messages that cost a tenth of a Star, being over the free rate
    _windows: dict[tuple[str, int], _Window] = field(default_factory=dict)

    def arrive(self, chat_id: int, *, is_group: bool, now: float, paid: bool = False) -> None:
        """Count one message. Raises 429 with the seconds to wait.

        `paid`: sent with ``allow_paid_broadcast``, which lifts the limit of the bot as a whole.
        """
        free = self.limits.per_second
        scopes = [
            (("all", 0), self.limits.paid_per_second if paid and free else free, 1.0),
            (("chat", chat_id), self.limits.per_chat_second, 1.0),
        ]
        if is_group:
            scopes.append((("group", chat_id), self.limits.per_group_minute, 60.0))
        limited = [
            (self._windows.setdefault(scope, _Window()), limit, length)
            for scope, limit, length in scopes
            if limit is not None
        ]
        for window, _, _ in limited:
            if window.banned_until > now:
                self.while_banned += 1
                raise self._refusal(window, now)
        for window, limit, length in limited:
            while window.arrivals and window.arrivals[0] <= now - length:
                window.arrivals.popleft()
            if len(window.arrivals) >= limit:
                room_at = window.arrivals[0] + length if window.arrivals else now + length
                asked = self.limits.retry_after
                window.banned_until = room_at if asked is None else now + asked
                raise self._refusal(window, now)
        for window, _, _ in limited:
            window.arrivals.append(now)
        if paid and free is not None and len(self._windows["all", 0].arrivals) > free:
            self.paid += 1

    def _refusal(self, window: _Window, now: float) -> ApiError:
        self.refused += 1
        return too_many_requests(max(math.ceil(window.banned_until - now), 1))


@dataclass(eq=False, slots=True)
class Gate:
    """Requests of one method wait here until the test opens it."""

    method: str
    waiting: int = 0
    opened: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(slots=True)
class Trouble:
    """One thing that happens to the next requests of a method."""

    method: str
    times: int
    chat_id: int | None = None  # only requests to this chat
    error: ApiError | None = None  # answered instead
    body: bytes | None = None  # answered instead, with the status of `error`
    drop_before: bool = False  # the connection goes before anything happens
    drop_after: bool = False  # the request is carried out, its answer is lost
    delay_before: float = 0.0  # seconds
    delay_after: float = 0.0


@dataclass(slots=True)
class Troubles:
    """What is prepared for coming requests, in the order of preparing."""

    queue: list[Trouble] = field(default_factory=list)
    gates: list[Gate] = field(default_factory=list)

    def take(self, method: str, chat_id: int | None) -> Trouble | None:
        for trouble in self.queue:
            named = trouble.method.lower() in {"*", method.lower()}
            if named and trouble.chat_id in {None, chat_id}:
                trouble.times -= 1
                if trouble.times <= 0:
                    self.queue.remove(trouble)
                return trouble
        return None

    def gate(self, method: str) -> Gate | None:
        named = (each for each in self.gates if each.method.lower() in {"*", method.lower()})
        return next(named, None)
