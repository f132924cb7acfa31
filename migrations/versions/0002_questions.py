"""Questions without an answer, and what staff answered"""

import sqlalchemy as sa
from alembic import op

from core.tables import UtcDateTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def _key() -> sa.types.TypeEngine[int]:
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "counter",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("value", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_counter")),
    )
    op.create_table(
        "question_cluster",
        sa.Column("id", _key(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("fact_id", _key(), nullable=True),
        sa.Column("decided_by", sa.String(length=64), nullable=True),
        sa.Column("decided_at", UtcDateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_question_cluster")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_question_cluster_state"), "question_cluster", ["state"])
    op.create_index(op.f("ix_question_cluster_fact_id"), "question_cluster", ["fact_id"])
    op.create_table(
        "question",
        sa.Column("id", _key(), nullable=False),
        sa.Column("cluster_id", _key(), nullable=False),
        sa.Column("account_id", _key(), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("language", sa.String(length=16), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("platform", sa.String(length=16), nullable=False),
        sa.Column("wants_answer", sa.Boolean(), nullable=False),
        sa.Column("asked_at", UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["cluster_id"],
            ["question_cluster.id"],
            name=op.f("fk_question_cluster_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_question_account_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_question")),
        sa.UniqueConstraint(
            "account_id",
            "fingerprint",
            "kind",
            name=op.f("uq_question_account_id_fingerprint_kind"),
        ),
    )
    for column in ("cluster_id", "account_id", "asked_at"):
        op.create_index(op.f(f"ix_question_{column}"), "question", [column])
    op.create_table(
        "fact",
        sa.Column("id", _key(), nullable=False),
        sa.Column("cluster_id", _key(), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("answers", sa.JSON(), nullable=False),
        sa.Column("source", sa.String(length=200), nullable=False),
        sa.Column("author", sa.String(length=64), nullable=False),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column("review_by", sa.Date(), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("changed_at", UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["cluster_id"],
            ["question_cluster.id"],
            name=op.f("fk_fact_cluster_id"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fact")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_fact_state"), "fact", ["state"])
    op.create_table(
        "fact_told",
        sa.Column("fact_id", _key(), nullable=False),
        sa.Column("member_id", _key(), nullable=False),
        sa.Column("announcement_id", _key(), nullable=False),
        sa.ForeignKeyConstraint(
            ["fact_id"], ["fact.id"], name=op.f("fk_fact_told_fact_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["member_id"], ["member.id"], name=op.f("fk_fact_told_member_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("fact_id", "member_id", name=op.f("pk_fact_told")),
    )


def downgrade() -> None:
    for table in ("fact_told", "fact", "question", "question_cluster", "counter"):
        op.drop_table(table)
