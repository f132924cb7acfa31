"""Every table of a town's records, by the domain that asks it.

Only the module named after a domain queries that domain's tables.
"""

from core.tables.announcements import (
    AnnouncementRow,
    PictureRow,
    RevisionRow,
    WishRow,
)
from core.tables.audit import AuditRow, CounterRow
from core.tables.base import Base, Key, UtcDateTime
from core.tables.chat import StaffNewsRow, UnfinishedRow, WebPictureRow
from core.tables.credentials import (
    ClaimCodeRow,
    CodeBatchRow,
    CredentialRow,
    IdentityRequestRow,
    PurchaseRow,
)
from core.tables.deliveries import AnnouncementRunRow, DeliveryRow, LaneRow
from core.tables.events import EventRow, FeedRow, NewsRow, ReplyRow, ToldOfEventRow
from core.tables.holdings import (
    BalanceRow,
    CheckpointRow,
    ContractRow,
    MentionRow,
    PageSizeRow,
    TransferRow,
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
from core.tables.perks import ConflictRow, DeskRow, PassRow, RedemptionRow, StandingRow, UseRow
from core.tables.questions import ClusterRow, FactRow, QuestionRow, ToldRow
from core.tables.rooms import (
    ChangeRow,
    GrantRow,
    GuestRow,
    LossRow,
    OverrideRow,
    RoomPostRow,
    RulesRow,
    TraitsRow,
    WebMessageRow,
)
from core.tables.workers import JobRow, WorkerRow

__all__ = [
    "AccountRow",
    "AnnouncementRow",
    "AnnouncementRunRow",
    "AuditRow",
    "BalanceRow",
    "Base",
    "ChallengeRow",
    "ChangeRow",
    "CheckpointRow",
    "ClaimCodeRow",
    "ClusterRow",
    "CodeBatchRow",
    "ConflictRow",
    "ContractRow",
    "CounterRow",
    "CredentialRow",
    "DeliveryRow",
    "DeskRow",
    "EventRow",
    "FactRow",
    "FeedRow",
    "GrantRow",
    "GuestRow",
    "IdentityRequestRow",
    "InboxRow",
    "JobRow",
    "Key",
    "LaneRow",
    "LinkRow",
    "LossRow",
    "MemberRow",
    "MentionRow",
    "MergeRow",
    "NewsRow",
    "OverrideRow",
    "PageSizeRow",
    "PassRow",
    "PictureRow",
    "PurchaseRow",
    "QuestionRow",
    "RedemptionRow",
    "ReplyRow",
    "RevisionRow",
    "RoomPostRow",
    "RulesRow",
    "StaffNewsRow",
    "StandingRow",
    "ToldOfEventRow",
    "ToldRow",
    "TraitsRow",
    "TransferRow",
    "UnfinishedRow",
    "UseRow",
    "UtcDateTime",
    "WalletRow",
    "WebMessageRow",
    "WebPictureRow",
    "WishRow",
    "WorkerRow",
]
