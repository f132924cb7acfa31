"""What leaves, what becomes of it, and what core asks of a platform."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

from core.announcements.desk import Kind


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message in the reader's language, ready for a platform to lay out."""

    heading: str
    body: str
    sender: str  # the town, always shown
    footnote: str = ""
    language: str = "ja"
    action: tuple[tuple[str, str], ...] = ()  # (label, action) buttons
    official: bool = True


@dataclass(frozen=True, slots=True)
class Delivered:
    message_id: str | None = None


@dataclass(frozen=True, slots=True)
class Blocked:
    """The person does not want us or is gone: not tried again until they write."""

    reason: str


@dataclass(frozen=True, slots=True)
class Failed:
    """The platform will never take this message."""

    reason: str


@dataclass(frozen=True, slots=True)
class Flooded:
    """The platform asks for a pause of the whole lane; this message was not sent."""

    retry_after: timedelta


@dataclass(frozen=True, slots=True)
class NotSent:
    """Certainly not sent: no connection, or an error before anything was done."""

    reason: str


@dataclass(frozen=True, slots=True)
class InDoubt:
    """The request was written and no answer came."""

    reason: str


Outcome = Delivered | Blocked | Failed | Flooded | NotSent | InDoubt


class Messenger(Protocol):
    """What core asks of a platform: one message out, and honestly what became of it."""

    platform: str

    async def send_direct(self, account: str, message: Outgoing, *, delivery: int) -> Outcome:
        """To one person. `delivery` is the same number at every attempt."""

    async def post(self, place: str, message: Outgoing, *, delivery: int) -> Outcome:
        """Into a room."""


Render = Callable[[Kind, Mapping[str, Any], str], Outgoing]
"""From an announcement's kind and texts and a language to the words: bots hold the words."""
