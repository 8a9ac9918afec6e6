"""Writes that go to a desk together: who waits for company, the jobs that hold them, and how far a desk is trusted."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Integer, bindparam, delete, exists, func, select, update
from sqlalchemy.sql.elements import BindParameter
from ulid import ULID

from bridge.model import Step, StepState
from bridge.store import leases, outbox
from bridge.store.outbox import Work
from bridge.store.session import Store
from bridge.store.tables import bulk_jobs, bulk_trust, deliveries, operations, steps, tickets


class Trust(StrEnum):
    """What we have seen of a desk's bulk calls."""

    UNTRIED = "untried"
    UNSURE = "unsure"
    """A rehearsal came to nothing."""
    LOCKED = "locked"
    """A rehearsal was refused by the lock, as it should be."""
    PROVEN = "proven"
    """And a write that a job carried out bears our mark."""
    BROKEN = "broken"
    """The desk takes no bulk calls of ours, or does not keep lock or mark in them."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How a desk's ordinary writes stand: how many wait (no more than fill a job are counted) and since when, how many
    tickets are about to be decided on, how many jobs are under way; how far bulk calls are trusted, and since when.
    """

    waiting: int = 0
    oldest: datetime | None = None
    coming: int = 0
    jobs: int = 0
    trust: Trust = Trust.UNTRIED
    trust_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """A job of ours: `job` is the desk's name for it, None while that is not known; `rehearses` a ticket's id, or None.

    `works` are the operations that it holds; a rehearsal holds none.
    """

    id: str
    desk: str
    job: str | None
    rehearses: str | None
    begun_at: datetime
    works: tuple[Work, ...] = ()

    @property
    def steps(self) -> list[Step]:
        """The one step of each operation."""
        return [work.operation.steps[0] for work in self.works]


_OF_DESK: BindParameter[str] = bindparam("of_desk")
_NOW: BindParameter[datetime] = bindparam("now")
_MOST = bindparam("most", type_=Integer)
_FIT = (
    select(operations.c.id, operations.c.due_at, operations.c.ticket)
    .where(
        operations.c.desk == _OF_DESK,
        operations.c.state == "open",
        operations.c.together,
        operations.c.rank != outbox.URGENT,
        operations.c.due_at <= _NOW,
        operations.c.lease_owner.is_(None),
    )
    .order_by(operations.c.due_at)
    .limit(_MOST)
)
_fit = _FIT.subquery()
_WAITING = select(func.count().label("waiting"), func.min(_fit.c.due_at).label("oldest")).select_from(_fit)
_coming = (
    select(tickets.c.ticket)
    .where(
        tickets.c.desk == _OF_DESK,
        tickets.c.due_at <= _NOW,
        tickets.c.operation.is_(None),
        exists().where(
            deliveries.c.state == "waiting",
            deliveries.c.desk == tickets.c.desk,
            deliveries.c.ticket == tickets.c.ticket,
        ),
    )
    .limit(_MOST)
    .subquery()
)
_AROUND = select(
    select(func.count()).select_from(_coming).scalar_subquery().label("coming"),
    select(func.count()).where(bulk_jobs.c.desk == _OF_DESK).scalar_subquery().label("jobs"),
    select(bulk_trust.c.trust).where(bulk_trust.c.desk == _OF_DESK).scalar_subquery().label("trust"),
    select(bulk_trust.c.at).where(bulk_trust.c.desk == _OF_DESK).scalar_subquery().label("trust_at"),
)
"""Built once, as in `bridge.store.outbox`."""


def standing(connection: Connection, desk: str, now: datetime, most: int) -> Standing:
    """How the writes of a desk stand that may go together; `most` is what fills a job."""
    given = {"of_desk": desk, "now": now, "most": most}
    fit = connection.execute(_WAITING, given).one()
    if not fit.waiting:
        return Standing()
    around = connection.execute(_AROUND, given).one()
    trust = Trust(around.trust) if around.trust is not None else Trust.UNTRIED
    return Standing(fit.waiting, fit.oldest, around.coming, around.jobs, trust, around.trust_at)


def begin(
    store: Store,
    owner: str,
    desk: str,
    now: datetime,
    lease: timedelta,
    *,
    most: int,
    choose: Callable[[Standing], int],
) -> Batch | None:
    """Take as many waiting writes for one job as `choose` says (0: a rehearsal), its id to be told; None for below 0.

    One process at a time looks how a desk stands and begins. Each step counts as started.
    """
    with store.writing() as connection:
        _lock(store, connection, desk)
        wanted = choose(standing(connection, desk, now, most))
        if wanted < 0:
            return None
        id_, until = str(ULID.from_datetime(now)), now + lease
        job = {"id": id_, "desk": desk, "begun_at": now, "due_at": now, "lease_owner": owner, "lease_until": until}
        if wanted == 0:
            found = connection.execute(_FIT, {"of_desk": desk, "now": now, "most": 1}).first()
            if found is None:  # another took it meanwhile, singly
                return None
            connection.execute(bulk_jobs.insert().values(**job, rehearses=found.ticket))
            return Batch(id_, desk, None, found.ticket, now)
        free = _FIT.with_only_columns(operations.c.id).with_for_update(skip_locked=True)
        taken = connection.execute(
            update(operations)
            .where(operations.c.id.in_(free))
            .values(lease_owner=owner, lease_until=until, bulk=id_, together=False)
            .returning(operations),
            {"of_desk": desk, "now": now, "most": wanted},
        ).all()
        if not taken:
            return None
        connection.execute(bulk_jobs.insert().values(**job))
        _set_steps(connection, [row.id for row in taken], StepState.STARTED)
        return Batch(id_, desk, None, None, now, tuple(outbox.works(connection, taken)))


def told(store: Store, owner: str, batch: Batch, job: str, due_at: datetime) -> None:
    """Keep the desk's name for a job, and let go of it until it is due. Raises LeaseLost."""
    _release(store, owner, batch, {"job": job, "due_at": due_at})


def put_off(store: Store, owner: str, batch: Batch, due_at: datetime) -> None:
    """Let go of a job that is not over, until it is due again. Raises LeaseLost."""
    _release(store, owner, batch, {"due_at": due_at})


def _release(store: Store, owner: str, batch: Batch, values: dict[str, Any]) -> None:
    free = {"lease_owner": None, "lease_until": None}
    with store.writing() as connection:
        leases.require(connection, bulk_jobs, owner, batch.id)
        connection.execute(update(bulk_jobs).where(bulk_jobs.c.id == batch.id).values(values | free))
        connection.execute(update(operations).where(operations.c.bulk == batch.id).values(free))


_DUE = (
    select(bulk_jobs.c.id)
    .where(bulk_jobs.c.due_at <= _NOW, bulk_jobs.c.lease_owner.is_(None))
    .order_by(bulk_jobs.c.due_at)
    .limit(1)
)
_CLAIM = (
    update(bulk_jobs)
    .where(bulk_jobs.c.id == _DUE.with_for_update(skip_locked=True).scalar_subquery())
    .values(lease_owner=bindparam("owner"), lease_until=bindparam("until"))
    .returning(bulk_jobs)
)


def claim(store: Store, owner: str, now: datetime, lease: timedelta) -> Batch | None:
    """Take the next job that is due with what it still holds."""
    if store.glance(_DUE, {"now": now}) is None:
        return None
    with store.writing() as connection:
        row = connection.execute(_CLAIM, {"now": now, "owner": owner, "until": now + lease}).first()
        if row is None:
            return None
        held = connection.execute(
            update(operations)
            .where(operations.c.bulk == row.id)
            .values(lease_owner=owner, lease_until=now + lease)
            .returning(operations)
        ).all()
        works = tuple(outbox.works(connection, held)) if held else ()
        return Batch(row.id, row.desk, row.job, row.rehearses, row.begun_at, works)


def over(connection: Connection, owner: str, batch: Batch) -> None:
    """Forget a job that holds nothing any more. Raises LeaseLost."""
    leases.require(connection, bulk_jobs, owner, batch.id)
    connection.execute(delete(bulk_jobs).where(bulk_jobs.c.id == batch.id))


def put_back(store: Store, owner: str, batch: Batch, due_at: datetime, words: str, *, together: bool) -> None:
    """Undo the beginning of a job that the desk did not take; its writes are due then, `together` or each by itself.

    Raises LeaseLost.
    """
    with store.writing() as connection:
        over(connection, owner, batch)
        ids = [work.operation.id for work in batch.works]
        _set_steps(connection, ids, StepState.PLANNED)
        free = {"lease_owner": None, "lease_until": None, "bulk": None}
        connection.execute(
            update(operations)
            .where(operations.c.id.in_(ids))
            .values(due_at=due_at, words=words, together=together, **free)
        )


def trust(connection: Connection, desk: str) -> Trust:
    """How far a desk's bulk calls are trusted."""
    found = connection.execute(select(bulk_trust.c.trust).where(bulk_trust.c.desk == desk)).scalar_one_or_none()
    return Trust(found) if found is not None else Trust.UNTRIED


def learn(connection: Connection, desk: str, trust: Trust, now: datetime, words: str | None = None) -> None:
    """Keep what was seen of a desk's bulk calls, and why."""
    connection.execute(
        update(bulk_trust).where(bulk_trust.c.desk == desk).values(trust=trust.value, at=now, words=words)
    )


def _lock(store: Store, connection: Connection, desk: str) -> None:
    fresh = store.insert(bulk_trust).values(desk=desk, trust=Trust.UNTRIED.value)
    connection.execute(fresh.on_conflict_do_nothing(index_elements=["desk"]))
    connection.execute(select(bulk_trust.c.desk).where(bulk_trust.c.desk == desk).with_for_update())


def _set_steps(connection: Connection, ids: Sequence[str], state: StepState) -> None:
    connection.execute(update(steps).where(steps.c.operation.in_(ids)).values(state=state))
