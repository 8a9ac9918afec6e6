"""What we put up at the desks, and when each last called."""

import sqlalchemy as sa
from alembic import op

from bridge.store.tables import Instant

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "installations",
        sa.Column("desk", sa.String(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("desk", name=op.f("pk_installations")),
    )
    op.create_table(
        "pings",
        sa.Column("desk", sa.String(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("desk", name=op.f("pk_pings")),
    )
