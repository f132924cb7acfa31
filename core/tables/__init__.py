"""Every table of a town's records, by the domain that asks it.

Only the module named after a domain queries that domain's tables.
"""

from core.tables.announcements import AnnouncementRow, DeliveryRow, LaneRow
from core.tables.audit import AuditRow, CounterRow
from core.tables.base import Base, Key, UtcDateTime
from core.tables.credentials import CredentialRow
from core.tables.people import (
    AccountRow,
    ChallengeRow,
    InboxRow,
    LinkRow,
    MemberRow,
    MergeRow,
    WalletRow,
)
from core.tables.perks import (
    ConflictRow,
    DeskRow,
    PassRow,
    RedemptionRow,
    StandingRow,
    UseRow,
)
from core.tables.questions import ClusterRow, FactRow, QuestionRow, ToldRow
from core.tables.rooms import GrantRow, RoomPostRow, WebMessageRow

__all__ = [
    "AccountRow",
    "AnnouncementRow",
    "AuditRow",
    "Base",
    "ChallengeRow",
    "ClusterRow",
    "ConflictRow",
    "CounterRow",
    "CredentialRow",
    "DeliveryRow",
    "DeskRow",
    "FactRow",
    "GrantRow",
    "InboxRow",
    "Key",
    "LaneRow",
    "LinkRow",
    "MemberRow",
    "MergeRow",
    "PassRow",
    "QuestionRow",
    "RedemptionRow",
    "RoomPostRow",
    "StandingRow",
    "ToldRow",
    "UseRow",
    "UtcDateTime",
    "WalletRow",
    "WebMessageRow",
]
