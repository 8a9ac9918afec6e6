"""The inbox: deliveries that were answered 2xx, kept once each, waiting until their ticket is worked on."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, select, update

from bridge.model import Delivery, EventKind
from bridge.store import mailbox
from bridge.store.retention import unpacked
from bridge.store.session import Store, insertion
from bridge.store.tables import deliveries


@dataclass(frozen=True, slots=True)
class Arrival:
    """A delivery about to be kept. `ticket` None: it concerns no ticket and is kept for a person, `words` saying why.

    `due_at` is when the ticket should be looked at.
    """

    delivery: Delivery
    ticket: str | None
    kinds: str
    due_at: datetime
    words: str | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """A kept delivery and its row's number."""

    id: int
    delivery: Delivery


def keep(store: Store, arrivals: Sequence[Arrival]) -> list[bool]:
    """Commit the arrivals in one transaction; for each, whether it is new (False: had before, by its dedupe key)."""
    with store.writing() as connection:
        return add(store, connection, arrivals, rank=mailbox.TOLD)


def add(store: Store, connection: Connection, arrivals: Sequence[Arrival], *, rank: int) -> list[bool]:
    """Put arrivals into the inbox and wake their tickets with that rank (`mailbox.RANKS`); for each, whether new."""
    rows = {(a.delivery.desk, a.delivery.dedupe_key): a for a in arrivals}
    if not rows:
        return []
    added = connection.execute(_adding(store.is_sqlite), [_row(arrival) for arrival in rows.values()])
    fresh = {(desk, key) for desk, key in added}
    due: dict[tuple[str, str], datetime] = {}
    for key in fresh:
        arrival = rows[key]
        if arrival.ticket is not None:
            at = (arrival.delivery.desk, arrival.ticket)
            due[at] = min(arrival.due_at, due.get(at, arrival.due_at))
    mailbox.wake(store, connection, due, rank=rank)
    return [
        (a.delivery.desk, a.delivery.dedupe_key) in fresh and rows[a.delivery.desk, a.delivery.dedupe_key] is a
        for a in arrivals
    ]


@cache
def _adding(is_sqlite: bool) -> Any:
    statement = insertion(deliveries, is_sqlite=is_sqlite).on_conflict_do_nothing(index_elements=["desk", "dedupe_key"])
    return statement.returning(deliveries.c.desk, deliveries.c.dedupe_key)


_WAITING = (
    select(deliveries)
    .where(
        deliveries.c.desk == bindparam("of_desk"),
        deliveries.c.ticket == bindparam("of_ticket"),
        deliveries.c.state == "waiting",
    )
    .order_by(deliveries.c.id)
)
_ANY_WAITING = _WAITING.with_only_columns(deliveries.c.id).limit(1)
_OF_KIND = (
    select(deliveries)
    .where(
        deliveries.c.desk == bindparam("of_desk"),
        deliveries.c.ticket.in_(bindparam("ids", expanding=True)),
        deliveries.c.state == "waiting",
        deliveries.c.kinds.contains(bindparam("kind")),
    )
    .order_by(deliveries.c.id)
)
_SETTLE = (
    update(deliveries)
    .where(deliveries.c.id.in_(bindparam("ids", expanding=True)))
    .values(state=bindparam("as_state"), settled_at=bindparam("now"), words=bindparam("because"))
)
"""Built once: for every event, building a statement costs more than running it."""


def has_waiting(connection: Connection, desk: str, ticket: str) -> bool:
    """Whether a delivery waits for a ticket."""
    return connection.execute(_ANY_WAITING, {"of_desk": desk, "of_ticket": ticket}).first() is not None


def waiting(connection: Connection, desk: str, ticket: str) -> list[Waiting]:
    """The deliveries of one ticket that wait, in the order of their arrival."""
    return [_kept(row) for row in connection.execute(_WAITING, {"of_desk": desk, "of_ticket": ticket})]


def of_kind(connection: Connection, desk: str, tickets: Sequence[str], kind: EventKind) -> list[Waiting]:
    """The deliveries of a desk's tickets that wait and tell of such an event."""
    return [_kept(row) for row in connection.execute(_OF_KIND, {"of_desk": desk, "ids": tickets, "kind": kind.value})]


def _kept(row: Row[Any]) -> Waiting:
    body, headers = unpacked(row.body, row.packed), json.loads(row.headers)
    return Waiting(row.id, Delivery(row.desk, row.dedupe_key, body, headers, row.received_at))


def settle(connection: Connection, ids: Sequence[int], now: datetime, *, words: str | None = None) -> None:
    """Mark deliveries as done, or as parked where `words` say why they could not be."""
    if ids:
        state = "done" if words is None else "parked"
        connection.execute(_SETTLE, {"ids": ids, "as_state": state, "now": now, "because": words})


def backlog(connection: Connection) -> int:
    """How many deliveries wait."""
    count = select(func.count()).select_from(deliveries).where(deliveries.c.state == "waiting")
    return int(connection.execute(count).scalar_one())


def _row(arrival: Arrival) -> dict[str, object]:
    delivery = arrival.delivery
    return {
        "desk": delivery.desk,
        "dedupe_key": delivery.dedupe_key,
        "ticket": arrival.ticket,
        "kinds": arrival.kinds,
        "state": "unknown" if arrival.ticket is None else "waiting",
        "received_at": delivery.received_at,
        "headers": json.dumps(dict(delivery.headers)),
        "body": delivery.body,
        "words": arrival.words,
    }
