"""A desk that holds our calls back keeps its own tickets waiting, and nobody else's."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from bridge.allowance import EVERYTHING
from bridge.closed import Closed
from bridge.store import Store
from bridge.store import budget as shared
from tests.conftest import Clock
from tests.core.test_journey import POLICY
from tests.core.test_troubles import entries, written_once
from tests.core.world import World


@pytest.fixture
def worlds(sqlite_store: Store, clock: Clock) -> Iterator[tuple[World, World]]:
    """Two desks; the writers of the first also write to the second."""
    both = tuple(World(vendor, sqlite_store, clock, policy=POLICY) for vendor in ("zendesk", "freshdesk"))
    both[0].desks.update(both[1].desks)
    yield both[0], both[1]
    for world in both:
        world.close()


def test_a_desk_that_told_us_to_slow_down_delays_no_other_desks_writes(worlds: tuple[World, World]) -> None:
    paused, other = worlds
    numbers = [planned_beside(paused) for _ in range(5)]
    number = planned_beside(other)
    until = paused.clock.now + timedelta(seconds=60)
    shared.change(paused.store, paused.name, lambda known: (known.paused(EVERYTHING, until), None))
    assert [paused.writeback.run_one("writer") for _ in range(3)] == [True, True, False]
    written_once(other, number)
    assert len(entries(paused, "open")) == len(numbers)
    paused.clock.turn(1.1)
    assert [paused.writeback.run_one("writer") for _ in range(2)] == [True, False]
    paused.clock.turn(70)
    while paused.writeback.run_one("writer"):
        pass
    for number in numbers:
        written_once(paused, number)


def planned_beside(world: World) -> str:
    """A ticket whose write is planned, whatever else waits."""
    number = world.customer("Charged twice", "Please refund the invoice.")
    world.delivered()
    for _ in range(5):
        world.workers.decide("decider")
        world.clock.turn(1)
    assert world.ref(number).id in {entry.ticket for entry in entries(world, "open")}
    return number


def test_what_holds_back_ordinary_calls_leaves_urgent_ones_alone_and_not_the_other_way_round(clock: Clock) -> None:
    closed = Closed()
    closed.close("spent", clock.now, 30, urgent=False)
    closed.close("paused", clock.now, 30, urgent=True)
    assert closed.desks(clock.now, urgent=True) == ["paused"]
    assert sorted(closed.desks(clock.now, urgent=False)) == ["paused", "spent"]
    assert closed.desks(clock.now + timedelta(seconds=1), urgent=False) == []
