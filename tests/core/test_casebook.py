"""What an operator sees of deliveries and writes, and what trying again or putting aside does to them."""

from datetime import timedelta

import pytest

from bridge.memory import Memory
from bridge.model import Change, Operation, Step, TicketRef
from bridge.store import Store, casebook, inbox, mailbox, outbox
from bridge.store.casebook import NoSuchEvent
from bridge.store.inbox import Arrival
from tests.conftest import Clock
from tests.core.test_store import LEASE, arrival, claim, hand_back

REF = TicketRef("acme", "1")


def entries(store: Store, *states: str, **more: str) -> list[casebook.Entry]:
    with store.reading() as connection:
        return casebook.entries(connection, states=states or casebook.STATES, **more)  # type: ignore[arg-type] # filters


def park_delivery(store: Store, clock: Clock) -> str:
    inbox.keep(store, [arrival(clock, "a")])
    (box,) = claim(store, clock)
    with store.writing() as connection:
        inbox.settle(connection, [1], clock.now, words="internal error: KeyError")
    hand_back(store, box)
    return "d1"


def park_operation(store: Store, clock: Clock, number: str = "01OP") -> str:
    inbox.keep(store, [arrival(clock, f"for {number}")])
    (box,) = claim(store, clock)
    operation = Operation(number, REF, Change(team_id="t"), (Step("update", REF, number, {}),))
    with store.writing() as connection:
        inbox.settle(connection, [w.id for w in inbox.waiting(connection, "acme", "1")], clock.now)
        mailbox.hand_back(
            connection, "one", box, due_at=None, snapshot=None, memory=Memory(decided=True), operation=number
        )
        outbox.add(connection, operation, decision="d", rank=4, now=clock.now, received_at=None)
    assert outbox.claim(store, "w", clock.now, timedelta(seconds=9)) is not None
    with store.writing() as connection:
        outbox.finish(connection, "w", operation, "parked", now=clock.now, words="RecordInvalid (HTTP 422)")
    return number


def test_what_needs_a_person_is_listed_with_the_reason_and_what_does_not_is_not(store: Store, clock: Clock) -> None:
    park_delivery(store, clock)
    clock.turn(1)
    park_operation(store, clock)
    unknown = Arrival(arrival(clock, "u").delivery, None, "unknown", clock.now, "unknown kind: ticket.sneezed")
    clock.turn(1)
    inbox.keep(store, [unknown, arrival(clock, "later", "2")])
    found = {entry.id: entry for entry in entries(store, "parked", "unknown")}
    assert found["d1"].words == "internal error: KeyError"
    assert found["01OP"].words == "RecordInvalid (HTTP 422)"
    assert {entry.words for entry in found.values() if entry.state == "unknown"} == {"unknown kind: ticket.sneezed"}
    assert len(found) == 3


def test_entries_are_the_newest_first_and_filtered(store: Store, clock: Clock) -> None:
    for number in range(3):
        inbox.keep(store, [arrival(clock, f"k{number}", str(number))])
        clock.turn(1)
    assert [entry.ticket for entry in entries(store)] == ["2", "1", "0"]
    assert [entry.ticket for entry in entries(store, ticket="1")] == ["1"]
    assert entries(store, desk="globex") == []


def test_a_delivery_tried_again_is_worked_on_again(store: Store, clock: Clock) -> None:
    parked = park_delivery(store, clock)
    assert claim(store, clock) == []
    casebook.retry(store, parked, clock.now)
    assert len(claim(store, clock)) == 1
    with store.reading() as connection:
        assert len(inbox.waiting(connection, "acme", "1")) == 1


def test_a_write_tried_again_is_decided_anew_and_never_sent_as_it_was(store: Store, clock: Clock) -> None:
    parked = park_operation(store, clock)
    casebook.retry(store, parked, clock.now)
    assert outbox.claim(store, "w", clock.now, LEASE) is None
    (box,) = claim(store, clock)
    assert box.memory.conflicts == 1
    assert [entry.state for entry in entries(store) if entry.id == parked] == ["superseded"]


def test_what_is_put_aside_needs_nobody_and_wakes_nobody(store: Store, clock: Clock) -> None:
    first, second = park_delivery(store, clock), park_operation(store, clock)
    for parked in (first, second):
        casebook.discard(store, parked, clock.now)
    assert entries(store, "parked", "unknown") == []
    assert claim(store, clock) == []


def test_only_what_is_parked_can_be_acted_on(store: Store, clock: Clock) -> None:
    inbox.keep(store, [arrival(clock, "a")])
    with pytest.raises(NoSuchEvent, match="is waiting"):
        casebook.retry(store, "d1", clock.now)
    with pytest.raises(NoSuchEvent, match="no event 'd99'"):
        casebook.discard(store, "d99", clock.now)
