"""Old payloads are packed, then purged with what was done about them; what still waits for anything stays untouched."""

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, delete, select, update

from bridge.store import answers, feedback
from bridge.store.session import Store
from bridge.store.tables import callouts, decisions, deliveries, operations, steps

PACKED_AFTER = timedelta(hours=1)
"""A delivery that was done so long ago is rarely looked at again: its body is compressed."""

FEEDBACK_KEPT = timedelta(days=365)
"""How long what people made of labels is kept, which holds no word of theirs: models are compared over seasons."""

_BATCH = 500
"""Rows a transaction, so that webhooks never wait long for the one writer of SQLite."""

_ENDED = ("done", "superseded", "dropped")


@dataclass(frozen=True, slots=True)
class Tidied:
    """How many payloads were packed, and how many deliveries, operations, callouts and decisions purged."""

    packed: int = 0
    deliveries: int = 0
    operations: int = 0
    callouts: int = 0
    decisions: int = 0


def tidy(store: Store, now: datetime, keep: timedelta) -> Tidied:
    """Pack what is an hour old and purge what is older than `keep`, in small transactions, until nothing is left to do.

    Waiting, parked and unknown deliveries and open and parked operations and callouts stay, however old.
    """
    with store.writing() as connection:
        feedback.forget(connection, now - FEEDBACK_KEPT)
        answers.forget(connection, now - answers.KEPT)
    return Tidied(
        packed=_until_none(store, lambda connection: _pack(connection, now - PACKED_AFTER)),
        deliveries=_until_none(store, lambda connection: _purge_deliveries(connection, now - keep)),
        operations=_until_none(store, lambda connection: _purge_operations(connection, now - keep)),
        callouts=_until_none(store, lambda connection: _purge_callouts(connection, now - keep)),
        decisions=_until_none(store, lambda connection: _purge_decisions(connection, now - keep)),
    )


def unpacked(body: bytes, packed: bool) -> bytes:
    """A delivery's body as it came."""
    return zlib.decompress(body) if packed else body


def _until_none(store: Store, some: Callable[[Connection], int]) -> int:
    count = 0
    while True:
        with store.writing() as connection:
            done = some(connection)
        count += done
        if done < _BATCH:
            return count


def _pack(connection: Connection, before: datetime) -> int:
    old = connection.execute(
        select(deliveries.c.id, deliveries.c.body)
        .where(deliveries.c.state == "done", deliveries.c.packed.is_(False), deliveries.c.settled_at < before)
        .limit(_BATCH)
    ).all()
    if old:
        connection.execute(
            update(deliveries).where(deliveries.c.id == bindparam("row")).values(body=bindparam("small"), packed=True),
            [{"row": row.id, "small": zlib.compress(row.body)} for row in old],
        )
    return len(old)


def _purge_deliveries(connection: Connection, before: datetime) -> int:
    old = select(deliveries.c.id).where(deliveries.c.state == "done", deliveries.c.settled_at < before).limit(_BATCH)
    return connection.execute(delete(deliveries).where(deliveries.c.id.in_(old))).rowcount


def _purge_operations(connection: Connection, before: datetime) -> int:
    ended = select(operations.c.id).where(operations.c.state.in_(_ENDED), operations.c.finished_at < before)
    old = list(connection.execute(ended.limit(_BATCH)).scalars())
    connection.execute(delete(steps).where(steps.c.operation.in_(old)))
    return connection.execute(delete(operations).where(operations.c.id.in_(old))).rowcount


def _purge_callouts(connection: Connection, before: datetime) -> int:
    ended = select(callouts.c.id).where(callouts.c.state.in_(_ENDED), callouts.c.finished_at < before).limit(_BATCH)
    return connection.execute(delete(callouts).where(callouts.c.id.in_(ended))).rowcount


def _purge_decisions(connection: Connection, before: datetime) -> int:
    old = select(decisions.c.id).where(decisions.c.at < before).order_by(decisions.c.at).limit(_BATCH)
    return connection.execute(delete(decisions).where(decisions.c.id.in_(old))).rowcount
