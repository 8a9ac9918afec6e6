"""What is old is packed and purged, and nothing that still waits for anything ever is."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from bridge.memory import Memory
from bridge.store import Store, casebook, inbox, mailbox, outbox
from bridge.store.retention import PACKED_AFTER, Tidied, tidy
from bridge.store.tables import decisions, deliveries, operations, steps
from tests.conftest import Clock
from tests.core.test_store import LEASE, arrival, claim, plan

KEEP = timedelta(days=30)
BODY = b'{"n": 1}'


def work_on(store: Store, clock: Clock, key: str, ticket: str, words: str | None = None) -> None:
    """One delivery, done or parked with a reason."""
    inbox.keep(store, [arrival(clock, key, ticket)])
    (box,) = claim(store, clock)
    with store.writing() as connection:
        inbox.settle(connection, [w.id for w in inbox.waiting(connection, "acme", ticket)], clock.now, words=words)
        mailbox.hand_back(connection, "one", box, due_at=None, snapshot=None, memory=Memory())


def count(store: Store, table: object) -> int:
    with store.reading() as connection:
        return int(connection.execute(select(func.count()).select_from(table)).scalar_one())  # type: ignore[arg-type] # a table


def test_a_body_is_packed_after_an_hour_and_reads_as_it_came(store: Store, clock: Clock) -> None:
    work_on(store, clock, "a", "1")
    assert tidy(store, clock.now, KEEP) == Tidied()
    clock.turn(PACKED_AFTER.total_seconds() + 1)
    assert tidy(store, clock.now, KEEP) == Tidied(packed=1)
    assert tidy(store, clock.now, KEEP) == Tidied()
    with store.reading() as connection:
        assert casebook.payload(connection, "d1") == BODY


def test_what_is_done_is_purged_after_its_time_and_not_before(store: Store, clock: Clock) -> None:
    work_on(store, clock, "a", "1")
    operation = plan(store, clock, "op")
    outbox.claim(store, "w", clock.now, LEASE)
    with store.writing() as connection:
        outbox.finish(connection, "w", operation, "done", now=clock.now)
        connection.execute(
            decisions.insert().values(
                id="d", desk="acme", ticket="1", at=clock.now, mode="live", policy_version="v", body="{}"
            )
        )
    clock.turn(KEEP.total_seconds() - 1)
    tidy(store, clock.now, KEEP)
    assert [count(store, table) for table in (deliveries, operations, steps, decisions)] == [1, 1, 2, 1]
    clock.turn(2)
    assert tidy(store, clock.now, KEEP) == Tidied(deliveries=1, operations=1, decisions=1)
    assert [count(store, table) for table in (deliveries, operations, steps, decisions)] == [0, 0, 0, 0]


@pytest.mark.parametrize("how", ["waiting", "parked", "unknown"])
def test_a_delivery_that_is_not_done_is_never_packed_or_purged(store: Store, clock: Clock, how: str) -> None:
    if how == "parked":
        work_on(store, clock, "a", "1", words="internal error: KeyError")
    else:
        inbox.keep(store, [arrival(clock, "a", "1" if how == "waiting" else None)])
    clock.turn(KEEP.total_seconds() * 10)
    assert tidy(store, clock.now, KEEP) == Tidied()
    assert count(store, deliveries) == 1


def test_an_operation_that_is_open_or_parked_stays(store: Store, clock: Clock) -> None:
    plan(store, clock, "parked", "1", rank=0)
    plan(store, clock, "open", "2")
    parked = outbox.claim(store, "w", clock.now, LEASE)
    assert parked is not None
    with store.writing() as connection:
        outbox.finish(connection, "w", parked.operation, "parked", now=clock.now, words="422")
    clock.turn(KEEP.total_seconds() * 10)
    assert tidy(store, clock.now, KEEP) == Tidied()
    assert count(store, operations) == 2


def test_more_than_one_batch_is_tidied_in_one_go(store: Store, clock: Clock) -> None:
    inbox.keep(store, [arrival(clock, f"k{n}", None) for n in range(1_201)])
    with store.writing() as connection:
        inbox.settle(connection, list(range(1, 1_202)), clock.now)
    clock.turn(KEEP.total_seconds() + 1)
    assert tidy(store, clock.now, KEEP) == Tidied(packed=1_201, deliveries=1_201)
