"""The nouns of events: what staff plan, what members read, what a member said."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from core.tables import EventRow, ReplyRow
from core.town.words import FALLBACKS

REMINDERS: Final = (timedelta(hours=24), timedelta(hours=1))

Words = Mapping[str, str]
"""The same words by language; empty where nothing is said, else Japanese is always there."""


def words_in(words: Words, language: str) -> str:
    """The words in `language`, or in the nearest language that there is; none: empty."""
    candidates = (language, *FALLBACKS.get(language, ("en",)), "ja")
    return next((words[each] for each in candidates if each in words), "")


class EventState(StrEnum):
    OPEN = "open"
    CANCELLED = "cancelled"


class ReplyState(StrEnum):
    COMING = "coming"
    OFFERED = "offered"  # moved up from the waiting list; the seat is kept for an answer
    WAITING = "waiting"
    DECLINED = "declined"
    LAPSED = "lapsed"  # an offered seat that nobody answered for in time
    RELEASED = "released"  # may not come any more; the seat went to the next


SEATED: Final = (ReplyState.COMING, ReplyState.OFFERED)
LIVE: Final = (*SEATED, ReplyState.WAITING)
MISSING_FOR: Final = timedelta(hours=1)
"""So long the pack may miss an event, for instance an old copy of it, before it is called off."""


class Refusal(StrEnum):
    """Why a reply was not taken. Nothing is stored then."""

    CANCELLED = "cancelled"
    BEGUN = "begun"
    CLOSED = "closed"  # replies are no longer taken
    NOT_ENTITLED = "not-entitled"
    CANNOT_TELL = "cannot-tell"  # nobody could tell just now; ask again later
    TOO_MANY = "too-many"  # more people than one member may bring, or than there are seats
    FULL = "full"  # the seats for more companions are gone; what they had stays


class Standing(StrEnum):
    """Whether a member may come, as far as anybody could tell."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"
    UNREAD = "unread"  # not asked, as too many before had no answer


@dataclass(frozen=True, slots=True)
class Plan:
    """What a town pack or staff say of an event. Times are moments, in any zone."""

    title: Words
    text: Words
    starts_at: datetime
    ends_at: datetime
    place: Words = field(default_factory=dict)
    contact: Words = field(default_factory=dict)
    online: str | None = None  # an https address, shown only to those who come and may
    gate: str | None = None
    capacity: int | None = None  # people, companions included
    companions: int = 0  # that one member may bring
    reply_until: datetime | None = None
    reminders: tuple[timedelta, ...] = REMINDERS

    @property
    def digest(self) -> str:
        """SHA-256 over everything that is said."""
        said = [
            *(dict(each) for each in (self.title, self.text, self.place, self.contact)),
            *(each.timestamp() for each in (self.starts_at, self.ends_at)),
            self.reply_until.timestamp() if self.reply_until else None,
            *(self.online, self.gate, self.capacity, self.companions),
            [each.total_seconds() for each in self.reminders],
        ]
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Event:
    """An event as it stands."""

    id: int
    uid: str
    sequence: int
    pack: str | None
    state: EventState
    plan: Plan
    notes: Words
    notes_link: str | None
    notes_for: str | None  # "came" or "gate"
    created_by: str
    changed_at: datetime
    missing_since: datetime | None  # from the pack, which made it

    @property
    def called_off_at(self) -> datetime | None:
        """When it is called off, unless the pack names it again."""
        return self.missing_since and self.missing_since + MISSING_FOR

    @property
    def is_open(self) -> bool:
        return self.state is EventState.OPEN

    @property
    def replies_end(self) -> datetime:
        """From here on nobody new is taken."""
        return min(self.plan.reply_until or self.plan.starts_at, self.plan.starts_at)

    def takes_replies(self, now: datetime) -> bool:
        return self.is_open and now < self.replies_end


@dataclass(frozen=True, slots=True)
class Reply:
    """What one member said about one event."""

    event_id: int
    member_id: int
    number: int  # by which the reception knows them
    state: ReplyState
    companions: int
    since: datetime
    offer_until: datetime | None
    leave_at: datetime | None
    admitted_gate: str | None  # the room by whose rule they were last found entitled
    came_at: datetime | None

    @property
    def party(self) -> int:
        """Seats that they take: themselves and their companions."""
        return 1 + self.companions

    @property
    def has_seat(self) -> bool:
        return self.state in SEATED


@dataclass(frozen=True, slots=True)
class View:
    """An event as one person may see it."""

    event: Event
    taken: int  # seats
    waiting: int  # people in the waiting list
    reply: Reply | None = None
    line: int | None = None  # their place in the waiting list, from 1
    standing: Standing = Standing.UNKNOWN
    link: str | None = None  # only for those who come and may
    notes: bool = False  # whether they may read the notes

    @property
    def left(self) -> int | None:
        """Seats that are free; `None`: any number."""
        capacity = self.event.plan.capacity
        return None if capacity is None else max(0, capacity - self.taken)


@dataclass(frozen=True, slots=True)
class NotTaken:
    """A reply that was not taken, and why."""

    reason: Refusal


def event_of(row: EventRow) -> Event:
    return Event(
        row.id,
        row.uid,
        row.sequence,
        row.pack,
        EventState(row.state),
        Plan(
            title=row.title,
            text=row.text,
            starts_at=row.starts_at,
            ends_at=row.ends_at,
            place=row.place,
            contact=row.contact,
            online=row.online,
            gate=row.gate,
            capacity=row.capacity,
            companions=row.companions,
            reply_until=row.reply_until,
            reminders=tuple(
                timedelta(minutes=int(each)) for each in row.reminders.split(",") if each
            ),
        ),
        row.notes,
        row.notes_link,
        row.notes_for,
        row.created_by,
        row.changed_at,
        row.missing_since,
    )


def reply_of(row: ReplyRow) -> Reply:
    return Reply(
        row.event_id,
        row.member_id,
        row.number,
        ReplyState(row.state),
        row.companions,
        row.since,
        row.offer_until,
        row.leave_at,
        row.admitted_gate,
        row.came_at,
    )
