"""Events: who may come, who comes, who waits, and who is told what and when.

An event stands in the town pack or is made by staff. Members say whether they come; seats are
given away under a lock, and free ones go to those in line, who have a time to answer. Reminders
and news go out once each, with the notice in the same transaction. The link to an online meeting
is shown only to those who come and may.

* RFC 5545 iCalendar, RFC 5546 iTIP (what SEQUENCE means), RFC 7986 (NAME, CONFERENCE)
"""

from core.events.door import mark
from core.events.feeds import feed_since, follow_feed, make_feed, withdraw_feed
from core.events.ical import Entry, calendar
from core.events.nouns import (
    LIVE,
    REMINDERS,
    SEATED,
    Event,
    EventState,
    NotTaken,
    Plan,
    Refusal,
    Reply,
    ReplyState,
    Standing,
    View,
    Words,
    words_in,
)
from core.events.people import export, forget, left
from core.events.records import (
    PACK,
    all_events,
    cancel,
    change,
    get,
    make,
    message,
    plan_of,
    post_notes,
    sent_messages,
)
from core.events.replies import Taken, answer_time, replies_of
from core.events.service import Events

__all__ = [
    "LIVE",
    "PACK",
    "REMINDERS",
    "SEATED",
    "Entry",
    "Event",
    "EventState",
    "Events",
    "NotTaken",
    "Plan",
    "Refusal",
    "Reply",
    "ReplyState",
    "Standing",
    "Taken",
    "View",
    "Words",
    "all_events",
    "answer_time",
    "calendar",
    "cancel",
    "change",
    "export",
    "feed_since",
    "follow_feed",
    "forget",
    "get",
    "left",
    "make",
    "make_feed",
    "mark",
    "message",
    "plan_of",
    "post_notes",
    "replies_of",
    "sent_messages",
    "withdraw_feed",
    "words_in",
]
