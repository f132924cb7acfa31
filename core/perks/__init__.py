"""Perks: what a digital resident may use, taken at the ticket window exactly as often as allowed.

The card shows a signed pass for seconds; the window scans it and hears yes or no. Uses are counted
by card and by person, each use is a slot that a unique key gives away once, so that of two scans
at the same moment one wins. Who holds the card is read live; what happens while the chain is away
is said by the perk, and by the verdict.
"""

from core.perks.cards import CARD_LIFETIME, CHAT_LIFETIME, REFRESH
from core.perks.desks import DeskRefusal, Desks, DeskStatus, NewDesk, Shut
from core.perks.keys import PASS_KEYS, PassKeys
from core.perks.model import (
    Closed,
    Cohort,
    Conflict,
    ConflictState,
    Desk,
    Judge,
    Kind,
    KitPerk,
    Left,
    Offer,
    OfflineKit,
    Pass,
    PerkFigures,
    Reason,
    Redemption,
    Scan,
    Settlement,
    SettlementRow,
    Source,
    Synced,
    Token,
    TokenStatus,
    Use,
    Verdict,
)
from core.perks.people import export, left
from core.perks.service import Perks
from core.perks.window import UNDO_BY_DESK

__all__ = [
    "CARD_LIFETIME",
    "CHAT_LIFETIME",
    "PASS_KEYS",
    "REFRESH",
    "UNDO_BY_DESK",
    "Closed",
    "Cohort",
    "Conflict",
    "ConflictState",
    "Desk",
    "DeskRefusal",
    "DeskStatus",
    "Desks",
    "Judge",
    "Kind",
    "KitPerk",
    "Left",
    "NewDesk",
    "Offer",
    "OfflineKit",
    "Pass",
    "PassKeys",
    "PerkFigures",
    "Perks",
    "Reason",
    "Redemption",
    "Scan",
    "Settlement",
    "SettlementRow",
    "Shut",
    "Source",
    "Synced",
    "Token",
    "TokenStatus",
    "Use",
    "Verdict",
    "export",
    "left",
]
