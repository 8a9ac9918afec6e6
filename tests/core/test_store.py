"""The store's promises, on a real SQLite file and a real PostgreSQL."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import chain

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from bridge.intake import Intake, Overloaded
from bridge.memory import Memory
from bridge.model import (
    AgentRecord,
    AgentStatus,
    Change,
    Delivery,
    Operation,
    Roster,
    Status,
    Step,
    StepState,
    Ticket,
    TicketRef,
)
from bridge.store import Store, inbox, leases, mailbox, outbox
from bridge.store import roster as rosters
from bridge.store.inbox import Arrival
from bridge.store.tables import metadata
from tests.conftest import Clock

LEASE = timedelta(seconds=10)


def arrival(clock: Clock, key: str, ticket: str | None = "1", *, due_in: float = 0) -> Arrival:
    delivery = Delivery("acme", key, b'{"n": 1}', {"content-type": "application/json"}, clock.now)
    return Arrival(delivery, ticket, "ticket_created", clock.now + timedelta(seconds=due_in))


def claim(store: Store, clock: Clock, owner: str = "one", limit: int = 9) -> list[mailbox.Mailbox]:
    return mailbox.claim(store, owner, clock.now, LEASE, limit)


def hand_back(store: Store, box: mailbox.Mailbox, owner: str = "one", due_at: datetime | None = None) -> None:
    with store.writing() as connection:
        mailbox.hand_back(connection, owner, box, due_at=due_at, snapshot=None, memory=Memory())


def plan(store: Store, clock: Clock, number: str, ticket: str = "1", *, steps: int = 2, rank: int = 4) -> Operation:
    ref = TicketRef("acme", ticket)
    operation = Operation(
        number, ref, Change(team_id="t"), tuple(Step(f"step-{n}", ref, number, {"n": n}) for n in range(steps))
    )
    with store.writing() as connection:
        outbox.add(connection, operation, decision="d", rank=rank, now=clock.now, received_at=None)
    return operation


def test_the_migrations_make_exactly_the_tables(store: Store) -> None:
    with store.reading() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_migrating_again_and_at_the_same_time_changes_nothing(store: Store, clock: Clock) -> None:
    inbox.keep(store, [arrival(clock, "a")])
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: store.migrate(), range(4)))
    assert len(claim(store, clock)) == 1


def test_a_delivery_is_kept_once_however_often_it_comes(store: Store, clock: Clock) -> None:
    assert inbox.keep(store, [arrival(clock, "a"), arrival(clock, "b"), arrival(clock, "a")]).count(True) == 2
    assert inbox.keep(store, [arrival(clock, "a"), arrival(clock, "c")]) == [False, True]
    (box,) = claim(store, clock)
    with store.reading() as connection:
        assert [w.delivery.dedupe_key for w in inbox.waiting(connection, "acme", box.ticket)] == ["a", "b", "c"]
        assert inbox.waiting(connection, "acme", "1")[0].delivery == arrival(clock, "a").delivery


def test_the_same_key_at_two_desks_is_two_deliveries(store: Store, clock: Clock) -> None:
    one = arrival(clock, "a")
    other = replace(one, delivery=replace(one.delivery, desk="globex"))
    assert inbox.keep(store, [one, other]) == [True, True]


def test_what_concerns_no_ticket_wakes_nobody_and_stays(store: Store, clock: Clock) -> None:
    assert inbox.keep(store, [arrival(clock, "a", None)]) == [True]
    assert claim(store, clock) == []


def test_a_ticket_is_held_by_one_worker_at_a_time(store: Store, clock: Clock) -> None:
    inbox.keep(store, [arrival(clock, "a")])
    assert len(claim(store, clock, "one")) == 1
    inbox.keep(store, [arrival(clock, "b")])
    assert claim(store, clock, "two") == []


def test_many_workers_at_once_never_hold_the_same_ticket(store: Store, clock: Clock) -> None:
    inbox.keep(store, [arrival(clock, f"k{n}", str(n)) for n in range(60)])
    with ThreadPoolExecutor(6) as pool:
        held = list(pool.map(lambda n: [box.ticket for box in claim(store, clock, f"w{n}", 3)], range(24)))
    tickets = [ticket for some in held for ticket in some]
    assert sorted(tickets, key=int) == [str(n) for n in range(60)]


def test_a_delivery_that_comes_while_its_ticket_is_held_is_worked_on_next(store: Store, clock: Clock) -> None:
    inbox.keep(store, [arrival(clock, "a")])
    (box,) = claim(store, clock)
    inbox.keep(store, [arrival(clock, "b")])
    hand_back(store, box)
    assert len(claim(store, clock, "two")) == 1


def test_a_ticket_is_due_at_its_earliest_time_and_not_before(store: Store, clock: Clock) -> None:
    inbox.keep(store, [arrival(clock, "a", due_in=5), arrival(clock, "b", due_in=2)])
    inbox.keep(store, [arrival(clock, "c", due_in=9)])
    clock.turn(1.9)
    assert claim(store, clock) == []
    clock.turn(0.1)
    assert len(claim(store, clock)) == 1


def test_a_silent_workers_ticket_is_taken_over_and_the_silent_one_can_store_nothing(store: Store, clock: Clock) -> None:
    inbox.keep(store, [arrival(clock, "a")])
    (box,) = claim(store, clock, "silent")
    clock.turn(LEASE.total_seconds() + 1)
    with store.writing() as connection:
        assert leases.take_over(connection, clock.now) == 1
    assert len(claim(store, clock, "other")) == 1
    with pytest.raises(leases.LeaseLost):
        hand_back(store, box, "silent")


def test_a_renewed_lease_is_not_taken_over(store: Store, clock: Clock) -> None:
    inbox.keep(store, [arrival(clock, "a")])
    claim(store, clock, "one")
    clock.turn(8)
    with store.writing() as connection:
        leases.renew(connection, ["one"], clock.now + LEASE)
        clock.turn(8)
        assert leases.take_over(connection, clock.now) == 0


def test_an_unfinished_operation_keeps_its_ticket_from_being_worked_on(store: Store, clock: Clock) -> None:
    inbox.keep(store, [arrival(clock, "a")])
    (box,) = claim(store, clock)
    operation = plan(store, clock, "op")
    with store.writing() as connection:
        mailbox.hand_back(connection, "one", box, due_at=None, snapshot=None, memory=Memory(), operation="op")
    inbox.keep(store, [arrival(clock, "b")])
    assert claim(store, clock) == []
    assert outbox.claim(store, "w", clock.now, LEASE)
    with store.writing() as connection:
        outbox.finish(connection, "w", operation, "done", now=clock.now)
    assert len(claim(store, clock)) == 1


def test_operations_come_most_urgent_first_and_once_each(store: Store, clock: Clock) -> None:
    plan(store, clock, "back-fill", "1", rank=4)
    plan(store, clock, "urgent", "2", rank=0)
    claimed = [outbox.claim(store, f"w{n}", clock.now, LEASE) for n in range(3)]
    assert [work.operation.id if work else None for work in claimed] == ["urgent", "back-fill", None]


def test_a_claimed_step_counts_as_started_and_a_step_known_unsent_does_not(store: Store, clock: Clock) -> None:
    plan(store, clock, "op")
    work = outbox.claim(store, "one", clock.now, LEASE)
    assert work is not None
    assert work.states == (StepState.PLANNED, StepState.PLANNED)
    with store.writing() as connection:
        outbox.step_done(connection, "one", "op", 0, clock.now)
        outbox.postpone(connection, "one", "op", clock.now, "no answer", unsent=None, failed=True)
    unclear = outbox.claim(store, "two", clock.now, LEASE)
    assert unclear is not None
    assert unclear.states == (StepState.DONE, StepState.STARTED)
    with store.writing() as connection:
        outbox.postpone(connection, "two", "op", clock.now, "429", unsent=1, failed=False)
    unsent = outbox.claim(store, "three", clock.now, LEASE)
    assert unsent is not None
    assert unsent.states == (StepState.DONE, StepState.PLANNED)
    assert unsent.attempts == 1, "who is told when to come has not failed"


def test_a_worker_that_lost_an_operation_can_store_nothing(store: Store, clock: Clock) -> None:
    operation = plan(store, clock, "op")
    outbox.claim(store, "silent", clock.now, LEASE)
    clock.turn(LEASE.total_seconds() + 1)
    with store.writing() as connection:
        assert leases.take_over(connection, clock.now) == 1
    with pytest.raises(leases.LeaseLost), store.writing() as connection:
        outbox.finish(connection, "silent", operation, "done", now=clock.now)


def test_a_ticket_comes_back_exactly_as_it_was_stored(store: Store, clock: Clock) -> None:
    inbox.keep(store, [arrival(clock, "a")])
    (box,) = claim(store, clock)
    ref = TicketRef("acme", "1")
    ticket = Ticket(
        ref, "Größe <b>", None, Status.OPEN, tags=frozenset({"a", "b"}), fields={"n": 1, "x": None, "l": ["y"]},
        created_at=clock.now, stamp="2026-11-03T09:00:00Z",
    )  # fmt: skip
    memory = Memory(decided=True, held=frozenset({"team"}), attempted=Change(add_tags=frozenset({"c"})))
    with store.writing() as connection:
        mailbox.hand_back(connection, "one", box, due_at=None, snapshot=ticket, memory=memory)
        assert mailbox.recall(connection, ref) == (ticket, memory)


def test_promised_places_count_until_the_desk_counts_them_itself(store: Store, clock: Clock) -> None:
    ref = TicketRef("acme", "1")
    agent = AgentRecord("7", "Ana", status=AgentStatus.ONLINE, load=3)

    def take_roster() -> None:
        rosters.save(store, Roster("acme", clock.now, (agent,), ()))

    def places() -> int:
        with store.reading() as connection:
            return rosters.promised(connection)["acme", "ana"]

    with store.writing() as connection:
        rosters.promise(store, connection, ref, "ana", clock.now)
    take_roster()
    assert places() == 1
    with store.writing() as connection:
        rosters.written(connection, ref, clock.now)
    clock.turn(1)
    take_roster()
    assert places() == 1
    clock.turn(10)
    take_roster()
    assert places() == 0


def test_an_older_roster_never_replaces_a_newer_one(store: Store, clock: Clock) -> None:
    newer = Roster("acme", clock.now, (), ())
    rosters.save(store, newer)
    rosters.save(store, replace(newer, taken_at=clock.now - timedelta(seconds=1), acting_id="9"))
    with store.reading() as connection:
        assert rosters.load(connection) == {"acme": newer}


def test_concurrent_deliveries_share_commits_and_each_answer_is_true(store: Store, clock: Clock) -> None:
    rung: list[int] = []
    intake = Intake(store, on_kept=lambda: rung.append(1))

    async def send(numbers: range) -> list[bool]:
        return await asyncio.gather(*(intake.keep(arrival(clock, f"k{n % 50}", str(n % 7)), 10) for n in numbers))

    try:
        with ThreadPoolExecutor(2) as pool:  # each its own event loop
            fresh = [*chain(*pool.map(lambda numbers: asyncio.run(send(numbers)), (range(60), range(60, 100))))]
    finally:
        intake.close()
    assert fresh.count(True) == 50
    assert rung
    with store.reading() as connection:
        assert inbox.backlog(connection) == 50


def test_a_full_queue_and_a_broken_database_are_told_to_the_sender(tmp_path: object, clock: Clock) -> None:
    held, go_on = threading.Event(), threading.Event()

    class Stuck(Store):
        def writing(self):  # type: ignore[no-untyped-def] # stands in for a database that hangs, then fails
            held.set()
            go_on.wait(10)
            raise OSError("disk full")

    store = Stuck(f"sqlite:///{tmp_path}/x.sqlite3")
    intake = Intake(store, on_kept=lambda: None, capacity=1)

    async def three() -> None:
        first = asyncio.create_task(intake.keep(arrival(clock, "a"), 10))
        assert await asyncio.to_thread(held.wait, 10)
        with pytest.raises(TimeoutError):
            await intake.keep(arrival(clock, "b"), 0.01)
        with pytest.raises(Overloaded):
            await intake.keep(arrival(clock, "c"), 0.01)
        go_on.set()
        with pytest.raises(OSError, match="disk full"):
            await first

    try:
        asyncio.run(three())
    finally:
        go_on.set()
        intake.close()
        store.close()


def test_only_a_thread_inside_a_transaction_is_said_to_be(store: Store) -> None:
    seen = [store.in_transaction]
    with store.writing():
        seen.append(store.in_transaction)
    with store.reading():
        seen.append(store.in_transaction)
    assert [*seen, store.in_transaction] == [False, True, True, False]
