"""When agents whose availability a desk hides were last seen to do something."""

import sqlalchemy as sa
from alembic import op

from bridge.store.tables import Instant

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sightings",
        sa.Column("desk", sa.String(), nullable=False),
        sa.Column("agent_id", sa.String(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("desk", "agent_id", name=op.f("pk_sightings")),
    )
