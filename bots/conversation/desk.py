"""What every desk of the conversation stands on."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bots.marks import Mark
from bots.operations.meters import Meters
from core.access import Doorkeeper
from core.announcements import Outgoing
from core.clock import Clock
from core.credentials.proving import Proving
from core.database import Sessions
from core.enrolment import Enrolment
from core.events import Events
from core.perks import Perks
from core.town import TownPack
from core.vaults import Vaults
from knowledge.answer import Guide

if TYPE_CHECKING:
    from bots.conversation.learning import Learning  # which words its previews as a desk does
    from bots.conversation.messages import Incoming

Places = Callable[[str | None], tuple[tuple[str, str], ...]]
"""Where a room's announcements are posted, as (platform, place); `None`: to the whole town."""


TryOut = Callable[[str, str, Outgoing], Awaitable[bool]]
"""Send one message to one account (platform, id) past the outbox; whether it arrived."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What the conversation stands on."""

    town: TownPack
    sessions: Sessions
    clock: Clock
    guide: Guide
    doorkeeper: Doorkeeper
    enrolment: Enrolment
    perks: Perks
    events: Events
    proving: Proving
    vaults: Vaults
    address: str  # of the web pages, without a trailing slash
    is_staff: Callable[[str, str], bool]
    places: Places
    wake: Callable[[], None]  # something new waits in the outbox
    tell: Callable[..., None]  # `Happenings.tell`
    learning: "Learning"
    rates: Callable[[], Mapping[str, float]]  # messages a second, by platform whose door is open
    platforms: Callable[[], Collection[str]]  # where a bot is set up, and our pages
    try_out: TryOut
    mark: Mark
    meters: Meters = field(default_factory=Meters)
    speaks: Callable[[], bool] = lambda: False  # whether answers can be said aloud at all
    speaks_in: Callable[[str], bool] = lambda _: True  # in this language, as far as is known
    staff_name: Callable[[str, str], str] = "{}:{}".format

    def author(self, incoming: "Incoming") -> str:
        """Who of the staff wrote, as the audit log names them."""
        return self.staff_name(incoming.platform, incoming.account)
