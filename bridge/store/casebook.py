"""What an operator looks at and acts on: deliveries, operations and callouts by state, tried again or put aside."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection, Select, case, literal, select, union_all, update

from bridge.errors import DeskbridgeError
from bridge.model import TicketRef
from bridge.store import mailbox
from bridge.store.callouts import PATIENCE
from bridge.store.retention import unpacked
from bridge.store.session import Store
from bridge.store.tables import callouts, deliveries, operations, steps, tickets

STATES = ("waiting", "open", "parked", "unknown", "superseded", "dropped", "done")
"""Of deliveries, operations and callouts together; parked and unknown ones need a person."""


class NoSuchEvent(DeskbridgeError):
    """Nothing has that id, or it is not in a state in which that can be done."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A delivery (`id` d and a number), an operation (a ULID) or a callout (w and a ULID), in one line."""

    id: str
    state: str
    desk: str
    ticket: str | None
    what: str
    at: datetime
    words: str | None


def entries(
    connection: Connection,
    *,
    states: Sequence[str],
    desk: str | None = None,
    ticket: str | None = None,
    limit: int = 100,
) -> list[Entry]:
    """The newest entries in these states, newest first."""
    all_of_them = union_all(_deliveries(), _operations(), _callouts()).subquery()
    query = (
        select(all_of_them)
        .where(all_of_them.c.state.in_(states))
        .order_by(all_of_them.c.at.desc(), all_of_them.c.id.desc())
        .limit(limit)
    )
    if desk is not None:
        query = query.where(all_of_them.c.desk == desk)
    if ticket is not None:
        query = query.where(all_of_them.c.ticket == ticket)
    return [Entry(*row) for row in connection.execute(query)]


def entry(connection: Connection, wanted: str) -> Entry:
    """One entry. Raises NoSuchEvent."""
    all_of_them = union_all(_deliveries(), _operations(), _callouts()).subquery()
    row = connection.execute(select(all_of_them).where(all_of_them.c.id == wanted)).first()
    if row is None:
        raise NoSuchEvent(f"there is no event '{wanted}'; `deskbridge events list --state all` shows all there are")
    return Entry(*row)


def idle(connection: Connection) -> bool:
    """True where nothing waits, is being worked on or remains to be written or sent."""
    busy = (
        select(deliveries.c.id).where(deliveries.c.state == "waiting"),
        select(operations.c.id).where(operations.c.state == "open"),
        select(callouts.c.id).where(callouts.c.state == "open"),
        select(tickets.c.ticket).where(tickets.c.due_at.is_not(None)),
        select(tickets.c.ticket).where(tickets.c.lease_owner.is_not(None)),
    )
    return all(connection.execute(rows.limit(1)).first() is None for rows in busy)


def payload(connection: Connection, event: str) -> bytes:
    """The body of a delivery as it came, or of a callout as it goes, by its entry's id; of an operation nothing."""
    if not event.startswith("d"):
        body = connection.execute(select(callouts.c.body).where(callouts.c.id == event)).scalar()
        return (body or "").encode()
    row = connection.execute(
        select(deliveries.c.body, deliveries.c.packed).where(deliveries.c.id == int(event[1:]))
    ).one()
    return unpacked(row.body, row.packed)


def steps_of(connection: Connection, operation: str) -> list[tuple[str, str, str | None]]:
    """Name, state and the vendor's last words of each step of an operation, in order."""
    rows = connection.execute(
        select(steps.c.name, steps.c.state, steps.c.words)
        .where(steps.c.operation == operation)
        .order_by(steps.c.position)
    )
    return [(row.name, row.state, row.words) for row in rows]


def retry(store: Store, wanted: str, now: datetime) -> None:
    """Have a parked entry worked on again: a delivery is read anew, an operation's ticket decided anew, a callout sent
    again under the same id.

    Raises NoSuchEvent where it is not parked.
    """
    with store.writing() as connection:
        found = _parked(connection, wanted)
        assert found.ticket is not None
        if found.id.startswith("w"):
            again = {"state": "open", "due_at": now, "give_up_at": now + PATIENCE, "attempts": 0, "finished_at": None}
            connection.execute(update(callouts).where(callouts.c.id == found.id).values(**again))
            store.announce(connection)
            return
        if found.id.startswith("d"):
            connection.execute(
                update(deliveries)
                .where(deliveries.c.id == int(found.id[1:]))
                .values(state="waiting", settled_at=None, words=None)
            )
        else:
            _decide_anew(connection, TicketRef(found.desk, found.ticket), found.id)
        mailbox.wake(store, connection, {(found.desk, found.ticket): now})


def _decide_anew(connection: Connection, ref: TicketRef, operation: str) -> None:
    connection.execute(
        update(operations).where(operations.c.id == operation).values(state="superseded", words="tried again by hand")
    )
    snapshot, memory = mailbox.recall(connection, ref)
    mailbox.remember(connection, ref, snapshot, replace(memory, conflicts=max(memory.conflicts, 1)))


def discard(store: Store, wanted: str, now: datetime) -> None:
    """Put a parked or unknown entry aside for good. Raises NoSuchEvent where it is neither."""
    with store.writing() as connection:
        found = _parked(connection, wanted, also="unknown")
        if found.id.startswith("d"):
            connection.execute(
                update(deliveries)
                .where(deliveries.c.id == int(found.id[1:]))
                .values(state="done", settled_at=now, words="discarded by hand")
            )
        else:
            table = callouts if found.id.startswith("w") else operations
            dropped = {"state": "dropped", "finished_at": now, "words": "discarded by hand"}
            connection.execute(update(table).where(table.c.id == found.id).values(**dropped))


def _parked(connection: Connection, wanted: str, also: str = "parked") -> Entry:
    found = entry(connection, wanted)
    if found.state not in {"parked", also}:
        raise NoSuchEvent(f"event '{wanted}' is {found.state}: only parked ones can be acted on")
    return found


def _deliveries() -> Select[tuple[str, str, str, str | None, str, datetime, str | None]]:
    return select(
        (literal("d") + deliveries.c.id.cast(deliveries.c.desk.type)).label("id"),
        deliveries.c.state,
        deliveries.c.desk,
        deliveries.c.ticket,
        deliveries.c.kinds.label("what"),
        deliveries.c.received_at.label("at"),
        deliveries.c.words,
    )


def _operations() -> Select[tuple[str, str, str, str | None, str, datetime, str | None]]:
    return select(
        operations.c.id,
        operations.c.state,
        operations.c.desk,
        operations.c.ticket,
        case(
            (operations.c.bulk.is_not(None), literal("write, with others")),
            (operations.c.attempts > 0, literal("write, tried again")),
            else_=literal("write"),
        ).label("what"),
        operations.c.created_at.label("at"),
        operations.c.words,
    )


def _callouts() -> Select[tuple[str, str, str, str | None, str, datetime, str | None]]:
    return select(
        callouts.c.id,
        callouts.c.state,
        callouts.c.desk,
        callouts.c.ticket,
        (literal("call of ") + callouts.c.webhook).label("what"),
        callouts.c.created_at.label("at"),
        callouts.c.words,
    )
