"""Rosters as last read, and the ledger of capacity promised to tickets but not yet in the desks' own counts."""

from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache, lru_cache
from typing import Any

from sqlalchemy import Connection, and_, delete, func, select, text, update
from sqlalchemy.sql.elements import ColumnElement

from bridge.model import AgentRecord, Roster, TicketRef
from bridge.store import codec, queue
from bridge.store.session import Store, insertion
from bridge.store.tables import reservations, rosters

_LEDGER_LOCK = 0x6C6467  # "ldg": any number, the same in every process

COUNTED_AFTER = timedelta(seconds=5)
"""How long a write may take to show in a desk's own count: search indexes and availability lag behind the ticket."""


def save(store: Store, roster: Roster) -> None:
    """Keep a roster in place of the desk's last, and drop the promises that its own counts contain by now.

    A desk that counts nothing keeps them all, until their tickets are resolved. The matcher is to look at who has room
    and who is at work by now.
    """
    with store.writing() as connection:
        lock_ledger(store, connection)
        roster = _since(roster, load(connection).get(roster.desk))
        row = {"desk": roster.desk, "taken_at": roster.taken_at, "body": codec.dump(roster)}
        statement = store.insert(rosters).values(row)
        connection.execute(
            statement.on_conflict_do_update(
                index_elements=["desk"], set_=row, where=rosters.c.taken_at <= roster.taken_at
            )
        )
        if any(agent.load is not None for agent in roster.agents):
            counted = reservations.c.written_at < roster.taken_at - COUNTED_AFTER
            connection.execute(delete(reservations).where(reservations.c.desk == roster.desk, counted))
        queue.ring(store, connection, roster.taken_at)


def _since(roster: Roster, before: Roster | None) -> Roster:
    """The roster with since when each agent has been in their status, as far as we saw."""
    known = {agent.id: agent for agent in before.agents} if before is not None else {}

    def told(agent: AgentRecord) -> AgentRecord:
        then = known.get(agent.id)
        same = then is not None and then.status is agent.status
        return replace(agent, since=then.since if same and then is not None else roster.taken_at)

    return replace(roster, agents=tuple(map(told, roster.agents)))


_LOAD = select(rosters)
_HELD = (reservations.c.desk, reservations.c.agent)
_PROMISED = select(*_HELD, func.count().label("places")).group_by(*_HELD)
_LOCK = text("SELECT pg_advisory_xact_lock(:key)")
"""Built once: for every event, building a statement costs more than running it."""


def load(connection: Connection) -> dict[str, Roster]:
    """The newest roster of each desk by its name."""
    return {row.desk: _parsed(row.body) for row in connection.execute(_LOAD)}


@lru_cache(maxsize=64)
def _parsed(body: str) -> Roster:
    """A roster is asked for at every event and changes every few seconds at most; its text itself is the key."""
    return codec.parse(Roster, body)


def lock_ledger(store: Store, connection: Connection) -> None:
    """Let one transaction at a time use ledger and rosters together, so that no place is promised twice."""
    if not store.is_sqlite:
        connection.execute(_LOCK, {"key": _LEDGER_LOCK})


def promised(connection: Connection) -> Counter[tuple[str, str]]:
    """How many places of each agent, by desk and policy name, are promised and not yet in the desk's own count."""
    rows = connection.execute(_PROMISED)
    return Counter({(row.desk, row.agent): row.places for row in rows})


def promise(store: Store, connection: Connection, ref: TicketRef, agent: str, now: datetime) -> None:
    """Reserve one place of an agent for a ticket, in place of any it held before."""
    row = {"desk": ref.desk, "ticket": ref.id, "agent": agent, "since": now, "written_at": None}
    connection.execute(_promising(store.is_sqlite), row)


@cache
def _promising(is_sqlite: bool) -> Any:
    statement = insertion(reservations, is_sqlite=is_sqlite)
    anew = {name: statement.excluded[name] for name in ("agent", "since", "written_at")}
    return statement.on_conflict_do_update(index_elements=["desk", "ticket"], set_=anew)


def written(connection: Connection, ref: TicketRef, now: datetime) -> None:
    """Note that the desk has the assignment: its own next count will contain it."""
    connection.execute(update(reservations).where(_of(ref), reservations.c.written_at.is_(None)).values(written_at=now))


def release(connection: Connection, ref: TicketRef) -> bool:
    """Give back the place promised to a ticket; False where there was none."""
    return connection.execute(delete(reservations).where(_of(ref))).rowcount == 1


def _of(ref: TicketRef) -> ColumnElement[bool]:
    return and_(reservations.c.desk == ref.desk, reservations.c.ticket == ref.id)
