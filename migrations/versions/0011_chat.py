"""What is half written in chat, and what our own pages show of an announcement"""

import sqlalchemy as sa
from alembic import op

from core.tables import UtcDateTime

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def _key() -> sa.types.TypeEngine[int]:
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _time() -> UtcDateTime:
    return UtcDateTime(timezone=True)


SHOWN = ("room_post", "web_message")
"""What our own pages show of an announcement."""


def upgrade() -> None:
    op.create_table(
        "unfinished",
        sa.Column("account_id", _key(), autoincrement=False, nullable=False),
        sa.Column("step", sa.String(length=32), nullable=False),
        sa.Column("announcement_id", _key(), nullable=True),
        sa.Column("at", _time(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_unfinished_account_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["announcement_id"],
            ["announcement.id"],
            name=op.f("fk_unfinished_announcement_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_unfinished")),
    )
    for column in ("announcement_id", "at"):
        op.create_index(op.f(f"ix_unfinished_{column}"), "unfinished", [column])
    op.create_table(
        "staff_news",
        sa.Column("announcement_id", _key(), autoincrement=False, nullable=False),
        sa.Column("turn", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(
            ["announcement_id"],
            ["announcement.id"],
            name=op.f("fk_staff_news_announcement_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("announcement_id", "turn", name=op.f("pk_staff_news")),
    )
    op.create_table(
        "web_picture",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("media_type", sa.String(length=16), nullable=False),
        sa.Column("at", _time(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_web_picture")),
    )
    op.create_index(op.f("ix_web_picture_at"), "web_picture", ["at"])
    for table in SHOWN:
        _show(table)
    op.add_column(
        "web_message", sa.Column("choices", sa.JSON(), nullable=False, server_default="[]")
    )


def _show(table: str) -> None:
    # With defaults on the server a worker of the version before may go on adding rows.
    for name, kind, empty in (
        ("links", sa.JSON(), "[]"),
        ("picture_words", sa.Text(), ""),
        ("language", sa.String(length=16), ""),
    ):
        op.add_column(table, sa.Column(name, kind, nullable=False, server_default=empty))
    op.add_column(table, sa.Column("picture", sa.String(length=64), nullable=True))
    for name in ("edited_at", "withdrawn_at"):
        op.add_column(table, sa.Column(name, _time(), nullable=True))


def downgrade() -> None:
    op.drop_column("web_message", "choices")
    for table in SHOWN:
        for name in ("links", "picture_words", "language", "picture", "edited_at", "withdrawn_at"):
            op.drop_column(table, name)
    for table in ("web_picture", "staff_news", "unfinished"):
        op.drop_table(table)
