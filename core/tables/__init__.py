"""Every table of a town's records, by the domain that asks it.

Only the module named after a domain queries that domain's tables.
"""

from core.tables.announcements import AnnouncementRow, DeliveryRow, LaneRow
from core.tables.audit import AuditRow, CounterRow
from core.tables.base import Base, Key, UtcDateTime
from core.tables.credentials import (
    ClaimCodeRow,
    CodeBatchRow,
    CredentialRow,
    IdentityRequestRow,
    PurchaseRow,
)
from core.tables.people import (
    AccountRow,
    ChallengeRow,
    InboxRow,
    LinkRow,
    MemberRow,
    MergeRow,
    WalletRow,
)
from core.tables.questions import ClusterRow, FactRow, QuestionRow, ToldRow
from core.tables.rooms import GrantRow, RoomPostRow, WebMessageRow

__all__ = [
    "AccountRow",
    "AnnouncementRow",
    "AuditRow",
    "Base",
    "ChallengeRow",
    "ClaimCodeRow",
    "ClusterRow",
    "CodeBatchRow",
    "CounterRow",
    "CredentialRow",
    "DeliveryRow",
    "FactRow",
    "GrantRow",
    "IdentityRequestRow",
    "InboxRow",
    "Key",
    "LaneRow",
    "LinkRow",
    "MemberRow",
    "MergeRow",
    "PurchaseRow",
    "QuestionRow",
    "RoomPostRow",
    "ToldRow",
    "UtcDateTime",
    "WalletRow",
    "WebMessageRow",
]
