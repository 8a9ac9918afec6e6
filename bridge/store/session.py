"""The database: one engine, transactions that read and transactions that write, migrations."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, Engine, Executable, Row, Table, create_engine, event, make_url, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnection
from sqlalchemy.pool import ConnectionPoolEntry

from bridge.errors import DeskbridgeError
from bridge.store.onehost import OneHost

_MIGRATIONS = Path(__file__).with_name("migrations")
CHANNEL = "deskbridge"
"""Where PostgreSQL's LISTEN and NOTIFY meet."""

_MIGRATION_LOCK = 0x6465736B  # "desk": any number, the same in every process
_BUSY_MS = 30_000
_CONNECT_SECONDS = 10
_SILENT_MS = 15_000
"""A PostgreSQL that a cut network hides is given up, so that no thread waits for it for good."""


AWAY: Final = (OperationalError, InterfaceError, NoConnection)
"""What SQLAlchemy raises while the database is away, full or too busy: a matter of time, not of what was asked."""


class DatabaseUnusable(DeskbridgeError):
    """The database cannot be opened or brought to this release's shape; the words are the driver's."""


class Store:
    """A SQLite file (WAL) or a PostgreSQL database behind the same two doors, `reading` and `writing`.

    `durability` "full" (the default) has SQLite sync every commit to disk; "normal" may lose the last commits in a
    power cut, never in a crash of the process. PostgreSQL keeps its own setting.

    A process keeps up to `connections`, and for a moment half as many more: transactions are short, and PostgreSQL
    takes 100 from all processes together unless it is told otherwise.
    """

    def __init__(self, url: str, *, durability: str = "full", connections: int = 8) -> None:
        parsed = make_url(url)
        if parsed.drivername in {"postgresql", "postgres"}:
            parsed = parsed.set(drivername="postgresql+psycopg")
        self.is_sqlite = parsed.get_backend_name() == "sqlite"
        file = parsed.database if self.is_sqlite else None
        self._host = OneHost(Path(file)) if file and not file.startswith((":", "file:")) else None
        self._one_writer = threading.Lock()
        self._transactions = threading.local()
        self.engine = (
            _sqlite(create_engine(parsed, pool_size=connections, max_overflow=connections // 2), durability)
            if self.is_sqlite
            else _postgresql(
                create_engine(
                    parsed,
                    pool_size=connections,
                    max_overflow=connections // 2,
                    connect_args={"connect_timeout": _CONNECT_SECONDS, "tcp_user_timeout": _SILENT_MS},
                )
            )
        )
        self._glancing = self.engine.execution_options(isolation_level="AUTOCOMMIT")

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection that sees one consistent state and writes nothing."""
        with self.engine.connect() as connection, self._open():
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction, committed at the end of the block and undone by any exception.

        SQLite admits one writer: ours take turns here instead of meeting `database is locked`.
        """
        if not self.is_sqlite:
            with self.engine.begin() as connection, self._open():
                yield connection
            return
        with (
            self._one_writer,
            self.engine.connect() as connection,
            connection.execution_options(writes=True).begin(),
            self._open(),
        ):
            yield connection

    def glance(self, statement: Executable, given: Mapping[str, object]) -> Row[Any] | None:
        """The first row of a question that stands alone: on PostgreSQL asked without a transaction around it, which
        would make three questions of one.
        """
        if self.is_sqlite:
            with self.reading() as connection:
                return connection.execute(statement, given).first()
        with self._glancing.connect() as connection:
            return connection.execute(statement, given).first()

    @property
    def in_transaction(self) -> bool:
        """True where the calling thread holds a transaction: nothing may call the network then."""
        return bool(getattr(self._transactions, "depth", 0))

    @contextmanager
    def _open(self) -> Iterator[None]:
        self._transactions.depth = getattr(self._transactions, "depth", 0) + 1
        try:
            yield
        finally:
            self._transactions.depth -= 1

    def insert(self, table: Table) -> Any:
        """An INSERT of this engine's dialect, which knows `on_conflict_do_nothing` and `on_conflict_do_update`."""
        return insertion(table, is_sqlite=self.is_sqlite)

    @property
    def conninfo(self) -> str:
        """PostgreSQL's address as its own library takes it, password included."""
        return self.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)

    def announce(self, connection: Connection) -> None:
        """Tell every process that there is work, once this transaction commits (`bridge.store.ear`)."""
        if not self.is_sqlite:
            connection.execute(text("SELECT pg_notify(:channel, '')"), {"channel": CHANNEL})

    def migrate(self) -> None:
        """Bring the tables to this release's shape, keeping the data; harmless when several processes start at once.

        Raises DatabaseUnusable, and AnotherHost where that is a SQLite file which another host uses.
        """
        if self._host is not None:
            self._host.enter()
        config = Config()
        config.set_main_option("script_location", str(_MIGRATIONS))
        try:
            with self.writing() as connection:
                if not self.is_sqlite:
                    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
                config.attributes["connection"] = connection
                command.upgrade(config, "head")
        except (DBAPIError, CommandError) as error:
            where = self.engine.url.render_as_string(hide_password=True)
            words = error.orig if isinstance(error, DBAPIError) else error
            raise DatabaseUnusable(f"the database {where} cannot be used: {words}") from error

    def shape(self) -> tuple[str | None, str]:
        """The revision that the tables are of (None where there are none), and this release's. Nothing is written."""
        config = Config()
        config.set_main_option("script_location", str(_MIGRATIONS))
        newest = str(ScriptDirectory.from_config(config).get_current_head())
        with self.reading() as connection:
            return MigrationContext.configure(connection).get_current_revision(), newest

    def ping(self) -> None:
        """Ask the database for a sign of life. Raises what SQLAlchemy raises where there is none."""
        with self.reading() as connection:
            connection.execute(text("SELECT 1"))

    def close(self) -> None:
        """Give back every connection."""
        self.engine.dispose()
        if self._host is not None:
            self._host.leave()


_VANISHED: Final = {
    "idle_in_transaction_session_timeout": 5_000,
    "tcp_user_timeout": _SILENT_MS,
    "tcp_keepalives_idle": 5,
    "tcp_keepalives_interval": 5,
    "tcp_keepalives_count": 2,
}
"""Has the server give up a host that a cut network took away, which by itself takes it two hours (milliseconds, then
seconds): until then a transaction that it left open keeps its locks, and every other host waits. None of ours waits for
anything but the database."""


def _postgresql(engine: Engine) -> Engine:
    @event.listens_for(engine, "connect")
    def prepare(connection: Any, entry: ConnectionPoolEntry) -> None:
        del entry
        for name, value in _VANISHED.items():
            connection.execute(f"SET {name} = {value}")
        connection.commit()

    return engine


def insertion(table: Table, *, is_sqlite: bool) -> Any:
    """`Store.insert` for those who build a statement once for each engine."""
    return sqlite.insert(table) if is_sqlite else postgresql.insert(table)


def _sqlite(engine: Engine, durability: str) -> Engine:
    synchronous = {"full": "FULL", "normal": "NORMAL"}[durability]

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, entry: ConnectionPoolEntry) -> None:
        del entry
        connection.isolation_level = None  # the driver would otherwise begin late, after the first read
        connection.execute(f"PRAGMA busy_timeout = {_BUSY_MS}")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = {synchronous}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("writes")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine
