"""Customers of a backlog are read together before their tickets are worked on, and singly where that does not go."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

import pytest

from bridge.bulk import BULK_FROM
from bridge.model import Decision, Delivery, Event
from bridge.store import Store
from tests.conftest import Clock
from tests.core.test_journey import POLICY
from tests.core.world import World

MANY = BULK_FROM + 2


@pytest.fixture
def world(store: Store, clock: Clock) -> Iterator[World]:
    made = World("zendesk", store, clock, policy=POLICY.replace("capacity: 3", "capacity: 500"))
    yield made
    made.close()


def burst(world: World, count: int = MANY, *, at: str = "mail.example") -> list[Decision]:
    """So many customers write at once, each for the first time; what is decided, in no order."""
    numbers = [world.customer("Charged", "Please refund the invoice.", f"customer{n}@{at}") for n in range(count)]
    world.delivered()
    decide(world)
    return [decision for number in numbers for decision in world.decisions(number)]


def decide(world: World) -> None:
    world.clock.turn(2)
    while world.workers.decide("decider"):
        pass


def reads(world: World) -> Counter[str]:
    """Our reads of customers, together and singly, of their companies and of what they asked before."""
    kinds = {"/users/show_many": "together", "/requested": "past", "/organizations": "company", "/users/": "singly"}
    paths = (call["path"] for call in world.calls() if "/users/me" not in call["path"])
    return Counter(kind for path in paths if (kind := next((kinds[sign] for sign in kinds if sign in path), None)))


def facts(decision: Decision) -> dict[str, object]:
    return {fact.name: fact.value for fact in decision.facts}


def test_the_customers_of_a_backlog_take_one_call_and_their_past_none(world: World) -> None:
    decisions = burst(world)
    assert reads(world) == {"together": 1}
    assert len(decisions) == MANY
    assert {facts(each)["previous_tickets"] for each in decisions} == {0}


def test_the_facts_of_a_backlog_are_those_of_single_reads(world: World) -> None:
    decisions = burst(world, at="globex.example")
    assert reads(world) == {"together": 1}
    assert {facts(each)["requester.tier"] for each in decisions} == {"enterprise"}


def test_a_long_backlog_takes_as_many_calls_as_it_fills(world: World) -> None:
    world.desk.requesters_max = BULK_FROM
    assert len(burst(world, 3 * BULK_FROM)) == 3 * BULK_FROM
    assert reads(world) == {"together": 3}


def test_few_customers_are_read_one_by_one(world: World) -> None:
    assert len(burst(world, BULK_FROM - 1)) == BULK_FROM - 1
    assert reads(world) == {"singly": BULK_FROM - 1}


def test_a_backlog_of_one_customer_is_one_read_and_one_look_at_their_past(world: World) -> None:
    numbers = [world.customer(f"Charged {n}", "Please refund the invoice.") for n in range(MANY)]
    world.delivered()
    decide(world)
    assert reads(world) == {"singly": 1, "past": 1}
    contacts = Counter(facts(each)["contacts_24h"] for number in numbers for each in world.decisions(number))
    assert contacts == {1: 1, MANY: MANY - 1}


def test_customers_who_are_known_already_are_not_asked_for_again(world: World) -> None:
    burst(world)
    world.clock.turn(60)
    burst(world)
    assert (reads(world)["together"], reads(world)["singly"]) == (1, 0)


def test_a_backlog_of_known_customers_is_looked_at_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    burst(world)
    looked = Counter[str]()
    real: Callable[[Delivery], Sequence[Event]] = world.desk.read

    def read(delivery: Delivery) -> Sequence[Event]:
        looked[delivery.dedupe_key] += 1
        return real(delivery)

    for n in range(MANY):
        world.customer("Charged again", "Please refund the invoice.", f"customer{n}@mail.example")
    world.delivered()
    monkeypatch.setattr(world.desk, "read", read)
    decide(world)
    assert set(looked.values()) == {2}  # ahead, and when its ticket is worked on


def test_a_desk_that_does_not_tell_of_many_costs_nothing_but_the_saving(world: World) -> None:
    world.control("PUT", "faults", {"500": {"probability": 1.0, "match": "show_many"}})
    decisions = burst(world)
    assert reads(world) == {"together": 1, "singly": MANY}
    assert {facts(each)["previous_tickets"] for each in decisions} == {0}


def test_a_mistake_in_looking_ahead_stops_no_ticket(world: World) -> None:
    world.desk.requesters = lambda ids: 1 // 0
    assert len(burst(world)) == MANY
    assert reads(world) == {"singly": MANY}


def test_customers_of_whom_the_desk_does_not_tell_are_asked_for_singly(world: World) -> None:
    real = world.desk.requesters
    world.desk.requesters = lambda ids: dict(list(real(ids).items())[1:])
    assert len(burst(world)) == MANY
    assert reads(world) == {"together": 1, "singly": 1}


def test_no_ticket_is_held_for_looking_ahead(world: World) -> None:
    for n in range(MANY):
        world.customer("Charged", "Please refund the invoice.", f"customer{n}@mail.example")
    world.delivered()
    world.clock.turn(2)
    assert world.workers.decide("decider")
    assert reads(world) == {"together": 1}
    assert world.workers.decide("a decider of another process")
