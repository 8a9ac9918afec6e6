"""What every test may ask for: a database of each engine, and a clock that is turned by hand."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import structlog
from hypothesis import HealthCheck, settings
from sqlalchemy import text

from benchmarks.processes import POSTGRESQL, postgresql_server
from bridge.store import Store

settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")  # how long an example takes tells how busy the machine is


class Clock:
    """A clock that stands still until it is turned."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 3, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def unix(self) -> float:
        """The time as a sandbox desk wants it."""
        return self.now.timestamp()

    def turn(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture(autouse=True)
def logs_as_they_were() -> Iterator[None]:
    """Commands and benchmarks set the logs up for their process, which here is everybody's."""
    yield
    structlog.reset_defaults()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a real PostgreSQL server, started from a wheel."""
    if not POSTGRESQL:
        pytest.skip("PostgreSQL's wheel is not built for this machine")
    with postgresql_server(tmp_path_factory.mktemp("postgresql")) as server:
        yield server.new("tests")


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with its tables and nothing in them, to be copied: making one takes longer than most tests."""
    path = tmp_path_factory.mktemp("empty") / "deskbridge.db"
    store = Store(f"sqlite:///{path}")
    store.migrate()
    store.close()
    return path


@pytest.fixture
def sqlite_store(tmp_path: Path) -> Iterator[Store]:
    store = Store(f"sqlite:///{tmp_path}/bridge.sqlite3")
    store.migrate()
    yield store
    store.close()


@pytest.fixture
def postgresql_store(postgresql: str) -> Iterator[Store]:
    store = Store(postgresql)
    with store.writing() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    store.migrate()
    yield store
    store.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest) -> Store:
    """A migrated, empty database; the test runs once on each engine."""
    found: Store = request.getfixturevalue(f"{request.param}_store")
    return found
