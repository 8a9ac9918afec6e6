"""Customers from a CSV file of the team's own, read again when it changes."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Final

from bridge.enrichment.source import Reading, SourceFault, identity
from bridge.model import Requester

MAX_BYTES: Final = 50_000_000
"""A larger file is refused: it is held in memory, and a query answers faster."""

Row = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class _Table:
    stamp: tuple[int, int, int]
    as_of: datetime
    rows: Mapping[str, Row]


class CsvFile:
    """Rows by one column: `key` says what the column `column` holds (a word of `IDENTITY`).

    Letter case of keys does not matter; of two rows with one key the upper one holds.
    """

    def __init__(self, path: Path, *, key: str, column: str) -> None:
        self.name = path.name
        self._path = path
        self._key = key
        self._column = column
        self._lock = Lock()
        self._table: _Table | None = None

    def suffices(self, requester: Requester) -> bool:
        """True where the key is known."""
        return self._key in identity(requester)

    def look_up(self, requester: Requester, as_of: datetime) -> Reading:
        """The row of the requester, true since the file was last changed. Raises SourceFault."""
        del as_of
        table = self._current()
        key = identity(requester).get(self._key, "")
        return Reading(table.rows.get(key.casefold(), {}), table.as_of)

    def close(self) -> None:
        """Nothing to give back: the file is open only while it is read."""

    def _current(self) -> _Table:
        with self._lock:
            try:
                stamp = self._stamp()
                if self._table is None or self._table.stamp != stamp:
                    self._table = self._read(stamp)
            except OSError as error:
                raise SourceFault(f"the file cannot be read ({error.strerror})") from error
            except (UnicodeDecodeError, csv.Error) as error:
                raise SourceFault("the file is not CSV in UTF-8") from error
            return self._table

    def _stamp(self) -> tuple[int, int, int]:
        status = self._path.stat()
        if status.st_size > MAX_BYTES:
            raise SourceFault(f"the file is larger than {MAX_BYTES:,} bytes")
        return status.st_mtime_ns, status.st_size, status.st_ino

    def _read(self, stamp: tuple[int, int, int]) -> _Table:
        rows: dict[str, Row] = {}
        with self._path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream)
            if self._column not in (reader.fieldnames or ()):
                raise SourceFault(f"the file has no column '{self._column}'")
            for row in reader:
                rows.setdefault((row[self._column] or "").strip().casefold(), row)
        rows.pop("", None)
        return _Table(stamp, datetime.fromtimestamp(stamp[0] / 1e9, UTC), rows)
