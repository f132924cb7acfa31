"""Announcements and the outbox."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.tables.base import Base, Key


class AnnouncementRow(Base):
    """What staff announce, or a notice to one person. Counters spare a count over all rows."""

    __tablename__ = "announcement"

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))  # room, direct or notice
    state: Mapped[str] = mapped_column(String(16), index=True)
    author: Mapped[str] = mapped_column(String(64))
    gate: Mapped[str | None] = mapped_column(String(64))
    texts: Mapped[dict[str, Any]]  # {language: {"heading": …, "body": …}}
    total: Mapped[int] = mapped_column(default=0)
    delivered: Mapped[int] = mapped_column(default=0)
    blocked: Mapped[int] = mapped_column(default=0)
    failed: Mapped[int] = mapped_column(default=0)
    unsure: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]


class DeliveryRow(Base):
    """One announcement to one recipient: the outbox. See `core.announcements` for its life."""

    __tablename__ = "delivery"
    __table_args__ = (
        UniqueConstraint("announcement_id", "platform", "target"),
        Index("ix_delivery_open", "platform", "state", "due_at"),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    announcement_id: Mapped[int] = mapped_column(
        ForeignKey("announcement.id", ondelete="CASCADE"), index=True
    )
    account_id: Mapped[int | None] = mapped_column(ForeignKey("account.id", ondelete="SET NULL"))
    platform: Mapped[str] = mapped_column(String(16))
    target: Mapped[str] = mapped_column(String(128))  # chat, channel, room or person
    language: Mapped[str] = mapped_column(String(16))
    state: Mapped[str] = mapped_column(String(16))
    attempts: Mapped[int] = mapped_column(default=0)
    in_doubt: Mapped[int] = mapped_column(default=0)  # how often a try ended without an answer
    due_at: Mapped[datetime]
    worker: Mapped[str | None] = mapped_column(String(64))
    message_id: Mapped[str | None] = mapped_column(String(64))
    reason: Mapped[str | None] = mapped_column(String(200))


class LaneRow(Base):
    """The send rate of one platform: the theoretical arrival time of the next message (GCRA)."""

    __tablename__ = "lane"

    platform: Mapped[str] = mapped_column(String(16), primary_key=True)
    free_at: Mapped[datetime]
