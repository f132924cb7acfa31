"""Announcements and the outbox."""

from datetime import datetime
from typing import Any, Final

from sqlalchemy import JSON, ForeignKey, Index, LargeBinary, String, text
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped, mapped_column

from core.tables.base import Base, Key

_ASKS: Final = text("change IS NOT NULL")


class AnnouncementRow(Base):
    """What staff announce, or a notice to one person. Counters spare a count over all rows."""

    __tablename__ = "announcement"
    __table_args__ = (
        Index("ix_announcement_change", "id", sqlite_where=_ASKS, postgresql_where=_ASKS),
        {"sqlite_autoincrement": True},  # no number is given twice
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))  # room, direct or notice
    state: Mapped[str] = mapped_column(String(16), index=True)
    author: Mapped[str] = mapped_column(String(64))
    gate: Mapped[str | None] = mapped_column(String(64))
    places: Mapped[list[Any]] = mapped_column(default=list)  # [[platform, place], …]
    segment: Mapped[dict[str, Any]] = mapped_column(default=dict)  # see `Segment.packed`
    topic: Mapped[str | None] = mapped_column(String(64))
    texts: Mapped[dict[str, Any]]  # {language: {"heading": …, "body": …}}
    extras: Mapped[dict[str, Any]] = mapped_column(default=dict)  # see `Extras.packed`
    revision: Mapped[int] = mapped_column(default=1)  # of what it says; 1 is the first
    total: Mapped[int] = mapped_column(default=0)
    delivered: Mapped[int] = mapped_column(default=0)
    blocked: Mapped[int] = mapped_column(default=0)
    failed: Mapped[int] = mapped_column(default=0)
    unsure: Mapped[int] = mapped_column(default=0)
    amended: Mapped[int] = mapped_column(default=0)
    amend_failed: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]
    start_at: Mapped[datetime | None] = mapped_column(index=True)  # not before
    deadline: Mapped[datetime | None]  # nothing leaves after
    asked_by: Mapped[str | None] = mapped_column(String(80))
    approved_by: Mapped[str | None] = mapped_column(String(80))
    confirmed_by: Mapped[str | None] = mapped_column(String(80))
    people: Mapped[int] = mapped_column(default=0)  # as counted before it was confirmed or begun
    change: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    """Words that wait for a second person."""
    confirmed_at: Mapped[datetime | None]
    paused_why: Mapped[str | None] = mapped_column(String(32))
    window_at: Mapped[int] = mapped_column(default=0)  # results when the window of failures began
    window_failed: Mapped[int] = mapped_column(default=0)  # failures then
    retracted_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]

    @hybrid_property
    def settled(self) -> int:
        """Recipients whose result is known, whatever it is."""
        return self.delivered + self.blocked + self.failed + self.unsure


class RevisionRow(Base):
    """What an announcement said from some moment on, and who wrote it so."""

    __tablename__ = "announcement_revision"

    announcement_id: Mapped[int] = mapped_column(
        ForeignKey("announcement.id", ondelete="CASCADE"), primary_key=True
    )
    revision: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    by: Mapped[str] = mapped_column(String(80))
    at: Mapped[datetime]
    texts: Mapped[dict[str, Any]]
    extras: Mapped[dict[str, Any]]


class PictureRow(Base):
    """A picture as we encoded it; it goes with its announcement, or unused after a while."""

    __tablename__ = "announcement_picture"

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    announcement_id: Mapped[int | None] = mapped_column(
        ForeignKey("announcement.id", ondelete="CASCADE"), index=True
    )
    content: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    media_type: Mapped[str] = mapped_column(String(16))  # image/jpeg or image/png
    width: Mapped[int]
    height: Mapped[int]
    descriptions: Mapped[dict[str, Any]]  # {language: words}, for who cannot see it
    by: Mapped[str] = mapped_column(String(80))
    created_at: Mapped[datetime]


class WishRow(Base):
    """What a member said about one topic, or about all (``*``); without a row the default holds."""

    __tablename__ = "topic_wish"

    member_id: Mapped[int] = mapped_column(
        ForeignKey("member.id", ondelete="CASCADE"), primary_key=True
    )
    topic: Mapped[str] = mapped_column(String(64), primary_key=True)
    wants: Mapped[bool]
