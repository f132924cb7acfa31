"""Members, their accounts and wallets, and what proves something for minutes."""

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from core.tables.base import Base, Key


class MemberRow(Base):
    """A person in the town: a number and what they asked of us, no name."""

    __tablename__ = "member"
    __table_args__ = {"sqlite_autoincrement": True}  # the audit log names members by number

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    locale: Mapped[str] = mapped_column(String(16))
    wants_messages: Mapped[bool] = mapped_column(default=False)
    area: Mapped[str | None] = mapped_column(String(6))  # where they live, if they said so
    zone: Mapped[str | None] = mapped_column(String(64))  # IANA; none: the town's
    aloud: Mapped[str | None] = mapped_column(String(8))  # answers aloud; none: never chosen
    tier: Mapped[str | None] = mapped_column(String(64))  # as the last complete reading said
    tier_at: Mapped[datetime | None]
    created_at: Mapped[datetime]


class AccountRow(Base):
    """A member's account on one platform."""

    __tablename__ = "account"
    # Results and what is to be sent name an account by its number, without a foreign key.
    __table_args__ = (
        UniqueConstraint("platform", "external_id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"), index=True)
    platform: Mapped[str] = mapped_column(String(16))
    external_id: Mapped[str] = mapped_column(String(64))
    reachable: Mapped[bool] = mapped_column(default=True)  # False once they blocked the bot
    created_at: Mapped[datetime]


class WalletRow(Base):
    """A wallet that stands for a member on one chain, or on every chain.

    The key of an address is one person's on every chain. The code at an address is not: a contract
    on one chain and one on another may be two persons', so each chain has a row of its own. Where
    somebody has proved the key (`chain_id` 0), the rows of single chains do not count.
    """

    __tablename__ = "wallet"
    __table_args__ = (
        ForeignKeyConstraint(
            ("via", "via_chain_id"), ("wallet.address", "wallet.chain_id"), ondelete="CASCADE"
        ),
        Index(None, "via", "via_chain_id"),
    )

    address: Mapped[str] = mapped_column(String(42), primary_key=True)  # EIP-55 case
    chain_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    """The one chain on which it counts: proved by a contract (ERC-1271, ERC-6492), or a vault. 0:
    it counts on every chain, proved by its key."""
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"), index=True)
    proved_on: Mapped[int] = mapped_column(BigInteger)  # the chain that the signed message names
    via: Mapped[str | None] = mapped_column(String(42))
    via_chain_id: Mapped[int | None] = mapped_column(BigInteger)
    """The row that this one, a vault, named at delegate.xyz; it goes when that one goes."""
    proved_at: Mapped[datetime]


class LinkRow(Base):
    """A personal link to the verify page. Only a hash of it is kept."""

    __tablename__ = "link"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)


class ChallengeRow(Base):
    """An EIP-4361 message that waits for its signature. Its nonce is used once."""

    __tablename__ = "challenge"

    nonce: Mapped[str] = mapped_column(String(32), primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"))
    address: Mapped[str] = mapped_column(String(42))
    message: Mapped[str] = mapped_column(Text)
    expires_at: Mapped[datetime] = mapped_column(index=True)
    used_at: Mapped[datetime | None]


class MergeRow(Base):
    """Two members who proved the same wallet: one person, once both accounts say so."""

    __tablename__ = "merge"

    code: Mapped[str] = mapped_column(String(32), primary_key=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"))
    other_id: Mapped[int] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"))
    expires_at: Mapped[datetime] = mapped_column(index=True)


class InboxRow(Base):
    """An update that was taken in, so that the same one delivered twice is handled once."""

    __tablename__ = "inbox"

    platform: Mapped[str] = mapped_column(String(16), primary_key=True)
    update_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    done: Mapped[bool] = mapped_column(default=False)
    at: Mapped[datetime] = mapped_column(index=True)
