"""Which version of something took effect when, by whom and how: the same log for policies and for models."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, Row, Table, select, text

from bridge.store.session import Store


class How(StrEnum):
    """What brought a version into effect: a file that said something new, a training, a command, a `rollback`."""

    FILE = "file"
    TRAINING = "training"
    COMMAND = "command"
    ROLLBACK = "rollback"


@dataclass(frozen=True, slots=True)
class Activation:
    """A version taking effect. `number` grows with every one; `who` is user@host, or the name that was given."""

    number: int
    version: str
    at: datetime
    who: str
    how: How


class Log:
    """The activations in a table of the shape `number, version, at, who, how`; the highest number holds.

    `lock` is any number, the same in every process and of no other log.
    """

    def __init__(self, table: Table, *, lock: int) -> None:
        self._table = table
        self._key = lock

    def active(self, connection: Connection) -> Activation | None:
        """The activation that holds, None before the first."""
        return next(iter(self.history(connection, 1)), None)

    def history(self, connection: Connection, limit: int) -> list[Activation]:
        """The newest activations, newest first."""
        rows = connection.execute(select(self._table).order_by(self._table.c.number.desc()).limit(limit))
        return [_activation(row) for row in rows]

    def before(self, connection: Connection) -> str | None:
        """The version that held before the one that holds, None where there was none."""
        now = self.active(connection)
        if now is None:
            return None
        other = select(self._table.c.version).where(self._table.c.version != now.version)
        found: str | None = connection.execute(other.order_by(self._table.c.number.desc()).limit(1)).scalar()
        return found

    def lock(self, store: Store, connection: Connection) -> None:
        """Let one transaction at a time change what holds; SQLite has one writer anyway."""
        if not store.is_sqlite:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": self._key})

    def add(self, connection: Connection, version: str, *, how: How, who: str, now: datetime) -> Activation:
        """Have a version hold from now on, under the lock; one that holds already goes on by its own activation."""
        holds = self.active(connection)
        if holds is not None and holds.version == version:
            return holds
        row = {"version": version, "at": now, "who": who, "how": how.value}
        return _activation(connection.execute(self._table.insert().values(row).returning(self._table)).one())


def _activation(row: Row[tuple[int, str, datetime, str, str]]) -> Activation:
    return Activation(row.number, row.version, row.at, row.who, How(row.how))
