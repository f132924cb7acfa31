"""Access: which rooms are open to a member, and every platform kept in step with that.

A decision is Admitted, Refused or Unknown, and Unknown changes nothing. Letting in follows the
newest block. Asking to leave follows the finalized one: first a notice, then the town's grace
period, then, if a complete reading still says no, the door. What was opened is remembered with
its place and its reason, so that it can be closed after the town pack has changed.

Removals are counted before one is carried out. Many at once, or a change of the rules that would
take a room from many, wait for two people of the staff (`core.access.changes`).

A grant's life::

    opening ──► open ──► leaving ──► closed
                  ▲          │
                  └──────────┘  a reading that says yes again
"""

from core.access.decision import (
    Admitted,
    Decision,
    Met,
    Refused,
    Short,
    Undecided,
    Unknown,
    decide,
    judge,
    tier_of,
)
from core.access.doorkeeper import Doorkeeper
from core.access.doors import Door, Room, SweepReport
from core.access.evidence import Evidence, EvidenceReader
from core.access.grants import GrantState, counts, has_open_door
from core.access.keeper import Admission, ChannelKeeper
from core.access.reading import MemberEvidence
from core.access.reasons import Lack, Lacks, Opened, Shortfall, Vouched, lacks
from core.access.traits import KeptTraits, Traits

__all__ = [
    "Admission",
    "Admitted",
    "ChannelKeeper",
    "Decision",
    "Door",
    "Doorkeeper",
    "Evidence",
    "EvidenceReader",
    "GrantState",
    "KeptTraits",
    "Lack",
    "Lacks",
    "MemberEvidence",
    "Met",
    "Opened",
    "Refused",
    "Room",
    "Short",
    "Shortfall",
    "SweepReport",
    "Traits",
    "Undecided",
    "Unknown",
    "Vouched",
    "counts",
    "decide",
    "has_open_door",
    "judge",
    "lacks",
    "tier_of",
]
