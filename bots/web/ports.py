"""What the web pages ask of a running town. `bots.app.App` answers all of it."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Protocol

from sqlalchemy.ext.asyncio import AsyncEngine

from bots.conversation import Incoming, Reply
from bots.conversation.learning import Learning
from bots.happenings import Happenings
from bots.marks import Mark
from bots.operations.meters import Meters
from bots.voice import Voice
from core.access import ChannelKeeper, Doorkeeper, EvidenceReader
from core.announcements import Messenger, Pump
from core.chain import EndpointHealth
from core.clock import Clock
from core.credentials.proving import Proving
from core.database import Sessions
from core.enrolment import Enrolment
from core.events import Events
from core.perks import Desks, Perks
from core.settings import Settings
from core.town import TownPack
from core.vaults import Vaults
from knowledge.library import Library
from knowledge.translation import Translator

if TYPE_CHECKING:  # the clock runs on the app, which opens the pages
    from bots.jobs.engine import AtWork


class Talk(Protocol):
    """The conversation, whole or piece by piece."""

    async def handle(self, incoming: Incoming) -> Reply | None: ...

    def stream(self, incoming: Incoming) -> AsyncIterator[str | Reply]:
        """Pieces of the text as it is written, then the whole reply."""


class ReadingRoom(Protocol):
    """The guide, as far as staff look at what it was made from."""

    @property
    def ready(self) -> bool: ...
    async def wait(self) -> None: ...
    @property
    def library(self) -> Library: ...


class Health(Protocol):
    """The chains, as far as staff look at how their endpoints do."""

    def health(self) -> tuple[EndpointHealth, ...]: ...


WebhookReceiver = Callable[[str, bytes], Awaitable[object]]
"""Takes Telegram's secret token and an update; `False` or `NotAllowed` means a wrong secret."""


class TownApp(Protocol):
    """One town, running."""

    @property
    def settings(self) -> Settings: ...
    @property
    def town(self) -> TownPack: ...
    @property
    def chains(self) -> Health: ...
    @property
    def mark(self) -> Mark: ...
    @property
    def sessions(self) -> Sessions: ...
    @property
    def engine(self) -> AsyncEngine: ...
    @property
    def meters(self) -> Meters: ...
    @property
    def answers(self) -> bool: ...
    @property
    def draining(self) -> bool: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def guide(self) -> ReadingRoom: ...
    @property
    def doorkeeper(self) -> Doorkeeper: ...
    @property
    def enrolment(self) -> Enrolment: ...
    @property
    def proving(self) -> Proving: ...
    @property
    def evidence(self) -> EvidenceReader: ...
    @property
    def perks(self) -> Perks: ...
    @property
    def vaults(self) -> Vaults: ...
    @property
    def events(self) -> Events: ...
    @property
    def desks(self) -> Desks: ...
    @property
    def conversation(self) -> Talk: ...
    @property
    def learning(self) -> Learning: ...
    @property
    def happenings(self) -> Happenings: ...
    @property
    def keepers(self) -> Mapping[str, ChannelKeeper]: ...
    @property
    def clockwork(self) -> "AtWork | None": ...
    @property
    def clock_state(self) -> str: ...
    @property
    def messengers(self) -> Mapping[str, Messenger]: ...
    @property
    def pumps(self) -> Mapping[str, Pump]: ...
    @property
    def platforms(self) -> frozenset[str]: ...
    @property
    def rates(self) -> Mapping[str, float]: ...
    @property
    def translator(self) -> Translator | None: ...
    @property
    def voice(self) -> Voice | None: ...
    @property
    def telegram_receive(self) -> WebhookReceiver | None: ...

    def problems(self) -> list[str]:
        """What staff should mend, one sentence each: chats, roles, rights, endpoints."""

    def wake(self) -> None:
        """Something new waits in the outbox."""
