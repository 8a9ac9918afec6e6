"""Messages to the webhooks that rules call."""

import sqlalchemy as sa
from alembic import op

from bridge.store.tables import Instant

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "callouts",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("webhook", sa.String(), nullable=False),
        sa.Column("desk", sa.String(), nullable=False),
        sa.Column("ticket", sa.String(), nullable=False),
        sa.Column("decision", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("due_at", Instant(), nullable=False),
        sa.Column("give_up_at", Instant(), nullable=False),
        sa.Column("lease_owner", sa.String(), nullable=True),
        sa.Column("lease_until", Instant(), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("finished_at", Instant(), nullable=True),
        sa.Column("words", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_callouts")),
    )
    for name, column, where in (
        ("ix_callouts_due", "due_at", "state = 'open'"),
        ("ix_callouts_leased", "lease_owner", "lease_owner IS NOT NULL"),
    ):
        rows = sa.text(where)
        op.create_index(name, "callouts", [column], unique=False, sqlite_where=rows, postgresql_where=rows)
    op.create_index("ix_callouts_finished", "callouts", ["finished_at"], unique=False)
    op.create_index("ix_callouts_ticket", "callouts", ["desk", "ticket", "created_at"], unique=False)
