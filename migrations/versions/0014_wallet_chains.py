"""Wallets by address and chain: a contract at the same address elsewhere is another one"""

import sqlalchemy as sa
from alembic import op

from core.tables import UtcDateTime

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

contract = "wallets are keyed by address and chain from here on; older code knows the address alone"

_NEW = """
    INSERT INTO wallet (address, chain_id, member_id, proved_on, via, via_chain_id, proved_at)
    SELECT old.address,
           CASE WHEN old.contract_wallet OR old.via IS NOT NULL THEN old.chain_id ELSE 0 END,
           old.member_id, old.chain_id, old.via,
           CASE WHEN old.via IS NULL THEN NULL
                WHEN hot.contract_wallet OR hot.via IS NOT NULL THEN hot.chain_id ELSE 0 END,
           old.proved_at
    FROM wallet_before AS old LEFT JOIN wallet_before AS hot ON hot.address = old.via
"""

_OLD = """
    INSERT INTO wallet (address, member_id, chain_id, contract_wallet, via, proved_at)
    SELECT new.address, new.member_id, new.proved_on, new.chain_id <> 0 AND new.via IS NULL,
           new.via, new.proved_at
    FROM wallet_before AS new
    WHERE NOT EXISTS (SELECT 1 FROM wallet_before AS less
                      WHERE less.address = new.address AND less.chain_id < new.chain_id)
      AND (new.via IS NULL
           OR NOT EXISTS (SELECT 1 FROM wallet_before AS hot
                          WHERE hot.address = new.via AND hot.chain_id < new.via_chain_id))
"""
"""One row an address: the key's, or that of the lowest chain; vaults of what goes go, too."""


def upgrade() -> None:
    _set_aside()
    op.create_table(
        "wallet",
        sa.Column("address", sa.String(length=42), nullable=False),
        sa.Column("chain_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("member_id", _key(), nullable=False),
        sa.Column("proved_on", sa.BigInteger(), nullable=False),
        sa.Column("via", sa.String(length=42), nullable=True),
        sa.Column("via_chain_id", sa.BigInteger(), nullable=True),
        sa.Column("proved_at", UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["member_id"], ["member.id"], name=op.f("fk_wallet_member_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["via", "via_chain_id"],
            ["wallet.address", "wallet.chain_id"],
            name=op.f("fk_wallet_via_via_chain_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("address", "chain_id", name=op.f("pk_wallet")),
    )
    op.create_index(op.f("ix_wallet_member_id"), "wallet", ["member_id"])
    op.create_index(op.f("ix_wallet_via_via_chain_id"), "wallet", ["via", "via_chain_id"])
    _bring_back(_NEW)


def downgrade() -> None:
    _set_aside()
    op.create_table(
        "wallet",
        sa.Column("address", sa.String(length=42), nullable=False),
        sa.Column("member_id", _key(), nullable=False),
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("proved_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("contract_wallet", sa.Boolean(), nullable=False),
        sa.Column("via", sa.String(length=42), nullable=True),
        sa.ForeignKeyConstraint(
            ["member_id"], ["member.id"], name=op.f("fk_wallet_member_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["via"], ["wallet.address"], name=op.f("fk_wallet_via"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("address", name=op.f("pk_wallet")),
    )
    op.create_index(op.f("ix_wallet_member_id"), "wallet", ["member_id"])
    op.create_index(op.f("ix_wallet_via"), "wallet", ["via"])
    _bring_back(_OLD)


def _key() -> sa.types.TypeEngine[int]:
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _set_aside() -> None:
    """Nothing refers to the table but itself, so it is made anew under its own names."""
    op.execute("CREATE TABLE wallet_before AS SELECT * FROM wallet")
    op.drop_table("wallet")


def _bring_back(statement: str) -> None:
    op.execute(statement)
    op.execute("DROP TABLE wallet_before")
