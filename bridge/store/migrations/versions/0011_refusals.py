"""The last call to each desk's address that was refused, and why."""

import sqlalchemy as sa
from alembic import op

from bridge.store.tables import Instant

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "refusals",
        sa.Column("desk", sa.String(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("desk", name=op.f("pk_refusals")),
    )
