"""A past of any size in a bridge's tables: one finished event as it really went, over and over under other names."""

import sqlite3
from collections.abc import Mapping
from contextlib import closing

from sqlalchemy import Connection, Table, delete, text, update

from bridge.store import Store
from bridge.store.tables import decisions, deliveries, operations, reservations, steps, tickets

_NAMES: tuple[tuple[Table, Mapping[str, str]], ...] = (
    (deliveries, {"dedupe_key": "'past-' || n", "ticket": "'' || n"}),
    (tickets, {"ticket": "'' || n"}),
    (decisions, {"id": "'past-' || n", "ticket": "'' || n"}),
    (operations, {"id": "'past-' || n", "ticket": "'' || n", "decision": "'past-' || n"}),
    (steps, {"operation": "'past-' || n"}),
)
"""What differs from one past event to the next, as SQL of its number n."""


def remember(store: Store, count: int) -> None:
    """Finish the one event that the tables hold, its operation planned, and copy it `count` times."""
    with store.writing() as connection:
        connection.execute(update(operations).values(state="done", finished_at=operations.c.created_at))
        connection.execute(update(steps).values(state="done"))
        connection.execute(update(tickets).values(operation=None))
        connection.execute(delete(reservations))
        for table, names in _NAMES:
            _copy(connection, table, names, count)
    _settle(store)


def _copy(connection: Connection, table: Table, names: Mapping[str, str], count: int) -> None:
    columns = [column.name for column in table.columns if column.name != "id" or "id" in names]
    quoted = [connection.dialect.identifier_preparer.quote(name) for name in columns]
    values = [names.get(name, f"pattern.{quote}") for name, quote in zip(columns, quoted, strict=True)]
    connection.execute(
        text(
            f"INSERT INTO {table.name} ({', '.join(quoted)}) "
            "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < :count) "
            f"SELECT {', '.join(values)} FROM {table.name} AS pattern, numbers"
        ),
        {"count": count},
    )


def _settle(store: Store) -> None:
    """Do now what the database would do at some later moment, so that it does not fall into a measurement."""
    if store.is_sqlite:
        with closing(sqlite3.connect(str(store.engine.url.database))) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    else:
        with store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM ANALYZE"))
            connection.execute(text("CHECKPOINT"))
