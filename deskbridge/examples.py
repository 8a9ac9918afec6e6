"""Labelled tickets from a CSV file of anybody's making, and texts from one or from plain lines."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from bridge.errors import DeskbridgeError
from bridge.triage.intent import Example
from bridge.yamlfile import nearest

_DELIMITERS: Final = ",;\t|"
_MAX_FIELD: Final = 10_000_000
"""Characters of one field: a ticket with its whole thread fits, a quotation mark that is never closed does not."""

_END: Final = "\0"
"""A row that no table has."""

Row = dict[str, str | None]


class BadTable(DeskbridgeError):
    """A file cannot be read as a table of tickets."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Which columns hold what; `time` (ISO 8601, UTC where it has no zone) and `thread` may be left out."""

    text: str = "text"
    label: str = "label"
    time: str | None = None
    thread: str | None = None


def labelled(path: Path, columns: Columns) -> list[Example]:
    """The tickets of a CSV file; a row without text or label is kept, to be left out by who learns. Raises BadTable."""
    wanted = [name for name in (columns.text, columns.label, columns.time, columns.thread) if name is not None]
    return [
        Example(
            text=row[columns.text] or "",
            label=row[columns.label] or "",
            ref=f"row {number}",
            thread=(row[columns.thread] or "").strip() if columns.thread else "",
            at=_time(path, number, row[columns.time]) if columns.time else None,
        )
        for number, row in _rows(path, wanted)
    ]


def texts(path: Path, column: str) -> list[str]:
    """The texts in a column of a CSV file, or, where it has no such column, its lines. Raises BadTable."""
    content = _content(path)
    if column in _header(content):
        return [row[column] or "" for _, row in _rows(path, [column])]
    return [line for line in content.splitlines() if line.strip()]


def _rows(path: Path, wanted: list[str]) -> Iterator[tuple[int, Row]]:
    """Each row with its number, by which the header is row 1."""
    content = _content(path)
    delimiter, header = _delimiter(content), _header(content)
    for name in wanted:
        _require(path, name, header)
    _require_sound(path, content, delimiter)
    yield from enumerate(csv.DictReader(io.StringIO(content, newline=""), delimiter=delimiter), 2)


def _require(path: Path, name: str, header: list[str]) -> None:
    if name not in header:
        near = nearest(name, header) or f"it has {', '.join(map(repr, header)) or 'none'}"
        raise BadTable(f"{path} has no column '{name}'; {near}")
    if header.count(name) > 1:
        raise BadTable(f"{path} has {header.count(name)} columns '{name}'; give each a name of its own")


def _require_sound(path: Path, content: str, delimiter: str) -> None:
    """Refuse what is no CSV; where a quotation mark is still open at the end, a row put there is none of its own."""
    csv.field_size_limit(_MAX_FIELD)
    reader = csv.reader(io.StringIO(f"{content}\n{_END}", newline=""), delimiter=delimiter)
    last, begins, ends = list[str](), 0, 0
    try:
        for row in reader:
            last, begins, ends = row, ends, reader.line_num
    except csv.Error as error:
        raise BadTable(f"{path} is not sound CSV near line {reader.line_num}: {error}") from error
    if last != [_END]:
        raise BadTable(f"{path}, line {begins + 1}: a quotation mark is opened in this row and never closed")


def _content(path: Path) -> str:
    try:
        content = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise BadTable(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise BadTable(f"{path} is not UTF-8 (line {line}); save it as UTF-8") from error
    if not content.strip():
        raise BadTable(f"{path} is empty; the first row names the columns, each other row is a ticket")
    return content


def _header(content: str) -> list[str]:
    return next(csv.reader(io.StringIO(content, newline=""), delimiter=_delimiter(content)), [])


def _delimiter(content: str) -> str:
    first = content.partition("\n")[0]
    return max(_DELIMITERS, key=first.count)


def _time(path: Path, row: int, written: str | None) -> datetime:
    try:
        at = datetime.fromisoformat((written or "").strip())
    except ValueError as error:
        raise BadTable(f"{path}, row {row}: the time is not ISO 8601, such as 2026-05-03T10:00:00Z") from error
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)
