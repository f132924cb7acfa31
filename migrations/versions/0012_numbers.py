"""Numbers of accounts and announcements that are given once; deliveries in doubt found at once"""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

USED: Final = {"account": "recipient", "announcement": "announcement_id"}
"""Where the number of a row that is gone may still stand, in ``delivery``."""


def upgrade() -> None:
    _remake(autoincrement=True)
    if op.get_bind().dialect.name == "sqlite":
        for table, column in USED.items():
            _begin_after_all_that_were_given(table, column)
    tried = sa.text("due_at IS NOT NULL AND attempts > 0")
    op.create_index(
        "ix_delivery_due_at",
        "delivery",
        ["due_at"],
        sqlite_where=tried,
        postgresql_where=tried,
    )


def _remake(*, autoincrement: bool) -> None:
    """SQLite gives the highest number again once its row is gone, unless AUTOINCREMENT is said.

    That can only be said when a table is made (sqlite.org/autoinc.html); sequences of PostgreSQL
    never go back.
    """
    if op.get_bind().dialect.name != "sqlite":
        return
    for table in USED:
        with op.batch_alter_table(
            table, recreate="always", table_kwargs={"sqlite_autoincrement": autoincrement}
        ):
            pass


def _begin_after_all_that_were_given(table: str, column: str) -> None:
    bind = op.get_bind()
    highest = bind.scalar(
        sa.text(
            f"SELECT max((SELECT coalesce(max(id), 0) FROM {table}),"  # noqa: S608
            f" (SELECT coalesce(max({column}), 0) FROM delivery))"
        )
    )
    bind.execute(sa.text("DELETE FROM sqlite_sequence WHERE name = :table"), {"table": table})
    bind.execute(
        sa.text("INSERT INTO sqlite_sequence (name, seq) VALUES (:table, :highest)"),
        {"table": table, "highest": highest},
    )


def downgrade() -> None:
    op.drop_index("ix_delivery_due_at", table_name="delivery")
    _remake(autoincrement=False)
