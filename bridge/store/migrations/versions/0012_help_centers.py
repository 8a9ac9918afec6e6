"""The articles of help centres, read from the desks once for all processes."""

import sqlalchemy as sa
from alembic import op

from bridge.store.tables import Instant

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "help_centers",
        sa.Column("desk", sa.String(), nullable=False),
        sa.Column("locale", sa.String(), nullable=False),
        sa.Column("due_at", Instant(), nullable=False),
        sa.Column("cursor", sa.Text(), nullable=True),
        sa.Column("partly", sa.LargeBinary(), nullable=True),
        sa.Column("articles", sa.LargeBinary(), nullable=True),
        sa.Column("digest", sa.String(), nullable=True),
        sa.Column("words", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("desk", "locale", name=op.f("pk_help_centers")),
    )
