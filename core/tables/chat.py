"""What is kept for the chats themselves: what is half written, and pictures for our own pages."""

from datetime import datetime

from sqlalchemy import ForeignKey, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from core.tables.base import Base


class UnfinishedRow(Base):
    """What somebody is in the middle of writing: what their next message will mean."""

    __tablename__ = "unfinished"

    account_id: Mapped[int] = mapped_column(
        ForeignKey("account.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    step: Mapped[str] = mapped_column(String(32))
    announcement_id: Mapped[int | None] = mapped_column(
        ForeignKey("announcement.id", ondelete="CASCADE"), index=True
    )
    at: Mapped[datetime] = mapped_column(index=True)


class StaffNewsRow(Base):
    """That staff have been told of one turn in an announcement's life."""

    __tablename__ = "staff_news"

    announcement_id: Mapped[int] = mapped_column(
        ForeignKey("announcement.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    turn: Mapped[str] = mapped_column(String(32), primary_key=True)


class WebPictureRow(Base):
    """A picture that our own pages show, by the SHA-256 of its content."""

    __tablename__ = "web_picture"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    content: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    media_type: Mapped[str] = mapped_column(String(16))  # image/jpeg or image/png
    at: Mapped[datetime] = mapped_column(index=True)
