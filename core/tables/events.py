"""Events, who comes, what they were told, and the addresses of personal calendars."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.tables.base import Base, Key


class EventRow(Base):
    """A meeting. Words are ``{language: text}``; those that are not said are empty."""

    __tablename__ = "event"
    __table_args__ = (
        Index("ix_event_state_ends_at", "state", "ends_at"),
        {"sqlite_autoincrement": True},  # the audit log and calendars name events by number
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    uid: Mapped[str] = mapped_column(String(80), unique=True)  # of RFC 5545; never changes
    sequence: Mapped[int] = mapped_column(default=0)  # of RFC 5545; rises with every change
    pack: Mapped[str | None] = mapped_column(String(64), unique=True)  # its name in the town pack
    pack_digest: Mapped[str | None] = mapped_column(String(64))  # of what the pack last said
    missing_since: Mapped[datetime | None]
    """Since when the town pack does not name it any more; after a while it is called off."""
    state: Mapped[str] = mapped_column(String(16))  # open, cancelled
    cancelled_by: Mapped[str | None] = mapped_column(String(80))
    title: Mapped[dict[str, Any]]
    text: Mapped[dict[str, Any]]
    place: Mapped[dict[str, Any]]
    contact: Mapped[dict[str, Any]]
    online: Mapped[str | None] = mapped_column(String(500))
    gate: Mapped[str | None] = mapped_column(String(64))
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    timed_at: Mapped[datetime]  # when `starts_at` was fixed: nobody is reminded of what was before
    reply_until: Mapped[datetime | None]
    capacity: Mapped[int | None]  # people, companions included
    companions: Mapped[int]  # that one member may bring
    reminders: Mapped[str] = mapped_column(String(40))  # minutes before, the longest first: 1440,60
    notes: Mapped[dict[str, Any]]  # what was decided, posted afterwards
    notes_link: Mapped[str | None] = mapped_column(String(500))
    notes_for: Mapped[str | None] = mapped_column(String(16))  # came, gate
    created_by: Mapped[str] = mapped_column(String(80))
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]


class ReplyRow(Base):
    """What one member said about one event. Seats are counted over these rows, under a lock."""

    __tablename__ = "event_reply"
    __table_args__ = (
        UniqueConstraint("event_id", "number"),
        Index("ix_event_reply_state_offer_until", "state", "offer_until"),
    )

    event_id: Mapped[int] = mapped_column(
        ForeignKey("event.id", ondelete="CASCADE"), primary_key=True
    )
    member_id: Mapped[int] = mapped_column(
        ForeignKey("member.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    account_id: Mapped[int | None] = mapped_column(ForeignKey("account.id", ondelete="SET NULL"))
    """Where they said it, and where they are told."""
    number: Mapped[int]  # by which the reception knows them
    state: Mapped[str] = mapped_column(String(16))
    companions: Mapped[int] = mapped_column(default=0)
    since: Mapped[datetime]  # in this state; the waiting list goes by it
    offer_until: Mapped[datetime | None]  # until when a seat is kept for an answer
    leave_at: Mapped[datetime | None]  # when the seat goes to another, unless they may come again
    admitted_gate: Mapped[str | None] = mapped_column(String(64))
    """The room by whose rule they were last found entitled; where nobody can tell, it counts."""
    came_at: Mapped[datetime | None]
    came_by: Mapped[str | None] = mapped_column(String(80))  # who marked it


class NewsRow(Base):
    """Something that many are to be told of an event: changed, cancelled, a message, the notes."""

    __tablename__ = "event_news"

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    event_id: Mapped[int] = mapped_column(ForeignKey("event.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str] = mapped_column(String(16))
    words: Mapped[dict[str, Any]]  # of a message of staff
    by: Mapped[str] = mapped_column(String(80))
    at: Mapped[datetime]
    told: Mapped[int] = mapped_column(default=0)
    done_at: Mapped[datetime | None] = mapped_column(index=True)


class ToldOfEventRow(Base):
    """That somebody was told something; the key decides which of two workers tells it.

    `what` is ``<minutes before>:<beginning, seconds since 1970>`` or ``news:<number>``.
    """

    __tablename__ = "event_told"

    event_id: Mapped[int] = mapped_column(
        ForeignKey("event.id", ondelete="CASCADE"), primary_key=True
    )
    member_id: Mapped[int] = mapped_column(
        ForeignKey("member.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    what: Mapped[str] = mapped_column(String(40), primary_key=True)


class FeedRow(Base):
    """The address of a member's own calendar. Only a hash of its secret is kept."""

    __tablename__ = "event_feed"

    member_id: Mapped[int] = mapped_column(
        ForeignKey("member.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime]
