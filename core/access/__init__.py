"""Access: which rooms are open to a member, and every platform kept in step with that.

A decision is Admitted, Refused or Unknown, and Unknown changes nothing. Letting in follows the
newest block. Asking to leave follows the finalized one: first a notice, then the town's grace
period, then, if a complete reading still says no, the door. What was opened is remembered with
its place, so that it can be closed after the town pack has changed.

A grant's life::

    opening ──► open ──► leaving ──► closed
                  ▲          │
                  └──────────┘  a reading that says yes again
"""

from core.access.decision import Admitted, Decision, Refused, Unknown, decide
from core.access.doorkeeper import Door, Doorkeeper, Room, SweepReport
from core.access.grants import GrantState, counts, has_open_door
from core.access.keeper import Admission, ChannelKeeper

__all__ = [
    "Admission",
    "Admitted",
    "ChannelKeeper",
    "Decision",
    "Door",
    "Doorkeeper",
    "GrantState",
    "Refused",
    "Room",
    "SweepReport",
    "Unknown",
    "counts",
    "decide",
    "has_open_door",
]
