"""Perks: ticket windows, passes, what was taken, and who was last seen to be entitled."""

from datetime import date, datetime

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.tables.base import Base, Key


class DeskRow(Base):
    """A ticket window. Only hashes of its link and its PIN are kept."""

    __tablename__ = "perk_desk"

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    facility: Mapped[str] = mapped_column(String(64))
    label: Mapped[str] = mapped_column(String(80))
    link_digest: Mapped[str] = mapped_column(String(64), unique=True)
    pin_hash: Mapped[str] = mapped_column(String(200))
    epoch: Mapped[int] = mapped_column(default=1)  # raised with the PIN: older sessions are void
    created_by: Mapped[str] = mapped_column(String(80))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    last_seen_at: Mapped[datetime | None]
    pin_failures: Mapped[int] = mapped_column(default=0)
    pin_locked_until: Mapped[datetime | None]
    code_failures: Mapped[int] = mapped_column(default=0)  # as of `code_failed_at`; they fade
    code_failed_at: Mapped[datetime | None]
    code_locked_until: Mapped[datetime | None]


class PassRow(Base):
    """A pass that was given out, until nobody can show or sync it any more."""

    __tablename__ = "perk_pass"

    nonce: Mapped[str] = mapped_column(String(24), primary_key=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"), index=True)
    perk: Mapped[str] = mapped_column(String(64))
    token: Mapped[str | None] = mapped_column(String(128))  # "collection:id", the one it was for
    source: Mapped[str] = mapped_column(String(16))  # what its yes rested on
    issued_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    code_digest: Mapped[str | None] = mapped_column(String(64), unique=True)
    code_until: Mapped[datetime | None]


class RedemptionRow(Base):
    """A perk that was taken. Kept for the settlement, in the end without the person."""

    __tablename__ = "redemption"
    __table_args__ = (
        UniqueConstraint("desk_id", "request_id"),
        {"sqlite_autoincrement": True},  # the audit log names redemptions by number
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    perk: Mapped[str] = mapped_column(String(64), index=True)
    facility: Mapped[str] = mapped_column(String(64), index=True)
    desk_id: Mapped[int] = mapped_column(ForeignKey("perk_desk.id"))
    request_id: Mapped[str] = mapped_column(String(64))
    pass_nonce: Mapped[str | None] = mapped_column(String(24), unique=True)
    member_id: Mapped[int | None] = mapped_column(
        ForeignKey("member.id", ondelete="SET NULL"), index=True
    )
    token: Mapped[str | None] = mapped_column(String(128))
    kind: Mapped[str] = mapped_column(String(16))
    source: Mapped[str] = mapped_column(String(16))
    at: Mapped[datetime] = mapped_column(index=True)
    day: Mapped[date]  # in the town
    recorded_at: Mapped[datetime]  # later than `at` for what was scanned without signal
    known_at: Mapped[datetime | None]  # of the last complete reading, where it rests on that
    value_yen: Mapped[int | None]  # of that day
    cost_yen: Mapped[int | None]
    left_after: Mapped[int | None]  # as the desk was told; `None`: any number
    undone_at: Mapped[datetime | None]
    undone_by: Mapped[str] = mapped_column(String(80), default="")
    undo_reason: Mapped[str] = mapped_column(String(200), default="")


class UseRow(Base):
    """One use of one counter in one period. The key gives each slot away once."""

    __tablename__ = "perk_use"

    perk: Mapped[str] = mapped_column(String(64), primary_key=True)
    counter: Mapped[str] = mapped_column(String(8), primary_key=True)  # token, person
    subject: Mapped[str] = mapped_column(String(128), primary_key=True)
    period: Mapped[str] = mapped_column(String(16), primary_key=True)
    slot: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    redemption_id: Mapped[int] = mapped_column(
        ForeignKey("redemption.id", ondelete="CASCADE"), index=True
    )
    ends_at: Mapped[datetime | None] = mapped_column(index=True)  # of the period


class StandingRow(Base):
    """The last complete reading that said yes: what a desk goes by while the chain is away."""

    __tablename__ = "perk_standing"

    member_id: Mapped[int] = mapped_column(
        ForeignKey("member.id", ondelete="CASCADE"), primary_key=True
    )
    gate: Mapped[str] = mapped_column(String(64), primary_key=True)
    token: Mapped[str] = mapped_column(String(128), primary_key=True, index=True)  # "": without
    at: Mapped[datetime]


class ConflictRow(Base):
    """A scan without signal that the records say no to, for staff to decide."""

    __tablename__ = "perk_conflict"
    __table_args__ = (UniqueConstraint("desk_id", "client_id"),)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    desk_id: Mapped[int] = mapped_column(ForeignKey("perk_desk.id"))
    client_id: Mapped[str] = mapped_column(String(64))
    text_digest: Mapped[str] = mapped_column(String(64))  # of what was scanned: SHA-256
    state: Mapped[str] = mapped_column(String(16), index=True)
    reason: Mapped[str] = mapped_column(String(32))
    perk: Mapped[str | None] = mapped_column(String(64))
    member_id: Mapped[int | None] = mapped_column(ForeignKey("member.id", ondelete="SET NULL"))
    token: Mapped[str | None] = mapped_column(String(128))
    scanned_at: Mapped[datetime]
    synced_at: Mapped[datetime]
    against_id: Mapped[int | None] = mapped_column(ForeignKey("redemption.id", ondelete="SET NULL"))
    redemption_id: Mapped[int | None] = mapped_column(
        ForeignKey("redemption.id", ondelete="SET NULL")
    )
    decided_by: Mapped[str] = mapped_column(String(80), default="")
    decided_at: Mapped[datetime | None]
    words: Mapped[str] = mapped_column(String(200), default="")
