"""The mailboxes: each ticket is held by one worker at a time, by a lease and not by a lock."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Final

from sqlalchemy import Connection, Integer, and_, bindparam, case, exists, func, select, tuple_, update
from sqlalchemy.sql.elements import ColumnElement

from bridge.memory import Memory
from bridge.model import Status, Ticket, TicketRef
from bridge.store import codec
from bridge.store.leases import LeaseLost
from bridge.store.session import Store, insertion
from bridge.store.tables import Instant, tickets

TOLD: Final = 0
POLLED: Final = 1
RANKS: Final = (TOLD, POLLED)
"""Which tickets are looked at first: those a webhook told of, before those that only polling found, however many."""


@dataclass(frozen=True, slots=True)
class Mailbox:
    """A ticket's mailbox as claimed: what we last knew of the ticket and what we remember of its past.

    `rank` is TOLD or POLLED.
    """

    desk: str
    ticket: str
    snapshot: Ticket | None
    memory: Memory
    attempts: int
    rank: int


def sooner(one: ColumnElement[datetime], other: ColumnElement[datetime]) -> ColumnElement[datetime]:
    """SQL for the earlier of two times, where an absent one never is."""
    return case((one.is_(None), other), (other.is_(None), one), (one > other, other), else_=one)


_WAITING = and_(tickets.c.due_at <= bindparam("now"), tickets.c.operation.is_(None), tickets.c.lease_owner.is_(None))
_FIRST_RANK = case(*((exists().where(tickets.c.rank == rank, _WAITING), rank) for rank in RANKS))
"""SQL for the first rank in which a ticket waits, NULL where none does; asked rank by rank, as the index has them."""

WAITS: Final = _FIRST_RANK.is_not(None)
"""SQL for whether any ticket is due by `now`, free and without an open write."""

_LOOK = select(_FIRST_RANK)
_DUE = (
    select(tickets.c.desk, tickets.c.ticket)
    .where(tickets.c.rank == bindparam("of_rank"), _WAITING)
    .order_by(tickets.c.due_at)
    .limit(bindparam("most", type_=Integer))
)
_CLAIM = (
    update(tickets)
    .where(tuple_(tickets.c.desk, tickets.c.ticket).in_(_DUE.with_for_update(skip_locked=True)))
    .values(lease_owner=bindparam("owner"), lease_until=bindparam("until"), due_at=None)
    .returning(tickets)
)
_IS = and_(tickets.c.desk == bindparam("of_desk"), tickets.c.ticket == bindparam("of_ticket"))
_HAND_BACK = (
    update(tickets)
    .where(_IS, tickets.c.lease_owner == bindparam("owner"))
    .values(
        lease_owner=None,
        lease_until=None,
        due_at=sooner(tickets.c.due_at, bindparam("next_look", type_=Instant)),
        snapshot=bindparam("as_seen"),
        memory=bindparam("remembered"),
        operation=bindparam("write"),
        attempts=bindparam("failures"),
        seen_until=func.coalesce(bindparam("read_until", type_=Instant), tickets.c.seen_until),
    )
)
_RECALL = select(tickets.c.snapshot, tickets.c.memory).where(_IS)
_REMEMBER = update(tickets).where(_IS).values(snapshot=bindparam("as_seen"), memory=bindparam("remembered"))
"""Built once: idle workers ask for some of these all the time, and building one costs more than running it."""


def claim(store: Store, owner: str, now: datetime, lease: timedelta, limit: int) -> list[Mailbox]:
    """Take up to `limit` tickets, all of the first rank that has any, which are due, free and without an open write."""
    (rank,) = store.glance(_LOOK, {"now": now}) or (None,)
    if rank is None:
        return []
    wanted = {"of_rank": rank, "now": now, "most": limit, "owner": owner, "until": now + lease}
    with store.writing() as connection:
        rows = connection.execute(_CLAIM, wanted).all()
    return [
        Mailbox(
            row.desk,
            row.ticket,
            _snapshot(row.snapshot),
            _memory(row.memory),
            row.attempts,
            row.rank,
        )
        for row in rows
    ]


_UNTOUCHED = (
    select(tickets.c.ticket)
    .where(
        tickets.c.rank == TOLD,
        tickets.c.desk == bindparam("of_desk"),
        tickets.c.due_at <= bindparam("until"),
        tickets.c.operation.is_(None),
        tickets.c.lease_owner.is_(None),
        tickets.c.snapshot.is_(None),
    )
    .order_by(tickets.c.due_at)
    .limit(bindparam("most", type_=Integer))
)


def untouched(connection: Connection, desk: str, until: datetime, most: int) -> list[str]:
    """The ids of a desk's tickets that a webhook told of, nobody has looked at yet, and are due by then; first ones
    first.
    """
    return list(connection.execute(_UNTOUCHED, {"of_desk": desk, "until": until, "most": most}).scalars())


def hand_back(
    connection: Connection,
    owner: str,
    mailbox: Mailbox,
    *,
    due_at: datetime | None,
    snapshot: Ticket | None,
    memory: Memory,
    operation: str | None = None,
    attempts: int = 0,
    seen_until: datetime | None = None,
) -> None:
    """Store what was learnt and let the ticket go. Raises LeaseLost where it is no longer `owner`'s.

    `due_at` None: nothing more to do until the next delivery; one that came meanwhile keeps its own due time.
    `seen_until` None: no read has seen more than those before.
    """
    done = connection.execute(
        _HAND_BACK,
        {
            "of_desk": mailbox.desk,
            "of_ticket": mailbox.ticket,
            "owner": owner,
            "next_look": due_at,
            "as_seen": codec.dump(snapshot) if snapshot else None,
            "remembered": codec.dump(memory),
            "write": operation,
            "failures": attempts,
            "read_until": seen_until,
        },
    )
    if done.rowcount != 1:
        raise LeaseLost(f"{mailbox.desk}:{mailbox.ticket}")


def recall(connection: Connection, ref: TicketRef) -> tuple[Ticket | None, Memory]:
    """What is known and remembered of a ticket."""
    row = connection.execute(_RECALL, {"of_desk": ref.desk, "of_ticket": ref.id}).first()
    if row is None:
        return None, Memory()
    return _snapshot(row.snapshot), _memory(row.memory)


def remember(connection: Connection, ref: TicketRef, snapshot: Ticket | None, memory: Memory) -> None:
    """Replace what is known and remembered of a ticket, for the one whose operation keeps it busy."""
    said = {"as_seen": codec.dump(snapshot) if snapshot else None, "remembered": codec.dump(memory)}
    connection.execute(_REMEMBER, {"of_desk": ref.desk, "of_ticket": ref.id, **said})


def wake(store: Store, connection: Connection, due: Mapping[tuple[str, str], datetime], *, rank: int = TOLD) -> None:
    """Have each ticket, named by desk and id, looked at by its time, or earlier where it is due earlier already.

    A ticket that waits keeps the better of its old rank and the new one.
    """
    if not due:
        return
    rows = [{"desk": desk, "ticket": ticket, "due_at": at, "rank": rank} for (desk, ticket), at in sorted(due.items())]
    connection.execute(_waking(store.is_sqlite), rows)
    store.announce(connection)


@cache
def _waking(is_sqlite: bool) -> Any:
    statement = insertion(tickets, is_sqlite=is_sqlite)
    waits_better = and_(tickets.c.due_at.is_not(None), tickets.c.rank < statement.excluded.rank)
    return statement.on_conflict_do_update(
        index_elements=["desk", "ticket"],
        set_={
            "due_at": sooner(tickets.c.due_at, statement.excluded.due_at),
            "rank": case((waits_better, tickets.c.rank), else_=statement.excluded.rank),
        },
    )


@dataclass(frozen=True, slots=True)
class Known:
    """What there is about a ticket: until when it was seen, and how it stood then (None: it was not read yet)."""

    seen_until: datetime | None
    status: Status | None


def known(connection: Connection, desk: str, ids: Iterable[str]) -> dict[str, Known]:
    """What there is about those of a desk's tickets that have a mailbox, by id."""
    rows = connection.execute(
        select(tickets.c.ticket, tickets.c.seen_until, tickets.c.snapshot).where(
            tickets.c.desk == desk, tickets.c.ticket.in_(set(ids))
        )
    )
    return {row.ticket: Known(row.seen_until, _status(row.snapshot)) for row in rows}


def adopt(store: Store, connection: Connection, found: Sequence[tuple[Ticket, Memory, datetime | None]]) -> None:
    """Open mailboxes for tickets that need no look, each with its memory and how far it was seen; others stay."""
    rows = [
        {
            "desk": ticket.ref.desk,
            "ticket": ticket.ref.id,
            "snapshot": codec.dump(ticket),
            "memory": codec.dump(memory),
            "seen_until": seen_until,
        }
        for ticket, memory, seen_until in sorted(found, key=lambda each: each[0].ref.id)
    ]
    if rows:
        statement = store.insert(tickets).on_conflict_do_nothing(index_elements=["desk", "ticket"])
        connection.execute(statement, rows)


def _status(text: str | None) -> Status | None:
    found = _snapshot(text)
    return found.status if found else None


def _snapshot(text: str | None) -> Ticket | None:
    return codec.parse(Ticket, text) if text else None


def _memory(text: str | None) -> Memory:
    return codec.parse(Memory, text) if text else Memory()
