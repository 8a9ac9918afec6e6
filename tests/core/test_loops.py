"""Writes that go round in a circle with somebody else's end with a person, who is told with whom and what to do."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.loops import Cap, Written, stopped
from bridge.model import Actor, ActorKind, Change, Event, EventKind, Priority, Status, Ticket, TicketRef
from bridge.store import casebook
from tests.core.test_journey import POLICY
from tests.core.world import SANDBOXES, Make, World

ASKS = POLICY.replace(
    "annotate:\n", "annotate:\n  - {name: ask, when: {text: [invoice]}, then: {status: pending}}\n", 1
)
"""A reply opens the ticket, the policy sets it to pending again: with an auto-reply that never ends by itself."""

REF = TicketRef("acme", "7")
NOW = datetime(2026, 11, 3, 9, 8, tzinfo=UTC)
TICKET = Ticket(REF, "Hello", None, Status.OPEN)


@pytest.fixture(params=sorted(SANDBOXES))
def world(request: pytest.FixtureRequest, make: Make) -> World:
    return make(request.param, policy=ASKS)


def parked(world: World) -> list[casebook.Entry]:
    with world.store.reading() as connection:
        return casebook.entries(connection, states=("parked",))


def done(world: World) -> int:
    with world.store.reading() as connection:
        return len([entry for entry in casebook.entries(connection, states=("done",)) if entry.what == "write"])


def answered_by_itself(world: World, times: int) -> str:
    """A ticket whose requester's mailbox answers every write of ours at once."""
    number = world.customer("The invoice", "Please refund it.")
    world.run(for_seconds=3)
    for _ in range(times):
        world.customer("", "I am away until Monday.", ticket=number)
        world.run(for_seconds=3)
    return number


def test_a_mailbox_that_answers_every_write_is_stopped_at_the_cap_and_named(world: World) -> None:
    number = answered_by_itself(world, times=12)
    assert done(world) == Cap().writes
    (entry,) = parked(world)
    assert entry.ticket == world.ref(number).id
    words = entry.words or ""
    assert words.startswith("stopped a loop: 5 writes of ours on this ticket in 10 minutes")
    assert "status pending (5 times)" in words
    assert "meanwhile requester " in words
    assert "retry this event, not before " in words


def test_once_the_time_is_over_the_parked_write_can_be_tried_again(make: Make) -> None:
    world = make("zendesk", policy=ASKS)
    number = answered_by_itself(world, times=6)
    (entry,) = parked(world)
    casebook.retry(world.store, entry.id, world.clock.now)
    world.run(for_seconds=2)
    (again,) = parked(world)
    assert again.id != entry.id
    world.clock.turn(600)
    casebook.retry(world.store, again.id, world.clock.now)
    world.run(for_seconds=3)
    assert parked(world) == []
    assert world.ticket(number)["status"] == "pending"


def test_slow_writes_on_one_ticket_and_quick_ones_on_many_are_no_loop(make: Make) -> None:
    world = make("zendesk", policy=ASKS)
    slow = world.customer("The invoice", "Please refund it.")
    for _ in range(8):
        world.customer("", "And now?", ticket=slow)
        world.run(for_seconds=3)
        world.clock.turn(180)
    for each in range(8):
        world.customer(f"The invoice {each}", "Please refund it.")
    world.run(for_seconds=3)
    assert parked(world) == []


def test_a_stopped_write_promises_nobody_a_place_and_leaves_no_mark_at_the_desk(make: Make) -> None:
    world = make("zendesk", policy=ASKS)
    number = answered_by_itself(world, times=12)
    before = len(world.writes(number))
    world.customer("", "Still away.", ticket=number)
    world.run(for_seconds=3)
    assert len(world.writes(number)) == before
    assert len(parked(world)) == 1


def round_trips(count: int) -> list[Written]:
    return [Written(Change(status=Status.PENDING), NOW + timedelta(seconds=n)) for n in range(count)]


def words(*actors: Actor, acting_id: str = "1", wanted: Change | None = None) -> str:
    events = [Event("acme", EventKind.TICKET_CHANGED, "changed", REF, actor=actor) for actor in actors]
    told = stopped(
        Cap(),
        round_trips(5),
        wanted or Change(status=Status.PENDING),
        ticket=TICKET,
        events=events,
        acting_id=acting_id,
    )
    assert told is not None
    return told


def test_an_integration_is_named_before_the_people_whom_it_may_act_for() -> None:
    told = words(Actor(ActorKind.REQUESTER, "8"), Actor(ActorKind.INTEGRATION, "42"), Actor(ActorKind.AGENT, "9"))
    assert "meanwhile integration 42 acted on it" in told


def test_our_own_name_is_told_from_that_of_others() -> None:
    assert "in our name" in words(Actor(ActorKind.INTEGRATION, "1"))
    assert "does not say who" in words(Actor())
    assert "integration 42" in words(Actor(ActorKind.INTEGRATION, "1"), Actor(ActorKind.INTEGRATION, "42"))


def test_what_was_undone_is_told_part_by_part_and_no_value_of_a_field_with_it() -> None:
    before = Change(priority=Priority.HIGH, add_tags=frozenset({"vip"}), fields={"account": "4111 1111"})
    told = stopped(Cap(2), [Written(before, NOW)] * 2, before, ticket=TICKET, events=[], acting_id=None)
    assert told is not None
    assert "priority high (2 times), tag vip (2 times), field account (2 times)" in told
    assert "4111" not in told


def test_other_writes_are_capped_too_but_nothing_is_said_to_be_undone() -> None:
    assert "undid" not in words(wanted=Change(priority=Priority.URGENT))


@given(st.integers(0, 12), st.integers(1, 12))
def test_a_write_passes_exactly_while_there_are_fewer_than_the_cap(count: int, cap: int) -> None:
    told = stopped(
        Cap(cap), round_trips(count), Change(status=Status.PENDING), ticket=TICKET, events=[], acting_id=None
    )
    assert (told is None) == (count < cap)
