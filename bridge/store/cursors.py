"""The cursors: how far each desk's changes have been followed by polling."""

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, select, update

from bridge.store.session import Store
from bridge.store.tables import cursors


@dataclass(frozen=True, slots=True)
class Place:
    """Where the next page starts, from when on changes are followed, and when their end was last reached, if ever.

    `moved_at` is when it was stored, None where it has not been.
    """

    cursor: str
    since: datetime
    completed_at: datetime | None = None
    moved_at: datetime | None = field(default=None, compare=False)

    @property
    def is_midway(self) -> bool:
        """True where the last page that was read was not the last there was."""
        return self.moved_at is not None and self.completed_at != self.moved_at


def load(connection: Connection, desk: str) -> Place | None:
    """The place of a desk, None where it has not been polled yet."""
    row = connection.execute(
        select(cursors.c.cursor, cursors.c.since, cursors.c.completed_at, cursors.c.updated_at).where(
            cursors.c.desk == desk
        )
    ).first()
    return Place(*row) if row is not None else None


def move(store: Store, connection: Connection, desk: str, before: Place | None, after: Place, *, now: datetime) -> bool:
    """Go on from one place to the next; False, and nothing is changed, where somebody else has gone on meanwhile."""
    row = {"cursor": after.cursor, "since": after.since, "completed_at": after.completed_at, "updated_at": now}
    if before is None:
        statement = store.insert(cursors).values(desk=desk, **row).on_conflict_do_nothing(index_elements=["desk"])
        return connection.execute(statement.returning(cursors.c.desk)).first() is not None
    moved = connection.execute(
        update(cursors).where(cursors.c.desk == desk, cursors.c.cursor == before.cursor).values(**row)
    )
    return moved.rowcount == 1
