"""The outbox: operations and their steps, claimed one at a time a ticket, the most urgent first."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any, Final

from sqlalchemy import Connection, Row, and_, bindparam, case, exists, false, func, literal, or_, select, update
from sqlalchemy.sql.elements import ColumnElement

from bridge.loops import STOPPED, Written
from bridge.model import Change, Operation, Step, StepState, TicketRef
from bridge.store import codec, leases
from bridge.store.session import Store
from bridge.store.tables import Instant, bulk_jobs, operations, steps, tickets

URGENT: Final = 0
LEAST_URGENT: Final = 4
"""The ranks of the most and of the least urgent write."""


@dataclass(frozen=True, slots=True)
class Work:
    """An operation as claimed: its steps with their states, how often it was tried, and its rank (0: urgent)."""

    operation: Operation
    states: tuple[StepState, ...]
    attempts: int
    received_at: datetime | None
    rank: int


_ADD = operations.insert()
_ADD_STEPS = steps.insert()
"""Built once, as the others below: for every event, building a statement costs more than running it."""


def add(
    connection: Connection,
    operation: Operation,
    *,
    decision: str,
    rank: int,
    now: datetime,
    received_at: datetime | None,
    parked: str | None = None,
) -> None:
    """Plan an operation, due now, or keep it for a person where `parked` says why. `rank` 0 is written first."""
    connection.execute(
        _ADD,
        {
            "id": operation.id,
            "desk": operation.ref.desk,
            "ticket": operation.ref.id,
            "decision": decision,
            "state": "parked" if parked else "open",
            "words": parked,
            "finished_at": now if parked else None,
            "rank": rank,
            "due_at": now,
            "change": codec.dump(operation.change),
            "received_at": received_at,
            "created_at": now,
            "together": len(operation.steps) == 1,
        },
    )
    connection.execute(
        _ADD_STEPS,
        [
            {
                "operation": operation.id,
                "position": position,
                "name": step.name,
                "marker": step.marker,
                "data": json.dumps(dict(step.data)),
                "state": StepState.PLANNED,
            }
            for position, step in enumerate(operation.steps)
        ],
    )


_OF_TICKET = and_(operations.c.desk == bindparam("of_desk"), operations.c.ticket == bindparam("of_ticket"))
_AT = func.coalesce(operations.c.finished_at, operations.c.created_at)
_WRITTEN = select(operations.c.change, _AT.label("at")).where(
    _OF_TICKET, operations.c.state.in_(("open", "done")), bindparam("since", type_=Instant) < _AT
)
_REPLACE_STOPPED = (
    update(operations)
    .where(_OF_TICKET, operations.c.state == "parked", operations.c.words.startswith(STOPPED))
    .values(state="superseded", finished_at=bindparam("now"))
)


def written(connection: Connection, ref: TicketRef, since: datetime) -> list[Written]:
    """What was written on a ticket since a time, or is about to be."""
    rows = connection.execute(_WRITTEN, {"of_desk": ref.desk, "of_ticket": ref.id, "since": since})
    return [Written(codec.parse(Change, row.change), row.at) for row in rows]


def replace_stopped(connection: Connection, ref: TicketRef, now: datetime) -> None:
    """Have the next write of a ticket stand for those that a loop had stopped: a person needs to see one, not all."""
    connection.execute(_REPLACE_STOPPED, {"of_desk": ref.desk, "of_ticket": ref.id, "now": now})


_FREE = and_(
    operations.c.state == "open",
    operations.c.due_at <= bindparam("now"),
    operations.c.lease_owner.is_(None),
    operations.c.bulk.is_(None),
)
_JOB_FREE = and_(bulk_jobs.c.due_at <= bindparam("now"), bulk_jobs.c.lease_owner.is_(None))

WAITS: Final = or_(exists().where(_FREE), exists().where(_JOB_FREE))
"""SQL for whether any write, or any bulk call's outcome, is due by `now` and held by nobody."""

_LOOK = select(literal(True)).where(WAITS)
_DUE = (
    select(operations.c.id)
    .where(
        _FREE,
        operations.c.rank <= bindparam("rank_max"),
        case(
            (operations.c.rank == URGENT, operations.c.desk.not_in(bindparam("closed_to_urgent", expanding=True))),
            else_=operations.c.desk.not_in(bindparam("closed", expanding=True)),
        ),
        or_(
            operations.c.rank == URGENT,
            operations.c.together.is_(False),
            operations.c.desk.not_in(bindparam("apart", expanding=True)),
        ),
    )
    .order_by(operations.c.rank, operations.c.due_at)
    .limit(1)
)
_CLAIM = (
    update(operations)
    .where(operations.c.id == _DUE.with_for_update(skip_locked=True).scalar_subquery())
    .values(lease_owner=bindparam("owner"), lease_until=bindparam("until"), together=False)
    .returning(operations)
)
"""Built once: idle workers ask for these all the time, and building one costs more than running it."""


def waits(store: Store, now: datetime) -> bool:
    """Whether there is anything for a writer to do: one quick question instead of the many that find out what."""
    return store.glance(_LOOK, {"now": now}) is not None


def claim(
    store: Store,
    owner: str,
    now: datetime,
    lease: timedelta,
    *,
    rank_max: int = LEAST_URGENT,
    apart: Collection[str] = (),
    closed: Collection[str] = (),
    closed_to_urgent: Collection[str] = (),
) -> Work | None:
    """Take the next operation that is due and that nobody holds; its first unfinished step counts as started.

    What may go together with others is left alone at the desks `apart`, unless it is urgent. Desks that are `closed`
    are left alone, those `closed_to_urgent` also by urgent ones.
    """
    wanted = {
        "now": now,
        "rank_max": rank_max,
        "apart": list(apart),
        "closed": list(closed),
        "closed_to_urgent": list(closed_to_urgent),
    }
    if store.glance(_DUE, wanted) is None:
        return None
    with store.writing() as connection:
        row = connection.execute(_CLAIM, wanted | {"owner": owner, "until": now + lease}).first()
        if row is None:
            return None
        (work,) = works(connection, [row])
        start_next(connection, work.operation.id)
    return work


def works(connection: Connection, rows: Sequence[Row[Any]]) -> list[Work]:
    """Operations with their steps as they are now, from whole rows of the table."""
    found = connection.execute(
        select(steps)
        .where(steps.c.operation.in_([row.id for row in rows]))
        .order_by(steps.c.operation, steps.c.position)
    )
    planned = {operation: list(mine) for operation, mine in groupby(found, key=lambda step: step.operation)}
    return [_work(row, planned[row.id]) for row in rows]


def _work(row: Row[Any], planned: Sequence[Row[Any]]) -> Work:
    ref = TicketRef(row.desk, row.ticket)
    found = tuple(Step(step.name, ref, step.marker, json.loads(step.data)) for step in planned)
    operation = Operation(row.id, ref, codec.parse(Change, row.change), found)
    states = tuple(StepState(step.state) for step in planned)
    return Work(operation, states, row.attempts, row.received_at, row.rank)


def start_next(connection: Connection, operation: str) -> None:
    """Mark the first planned step as started, unless one is started already: from here its outcome may be unclear."""
    unfinished = connection.execute(
        select(steps.c.position, steps.c.state)
        .where(steps.c.operation == operation, steps.c.state != StepState.DONE)
        .order_by(steps.c.position)
        .limit(1)
    ).first()
    if unfinished is not None and unfinished.state == StepState.PLANNED:
        _set_step(connection, operation, unfinished.position, {"state": StepState.STARTED})


def step_done(connection: Connection, owner: str, operation: str, position: int, now: datetime) -> None:
    """Store a step's success and start the next one. Raises LeaseLost where the operation is no longer `owner`'s."""
    leases.require(connection, operations, owner, operation)
    _set_step(connection, operation, position, {"state": StepState.DONE, "finished_at": now})
    start_next(connection, operation)


def finish_steps(connection: Connection, operation: str, now: datetime) -> None:
    """Mark every step that is not done yet as done."""
    connection.execute(
        update(steps)
        .where(steps.c.operation == operation, steps.c.state != StepState.DONE)
        .values(state=StepState.DONE, finished_at=now)
    )


def postpone(
    connection: Connection,
    owner: str,
    operation: str,
    due_at: datetime,
    words: str,
    *,
    unsent: int | None,
    failed: bool,
) -> None:
    """Try again at `due_at`. `unsent` is the position of a step that had no effect for certain, None where unclear.

    An only step that had none may go together with others. `failed` counts as an attempt, after which the next wait is
    longer. Raises LeaseLost where the operation is no longer `owner`'s.
    """
    leases.require(connection, operations, owner, operation)
    if unsent is not None:
        _set_step(connection, operation, unsent, {"state": StepState.PLANNED, "words": words})
    connection.execute(
        update(operations)
        .where(operations.c.id == operation)
        .values(
            due_at=due_at,
            attempts=operations.c.attempts + int(failed),
            words=words,
            lease_owner=None,
            lease_until=None,
            bulk=None,
            together=false() if unsent is None else _only_step(operation),
        )
    )


def _only_step(operation: str) -> ColumnElement[bool]:
    return select(func.count()).where(steps.c.operation == operation).scalar_subquery() == 1


def finish(
    connection: Connection, owner: str, operation: Operation, state: str, *, now: datetime, words: str | None = None
) -> bool:
    """End an operation (done, parked, superseded, dropped) and let its ticket be looked at again; whether it waits for
    that.

    Raises LeaseLost where the operation is no longer `owner`'s.
    """
    leases.require(connection, operations, owner, operation.id)
    connection.execute(
        update(operations)
        .where(operations.c.id == operation.id)
        .values(state=state, finished_at=now, words=words, lease_owner=None, lease_until=None, bulk=None)
    )
    freed = connection.execute(
        update(tickets)
        .where(
            tickets.c.desk == operation.ref.desk,
            tickets.c.ticket == operation.ref.id,
            tickets.c.operation == operation.id,
        )
        .values(operation=None)
        .returning(tickets.c.due_at)
    )
    return freed.scalar() is not None


def _set_step(connection: Connection, operation: str, position: int, values: Mapping[str, object]) -> None:
    connection.execute(
        update(steps).where(steps.c.operation == operation, steps.c.position == position).values(**values)
    )
