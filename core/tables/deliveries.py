"""The outbox: one small row a recipient, how far a sending has gone, and the pace of each bot.

A million rows are ordinary here, so a delivery holds numbers alone: what they mean, and why there
is no foreign key to a person, stands in `core.announcements.delivery.lanes`.
"""

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    SmallInteger,
    String,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from core.tables.base import Base

_OPEN = text("due_at IS NOT NULL")
_TRIED = text("due_at IS NOT NULL AND attempts > 0")
_ACTIVE = text("active")


class DeliveryRow(Base):
    """One announcement to one recipient. See `core.announcements` for its life."""

    __tablename__ = "delivery"
    __table_args__ = (
        PrimaryKeyConstraint("announcement_id", "recipient"),
        Index(
            "ix_delivery_lane_announcement_id_due_at",
            *("lane", "announcement_id", "due_at"),
            sqlite_where=_OPEN,
            postgresql_where=_OPEN,
        ),
        Index(  # what a worker holds, and what waits for another try: few at any time
            "ix_delivery_due_at",
            "due_at",
            sqlite_where=_TRIED,
            postgresql_where=_TRIED,
        ),
        {"sqlite_with_rowid": False},
    )

    # The widest first: PostgreSQL fills up with nothing to what each needs.
    recipient: Mapped[int] = mapped_column(BigInteger, autoincrement=False)
    """An account's id; below 0, minus the number (from 1) of one of the announcement's places."""
    message_id: Mapped[int | None] = mapped_column(BigInteger)  # the platform's, to change it by
    due_at: Mapped[int | None] = mapped_column(BigInteger)  # ms since 1970; none once settled
    announcement_id: Mapped[int] = mapped_column(Integer, autoincrement=False)
    lane: Mapped[int] = mapped_column(SmallInteger)  # platform and priority
    state: Mapped[int] = mapped_column(SmallInteger)
    attempts: Mapped[int] = mapped_column(SmallInteger)
    in_doubt: Mapped[int] = mapped_column(SmallInteger)  # how often a try ended without an answer
    revision: Mapped[int] = mapped_column(SmallInteger)  # of the words that the recipient sees
    worker: Mapped[str | None] = mapped_column(String(64))  # who is at it
    reason: Mapped[str | None] = mapped_column(String(200))  # none for what was delivered


class AnnouncementRunRow(Base):
    """How far one announcement has gone on one platform: accounts by their number, ascending."""

    __tablename__ = "announcement_run"
    __table_args__ = (
        Index(
            "ix_announcement_run_platform",
            "platform",
            sqlite_where=_ACTIVE,
            postgresql_where=_ACTIVE,
        ),
    )

    announcement_id: Mapped[int] = mapped_column(
        ForeignKey("announcement.id", ondelete="CASCADE"), primary_key=True
    )
    platform: Mapped[str] = mapped_column(String(16), primary_key=True)
    active: Mapped[bool]  # whether a pump should look at it
    cursor: Mapped[int] = mapped_column(BigInteger)  # the last account that was looked at
    last: Mapped[int] = mapped_column(BigInteger)  # where it ends, fixed at the start
    claimed: Mapped[int]  # how many recipients were found on the way
    amend_cursor: Mapped[int | None] = mapped_column(BigInteger)  # none: nothing to change


class LaneRow(Base):
    """The pace of one platform's bot: the theoretical arrival time of the next message (GCRA)."""

    __tablename__ = "lane"

    platform: Mapped[str] = mapped_column(String(16), primary_key=True)
    free_at: Mapped[datetime]
    banned_until: Mapped[datetime | None]  # the platform asked for silence
    gap_us: Mapped[int]  # between two messages, as learned
    set_gap_us: Mapped[int]  # as the settings had it when it was learned
    changed_at: Mapped[datetime]  # when the gap was widened or narrowed last
