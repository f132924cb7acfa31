"""What members have proved without a signature of a wallet, and what it is checked against.

Nothing here says who bought, gave or identified themselves: codes, order numbers, e-mail addresses
and a provider's names for people are kept as keyed hashes alone (HMAC-SHA-256, in hex).
"""

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


class CodeBatchRow(Base):
    """Claim codes that staff made at once."""

    __tablename__ = "code_batch"
    __table_args__ = {"sqlite_autoincrement": True}  # staff call them by number

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    proof: Mapped[str] = mapped_column(String(64), index=True)
    label: Mapped[str] = mapped_column(String(100))
    by: Mapped[str] = mapped_column(String(64))
    made: Mapped[int]
    used_before: Mapped[int] = mapped_column(default=0)  # of rows that were tidied away
    revoked_before: Mapped[int] = mapped_column(default=0)
    expired_before: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)


class ClaimCodeRow(Base):
    """One claim code. `used_at` stays when its member leaves: a code opens once."""

    __tablename__ = "claim_code"
    __table_args__ = (UniqueConstraint("batch_id", "serial"),)

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    batch_id: Mapped[int] = mapped_column(ForeignKey("code_batch.id", ondelete="CASCADE"))
    serial: Mapped[int]  # from 1, printed beside the code
    order_digest: Mapped[str | None] = mapped_column(String(64), unique=True)
    """Which order it was made for (furusato-nozei): one code an order, however often imported."""
    used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    reason: Mapped[str] = mapped_column(String(200), default="")


class PurchaseRow(Base):
    """One purchase or gift of a list. It becomes a credential when its person comes."""

    __tablename__ = "purchase"
    __table_args__ = (UniqueConstraint("proof", "digest"),)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    proof: Mapped[str] = mapped_column(String(64))
    digest: Mapped[str] = mapped_column(String(64))
    listed_at: Mapped[datetime]
    removed_at: Mapped[datetime | None]  # no longer on the town's list
    reason: Mapped[str] = mapped_column(String(200), default="")


class IdentityRequestRow(Base):
    """Somebody who was sent to an identity provider and is expected back, for minutes."""

    __tablename__ = "identity_request"

    state_digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"))
    proof: Mapped[str] = mapped_column(String(64))
    browser_digest: Mapped[str] = mapped_column(String(64))  # who was sent must come back
    nonce: Mapped[str] = mapped_column(String(64))
    code_verifier: Mapped[str] = mapped_column(String(128))  # RFC 7636
    expires_at: Mapped[datetime] = mapped_column(index=True)
