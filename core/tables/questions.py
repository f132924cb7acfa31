"""Questions without an answer, and what staff answered."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.tables.base import Base, Key


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
