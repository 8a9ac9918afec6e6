"""The SQL of a piece of work as the SQLite driver saw it, and what the same SQL costs alone."""

import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event


@dataclass(frozen=True, slots=True)
class Statement:
    """One call of the driver; `many` where `parameters` is a list of them."""

    text: str
    parameters: Any = ()
    many: bool = False


@contextmanager
def listening(engine: Engine) -> Iterator[list[Statement]]:
    """Every statement that the engine sends until the block ends, the ends of transactions among them."""
    heard: list[Statement] = []

    def executed(_connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, many: bool) -> None:
        heard.append(Statement(statement, parameters, many))

    def committed(_connection: Any) -> None:
        heard.append(Statement("COMMIT"))

    def undone(_connection: Any) -> None:
        heard.append(Statement("ROLLBACK"))

    listeners = (("before_cursor_execute", executed), ("commit", committed), ("rollback", undone))
    for name, listener in listeners:
        event.listen(engine, name, listener)
    try:
        yield heard
    finally:
        for name, listener in listeners:
            event.remove(engine, name, listener)


def replay(file: Path, statements: Sequence[Statement]) -> float:
    """Seconds that the statements take on a SQLite file in the state they were first executed in, nothing between."""
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        begun = time.perf_counter()
        for statement in statements:
            if statement.text.startswith("BEGIN") and connection.in_transaction:
                connection.execute("ROLLBACK")  # the pool undoes what was only read, unheard
            if statement.many:
                connection.executemany(statement.text, statement.parameters)
            else:
                connection.execute(statement.text, statement.parameters).fetchall()
        return time.perf_counter() - begun
