"""Owners of tokens, by the transfers that made them so"""

import sqlalchemy as sa
from alembic import op

from core.tables import UtcDateTime

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def _key() -> sa.types.TypeEngine[int]:
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _contract() -> sa.Column[int]:
    return sa.Column("contract_id", sa.BigInteger(), autoincrement=False, nullable=False)


def upgrade() -> None:
    op.create_table(
        "token_contract",
        sa.Column("id", _key(), nullable=False),
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("address", sa.LargeBinary(length=20), nullable=False),
        sa.Column("standard", sa.String(length=16), nullable=False),
        sa.Column("first_block", sa.BigInteger(), nullable=False),
        sa.Column("block", sa.BigInteger(), nullable=False),
        sa.Column("block_hash", sa.String(length=66), nullable=False),
        sa.Column("head", sa.BigInteger(), nullable=False),
        sa.Column("told_block", sa.BigInteger(), nullable=False),
        sa.Column("read_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("trouble", sa.String(length=32), nullable=False),
        sa.Column("detail", sa.String(length=300), nullable=False),
        sa.Column("incomplete", sa.Boolean(), nullable=False),
        sa.Column("reconciled_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("reconciled_block", sa.BigInteger(), nullable=True),
        sa.Column("reconciled_owners", sa.Integer(), nullable=False),
        sa.Column("differences", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_token_contract")),
        sa.UniqueConstraint("chain_id", "address", name=op.f("uq_token_contract_chain_id_address")),
    )
    op.create_table(
        "token_transfer",
        _contract(),
        sa.Column("block", sa.BigInteger(), nullable=False),
        sa.Column("log_index", sa.Integer(), nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("token", sa.LargeBinary(length=32), nullable=False),
        sa.Column("sender", sa.LargeBinary(length=20), nullable=False),
        sa.Column("receiver", sa.LargeBinary(length=20), nullable=False),
        sa.Column("amount", sa.LargeBinary(length=32), nullable=False),
        sa.PrimaryKeyConstraint(
            "contract_id", "block", "log_index", "part", name=op.f("pk_token_transfer")
        ),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "token_balance",
        _contract(),
        sa.Column("owner", sa.LargeBinary(length=20), nullable=False),
        sa.Column("token", sa.LargeBinary(length=32), nullable=False),
        sa.Column("amount", sa.LargeBinary(length=32), nullable=False),
        sa.PrimaryKeyConstraint("contract_id", "owner", "token", name=op.f("pk_token_balance")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "token_checkpoint",
        _contract(),
        sa.Column("block", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(length=66), nullable=False),
        sa.PrimaryKeyConstraint("contract_id", "block", name=op.f("pk_token_checkpoint")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "page_size",
        sa.Column("endpoint", sa.String(length=64), nullable=False),
        sa.Column("blocks", sa.Integer(), nullable=False),
        sa.Column("learned_at", UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("endpoint", name=op.f("pk_page_size")),
    )


def downgrade() -> None:
    for table in ("page_size", "token_checkpoint", "token_balance", "token_transfer"):
        op.drop_table(table)
    op.drop_table("token_contract")
