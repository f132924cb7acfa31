"""What members have proved without a signature of a wallet, and wallets that act for others"""

import sqlalchemy as sa
from alembic import op

from core.tables import UtcDateTime

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None
contract = "older code adds wallets without saying whether a contract signed for them"


def _key() -> sa.types.TypeEngine[int]:
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _time() -> UtcDateTime:
    return UtcDateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "credential",
        sa.Column("id", _key(), nullable=False),
        sa.Column("member_id", _key(), nullable=False),
        sa.Column("proof", sa.String(length=64), nullable=False),
        sa.Column("subject", sa.String(length=64), nullable=False),
        sa.Column("proved_at", _time(), nullable=False),
        sa.Column("expires_at", _time(), nullable=True),
        sa.Column("revoked_at", _time(), nullable=True),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(
            ["member_id"], ["member.id"], name=op.f("fk_credential_member_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credential")),
        sa.UniqueConstraint("proof", "subject", name=op.f("uq_credential_proof_subject")),
    )
    op.create_index(op.f("ix_credential_member_id"), "credential", ["member_id"])
    op.create_table(
        "code_batch",
        sa.Column("id", _key(), nullable=False),
        sa.Column("proof", sa.String(length=64), nullable=False),
        sa.Column("label", sa.String(length=100), nullable=False),
        sa.Column("by", sa.String(length=64), nullable=False),
        sa.Column("made", sa.Integer(), nullable=False),
        sa.Column("used_before", sa.Integer(), nullable=False),
        sa.Column("revoked_before", sa.Integer(), nullable=False),
        sa.Column("expired_before", sa.Integer(), nullable=False),
        sa.Column("created_at", _time(), nullable=False),
        sa.Column("expires_at", _time(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_code_batch")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_code_batch_proof"), "code_batch", ["proof"])
    op.create_index(op.f("ix_code_batch_expires_at"), "code_batch", ["expires_at"])
    op.create_table(
        "claim_code",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("batch_id", _key(), nullable=False),
        sa.Column("serial", sa.Integer(), nullable=False),
        sa.Column("order_digest", sa.String(length=64), nullable=True),
        sa.Column("used_at", _time(), nullable=True),
        sa.Column("revoked_at", _time(), nullable=True),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(
            ["batch_id"], ["code_batch.id"], name=op.f("fk_claim_code_batch_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_claim_code")),
        sa.UniqueConstraint("batch_id", "serial", name=op.f("uq_claim_code_batch_id_serial")),
        sa.UniqueConstraint("order_digest", name=op.f("uq_claim_code_order_digest")),
    )
    op.create_table(
        "purchase",
        sa.Column("id", _key(), nullable=False),
        sa.Column("proof", sa.String(length=64), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("listed_at", _time(), nullable=False),
        sa.Column("removed_at", _time(), nullable=True),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_purchase")),
        sa.UniqueConstraint("proof", "digest", name=op.f("uq_purchase_proof_digest")),
    )
    op.create_table(
        "identity_request",
        sa.Column("state_digest", sa.String(length=64), nullable=False),
        sa.Column("account_id", _key(), nullable=False),
        sa.Column("proof", sa.String(length=64), nullable=False),
        sa.Column("browser_digest", sa.String(length=64), nullable=False),
        sa.Column("nonce", sa.String(length=64), nullable=False),
        sa.Column("code_verifier", sa.String(length=128), nullable=False),
        sa.Column("expires_at", _time(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["account.id"],
            name=op.f("fk_identity_request_account_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("state_digest", name=op.f("pk_identity_request")),
    )
    op.create_index(op.f("ix_identity_request_expires_at"), "identity_request", ["expires_at"])
    with op.batch_alter_table("wallet") as wallet:
        wallet.add_column(
            sa.Column("contract_wallet", sa.Boolean(), nullable=False, server_default=sa.false())
        )
        wallet.add_column(sa.Column("via", sa.String(length=42), nullable=True))
        wallet.create_foreign_key(
            op.f("fk_wallet_via"), "wallet", ["via"], ["address"], ondelete="CASCADE"
        )
        wallet.create_index(op.f("ix_wallet_via"), ["via"])
    with op.batch_alter_table("wallet") as wallet:
        wallet.alter_column("contract_wallet", server_default=None)


def downgrade() -> None:
    with op.batch_alter_table("wallet") as wallet:
        wallet.drop_index(op.f("ix_wallet_via"))
        wallet.drop_constraint(op.f("fk_wallet_via"), type_="foreignkey")
        wallet.drop_column("via")
        wallet.drop_column("contract_wallet")
    for table in ("identity_request", "purchase", "claim_code", "code_batch", "credential"):
        op.drop_table(table)
