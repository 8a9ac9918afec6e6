"""The queue of tickets in the router's care, and when the matcher looks at it next."""

import sqlalchemy as sa
from alembic import op

from bridge.store.tables import Instant

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "queue",
        sa.Column("desk", sa.String(), nullable=False),
        sa.Column("ticket", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("team", sa.String(), nullable=False),
        sa.Column("since", Instant(), nullable=False),
        sa.Column("agent", sa.String(), nullable=True),
        sa.Column("bound_at", Instant(), nullable=True),
        sa.Column("moved_at", Instant(), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("assignment", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("desk", "ticket", name=op.f("pk_queue")),
    )
    op.create_index("ix_queue_state", "queue", ["state", "since"], unique=False)
    op.create_table(
        "agent_turns",
        sa.Column("agent", sa.String(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("agent", name=op.f("pk_agent_turns")),
    )
    op.create_table(
        "alarms",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("due_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_alarms")),
    )
