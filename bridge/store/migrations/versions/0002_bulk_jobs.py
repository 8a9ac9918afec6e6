"""Writes that go to a desk together, and how far a desk's bulk calls are trusted."""

import sqlalchemy as sa
from alembic import op

from bridge.store.tables import Instant

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "bulk_jobs",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("desk", sa.String(), nullable=False),
        sa.Column("job", sa.String(), nullable=True),
        sa.Column("rehearses", sa.String(), nullable=True),
        sa.Column("begun_at", Instant(), nullable=False),
        sa.Column("due_at", Instant(), nullable=False),
        sa.Column("lease_owner", sa.String(), nullable=True),
        sa.Column("lease_until", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bulk_jobs")),
    )
    op.create_table(
        "bulk_trust",
        sa.Column("desk", sa.String(), nullable=False),
        sa.Column("trust", sa.String(), nullable=False),
        sa.Column("at", Instant(), nullable=True),
        sa.Column("words", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("desk", name=op.f("pk_bulk_trust")),
    )
    with op.batch_alter_table("operations", schema=None) as batch_op:
        batch_op.add_column(sa.Column("together", sa.Boolean(), server_default=sa.false(), nullable=False))
        batch_op.add_column(sa.Column("bulk", sa.String(), nullable=True))
        batch_op.create_index(
            "ix_operations_together",
            ["desk", "due_at"],
            unique=False,
            sqlite_where=sa.text("state = 'open' AND together"),
            postgresql_where=sa.text("state = 'open' AND together"),
        )
        batch_op.create_index(
            "ix_operations_bulk",
            ["bulk"],
            unique=False,
            sqlite_where=sa.text("bulk IS NOT NULL"),
            postgresql_where=sa.text("bulk IS NOT NULL"),
        )
