"""What is said at the window, made of what was found."""

from dataclasses import dataclass
from datetime import date, datetime

from core.perks.base import Reckoning
from core.perks.model import Desk, Kind, Reason, Redemption, Source, Use, Verdict
from core.perks.standing import Standing
from core.tables import RedemptionRow
from core.town import Perk


@dataclass(frozen=True, slots=True)
class Weighed:
    """Somebody is entitled and has a use left, or was in a moment ago."""

    entitled: Standing
    reckoning: Reckoning
    again: Use | None  # the use that this would re-enter after

    @property
    def left_after(self) -> int | None:
        left = self.reckoning.left.left
        return left - 1 if left is not None and self.again is None else left


def would_be(perk: Perk, desk: Desk, weighed: Weighed, *, at: datetime, day: date) -> Verdict:
    """The yes that a desk would hear; nothing is booked, so all that is left is still left."""
    return Verdict(
        ok=True,
        reason=Reason.REENTRY if weighed.again else Reason.OK,
        perk=perk.name,
        title=perk.title,
        facility=desk.facility,
        at=at,
        left=weighed.reckoning.left.left,
        uses=None if perk.unlimited else perk.uses,
        before=weighed.again,
        source=weighed.entitled.source,
        known_at=weighed.entitled.known_at,
        value_yen=perk.yen_on(day) if weighed.again is None else None,
    )


def said(
    row: RedemptionRow, perk: Perk, *, undo_until: datetime, before: Use | None = None
) -> Verdict:
    """The yes of a redemption that is booked, the same at every repetition."""
    return Verdict(
        ok=True,
        reason=Reason.REENTRY if row.kind == Kind.REENTRY else Reason.OK,
        perk=perk.name,
        title=perk.title,
        facility=row.facility,
        at=row.at,
        redemption_id=row.id,
        left=row.left_after,
        uses=None if perk.unlimited else perk.uses,
        before=before,
        source=Source(row.source),
        known_at=row.known_at,
        undo_until=undo_until,
        value_yen=row.value_yen,
    )


def refused(
    reason: Reason,
    desk: Desk,
    perk: Perk | None,
    *,
    at: datetime,
    before: Use | None = None,
    next_at: datetime | None = None,
) -> Verdict:
    return Verdict(
        ok=False,
        reason=reason,
        perk=perk.name if perk else None,
        title=perk.title if perk else None,
        facility=desk.facility,
        at=at,
        left=0 if reason is Reason.USED_UP else None,
        uses=perk.uses if perk and not perk.unlimited else None,
        before=before,
        next_at=next_at,
    )


def redemption(row: RedemptionRow, desk: str) -> Redemption:
    """A row for the lists of a desk and of staff. `desk`: its label."""
    return Redemption(
        id=row.id,
        perk=row.perk,
        facility=row.facility,
        desk=desk,
        at=row.at,
        kind=Kind(row.kind),
        source=Source(row.source),
        value_yen=row.value_yen,
        member=row.member_id,
        token=row.token,
        undone_at=row.undone_at,
        undo_reason=row.undo_reason,
    )
