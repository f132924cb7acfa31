"""What members have proved without a signature of a wallet"""

import sqlalchemy as sa
from alembic import op

from core.tables import UtcDateTime

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def _key() -> sa.types.TypeEngine[int]:
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "credential",
        sa.Column("id", _key(), nullable=False),
        sa.Column("member_id", _key(), nullable=False),
        sa.Column("proof", sa.String(length=64), nullable=False),
        sa.Column("subject", sa.String(length=64), nullable=False),
        sa.Column("proved_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("expires_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(
            ["member_id"], ["member.id"], name=op.f("fk_credential_member_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credential")),
        sa.UniqueConstraint("proof", "subject", name=op.f("uq_credential_proof_subject")),
    )
    op.create_index(op.f("ix_credential_member_id"), "credential", ["member_id"])


def downgrade() -> None:
    op.drop_table("credential")
