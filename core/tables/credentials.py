"""What members have proved without a signature of a wallet."""

from datetime import datetime

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.tables.base import Base, Key


class CredentialRow(Base):
    """One proof of one member: a claim code, a purchase, an identity. Once a subject."""

    __tablename__ = "credential"
    __table_args__ = (UniqueConstraint("proof", "subject"),)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"), index=True)
    proof: Mapped[str] = mapped_column(String(64))  # the town pack's name for it
    subject: Mapped[str] = mapped_column(String(64))  # keyed hash of what was proved
    proved_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    reason: Mapped[str] = mapped_column(String(200), default="")  # why it was revoked
