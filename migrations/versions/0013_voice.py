"""When members want answers aloud"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("member", sa.Column("aloud", sa.String(length=8), nullable=True))


def downgrade() -> None:
    op.drop_column("member", "aloud")
