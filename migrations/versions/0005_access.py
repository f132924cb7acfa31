"""Why a door is open, and changes that wait for a second person"""

import sqlalchemy as sa
from alembic import op

from core.tables import UtcDateTime

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def _key() -> sa.types.TypeEngine[int]:
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _time() -> UtcDateTime:
    return UtcDateTime(timezone=True)


def upgrade() -> None:
    _grants()
    _changes()
    _overrides()
    _guests()
    op.create_table(
        "token_traits",
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("contract", sa.String(length=42), nullable=False),
        sa.Column("token_id", sa.String(length=78), nullable=False),
        sa.Column("traits", sa.JSON(), nullable=True),
        sa.Column("read_at", _time(), nullable=False),
        sa.Column("emptied_at", _time(), nullable=True),
        sa.PrimaryKeyConstraint(
            "chain_id", "contract", "token_id", name=op.f("pk_token_traits")
        ),
    )


def _grants() -> None:
    op.add_column("access_grant", sa.Column("why", sa.JSON(), nullable=True))
    op.add_column("access_grant", sa.Column("warned_at", _time(), nullable=True))
    op.add_column("access_grant", sa.Column("reason", sa.JSON(), nullable=True))
    op.add_column("access_grant", sa.Column("change_id", _key(), nullable=True))
    op.add_column("access_grant", sa.Column("seen_inside", sa.Boolean(), nullable=True))
    op.create_index(op.f("ix_access_grant_warned_at"), "access_grant", ["warned_at"])


def _changes() -> None:
    op.create_table(
        "access_rules",
        sa.Column("id", _key(), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("rules", sa.JSON(), nullable=False),
        sa.Column("applied_at", _time(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_rules")),
    )
    op.create_table(
        "access_change",
        sa.Column("id", _key(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("waiting", sa.String(length=96), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.Column("summary", sa.JSON(), nullable=False),
        sa.Column("found_at", _time(), nullable=False),
        sa.Column("first_by", sa.String(length=80), nullable=True),
        sa.Column("first_at", _time(), nullable=True),
        sa.Column("second_by", sa.String(length=80), nullable=True),
        sa.Column("settled_at", _time(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_change")),
        sa.UniqueConstraint("waiting", name=op.f("uq_access_change_waiting")),
    )
    op.create_index(op.f("ix_access_change_state"), "access_change", ["state"])
    op.create_table(
        "access_loss",
        sa.Column("id", _key(), nullable=False),
        sa.Column("change_id", _key(), nullable=False),
        sa.Column("member_id", _key(), nullable=True),
        sa.Column("gate", sa.String(length=64), nullable=False),
        sa.Column("platform", sa.String(length=16), nullable=False),
        sa.Column("place", sa.String(length=128), nullable=False),
        sa.Column("external_id", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.JSON(), nullable=True),
        sa.ForeignKeyConstraint(
            ["change_id"],
            ["access_change.id"],
            name=op.f("fk_access_loss_change_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["member_id"], ["member.id"], name=op.f("fk_access_loss_member_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_loss")),
    )
    op.create_index(op.f("ix_access_loss_change_id"), "access_loss", ["change_id"])
    op.create_index(op.f("ix_access_loss_member_id"), "access_loss", ["member_id"])


def _overrides() -> None:
    op.create_table(
        "access_override",
        sa.Column("id", _key(), nullable=False),
        sa.Column("member_id", _key(), nullable=False),
        sa.Column("gate", sa.String(length=64), nullable=False),
        sa.Column("effect", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("made_by", sa.String(length=80), nullable=False),
        sa.Column("made_at", _time(), nullable=False),
        sa.Column("until", _time(), nullable=False),
        sa.Column("ended_at", _time(), nullable=True),
        sa.Column("ended_by", sa.String(length=80), nullable=True),
        sa.ForeignKeyConstraint(
            ["member_id"],
            ["member.id"],
            name=op.f("fk_access_override_member_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_override")),
    )
    op.create_index(op.f("ix_access_override_member_id"), "access_override", ["member_id"])


def _guests() -> None:
    op.create_table(
        "access_guest",
        sa.Column("id", _key(), nullable=False),
        sa.Column("platform", sa.String(length=16), nullable=False),
        sa.Column("place", sa.String(length=128), nullable=False),
        sa.Column("external_id", sa.String(length=64), nullable=False),
        sa.Column("gate", sa.String(length=64), nullable=False),
        sa.Column("found_at", _time(), nullable=False),
        sa.Column("leave_at", _time(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_guest")),
        sa.UniqueConstraint(
            "platform",
            "place",
            "external_id",
            name=op.f("uq_access_guest_platform_place_external_id"),
        ),
    )
    op.create_index(op.f("ix_access_guest_leave_at"), "access_guest", ["leave_at"])


def downgrade() -> None:
    for table in (
        "token_traits",
        "access_guest",
        "access_override",
        "access_loss",
        "access_change",
        "access_rules",
    ):
        op.drop_table(table)
    op.drop_index(op.f("ix_access_grant_warned_at"), "access_grant")
    for column in ("seen_inside", "change_id", "reason", "warned_at", "why"):
        op.drop_column("access_grant", column)
