"""Events, who comes, and who is reminded"""

import sqlalchemy as sa
from alembic import op

from core.tables import UtcDateTime

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def _key() -> sa.types.TypeEngine[int]:
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "event",
        sa.Column("id", _key(), nullable=False),
        sa.Column("uid", sa.String(length=80), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("pack", sa.String(length=64), nullable=True),
        sa.Column("pack_digest", sa.String(length=64), nullable=True),
        sa.Column("missing_since", UtcDateTime(timezone=True), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("cancelled_by", sa.String(length=80), nullable=True),
        sa.Column("title", sa.JSON(), nullable=False),
        sa.Column("text", sa.JSON(), nullable=False),
        sa.Column("place", sa.JSON(), nullable=False),
        sa.Column("contact", sa.JSON(), nullable=False),
        sa.Column("online", sa.String(length=500), nullable=True),
        sa.Column("gate", sa.String(length=64), nullable=True),
        sa.Column("starts_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("ends_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("timed_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("reply_until", UtcDateTime(timezone=True), nullable=True),
        sa.Column("capacity", sa.Integer(), nullable=True),
        sa.Column("companions", sa.Integer(), nullable=False),
        sa.Column("reminders", sa.String(length=40), nullable=False),
        sa.Column("notes", sa.JSON(), nullable=False),
        sa.Column("notes_link", sa.String(length=500), nullable=True),
        sa.Column("notes_for", sa.String(length=16), nullable=True),
        sa.Column("created_by", sa.String(length=80), nullable=False),
        sa.Column("created_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("changed_at", UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event")),
        sa.UniqueConstraint("pack", name=op.f("uq_event_pack")),
        sa.UniqueConstraint("uid", name=op.f("uq_event_uid")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_event_state_ends_at", "event", ["state", "ends_at"], unique=False)
    op.create_table(
        "event_feed",
        sa.Column("member_id", _key(), autoincrement=False, nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("created_at", UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["member_id"], ["member.id"], name=op.f("fk_event_feed_member_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("member_id", name=op.f("pk_event_feed")),
        sa.UniqueConstraint("digest", name=op.f("uq_event_feed_digest")),
    )
    op.create_table(
        "event_news",
        sa.Column("id", _key(), nullable=False),
        sa.Column("event_id", _key(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("words", sa.JSON(), nullable=False),
        sa.Column("by", sa.String(length=80), nullable=False),
        sa.Column("at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("told", sa.Integer(), nullable=False),
        sa.Column("done_at", UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["event_id"], ["event.id"], name=op.f("fk_event_news_event_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event_news")),
    )
    op.create_index(op.f("ix_event_news_done_at"), "event_news", ["done_at"], unique=False)
    op.create_index(op.f("ix_event_news_event_id"), "event_news", ["event_id"], unique=False)
    op.create_table(
        "event_told",
        sa.Column("event_id", _key(), nullable=False),
        sa.Column("member_id", _key(), nullable=False),
        sa.Column("what", sa.String(length=40), nullable=False),
        sa.ForeignKeyConstraint(
            ["event_id"], ["event.id"], name=op.f("fk_event_told_event_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["member_id"], ["member.id"], name=op.f("fk_event_told_member_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("event_id", "member_id", "what", name=op.f("pk_event_told")),
    )
    op.create_index(op.f("ix_event_told_member_id"), "event_told", ["member_id"], unique=False)
    op.create_table(
        "event_reply",
        sa.Column("event_id", _key(), nullable=False),
        sa.Column("member_id", _key(), nullable=False),
        sa.Column("account_id", _key(), nullable=True),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("companions", sa.Integer(), nullable=False),
        sa.Column("since", UtcDateTime(timezone=True), nullable=False),
        sa.Column("offer_until", UtcDateTime(timezone=True), nullable=True),
        sa.Column("leave_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("admitted_gate", sa.String(length=64), nullable=True),
        sa.Column("came_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("came_by", sa.String(length=80), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["account.id"],
            name=op.f("fk_event_reply_account_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["event_id"], ["event.id"], name=op.f("fk_event_reply_event_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["member_id"], ["member.id"], name=op.f("fk_event_reply_member_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("event_id", "member_id", name=op.f("pk_event_reply")),
        sa.UniqueConstraint("event_id", "number", name=op.f("uq_event_reply_event_id_number")),
    )
    op.create_index(op.f("ix_event_reply_member_id"), "event_reply", ["member_id"], unique=False)
    op.create_index(
        "ix_event_reply_state_offer_until", "event_reply", ["state", "offer_until"], unique=False
    )


def downgrade() -> None:
    for table in ("event_feed", "event_told", "event_reply", "event_news", "event"):
        op.drop_table(table)
