"""A writer that was paused or cut off writes nothing that its successor may write too, and nobody looks too soon."""

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from sqlalchemy import text

from bridge import tenure
from bridge.errors import Unclear
from bridge.store import Store
from bridge.store.leases import LeaseLost
from bridge.tenure import ARRIVES, Tenure
from bridge.worker import LEASE
from tests.conftest import Clock
from tests.core.test_journey import POLICY
from tests.core.test_troubles import disturb, entries, planned, written_once
from tests.core.world import SANDBOXES, World

SPENT = (LEASE - ARRIVES).total_seconds() + 0.1
"""Seconds after which too little of a lease is left for a write."""


class Ticks:
    """A clock of seconds that moves when it is told to."""

    def __init__(self) -> None:
        self.at = 1_000.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def ticks() -> Ticks:
    return Ticks()


@pytest.fixture(params=sorted(SANDBOXES))
def world(request: pytest.FixtureRequest, sqlite_store: Store, clock: Clock, ticks: Ticks) -> Iterator[World]:
    found = World(request.param, sqlite_store, clock, policy=POLICY)
    found.writeback.tenure = Tenure(LEASE, ticks)
    yield found
    found.close()


def pause_before_the_first(world: World, ticks: Ticks, method: str) -> None:
    """Let the lease's better part pass just before a call of the desk's method, once."""
    left = [SPENT]

    def paused(original: Any, *given: Any) -> Any:
        ticks.at += left.pop() if left else 0.0
        return original(*given)

    disturb(world, method, paused)


def test_a_writer_that_was_paused_before_its_write_leaves_it_to_another(world: World, ticks: Ticks) -> None:
    number = planned(world)
    pause_before_the_first(world, ticks, "perform")
    assert world.writeback.run_one("paused")
    assert world.writes(number) == []
    assert [entry.state for entry in entries(world, "open")] == ["open"]
    assert world.writeback.run_one("another")
    written_once(world, number)


def test_a_jump_of_the_wall_clock_stops_no_write(world: World, ticks: Ticks) -> None:
    number = planned(world)

    def jumped(original: Any, *given: Any) -> Any:
        world.clock.turn(3_600)
        return original(*given)

    disturb(world, "perform", jumped)
    assert world.writeback.run_one("writer")
    written_once(world, number)


def test_an_unclear_write_that_arrives_late_is_found_and_not_made_twice(world: World) -> None:
    number = planned(world)
    late: list[Any] = []

    def lost(original: Any, *given: Any) -> Any:
        if late:
            return original(*given)
        late.append(lambda: original(*given))
        raise Unclear("no answer")

    disturb(world, "perform", lost)
    assert world.writeback.run_one("writer")
    if world.vendor == "zendesk":  # whose lock refuses what comes late
        world.clock.turn(1.1)
        assert world.writeback.run_one("writer")
    else:
        world.clock.turn(ARRIVES.total_seconds() - 0.1)
        assert not world.writeback.run_one("writer")
        late[0]()
    world.run(for_seconds=8)
    written_once(world, number)


def may_write(of: Tenure, owner: str = "writer") -> bool:
    with of.writing(owner):
        try:
            tenure.require()
        except LeaseLost:
            return False
    return True


@pytest.mark.parametrize(
    ("passing", "may"),
    [([0.0], True), ([SPENT], False), ([SPENT, SPENT - 1.0], True), ([LEASE.total_seconds() + 0.1, 0.0], False)],
    ids=["at once", "unheard of for long", "renewed in time", "renewed after it may have been taken over"],
)
def test_a_lease_lasts_from_its_last_renewal_while_none_came_too_late(
    passing: Sequence[float], may: bool, ticks: Ticks
) -> None:
    held = Tenure(LEASE, ticks)
    held.taken("writer", ticks.at)
    for number, seconds in enumerate(passing):
        if number:
            held.renewed(["writer", "idle"], ticks.at)
        ticks.at += seconds
    assert may_write(held) is may


def test_a_renewal_counts_from_when_it_began_and_never_shortens_a_newer_claim(ticks: Ticks) -> None:
    held = Tenure(LEASE, ticks)
    began = ticks.at
    ticks.at += SPENT
    held.taken("writer", ticks.at)
    held.renewed(["writer"], began)
    assert may_write(held)
    ticks.at += SPENT
    held.renewed(["writer"], ticks.at - SPENT)
    assert not may_write(held)


def test_what_holds_no_lease_writes_when_it_likes() -> None:
    tenure.require()


def test_postgresql_gives_up_a_host_that_vanished_within_a_transaction(postgresql_store: Store) -> None:
    with postgresql_store.reading() as connection:
        shown = connection.execute(text("SHOW idle_in_transaction_session_timeout")).scalar_one()
    assert shown == "5s"
