"""The articles of help centres as they were last read from the desks, and how far a reading under way has come."""

import zlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection, delete, select, true, tuple_
from sqlalchemy.sql.elements import ColumnElement

from bridge.ports import Article
from bridge.store import codec
from bridge.store.session import Store
from bridge.store.tables import help_centers


@dataclass(frozen=True, slots=True)
class Place:
    """A help centre: of which desk, in which language (None: each article in its main one)."""

    desk: str
    locale: str | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """When to read on and where (None: from the start), and what was found before there."""

    due_at: datetime
    cursor: str | None = None
    found: tuple[Article, ...] = ()


@dataclass(frozen=True, slots=True)
class _Packed:
    articles: tuple[Article, ...]


def load(connection: Connection, place: Place) -> Reading | None:
    """How far a help centre was read, None where nobody has begun."""
    row = connection.execute(select(help_centers).where(_at(place))).first()
    return Reading(row.due_at, row.cursor, _unpacked(row.partly)) if row is not None else None


def go_on(store: Store, place: Place, reading: Reading, *, words: str | None) -> None:
    """Keep how far a reading came; `words` say what kept it from its end, if that is for a person to know."""
    partly = zlib.compress(_text(reading.found)) if reading.cursor is not None else None
    _keep(store, place, due_at=reading.due_at, cursor=reading.cursor, partly=partly, words=words)


def finish(store: Store, place: Place, articles: Sequence[Article], *, due_at: datetime, words: str | None) -> None:
    """Keep the articles of a reading that came to its end, in place of those of the one before."""
    text = _text(tuple(articles))
    whole = {"articles": zlib.compress(text), "digest": sha256(text).hexdigest()}
    _keep(store, place, due_at=due_at, cursor=None, partly=None, words=words, **whole)


def digest(connection: Connection, place: Place) -> str | None:
    """What differs once an article does, None before the first reading came to its end."""
    return connection.scalar(select(help_centers.c.digest).where(_at(place)))


def articles(connection: Connection, place: Place) -> list[Article]:
    """The articles as they were last read whole."""
    return list(_unpacked(connection.scalar(select(help_centers.c.articles).where(_at(place)))))


def faults(connection: Connection) -> list[str]:
    """Why help centres could not be read when that was last tried."""
    rows = connection.execute(select(help_centers.c.words).where(help_centers.c.words.is_not(None)))
    return sorted(rows.scalars())


def forget_others(connection: Connection, places: Collection[Place]) -> None:
    """Drop what was read of help centres that are none of these."""
    kept = [(place.desk, place.locale or "") for place in places]
    others = tuple_(help_centers.c.desk, help_centers.c.locale).not_in(kept) if kept else true()
    connection.execute(delete(help_centers).where(others))


def _keep(store: Store, place: Place, **row: Any) -> None:
    with store.writing() as connection:
        new = store.insert(help_centers).values(desk=place.desk, locale=place.locale or "", **row)
        connection.execute(new.on_conflict_do_update(index_elements=["desk", "locale"], set_=row))


def _at(place: Place) -> ColumnElement[bool]:
    return (help_centers.c.desk == place.desk) & (help_centers.c.locale == (place.locale or ""))


def _text(found: tuple[Article, ...]) -> bytes:
    return codec.dump(_Packed(found)).encode()


def _unpacked(body: bytes | None) -> tuple[Article, ...]:
    return codec.parse(_Packed, zlib.decompress(body).decode()).articles if body is not None else ()
