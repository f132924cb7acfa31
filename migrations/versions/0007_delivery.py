"""Lanes, cursors and small delivery rows"""

import sqlalchemy as sa
from alembic import op

from core.tables import UtcDateTime

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None
contract = "a delivery is known by announcement and recipient, and nobody is written down early"

BITS = 36
OPEN = "due_at IS NOT NULL"


def _key() -> sa.types.TypeEngine[int]:
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _time() -> UtcDateTime:
    return UtcDateTime(timezone=True)


def upgrade() -> None:
    op.add_column(
        "announcement", sa.Column("places", sa.JSON(), nullable=False, server_default="[]")
    )
    _carry()
    _keep_places()
    _count_who_left()
    op.execute("CREATE TABLE lane_carried AS SELECT platform, free_at FROM lane")
    for table in ("delivery", "lane"):
        op.drop_table(table)
    _tables()
    _fill()
    for table in ("delivery_carried", "lane_carried"):
        op.drop_table(table)


def _carry() -> None:
    """The old rows in the new measures. Who has left the town loses their rows."""
    sqlite = op.get_bind().dialect.name == "sqlite"
    due = (
        "CAST(strftime('%s', d.due_at) AS INTEGER) * 1000"
        if sqlite
        else "CAST(extract(epoch FROM d.due_at) * 1000 AS bigint)"
    )
    digits = (
        "d.message_id NOT GLOB '*[^0-9]*' AND length(d.message_id) BETWEEN 1 AND 18"
        " OR d.message_id NOT GLOB '*[^0-9]*' AND length(d.message_id) = 19"
        " AND substr(d.message_id, 1, 1) < '9'"
        if sqlite
        else "d.message_id ~ '^([0-9]{1,18}|[1-8][0-9]{18})$'"
    )
    number = "INTEGER" if sqlite else "bigint"
    places = "ROW_NUMBER() OVER (PARTITION BY d.announcement_id, a.kind = 'room' ORDER BY d.id)"
    op.execute(f"""
        CREATE TABLE delivery_carried AS
        SELECT d.id AS old_id, d.announcement_id, d.platform, d.target,
            CAST(CASE WHEN a.kind = 'room' THEN -{places} ELSE d.account_id END AS {number})
                AS recipient,
            CASE d.platform WHEN 'telegram' THEN 4 WHEN 'discord' THEN 8 ELSE 12 END
                + CASE a.kind WHEN 'notice' THEN 0 WHEN 'room' THEN 1 ELSE 2 END AS lane,
            CASE d.state WHEN 'waiting' THEN 0 WHEN 'sending' THEN 1 WHEN 'delivered' THEN 2
                WHEN 'blocked' THEN 3 WHEN 'failed' THEN 4 ELSE 5 END AS state,
            CASE WHEN d.state IN ('waiting', 'sending') THEN {due} END AS due_at,
            d.attempts, d.in_doubt,
            CASE WHEN d.state = 'sending' THEN d.worker END AS worker,
            CAST(CASE WHEN {digits} THEN d.message_id END AS {number}) AS message_id,
            CASE WHEN d.state <> 'delivered' THEN d.reason END AS reason
        FROM delivery d JOIN announcement a ON a.id = d.announcement_id
    """)  # noqa: S608 — no value comes from outside
    op.execute("CREATE INDEX carried_key ON delivery_carried (announcement_id, recipient, old_id)")
    op.execute("CREATE INDEX carried_old ON delivery_carried (old_id)")


def _keep_places() -> None:
    """Where a room's announcement goes stands with the announcement from now on."""
    places: dict[int, list[tuple[str, str]]] = {}
    bind = op.get_bind()
    for announcement, platform, target in bind.execute(
        sa.text(
            "SELECT announcement_id, platform, target FROM delivery_carried"
            " WHERE recipient < 0 ORDER BY announcement_id, recipient DESC"
        )
    ):
        places.setdefault(announcement, []).append((platform, target))
    table = sa.table("announcement", sa.column("id"), sa.column("places", sa.JSON()))
    for announcement, pairs in places.items():
        bind.execute(
            table.update().where(table.c.id == announcement).values(places=[list(each) for each in pairs])
        )


def _count_who_left() -> None:
    """An announcement does not wait for people who are gone."""
    op.execute("""
        UPDATE announcement SET failed = failed + (
            SELECT count(*) FROM delivery_carried c
            WHERE c.announcement_id = announcement.id AND c.recipient IS NULL AND c.state < 2
        )
        WHERE state IN ('sending', 'paused')
    """)
    op.execute("""
        UPDATE announcement SET state = 'done', finished_at = confirmed_at
        WHERE state = 'sending' AND total <= delivered + blocked + failed + unsure
    """)
    # What the web has shown is known by the new number, so that it is not shown again.
    number = f"(c.announcement_id << {BITS}) | (c.recipient & {(1 << BITS) - 1})"
    if op.get_bind().dialect.name != "sqlite":
        number = number.replace("c.announcement_id <<", "CAST(c.announcement_id AS bigint) <<")
    for table in ("room_post", "web_message"):
        op.execute(f"""
            UPDATE {table} SET delivery_id = (
                SELECT {number} FROM delivery_carried c WHERE c.old_id = {table}.delivery_id
            )
            WHERE EXISTS (
                SELECT 1 FROM delivery_carried c
                WHERE c.old_id = {table}.delivery_id AND c.recipient IS NOT NULL
            )
        """)  # noqa: S608 — no value comes from outside


def _tables() -> None:
    op.create_table(
        "delivery",
        sa.Column("recipient", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("message_id", sa.BigInteger(), nullable=True),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("announcement_id", sa.Integer(), autoincrement=False, nullable=False),
        *(
            sa.Column(name, sa.SmallInteger(), nullable=False)
            for name in ("lane", "state", "attempts", "in_doubt", "revision")
        ),
        sa.Column("worker", sa.String(length=64), nullable=True),
        sa.Column("reason", sa.String(length=200), nullable=True),
        sa.PrimaryKeyConstraint("announcement_id", "recipient", name=op.f("pk_delivery")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_delivery_lane_announcement_id_due_at",
        "delivery",
        ["lane", "announcement_id", "due_at"],
        sqlite_where=sa.text(OPEN),
        postgresql_where=sa.text(OPEN),
    )
    op.create_table(
        "announcement_run",
        sa.Column("announcement_id", _key(), nullable=False),
        sa.Column("platform", sa.String(length=16), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("cursor", sa.BigInteger(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.Column("claimed", sa.Integer(), nullable=False),
        sa.Column("amend_cursor", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["announcement_id"],
            ["announcement.id"],
            name=op.f("fk_announcement_run_announcement_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "announcement_id", "platform", name=op.f("pk_announcement_run")
        ),
    )
    op.create_index(
        "ix_announcement_run_platform",
        "announcement_run",
        ["platform"],
        sqlite_where=sa.text("active"),
        postgresql_where=sa.text("active"),
    )
    op.create_table(
        "lane",
        sa.Column("platform", sa.String(length=16), nullable=False),
        sa.Column("free_at", _time(), nullable=False),
        sa.Column("banned_until", _time(), nullable=True),
        sa.Column("gap_us", sa.Integer(), nullable=False),
        sa.Column("set_gap_us", sa.Integer(), nullable=False),
        sa.Column("changed_at", _time(), nullable=False),
        sa.PrimaryKeyConstraint("platform", name=op.f("pk_lane")),
    )


def _fill() -> None:
    op.execute("""
        INSERT INTO delivery (announcement_id, recipient, lane, state, attempts, in_doubt, due_at,
            worker, message_id, revision, reason)
        SELECT announcement_id, recipient, lane, state, attempts, in_doubt, due_at, worker,
            message_id, 1, reason
        FROM delivery_carried c
        WHERE recipient IS NOT NULL AND old_id = (
            SELECT max(old_id) FROM delivery_carried o
            WHERE o.announcement_id = c.announcement_id AND o.recipient = c.recipient
        )
    """)
    # All recipients were written down at the start, so every cursor stands at its end.
    op.execute("""
        INSERT INTO announcement_run (announcement_id, platform, active, cursor, last, claimed)
        SELECT c.announcement_id, c.platform, max(a.state) IN ('sending', 'paused'), 0, 0, count(*)
        FROM delivery_carried c JOIN announcement a ON a.id = c.announcement_id
        WHERE a.kind <> 'notice' GROUP BY c.announcement_id, c.platform
    """)
    # The gap is learned anew; a pause that the platform asked for still holds.
    op.execute("""
        INSERT INTO lane (platform, free_at, gap_us, set_gap_us, changed_at)
        SELECT platform, free_at, 1, 0, free_at FROM lane_carried
    """)


def downgrade() -> None:
    """The tables as they were, without what was delivered: its rows name no address any more."""
    for table in ("delivery", "announcement_run", "lane"):
        op.drop_table(table)
    op.drop_column("announcement", "places")
    op.create_table(
        "delivery",
        sa.Column("id", _key(), nullable=False),
        sa.Column("announcement_id", _key(), nullable=False),
        sa.Column("account_id", _key(), nullable=True),
        sa.Column("platform", sa.String(length=16), nullable=False),
        sa.Column("target", sa.String(length=128), nullable=False),
        sa.Column("language", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("in_doubt", sa.Integer(), nullable=False),
        sa.Column("due_at", _time(), nullable=False),
        sa.Column("worker", sa.String(length=64), nullable=True),
        sa.Column("message_id", sa.String(length=64), nullable=True),
        sa.Column("reason", sa.String(length=200), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_delivery_account_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["announcement_id"],
            ["announcement.id"],
            name=op.f("fk_delivery_announcement_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery")),
        sa.UniqueConstraint(
            *("announcement_id", "platform", "target"),
            name=op.f("uq_delivery_announcement_id_platform_target"),
        ),
    )
    op.create_index(
        op.f("ix_delivery_announcement_id"), "delivery", ["announcement_id"], unique=False
    )
    op.create_index("ix_delivery_open", "delivery", ["platform", "state", "due_at"], unique=False)
    op.create_table(
        "lane",
        sa.Column("platform", sa.String(length=16), nullable=False),
        sa.Column("free_at", _time(), nullable=False),
        sa.PrimaryKeyConstraint("platform", name=op.f("pk_lane")),
    )
