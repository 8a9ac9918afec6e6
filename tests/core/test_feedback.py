"""What people make of our labels, on each vendor's sandbox desk, as reconciliation finds it."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from bridge import reconcile
from bridge.store import Store, feedback
from bridge.store.feedback import Word
from bridge.store.retention import FEEDBACK_KEPT, tidy
from tests.conftest import Clock
from tests.core.test_journey import POLICY
from tests.core.world import World


@pytest.fixture(params=["zendesk", "freshdesk", "intercom"])
def world(request: pytest.FixtureRequest, sqlite_store: Store, clock: Clock) -> Iterator[World]:
    made = World(request.param, sqlite_store, clock, policy=POLICY)
    yield made
    made.close()


def looked(world: World) -> dict[str, Word]:
    """What is known of the desk's teams once its list of changes has been followed, by ticket."""
    world.clock.turn(70)  # Zendesk does not list the last minute
    for _ in reconcile.follow(world.store, world.desk, back_fill=timedelta(days=1), clock=world.clock):
        pass
    with world.store.reading() as connection:
        return feedback.of_place(connection, world.name, "team")


def test_a_team_that_a_person_changes_after_us_is_a_training_signal(world: World) -> None:
    moved = world.customer("Charged twice", "Please refund the invoice.")
    left = world.customer("Charged thrice", "Please refund the other invoice.")
    world.run()
    world.agent(moved, set={"team": "Tech Support"})
    world.agent(left, note="Looked at it.")
    found = looked(world)
    by_ticket = {
        world.ticket(number)["subject"]: found[key] for number in (moved, left) for key in found if number in key
    }
    word = by_ticket["Charged twice"]
    assert (word.said, word.became, word.written, word.model) == ("Billing", "Tech Support", True, None)
    assert not word.agreed
    assert by_ticket["Charged thrice"].agreed


def test_a_change_of_mind_is_kept_in_place_of_the_one_before(world: World) -> None:
    world.customer("Charged twice", "Please refund the invoice.")
    world.run()
    (number,) = [str(ticket["id"]) for ticket in world.control("GET", "state")["tickets"]]
    world.agent(number, set={"team": "Tech Support"})
    assert [word.agreed for word in looked(world).values()] == [False]
    world.agent(number, set={"team": "Billing"})
    assert [word.agreed for word in looked(world).values()] == [True]


def test_our_own_write_is_nobodys_word(world: World) -> None:
    world.customer("Charged twice", "Please refund the invoice.")
    world.run(for_seconds=0)
    assert looked(world) == {}


def test_feedback_is_forgotten_after_a_year(sqlite_store: Store, clock: Clock) -> None:
    word = Word("acme", "1", "team", "01", "Billing", "Tech", clock(), written=True)
    with sqlite_store.writing() as connection:
        feedback.keep(sqlite_store, connection, [word])
    tidy(sqlite_store, clock() + FEEDBACK_KEPT - timedelta(seconds=1), timedelta(days=30))
    with sqlite_store.reading() as connection:
        assert feedback.since(connection, clock()) == [word]
    tidy(sqlite_store, clock() + FEEDBACK_KEPT + timedelta(seconds=1), timedelta(days=30))
    with sqlite_store.reading() as connection:
        assert feedback.since(connection, clock()) == []
