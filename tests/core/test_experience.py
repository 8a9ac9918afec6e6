"""What the router learns from agents' first answers, from the answer at the desk to what it expects of each of them."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from bridge.experience import learnt
from bridge.model import TicketRef
from bridge.routing.snapshot import UNKNOWN_MINUTES
from bridge.situation import snapshot
from bridge.store import Store, answers, queue
from bridge.store.answers import Given
from tests.conftest import Clock
from tests.core.test_queue import ANA, POLICY, in_queue, later, opened
from tests.core.world import World


@pytest.fixture(params=["zendesk", "freshdesk", "intercom"])
def world(request: pytest.FixtureRequest, sqlite_store: Store, clock: Clock) -> Iterator[World]:
    alone = POLICY.replace(", bo: {capacity: 3}", "").replace("bo: bo@acme.example, ", "")
    made = World(request.param, sqlite_store, clock, policy=alone)
    yield made
    made.close()


def known(world: World) -> list[Given]:
    with world.store.reading() as connection:
        return list(answers.latest(connection))


def test_a_first_answer_teaches_what_it_took_since_the_ticket_was_given_and_only_once(world: World) -> None:
    (number,) = opened(world, 1)
    with world.store.reading() as connection:
        place = queue.of(connection, TicketRef(world.name, world.ref(number).id))
    assert place is not None
    world.clock.turn(600)
    world.agent(number, ANA, reply="We have looked into it.")
    world.run()
    world.clock.turn(60)
    world.customer("", "Thank you, one thing more.", ticket=number)
    world.run()
    world.agent(number, ANA, reply="That too.")
    world.run()
    (given,) = known(world)
    assert (given.agent, given.topic) == ("ana", "billing")
    assert 9 < given.minutes < 11


def test_what_somebody_else_answers_or_a_person_assigned_teaches_nothing(world: World) -> None:
    first = opened(world, 1)[0]
    world.agent(first, "dee@acme.example", reply="I take this one over.")
    world.run()
    later(world)
    assert known(world) == []
    assert set(in_queue(world).values()) <= {"given"}


def test_who_is_quick_is_expected_to_be_and_a_few_answers_say_little(clock: Clock) -> None:
    def history(count: int) -> list[Given]:
        pairs = (("ana", 5.0), ("bo", 25.0))
        return [Given(who, "billing", frozenset({"api"}), took, clock.now) for who, took in pairs for _ in range(count)]

    few, many = learnt(history(1), clock.now).effort, learnt(history(200), clock.now).effort
    assert many.of("ana", "billing") < few.of("ana", "billing") < few.of("bo", "billing") < many.of("bo", "billing")
    assert abs(many.of("ana", "billing") - 5) < 2
    assert learnt([], clock.now).effort.of("ana", "billing") == UNKNOWN_MINUTES
    assert learnt(history(3), clock.now).norms.demand == {("billing", frozenset({"api"})): 1.0}


def test_the_router_is_told_what_was_learnt(world: World) -> None:
    with world.store.writing() as connection:
        for _ in range(50):
            answers.keep(connection, Given("ana", "billing", frozenset(), 3.0, world.clock.now))
    world.clock.turn(61)
    matcher = world.pipeline._matcher  # the same that its decisions ask
    with world.store.writing() as connection:
        asked = snapshot(matcher._situation(connection, world.policy), [])
    (ana,) = [one for one in asked.agents if one.name == "ana"]
    assert ana.minutes["billing"] < 7


def test_work_counts_for_as_long_as_it_is_shared(clock: Clock) -> None:
    past = [Given("ana", "billing", frozenset(), 30.0, clock.now - timedelta(hours=hours)) for hours in (1, 2, 9)]
    assert learnt(past, clock.now).worked == {"ana": 60.0}


def test_old_answers_are_forgotten(sqlite_store: Store, clock: Clock) -> None:
    with sqlite_store.writing() as connection:
        for days in (1, 100):
            at = clock.now - timedelta(days=days)
            answers.keep(connection, Given("ana", "billing", frozenset(), 3.0, at))
        answers.forget(connection, clock.now - answers.KEPT)
        assert len(answers.latest(connection)) == 1
