"""The use cases of perks, for the card, the ticket window, the console and the public page."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final

from core.access.evidence import EvidenceReader
from core.clock import Clock
from core.database import Sessions
from core.perks.keys import PassKeys
from core.perks.model import (
    Closed,
    Conflict,
    ConflictState,
    Desk,
    Judge,
    Offer,
    OfflineKit,
    Pass,
    PerkFigures,
    Redemption,
    Scan,
    Settlement,
    Synced,
    TokenStatus,
    Verdict,
)
from core.town import TownPack

CARD_LIFETIME: Final = timedelta(seconds=60)
"""On the web card, which shows a new one every 30 seconds."""

CHAT_LIFETIME: Final = timedelta(minutes=5)
"""In a chat, where a picture once sent does not change."""

REFRESH: Final = timedelta(seconds=30)
UNDO_BY_DESK: Final = timedelta(minutes=15)


class Perks:
    """Everything that can be done with a town's perks."""

    def __init__(
        self,
        town: TownPack,
        sessions: Sessions,
        evidence: EvidenceReader,
        judge: Judge,
        keys: PassKeys,
        clock: Clock,
        *,
        secret: str,
    ) -> None: ...

    async def catalogue(self, member_id: int | None) -> tuple[Offer, ...]:
        """Every perk of the pack, as it stands for this member (`None`: for anybody)."""
        raise NotImplementedError

    async def issue(
        self,
        member_id: int,
        perk: str,
        *,
        lifetime: timedelta = CARD_LIFETIME,
        code: bool = False,
    ) -> Pass | Closed:
        """A new pass, or why there is none. `code`: with eight digits for a broken camera.

        Raises `NotFound` for a perk that the pack lacks.
        """
        raise NotImplementedError

    async def check(self, presented: str, desk: Desk) -> Verdict:
        """What `redeem` would say of a pass text or a code now. Books nothing."""
        raise NotImplementedError

    async def redeem(self, presented: str, desk: Desk, *, request_id: str) -> Verdict:
        """Take a pass text or a code. The same `request_id` of a desk is one request."""
        raise NotImplementedError

    async def undo(self, redemption_id: int, by: Desk | str, *, reason: str) -> Redemption:
        """Take a use back: the clerk (a `Desk`) for 15 minutes, staff (their name) at any time.

        Raises `NotFound`; `NotAllowed` for another facility's desk, too late, or no reason.
        """
        raise NotImplementedError

    async def redemptions(
        self, *, desk: Desk | None = None, facility: str | None = None, limit: int = 50
    ) -> list[Redemption]:
        """The newest first: those of a desk, of a facility, or of the town."""
        raise NotImplementedError

    async def status_of_token(self, collection: str, token_id: int) -> tuple[TokenStatus, ...]:
        """What is left of every perk that counts by this card. Names nobody, asks no chain.

        Raises `NotFound` for a collection that the pack lacks.
        """
        raise NotImplementedError

    async def offline_kit(self, desk: Desk) -> OfflineKit:
        """What the desk needs to go on without signal."""
        raise NotImplementedError

    async def sync(self, desk: Desk, scans: Sequence[Scan]) -> tuple[Synced, ...]:
        """Take in what a desk let in without signal: booked, or flagged to staff; never lost.

        At most 500 at once; raises `NotAllowed` beyond that. May be sent again.
        """
        raise NotImplementedError

    async def conflicts(
        self, *, state: ConflictState | None = ConflictState.OPEN, limit: int = 200
    ) -> list[Conflict]:
        """Scans without signal that the records say no to, the newest first."""
        raise NotImplementedError

    async def resolve(self, conflict_id: int, *, by: str, accept: bool, reason: str) -> Conflict:
        """Staff decide: accept as goodwill (counts in the settlement), or reject.

        Raises `NotFound`; `NotAllowed` without a reason. Decided once: a second decision changes
        nothing.
        """
        raise NotImplementedError

    async def settlement(self, month: date, facility: str) -> Settlement:
        """What the town owes a facility for the month in which `month` lies."""
        raise NotImplementedError

    async def figures(self, since: date, until: date) -> tuple[PerkFigures, ...]:
        """Every perk over the days from `since` to `until`, both included."""
        raise NotImplementedError

    async def tidy(self) -> int:
        """Forget passes that can no longer be shown or synced. Returns how many."""
        raise NotImplementedError
