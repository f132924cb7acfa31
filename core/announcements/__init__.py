"""Announcements and notices: composed, confirmed, and delivered once to each recipient.

Nobody is written down when an announcement is confirmed: it gets a run on each platform, a cursor
that walks over the accounts. A delivery begins when its turn comes, is the outbox and the record at
once, and its life is::

    (cursor) ──► sending ──► delivered | blocked | failed
        │           ▲ │
        │           │ ├─► waiting  flooded, or certainly not sent: due again later
        └► waiting ─┘ └─► waiting  in doubt: sent again once (``resend``)
      quiet hours         unsure   … and after that, or at once (``hold``): staff decide

    delivered ──► delivered        changed or taken back, as often as staff want

A message leaves only after its claim is committed, and a row leaves ``sending`` only by a stored
outcome. So nothing is lost, and only what was in flight when a process died can arrive twice.
Notices and posts in rooms, which are few, are written down at once and go first.

* `pump` turns; `lanes` keep the pace; `looking` finds what is next, `claims` decides about a row
* `outcomes` and `changes` write down what became of it; `leases` are for failing clocks and workers
* `outbox` is how something comes in, `results` how it is read and when it goes

This module is what staff and the other domains ask for.
"""

from core.announcements.amending import approve_change, change_sent, missed, refuse_change, retract
from core.announcements.checks import PLATFORMS
from core.announcements.copies import discard, duplicate
from core.announcements.delivery.messenger import (
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
from core.announcements.delivery.pump import Pump
from core.announcements.delivery.quiet import QuietHours
from core.announcements.delivery.results import (
    each_recipient,
    forget,
    reasons,
    received,
    recipients,
    withdraw,
)
from core.announcements.drafts import compose, revise, revisions
from core.announcements.history import history, progress, under_way_on
from core.announcements.news import failing, tell_news
from core.announcements.notices import Notice, notify, notify_all, recall
from core.announcements.nouns import (
    MAX_BODY,
    MAX_HEADING,
    MAX_LABEL,
    MAX_LINKS,
    MAX_WITH_PICTURE,
    OPEN,
    Announcement,
    AnnouncementState,
    Audience,
    Change,
    Counted,
    Extras,
    Fault,
    KeptPicture,
    Kind,
    Link,
    Location,
    Policy,
    Preview,
    Reach,
    Revision,
    Segment,
    Terms,
    Texts,
)
from core.announcements.pictures import (
    MAX_DESCRIPTION,
    describe_picture,
    forget_pictures,
    keep_picture,
    keep_upload,
    picture,
)
from core.announcements.reach import count_asked, count_audience, count_due, preview, reach
from core.announcements.restored import RESTORED, Held, hold_after_restore
from core.announcements.seconds import Asked, asked_before
from core.announcements.sending import (
    approve,
    cancel,
    confirm,
    pause,
    refuse,
    resume,
    start_due,
)
from core.announcements.topics import set_topic, wants

__all__ = [
    "MAX_BODY",
    "MAX_DESCRIPTION",
    "MAX_HEADING",
    "MAX_LABEL",
    "MAX_LINKS",
    "MAX_WITH_PICTURE",
    "OPEN",
    "PLATFORMS",
    "RESTORED",
    "Amender",
    "Announcement",
    "AnnouncementState",
    "Asked",
    "Audience",
    "Blocked",
    "Change",
    "Counted",
    "Delivered",
    "Extras",
    "Failed",
    "Fault",
    "Flooded",
    "Held",
    "InDoubt",
    "KeptPicture",
    "Kind",
    "Link",
    "Location",
    "Messenger",
    "NotSent",
    "Notice",
    "Outcome",
    "Outgoing",
    "Picture",
    "Policy",
    "Preview",
    "Pump",
    "QuietHours",
    "Reach",
    "Render",
    "Revision",
    "Segment",
    "Terms",
    "Texts",
    "approve",
    "approve_change",
    "asked_before",
    "cancel",
    "change_sent",
    "compose",
    "confirm",
    "count_asked",
    "count_audience",
    "count_due",
    "describe_picture",
    "discard",
    "duplicate",
    "each_recipient",
    "failing",
    "forget",
    "forget_pictures",
    "history",
    "hold_after_restore",
    "keep_picture",
    "keep_upload",
    "missed",
    "notify",
    "notify_all",
    "pause",
    "picture",
    "preview",
    "progress",
    "reach",
    "reasons",
    "recall",
    "received",
    "recipients",
    "refuse",
    "refuse_change",
    "resume",
    "retract",
    "revise",
    "revisions",
    "set_topic",
    "start_due",
    "tell_news",
    "under_way_on",
    "wants",
    "withdraw",
]
