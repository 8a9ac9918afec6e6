"""Customers from a database of the team's own, by their own query, in a connection that cannot write."""

import sqlite3
import time
from datetime import datetime
from pathlib import Path
from typing import Final, cast
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, QueuePool, create_engine, event, text
from sqlalchemy.exc import SQLAlchemyError

from bridge.enrichment.source import IDENTITY, Reading, SourceFault, identity
from bridge.model import Requester
from bridge.ports import Clock

_CONNECTIONS: Final = 2
_STEPS_BETWEEN_LOOKS: Final = 10_000
"""SQLite instructions between two looks at the clock: under a millisecond."""


class SqlQuery:
    """The only row that a query gives for a customer; it may use `:email`, `:domain`, `:organisation`, `:external_id`.

    `timeout` is in seconds, for connecting and for the query each.
    """

    def __init__(self, url: URL, query: str, *, timeout: float, clock: Clock) -> None:
        self.name = f"sql {Path(url.database or '').name}"
        self._query = text(query)
        self._uses = parameters(query)
        self._clock = clock
        self._engine = _sqlite(url, timeout) if url.get_backend_name() == "sqlite" else _postgresql(url, timeout)

    def suffices(self, requester: Requester) -> bool:
        """True where everything that the query uses is known."""
        return self._uses <= identity(requester).keys()

    def look_up(self, requester: Requester, as_of: datetime) -> Reading:
        """The row by its column names; what is not known of the requester is NULL. Raises SourceFault."""
        del as_of
        now, known = self._clock(), identity(requester)
        asked = {word: known.get(word) for word in self._uses}
        try:
            with self._engine.connect() as connection:
                rows = connection.execute(self._query, asked).mappings().fetchmany(2)
        except SQLAlchemyError as error:
            raise SourceFault(f"the database did not answer ({type(error).__name__})") from None
        if len(rows) > 1:
            raise SourceFault("the query gave more than one row")
        return Reading(dict(rows[0]) if rows else {}, now)

    def close(self) -> None:
        """Close the connections."""
        self._engine.dispose()


def parameters(query: str) -> frozenset[str]:
    """The names of a query's bound parameters. Raises ValueError for one not in `IDENTITY`, or where there is none."""
    names = frozenset(text(query).compile().params)
    wrong = sorted(names - set(IDENTITY))
    if wrong or not names:
        told = f"knows no :{wrong[0]}" if wrong else "asks for nobody"
        raise ValueError(f"the query {told}; it can use :{', :'.join(IDENTITY)}")
    return names


def _postgresql(url: URL, timeout: float) -> Engine:
    options = f"-c default_transaction_read_only=on -c statement_timeout={round(timeout * 1000)}"
    return create_engine(
        url.set(drivername="postgresql+psycopg"),
        connect_args={"connect_timeout": max(2, round(timeout)), "options": options},
        pool_size=_CONNECTIONS,
        max_overflow=0,
        pool_timeout=timeout,
        pool_pre_ping=True,
    )


def _sqlite(url: URL, timeout: float) -> Engine:
    address = f"file:{quote(url.database or '')}?mode=ro"

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(address, uri=True, timeout=timeout, check_same_thread=False)

    engine = create_engine("sqlite://", creator=connect, poolclass=QueuePool, pool_size=_CONNECTIONS, max_overflow=0)

    @event.listens_for(engine, "before_cursor_execute")
    def limit(connection: Connection, *_: object) -> None:
        until = time.monotonic() + timeout
        raw = cast("sqlite3.Connection", connection.connection.driver_connection)
        raw.set_progress_handler(lambda: time.monotonic() > until, _STEPS_BETWEEN_LOOKS)

    return engine
