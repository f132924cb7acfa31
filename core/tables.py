"""Every table of a town's records, the whole schema in one sitting.

Only the module named after a domain queries that domain's tables.
"""

from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Date,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy import DateTime as SqlDateTime
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator

Key = BigInteger().with_variant(Integer, "sqlite")
"""An integer primary key; SQLite counts up by itself only for INTEGER."""


class UtcDateTime(TypeDecorator[datetime]):
    """A point in time, always in UTC. SQLite drops the zone; this puts it back."""

    impl = SqlDateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        if value is not None and value.tzinfo is None:
            raise ValueError("a time without a zone")
        return value.astimezone(UTC) if value is not None else None

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        return value.replace(tzinfo=UTC) if value is not None and value.tzinfo is None else value


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {datetime: UtcDateTime(), date: Date(), dict[str, Any]: JSON()}


class MemberRow(Base):
    """A person in the town: a number and what they asked of us, no name."""

    __tablename__ = "member"
    __table_args__ = {"sqlite_autoincrement": True}  # the audit log names members by number

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    locale: Mapped[str] = mapped_column(String(16))
    wants_messages: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]


class AccountRow(Base):
    """A member's account on one platform."""

    __tablename__ = "account"
    __table_args__ = (UniqueConstraint("platform", "external_id"),)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"), index=True)
    platform: Mapped[str] = mapped_column(String(16))
    external_id: Mapped[str] = mapped_column(String(64))
    reachable: Mapped[bool] = mapped_column(default=True)  # False once they blocked the bot
    created_at: Mapped[datetime]


class WalletRow(Base):
    """A wallet that a member has proved to control. One wallet stands for one member."""

    __tablename__ = "wallet"

    address: Mapped[str] = mapped_column(String(42), primary_key=True)  # EIP-55 case
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"), index=True)
    chain_id: Mapped[int] = mapped_column(BigInteger)
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


class InboxRow(Base):
    """An update that was taken in, so that the same one delivered twice is handled once."""

    __tablename__ = "inbox"

    platform: Mapped[str] = mapped_column(String(16), primary_key=True)
    update_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    done: Mapped[bool] = mapped_column(default=False)
    at: Mapped[datetime] = mapped_column(index=True)


class ClusterRow(Base):
    """Questions that ask the same, as staff see them: one item of the queue."""

    __tablename__ = "question_cluster"
    __table_args__ = {"sqlite_autoincrement": True}  # staff call them by number

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    state: Mapped[str] = mapped_column(String(16), index=True)  # open, answered or dismissed
    reason: Mapped[str] = mapped_column(String(200), default="")  # why it was dismissed
    fact_id: Mapped[int | None] = mapped_column(Key, index=True)  # what answered it
    decided_by: Mapped[str | None] = mapped_column(String(64))
    decided_at: Mapped[datetime | None]


class QuestionRow(Base):
    """A question without a good answer, redacted. Once a person, however often they ask it."""

    __tablename__ = "question"
    __table_args__ = (UniqueConstraint("account_id", "fingerprint", "kind"),)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    cluster_id: Mapped[int] = mapped_column(
        ForeignKey("question_cluster.id", ondelete="CASCADE"), index=True
    )
    account_id: Mapped[int | None] = mapped_column(
        ForeignKey("account.id", ondelete="CASCADE"), index=True
    )
    text: Mapped[str] = mapped_column(Text)
    fingerprint: Mapped[str] = mapped_column(String(64))
    language: Mapped[str] = mapped_column(String(16))
    kind: Mapped[str] = mapped_column(String(16))
    platform: Mapped[str] = mapped_column(String(16))
    wants_answer: Mapped[bool] = mapped_column(default=False)
    asked_at: Mapped[datetime] = mapped_column(index=True)


class FactRow(Base):
    """What staff answered in one line: a dated fact of the town, the town's own."""

    __tablename__ = "fact"
    __table_args__ = {"sqlite_autoincrement": True}  # the audit log names facts by number

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    cluster_id: Mapped[int | None] = mapped_column(
        ForeignKey("question_cluster.id", ondelete="SET NULL")
    )
    state: Mapped[str] = mapped_column(String(16), index=True)  # draft, active or withdrawn
    question: Mapped[str] = mapped_column(Text)
    answers: Mapped[dict[str, Any]]  # {language: text}
    source: Mapped[str] = mapped_column(String(200), default="")
    author: Mapped[str] = mapped_column(String(64))
    as_of: Mapped[date]
    review_by: Mapped[date]
    valid_until: Mapped[date | None]  # the last day on which it is said
    version: Mapped[int] = mapped_column(default=1)  # counts the edits
    changed_at: Mapped[datetime]


class ToldRow(Base):
    """A person who was told an answer. The key lets nobody be told it twice."""

    __tablename__ = "fact_told"

    fact_id: Mapped[int] = mapped_column(
        ForeignKey("fact.id", ondelete="CASCADE"), primary_key=True
    )
    member_id: Mapped[int] = mapped_column(
        ForeignKey("member.id", ondelete="CASCADE"), primary_key=True
    )
    announcement_id: Mapped[int] = mapped_column(Key)


class CounterRow(Base):
    """A number that several processes read and raise."""

    __tablename__ = "counter"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    value: Mapped[int] = mapped_column(default=0)


class AuditRow(Base):
    """One thing that happened. Each row's hash covers the row before it."""

    __tablename__ = "audit"

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(String(80))
    action: Mapped[str] = mapped_column(String(64))
    subject: Mapped[str] = mapped_column(String(80))
    detail: Mapped[dict[str, Any]]
    previous: Mapped[str] = mapped_column(String(64), unique=True)
    digest: Mapped[str] = mapped_column(String(64))
