"""The queue of every team: which tickets wait for an agent, to whom they are offered and given, and when to look next.

States go from one to the next only under the ledger's lock (`roster.lock_ledger`), where a place of an agent is at
stake; a ticket may leave at any time.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from functools import cache, lru_cache
from typing import Any, Final

from sqlalchemy import Connection, Integer, Row, and_, bindparam, delete, exists, func, select, update

from bridge.model import Assignment, Place, PlaceState, TicketRef, Wait
from bridge.store import codec
from bridge.store.mailbox import sooner
from bridge.store.session import Store, insertion
from bridge.store.tables import Instant, agent_turns, alarms, queue

MATCHER: Final = "matcher"
"""The alarm of whoever gives waiting tickets to agents."""

LOOKED_AT_MAX: Final = 5_000
"""So many waiting tickets are looked at together, the longest waiting ones: far more than can be given out at once, for
those that nobody at work can have must not hide the others.
"""

_IS = and_(queue.c.desk == bindparam("of_desk"), queue.c.ticket == bindparam("of_ticket"))
_OF = select(queue).where(_IS)
_LEAVE = delete(queue).where(_IS)
_IN_STATE = (
    select(queue)
    .where(queue.c.state.in_(bindparam("states", expanding=True)))
    .order_by(queue.c.since, queue.c.desk, queue.c.ticket)
    .limit(bindparam("most", type_=Integer))
)
_OFFER = (
    update(queue)
    .where(_IS, queue.c.state == bindparam("before"), queue.c.agent.is_not_distinct_from(bindparam("held_by")))
    .values(
        state=PlaceState.OFFERED.value,
        agent=bindparam("to_agent"),
        bound_at=bindparam("at", type_=Instant),
        moved_at=func.coalesce(bindparam("moved", type_=Instant), queue.c.moved_at),
        assignment=bindparam("reasons"),
    )
)
_RECALL = (
    update(queue)
    .where(_IS, queue.c.state == PlaceState.GIVEN.value, queue.c.agent == bindparam("held_by"))
    .values(state=PlaceState.RECALLED.value, moved_at=bindparam("at", type_=Instant))
)
_TURNS = select(agent_turns)
_DUE = and_(alarms.c.name == MATCHER, alarms.c.due_at <= bindparam("now", type_=Instant))
_TAKE = update(alarms).where(_DUE).values(due_at=None)
"""Built once: for every event, building a statement costs more than running it."""

WAITS: Final = exists().where(_DUE)
"""SQL for whether the matcher is due by `now`."""


def of(connection: Connection, ref: TicketRef) -> Place | None:
    """A ticket's place, None where it is not in the router's care."""
    row = connection.execute(_OF, {"of_desk": ref.desk, "of_ticket": ref.id}).first()
    return None if row is None else _place(row)


def in_state(connection: Connection, *states: PlaceState, most: int = LOOKED_AT_MAX) -> list[Place]:
    """The tickets in these states, those whose customers have waited longest first."""
    rows = connection.execute(_IN_STATE, {"states": [state.value for state in states], "most": most})
    return [_place(row) for row in rows]


def held_by(
    connection: Connection, agents: Collection[str], *states: PlaceState, most: int = LOOKED_AT_MAX
) -> list[Place]:
    """The tickets of these agents in these states, those first whose customers have waited longest."""
    given = select(queue).where(queue.c.state.in_([state.value for state in states]), queue.c.agent.in_(agents))
    return [_place(row) for row in connection.execute(given.order_by(queue.c.since).limit(most))]


def put(store: Store, connection: Connection, place: Place) -> None:
    """Keep a ticket's place, instead of any it had before."""
    row = {
        "desk": place.ref.desk,
        "ticket": place.ref.id,
        "state": place.state.value,
        "team": place.wait.target.team,
        "since": place.wait.since,
        "agent": place.agent,
        "bound_at": place.bound_at,
        "moved_at": place.moved_at,
        "body": codec.dump(place.wait),
        "assignment": codec.dump(place.assignment) if place.assignment is not None else None,
    }
    connection.execute(_putting(store.is_sqlite), row)


@cache
def _putting(is_sqlite: bool) -> Any:
    statement = insertion(queue, is_sqlite=is_sqlite)
    anew = {column.name: statement.excluded[column.name] for column in queue.c if not column.primary_key}
    return statement.on_conflict_do_update(index_elements=["desk", "ticket"], set_=anew)


def leave(connection: Connection, ref: TicketRef) -> bool:
    """Take a ticket out of the router's care; False where it was not in it."""
    return connection.execute(_LEAVE, {"of_desk": ref.desk, "of_ticket": ref.id}).rowcount == 1


def offer(connection: Connection, place: Place, assignment: Assignment, now: datetime) -> bool:
    """Offer a ticket to the agent of an assignment; False where its place is no longer what it was."""
    assert assignment.agent is not None
    done = connection.execute(
        _OFFER,
        {
            "of_desk": place.ref.desk,
            "of_ticket": place.ref.id,
            "before": place.state.value,
            "held_by": place.agent,
            "to_agent": assignment.agent,
            "at": now,
            "moved": now if place.agent is not None else None,
            "reasons": codec.dump(assignment),
        },
    )
    return done.rowcount == 1


def reword(connection: Connection, place: Place) -> bool:
    """Replace what the router knows of a ticket; False where its place is no longer in this state."""
    said = {"of_desk": place.ref.desk, "of_ticket": place.ref.id, "body": codec.dump(place.wait)}
    done = update(queue).where(_IS, queue.c.state == place.state.value).values(body=bindparam("body"))
    return connection.execute(done, said).rowcount == 1


def recall(connection: Connection, place: Place, now: datetime) -> bool:
    """Mark a ticket as about to be taken out of its agent's hands; False where it is no longer in them."""
    said = {"of_desk": place.ref.desk, "of_ticket": place.ref.id, "held_by": place.agent, "at": now}
    return connection.execute(_RECALL, said).rowcount == 1


def turns(connection: Connection) -> dict[str, datetime]:
    """When each agent, by the policy's name, was last given something."""
    return {row.agent: row.at for row in connection.execute(_TURNS)}


def took_turn(store: Store, connection: Connection, agent: str, now: datetime) -> None:
    """Note that an agent was given something."""
    connection.execute(_turning(store.is_sqlite), {"agent": agent, "at": now})


@cache
def _turning(is_sqlite: bool) -> Any:
    statement = insertion(agent_turns, is_sqlite=is_sqlite)
    return statement.on_conflict_do_update(index_elements=["agent"], set_={"at": statement.excluded.at})


def ring(store: Store, connection: Connection, at: datetime) -> None:
    """Have the matcher look by this time, or earlier where it wants to earlier already."""
    connection.execute(_ringing(store.is_sqlite), {"name": MATCHER, "due_at": at})
    store.announce(connection)


@cache
def _ringing(is_sqlite: bool) -> Any:
    statement = insertion(alarms, is_sqlite=is_sqlite)
    earlier = {"due_at": sooner(alarms.c.due_at, statement.excluded.due_at)}
    return statement.on_conflict_do_update(index_elements=["name"], set_=earlier)


def due(store: Store, now: datetime) -> bool:
    """Whether the matcher is due."""
    return store.glance(select(WAITS.label("is_due")), {"now": now}) == (True,)


def take(connection: Connection, now: datetime) -> bool:
    """Take the matcher's turn for this transaction; False where another has just had it."""
    return connection.execute(_TAKE, {"now": now}).rowcount == 1


@dataclass(frozen=True, slots=True)
class Length:
    """How many tickets wait for one team, and since when the first of their customers."""

    team: str
    waiting: int
    since: datetime


def lengths(connection: Connection) -> list[Length]:
    """The queues in which anything waits."""
    rows = connection.execute(
        select(queue.c.team, func.count().label("waiting"), func.min(queue.c.since).label("since"))
        .where(queue.c.state.in_((PlaceState.WAITING.value, PlaceState.OFFERED.value)))
        .group_by(queue.c.team)
        .order_by(queue.c.team)
    )
    return [Length(row.team, row.waiting, row.since) for row in rows]


def _place(row: Row[Any]) -> Place:
    assignment = codec.parse(Assignment, row.assignment) if row.assignment is not None else None
    ref, state = TicketRef(row.desk, row.ticket), PlaceState(row.state)
    return Place(ref, state, _parsed(row.body), row.agent, row.bound_at, row.moved_at, assignment)


@lru_cache(maxsize=2 * LOOKED_AT_MAX)
def _parsed(body: str) -> Wait:
    """What waits is looked at over and over; its text itself is the key."""
    return codec.parse(Wait, body)
