"""Perks, passes, redemptions and the desks that take them"""

import sqlalchemy as sa
from alembic import op

from core.tables import UtcDateTime

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def _key() -> sa.types.TypeEngine[int]:
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "perk_desk",
        sa.Column("id", _key(), nullable=False),
        sa.Column("facility", sa.String(length=64), nullable=False),
        sa.Column("label", sa.String(length=80), nullable=False),
        sa.Column("link_digest", sa.String(length=64), nullable=False),
        sa.Column("pin_hash", sa.String(length=200), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("created_by", sa.String(length=80), nullable=False),
        sa.Column("created_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("expires_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("last_seen_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("pin_failures", sa.Integer(), nullable=False),
        sa.Column("pin_locked_until", UtcDateTime(timezone=True), nullable=True),
        sa.Column("code_failures", sa.Integer(), nullable=False),
        sa.Column("code_failed_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("code_locked_until", UtcDateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_perk_desk")),
        sa.UniqueConstraint("link_digest", name=op.f("uq_perk_desk_link_digest")),
    )
    op.create_table(
        "perk_pass",
        sa.Column("nonce", sa.String(length=24), nullable=False),
        sa.Column("member_id", _key(), nullable=False),
        sa.Column("perk", sa.String(length=64), nullable=False),
        sa.Column("token", sa.String(length=128), nullable=True),
        sa.Column("source", sa.String(length=16), nullable=False),
        sa.Column("issued_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("expires_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("code_digest", sa.String(length=64), nullable=True),
        sa.Column("code_until", UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["member_id"], ["member.id"], name=op.f("fk_perk_pass_member_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("nonce", name=op.f("pk_perk_pass")),
        sa.UniqueConstraint("code_digest", name=op.f("uq_perk_pass_code_digest")),
    )
    op.create_index(op.f("ix_perk_pass_expires_at"), "perk_pass", ["expires_at"])
    op.create_index(op.f("ix_perk_pass_member_id"), "perk_pass", ["member_id"])
    op.create_table(
        "perk_standing",
        sa.Column("member_id", _key(), nullable=False),
        sa.Column("gate", sa.String(length=64), nullable=False),
        sa.Column("token", sa.String(length=128), nullable=False),
        sa.Column("at", UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["member_id"],
            ["member.id"],
            name=op.f("fk_perk_standing_member_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("member_id", "gate", "token", name=op.f("pk_perk_standing")),
    )
    op.create_index(op.f("ix_perk_standing_token"), "perk_standing", ["token"])
    op.create_table(
        "redemption",
        sa.Column("id", _key(), nullable=False),
        sa.Column("perk", sa.String(length=64), nullable=False),
        sa.Column("facility", sa.String(length=64), nullable=False),
        sa.Column("desk_id", _key(), nullable=False),
        sa.Column("request_id", sa.String(length=64), nullable=False),
        sa.Column("pass_nonce", sa.String(length=24), nullable=True),
        sa.Column("member_id", _key(), nullable=True),
        sa.Column("token", sa.String(length=128), nullable=True),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("source", sa.String(length=16), nullable=False),
        sa.Column("at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("recorded_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("known_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("value_yen", sa.Integer(), nullable=True),
        sa.Column("cost_yen", sa.Integer(), nullable=True),
        sa.Column("left_after", sa.Integer(), nullable=True),
        sa.Column("undone_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("undone_by", sa.String(length=80), nullable=False),
        sa.Column("undo_reason", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(["desk_id"], ["perk_desk.id"], name=op.f("fk_redemption_desk_id")),
        sa.ForeignKeyConstraint(
            ["member_id"], ["member.id"], name=op.f("fk_redemption_member_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_redemption")),
        sa.UniqueConstraint("desk_id", "request_id", name=op.f("uq_redemption_desk_id_request_id")),
        sa.UniqueConstraint("pass_nonce", name=op.f("uq_redemption_pass_nonce")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_redemption_at"), "redemption", ["at"])
    op.create_index(op.f("ix_redemption_facility"), "redemption", ["facility"])
    op.create_index(op.f("ix_redemption_member_id"), "redemption", ["member_id"])
    op.create_index(op.f("ix_redemption_perk"), "redemption", ["perk"])
    op.create_table(
        "perk_conflict",
        sa.Column("id", _key(), nullable=False),
        sa.Column("desk_id", _key(), nullable=False),
        sa.Column("client_id", sa.String(length=64), nullable=False),
        sa.Column("text_digest", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=False),
        sa.Column("perk", sa.String(length=64), nullable=True),
        sa.Column("member_id", _key(), nullable=True),
        sa.Column("token", sa.String(length=128), nullable=True),
        sa.Column("scanned_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("synced_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("against_id", _key(), nullable=True),
        sa.Column("redemption_id", _key(), nullable=True),
        sa.Column("decided_by", sa.String(length=80), nullable=False),
        sa.Column("decided_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("words", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(
            ["against_id"],
            ["redemption.id"],
            name=op.f("fk_perk_conflict_against_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["desk_id"], ["perk_desk.id"], name=op.f("fk_perk_conflict_desk_id")
        ),
        sa.ForeignKeyConstraint(
            ["member_id"],
            ["member.id"],
            name=op.f("fk_perk_conflict_member_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["redemption_id"],
            ["redemption.id"],
            name=op.f("fk_perk_conflict_redemption_id"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_perk_conflict")),
        sa.UniqueConstraint(
            "desk_id", "client_id", name=op.f("uq_perk_conflict_desk_id_client_id")
        ),
    )
    op.create_index(op.f("ix_perk_conflict_state"), "perk_conflict", ["state"])
    op.create_table(
        "perk_use",
        sa.Column("perk", sa.String(length=64), nullable=False),
        sa.Column("counter", sa.String(length=8), nullable=False),
        sa.Column("subject", sa.String(length=128), nullable=False),
        sa.Column("period", sa.String(length=16), nullable=False),
        sa.Column("slot", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("redemption_id", _key(), nullable=False),
        sa.Column("ends_at", UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["redemption_id"],
            ["redemption.id"],
            name=op.f("fk_perk_use_redemption_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "perk", "counter", "subject", "period", "slot", name=op.f("pk_perk_use")
        ),
    )
    op.create_index(op.f("ix_perk_use_ends_at"), "perk_use", ["ends_at"])
    op.create_index(op.f("ix_perk_use_redemption_id"), "perk_use", ["redemption_id"])


def downgrade() -> None:
    for table in (
        "perk_use",
        "perk_conflict",
        "redemption",
        "perk_standing",
        "perk_pass",
        "perk_desk",
    ):
        op.drop_table(table)
