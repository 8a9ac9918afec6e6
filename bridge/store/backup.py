"""Copies of a SQLite database: taken while the bridge works, and put back so that nothing is done twice."""

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Final

from sqlalchemy import make_url, select, update

from bridge.errors import DeskbridgeError
from bridge.model import StepState
from bridge.store.session import Store
from bridge.store.tables import operations, steps

_BUSY_SECONDS: Final = 30.0


class BackupRefused(DeskbridgeError):
    """A copy cannot be taken or put back; the words say what is in the way."""


def file_of(database: str) -> Path:
    """The file of a SQLite address. Raises BackupRefused for any other database."""
    url = make_url(database)
    if url.get_backend_name() != "sqlite" or not url.database:
        where = url.render_as_string(hide_password=True)
        raise BackupRefused(f"{where} is no SQLite file; PostgreSQL is copied with pg_dump (docs/deploy.md)")
    return Path(url.database)


def take(source: Path, target: Path) -> None:
    """Copy the database as it is at one moment, also while it is written to; whoever may read it sees customers' words.

    The copy is one file that only its owner reads, and is there whole or not at all. Raises BackupRefused.
    """
    if not source.exists():
        raise BackupRefused(f"there is no database at {source}")
    if target.exists():
        raise BackupRefused(f"{target} is there already; name a file that is not")
    with _told(target), _half_done(target) as part:
        with closing(_opened(source)) as live, closing(sqlite3.connect(part)) as copy:
            live.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")
        check(part)


def put_back(copy: Path, target: Path) -> Path | None:
    """Put a copy in the place of the database, which nobody may use meanwhile; where the old one is kept, if any was.

    What the copy shows as planned may have happened since: it counts as unclear, so that the desks are asked before it
    is done again. Raises BackupRefused.
    """
    if not copy.exists():
        raise BackupRefused(f"there is no copy at {copy}")
    aside = target.with_name(f"{target.name}.before-restore")
    if aside.exists():
        raise BackupRefused(f"{aside} is there from an earlier restore; move it away first")
    with _told(target):
        check(copy)
        there = target.exists()
        if there:
            _require_unused(target)
        with _half_done(target, over=True) as part:
            shutil.copyfile(copy, part)
            _doubt(part)
            if there:
                os.link(target, aside)
    return aside if there else None


def check(file: Path) -> None:
    """Raises BackupRefused where a file is not a whole database of ours."""
    try:
        with closing(_opened(file)) as connection:
            (verdict,) = connection.execute("PRAGMA quick_check").fetchone()
            connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.DatabaseError as error:
        raise BackupRefused(f"{file} is no database of Deskbridge: {error}") from error
    if verdict != "ok":
        raise BackupRefused(f"{file} is damaged: {verdict}")


def _opened(file: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{file.absolute().as_uri()}?mode=rw", uri=True, timeout=_BUSY_SECONDS)


def _require_unused(file: Path) -> None:
    """Only who is alone can leave SQLite's write-ahead log, which is also what puts all of it into the one file."""
    with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=rw", uri=True, timeout=1.0)) as connection:
        try:
            connection.execute("PRAGMA journal_mode = DELETE")
        except sqlite3.OperationalError as error:
            raise BackupRefused(f"{file} is in use; end `deskbridge serve` and every worker first") from error


def _doubt(file: Path) -> None:
    """Have every write that is open looked for by its marker before it is made."""
    store = Store(f"sqlite:///{file}")
    try:
        store.migrate()
        with store.writing() as connection:
            is_open = steps.c.operation.in_(select(operations.c.id).where(operations.c.state == "open"))
            planned = steps.c.state == StepState.PLANNED
            connection.execute(update(steps).where(is_open, planned).values(state=StepState.STARTED))
            connection.execute(update(operations).where(operations.c.state == "open").values(together=False))
    finally:
        store.close()
    with closing(_opened(file)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")


@contextmanager
def _half_done(target: Path, *, over: bool = False) -> Iterator[Path]:
    """A file beside the target that takes its name once it is whole and on disk, and is gone if it never is."""
    part = target.with_name(f"{target.name}.part")
    part.unlink(missing_ok=True)
    try:
        os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        yield part
        _sync(part)
        if not over and target.exists():
            raise BackupRefused(f"{target} is there already; name a file that is not")
        part.replace(target)
        _sync(target.parent)
    finally:
        for ending in ("", "-wal", "-shm", ".host"):
            part.with_name(part.name + ending).unlink(missing_ok=True)


def _sync(path: Path) -> None:
    with suppress(OSError):  # not every file system syncs a folder
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


@contextmanager
def _told(where: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise BackupRefused(f"cannot write to {where.parent}: {error.strerror}") from error
    except sqlite3.Error as error:
        raise BackupRefused(f"{where} could not be written: {error}") from error
