"""What leaves, what becomes of it, and what core asks of a platform."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol, runtime_checkable

from core.announcements.nouns import Kind


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that goes with a message: re-encoded by us, never as it was uploaded."""

    content: bytes
    media_type: str  # image/jpeg or image/png
    description: str  # for who cannot see it, in the message's language


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message in the reader's language, ready for a platform to lay out.

    It is always one message on the platform, so that it arrives, is changed and is taken back as
    one: a picture carries the text as its caption, a place on the map is a link.
    """

    heading: str
    body: str
    sender: str  # the town, always shown
    footnote: str = ""
    language: str = "ja"
    action: tuple[tuple[str, str], ...] = ()  # (label, action) buttons
    links: tuple[tuple[str, str], ...] = ()  # (label, https address) buttons
    picture: Picture | None = None
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
    """Certainly not sent: no connection, or an error before anything was done.

    With `retry_after` the platform is well and this message alone has to wait, for so long: that is
    no attempt, and no sign that the platform is away.
    """

    reason: str
    retry_after: timedelta | None = None


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


@runtime_checkable
class Amender(Protocol):
    """A messenger whose platform lets us change what has arrived. Every call may be repeated.

    `message_id` is what `Delivered` named; `direct` tells a person's chat from a room. `Delivered`
    means it now reads so, or is gone; `Failed` that the platform no longer allows it.
    """

    async def edit(
        self, target: str, message_id: str, message: Outgoing, *, direct: bool
    ) -> Outcome:
        """Let the message say something else, with the same kind of content."""

    async def retract(self, target: str, message_id: str, *, direct: bool) -> Outcome:
        """Take the message away; one that is gone already is gone."""


class Render(Protocol):
    """From an announcement's kind, texts and topic and a language to the words.

    Bots hold the words; the topic is what its reader may want to hear no more of.
    """

    def __call__(
        self, kind: Kind, texts: Mapping[str, Any], language: str, topic: str | None = None, /
    ) -> Outgoing: ...
