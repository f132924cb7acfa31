"""What was opened for whom, and what is said inside."""

from datetime import datetime

from sqlalchemy import ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.tables.base import Base, Key


class GrantRow(Base):
    """What was opened for a member, where exactly, and how it stands now."""

    __tablename__ = "access_grant"
    __table_args__ = (UniqueConstraint("account_id", "gate", "place"),)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"), index=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"))
    gate: Mapped[str] = mapped_column(String(64))
    platform: Mapped[str] = mapped_column(String(16))
    place: Mapped[str] = mapped_column(String(128))  # the chat, role or room, as it was then
    state: Mapped[str] = mapped_column(String(16), index=True)
    granted_at: Mapped[datetime]
    leave_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]


class RoomPostRow(Base):
    """A post in a room on the web."""

    __tablename__ = "room_post"

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    gate: Mapped[str] = mapped_column(String(64), index=True)
    member_id: Mapped[int | None] = mapped_column(ForeignKey("member.id", ondelete="SET NULL"))
    author: Mapped[str] = mapped_column(String(64))
    official: Mapped[bool] = mapped_column(default=False)
    heading: Mapped[str] = mapped_column(String(200), default="")
    body: Mapped[str] = mapped_column(Text)
    delivery_id: Mapped[int | None] = mapped_column(Key, unique=True)
    created_at: Mapped[datetime]


class WebMessageRow(Base):
    """A message to one person, read on the web page."""

    __tablename__ = "web_message"

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    account_id: Mapped[int] = mapped_column(
        ForeignKey("account.id", ondelete="CASCADE"), index=True
    )
    heading: Mapped[str] = mapped_column(String(200))
    body: Mapped[str] = mapped_column(Text)
    action: Mapped[str | None] = mapped_column(String(64))
    delivery_id: Mapped[int] = mapped_column(Key, unique=True)
    created_at: Mapped[datetime]
