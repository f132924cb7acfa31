"""Announcements and notices: composed, confirmed, and delivered once to each recipient.

The delivery table is the outbox and the record at once. A delivery's life::

    waiting ──► sending ──► delivered | blocked | failed
       ▲           │
       ├───────────┤  flooded, or certainly not sent: due again later
       └───────────┘  in doubt after its lease: sent again once (``resend``), then unsure

A message leaves only after its claim is committed, and a row leaves ``sending`` only by a stored
outcome. So nothing is lost, and only what was in flight when a process died can arrive twice.
`core.announcements.pump` sends; this module is what staff and the other domains ask for.
"""

from core.announcements.desk import (
    MAX_BODY,
    MAX_HEADING,
    Announcement,
    AnnouncementState,
    Audience,
    Kind,
    Preview,
    cancel,
    compose,
    confirm,
    history,
    notify,
    pause,
    preview,
    progress,
    recall,
    resume,
)
from core.announcements.messenger import (
    Amender,
    Blocked,
    Delivered,
    Failed,
    Flooded,
    InDoubt,
    Messenger,
    NotSent,
    Outcome,
    Outgoing,
    Picture,
    Render,
)
from core.announcements.outbox import forget, received, recipients, withdraw
from core.announcements.pump import Pump
from core.announcements.restored import RESTORED, Held, hold_after_restore

__all__ = [
    "MAX_BODY",
    "MAX_HEADING",
    "RESTORED",
    "Amender",
    "Announcement",
    "AnnouncementState",
    "Audience",
    "Blocked",
    "Delivered",
    "Failed",
    "Flooded",
    "Held",
    "InDoubt",
    "Kind",
    "Messenger",
    "NotSent",
    "Outcome",
    "Outgoing",
    "Picture",
    "Preview",
    "Pump",
    "Render",
    "cancel",
    "compose",
    "confirm",
    "forget",
    "history",
    "hold_after_restore",
    "notify",
    "pause",
    "preview",
    "progress",
    "recall",
    "received",
    "recipients",
    "resume",
    "withdraw",
]
