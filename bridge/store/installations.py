"""What we put up at each desk, when a desk was last heard, and which call to its address was last refused."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Table, delete, func, select

from bridge.store.session import Store
from bridge.store.tables import deliveries, installations, pings, refusals


@dataclass(frozen=True, slots=True)
class Refusal:
    """A call that could not be proven to be a desk's: when it came, and why not."""

    at: datetime
    reason: str

    def __str__(self) -> str:
        """For people, with the vendor's or our own reason."""
        return f"a call at {self.at:%Y-%m-%d %H:%M:%S} UTC was refused: {self.reason}"


def load(connection: Connection, desk: str) -> str | None:
    """What is written about a desk, None where nothing is."""
    return connection.scalar(select(installations.c.body).where(installations.c.desk == desk))


def save(store: Store, desk: str, body: str) -> None:
    """Write about a desk, in place of what was written before."""
    _put(store, installations, {"desk": desk, "body": body})


def forget(store: Store, desk: str) -> None:
    """Write nothing about a desk any more, and not what called."""
    with store.writing() as connection:
        for table in (installations, pings, refusals):
            connection.execute(delete(table).where(table.c.desk == desk))


def pinged(store: Store, desk: str, at: datetime) -> None:
    """Note that a desk made a call, proven to be its own, that is no event."""
    _put(store, pings, {"desk": desk, "at": at})


def refused(store: Store, desk: str, reason: str, at: datetime) -> None:
    """Note that a call to a desk's address was refused, in place of the one before."""
    _put(store, refusals, {"desk": desk, "at": at, "reason": reason})


def _put(store: Store, table: Table, row: Mapping[str, object]) -> None:
    """The one row that a table has of a desk."""
    with store.writing() as connection:
        connection.execute(store.insert(table).values(row).on_conflict_do_update(index_elements=["desk"], set_=row))


def refusal(connection: Connection, desk: str, *, after: datetime | None) -> Refusal | None:
    """The last call to a desk's address that was refused, None where none was after a time."""
    row = connection.execute(select(refusals.c.at, refusals.c.reason).where(refusals.c.desk == desk)).first()
    return None if row is None or (after is not None and row.at <= after) else Refusal(row.at, row.reason)


def heard(connection: Connection, desk: str, *, besides: str) -> datetime | None:
    """When a desk last called us; deliveries whose keys begin with `besides` are our own and no calls of its."""
    told = deliveries.c.desk == desk, ~deliveries.c.dedupe_key.startswith(besides, autoescape=True)
    times = (
        connection.scalar(select(func.max(deliveries.c.received_at)).where(*told)),
        connection.scalar(select(pings.c.at).where(pings.c.desk == desk)),
    )
    return max((at for at in times if at is not None), default=None)


def told(connection: Connection, desk: str, *, besides: str, since: datetime) -> tuple[int, int]:
    """How many deliveries since then came by webhook, and how many are our own."""
    ours = deliveries.c.dedupe_key.startswith(besides, autoescape=True)
    rows = connection.execute(
        select(ours, func.count()).where(deliveries.c.desk == desk, deliveries.c.received_at >= since).group_by(ours)
    )
    counts = {bool(is_ours): count for is_ours, count in rows}
    return counts.get(False, 0), counts.get(True, 0)


def not_understood(connection: Connection, desk: str) -> list[str]:
    """What is said of the deliveries of a desk that nobody understood and that wait for a person, each once."""
    rows = select(deliveries.c.words).where(deliveries.c.desk == desk, deliveries.c.state == "unknown").distinct()
    return sorted(str(words) for (words,) in connection.execute(rows))
