"""Outgoing webhooks that rules asked for, each kept until its receiver has accepted it or a person has to look."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, and_, bindparam, exists, func, select, update

from bridge.model import TicketRef
from bridge.store.leases import LeaseLost
from bridge.store.session import Store
from bridge.store.tables import callouts

PATIENCE = timedelta(days=1)
"""For so long a receiver is asked again before a person has to look."""


@dataclass(frozen=True, slots=True)
class Callout:
    """A message for the policy's webhook of that name. `id` (w and a ULID) is the receiver's for recognising repeats.

    `body` is the JSON text to send. `attempts` is how often it was tried in vain; from `give_up_at` on it is no more.
    """

    id: str
    webhook: str
    ref: TicketRef
    decision: str
    body: str
    attempts: int
    give_up_at: datetime


_ADD = callouts.insert()
_FREE = and_(callouts.c.state == "open", callouts.c.due_at <= bindparam("now"), callouts.c.lease_owner.is_(None))
WAITS: Final = exists().where(_FREE)
"""SQL for whether any message is due by `now` and held by nobody."""

_DUE = (
    select(callouts.c.id)
    .where(
        _FREE,
        callouts.c.webhook.not_in(bindparam("apart", expanding=True)),
    )
    .order_by(callouts.c.due_at, callouts.c.id)
    .limit(1)
)
_CLAIM = (
    update(callouts)
    .where(callouts.c.id == _DUE.with_for_update(skip_locked=True).scalar_subquery())
    .values(lease_owner=bindparam("owner"), lease_until=bindparam("until"))
    .returning(callouts)
)
"""Built once: idle workers ask for these all the time, and building one costs more than running it."""


def decisions_told(connection: Connection, ref: TicketRef, since: datetime) -> int:
    """How many decisions on a ticket webhooks were to be told of since a time."""
    told = select(func.count(callouts.c.decision.distinct())).where(
        callouts.c.desk == ref.desk, callouts.c.ticket == ref.id, callouts.c.created_at > since
    )
    return connection.execute(told).scalar_one()


def plan(connection: Connection, new: Sequence[Callout], now: datetime, *, parked: str | None = None) -> None:
    """Keep messages that were decided on just now, due at once, or for a person where `parked` says why."""
    rows = [
        {
            "id": one.id,
            "webhook": one.webhook,
            "desk": one.ref.desk,
            "ticket": one.ref.id,
            "decision": one.decision,
            "state": "parked" if parked else "open",
            "words": parked,
            "finished_at": now if parked else None,
            "due_at": now,
            "give_up_at": one.give_up_at,
            "body": one.body,
            "created_at": now,
        }
        for one in new
    ]
    if rows:
        connection.execute(_ADD, rows)


def claim(store: Store, owner: str, now: datetime, lease: timedelta, *, apart: Collection[str]) -> Callout | None:
    """Take the next message that is due and that nobody holds; those for the webhooks `apart` are left alone."""
    wanted = {"now": now, "apart": list(apart)}
    if store.glance(_DUE, wanted) is None:
        return None
    with store.writing() as connection:
        row = connection.execute(_CLAIM, wanted | {"owner": owner, "until": now + lease}).first()
    if row is None:
        return None
    ref = TicketRef(row.desk, row.ticket)
    return Callout(row.id, row.webhook, ref, row.decision, row.body, row.attempts, row.give_up_at)


def finish(
    connection: Connection, owner: str, callout: str, state: str, *, now: datetime, words: str | None = None
) -> None:
    """End a message (done, parked). Raises LeaseLost where it is no longer `owner`'s."""
    _let_go_of(connection, owner, callout, {"state": state, "finished_at": now, "words": words})


def postpone(connection: Connection, owner: str, callout: str, due_at: datetime, words: str) -> None:
    """Try again at `due_at`, as often as it failed once more. Raises LeaseLost where it is no longer `owner`'s."""
    _let_go_of(connection, owner, callout, {"due_at": due_at, "words": words, "attempts": callouts.c.attempts + 1})


def _let_go_of(connection: Connection, owner: str, callout: str, values: dict[str, object]) -> None:
    mine = (callouts.c.id == callout) & (callouts.c.lease_owner == owner)
    done = connection.execute(update(callouts).where(mine).values(**values, lease_owner=None, lease_until=None))
    if done.rowcount != 1:
        raise LeaseLost(callout)
