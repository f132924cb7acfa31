"""What staff say about an announcement, and what members want to hear of"""

from typing import Any

import sqlalchemy as sa
from alembic import op

from core.tables import UtcDateTime

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def _key() -> sa.types.TypeEngine[int]:
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _time() -> UtcDateTime:
    return UtcDateTime(timezone=True)


def upgrade() -> None:
    _announcement()
    _member()
    op.add_column("web_message", sa.Column("opened_at", _time(), nullable=True))
    op.create_table(
        "announcement_revision",
        sa.Column("announcement_id", _key(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("by", sa.String(length=80), nullable=False),
        sa.Column("at", _time(), nullable=False),
        sa.Column("texts", sa.JSON(), nullable=False),
        sa.Column("extras", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["announcement_id"],
            ["announcement.id"],
            name=op.f("fk_announcement_revision_announcement_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "announcement_id", "revision", name=op.f("pk_announcement_revision")
        ),
    )
    _pictures()
    op.create_table(
        "topic_wish",
        sa.Column("member_id", _key(), nullable=False),
        sa.Column("topic", sa.String(length=64), nullable=False),
        sa.Column("wants", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["member_id"],
            ["member.id"],
            name=op.f("fk_topic_wish_member_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("member_id", "topic", name=op.f("pk_topic_wish")),
    )


def _announcement() -> None:
    # Columns are added in place: SQLite would empty `delivery` if the table were made anew. With
    # defaults on the server a worker of the version before may go on adding rows.
    def add(column: sa.Column[Any]) -> None:
        op.add_column("announcement", column)

    for name in ("segment", "extras"):
        add(sa.Column(name, sa.JSON(), nullable=False, server_default="{}"))
    for name, number in (
        *(("revision", "1"), ("amended", "0"), ("amend_failed", "0"), ("people", "0")),
        *(("window_at", "0"), ("window_failed", "0")),
    ):
        add(sa.Column(name, sa.Integer(), nullable=False, server_default=number))
    for name, length in (("topic", 64), ("asked_by", 80), ("approved_by", 80), ("paused_why", 32), ("confirmed_by", 80)):
        add(sa.Column(name, sa.String(length=length), nullable=True))
    add(sa.Column("change", sa.JSON(), nullable=True))
    for name in ("start_at", "deadline", "retracted_at"):
        add(sa.Column(name, _time(), nullable=True))
    asks = sa.text("change IS NOT NULL")
    op.create_index(
        "ix_announcement_change",
        "announcement",
        ["id"],
        sqlite_where=asks,
        postgresql_where=asks,
    )
    op.create_index(op.f("ix_announcement_start_at"), "announcement", ["start_at"])


def _member() -> None:
    for name, length in (("area", 6), ("zone", 64), ("tier", 64)):
        op.add_column("member", sa.Column(name, sa.String(length=length), nullable=True))
    op.add_column("member", sa.Column("tier_at", _time(), nullable=True))


def _pictures() -> None:
    op.create_table(
        "announcement_picture",
        sa.Column("id", _key(), nullable=False),
        sa.Column("announcement_id", _key(), nullable=True),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("media_type", sa.String(length=16), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("descriptions", sa.JSON(), nullable=False),
        sa.Column("by", sa.String(length=80), nullable=False),
        sa.Column("created_at", _time(), nullable=False),
        sa.ForeignKeyConstraint(
            ["announcement_id"],
            ["announcement.id"],
            name=op.f("fk_announcement_picture_announcement_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_announcement_picture")),
    )
    op.create_index(
        op.f("ix_announcement_picture_announcement_id"),
        "announcement_picture",
        ["announcement_id"],
    )


def downgrade() -> None:
    for table in ("topic_wish", "announcement_picture", "announcement_revision"):
        op.drop_table(table)
    op.drop_column("web_message", "opened_at")
    for name in ("area", "zone", "tier", "tier_at"):
        op.drop_column("member", name)
    op.drop_index("ix_announcement_change", table_name="announcement")
    op.drop_index(op.f("ix_announcement_start_at"), table_name="announcement")
    for name in (
        *("segment", "extras", "revision", "amended", "amend_failed"),
        *("topic", "asked_by", "approved_by", "paused_why", "confirmed_by", "people", "change"),
        *("window_at", "window_failed"),
        *("start_at", "deadline", "retracted_at"),
    ):
        op.drop_column("announcement", name)
