"""A ticket that people worked on before we first saw it: what they chose stands, what nobody chose is decided."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bridge.memory import Memory, first_sight
from bridge.model import Priority, Status, Ticket, TicketRef
from bridge.store import Store
from tests.conftest import Clock
from tests.core.test_journey import POLICY
from tests.core.world import World

BORN = datetime(2026, 11, 3, 9, 0, tzinfo=UTC)
UNTOUCHED = Ticket(
    TicketRef("acme-freshdesk", "7"),
    "Charged twice",
    None,
    Status.OPEN,
    priority=Priority.LOW,
    team_id="3",
    created_at=BORN,
    updated_at=BORN + timedelta(seconds=1),
)
LOW = 1
"""Freshdesk's priority of a ticket for which nobody chose one."""

TOUCHED = replace(UNTOUCHED, updated_at=BORN + timedelta(seconds=2))


@pytest.fixture(params=["zendesk", "freshdesk", "intercom"])
def world(request: pytest.FixtureRequest, sqlite_store: Store, clock: Clock) -> Iterator[World]:
    made = World(request.param, sqlite_store, clock, policy=POLICY)
    yield made
    made.close()


@pytest.mark.parametrize("told", [True, False])
def test_a_team_that_an_agent_chose_before_we_looked_stands(world: World, told: bool) -> None:
    """`told`: the webhook of the creation came, but was not worked on yet."""
    if not told:
        world.control("PUT", "faults", {"drop": {"next": 1}})
    number = world.customer("Charged twice", "Please refund the invoice.")
    world.delivered()
    world.clock.turn(5)
    world.agent(number, set={"team": "General"})
    world.customer("", "The invoice of last month, I mean.", ticket=number)
    world.run(for_seconds=12)
    ticket = world.ticket(number)
    assert ticket["team"] == "General"
    assert "money" in ticket["tags"]
    assert len(ticket["notes"]) == 1


def test_what_an_agent_solved_before_our_write_stays_solved(world: World) -> None:
    number = world.customer("Charged twice", "Please refund the invoice.")
    world.delivered()
    world.control("PUT", "faults", {"drop": 1.0})
    world.clock.turn(3)
    world.agent(number, set={"status": "resolved"})
    solved = world.ticket(number)["status"]
    world.run()
    assert world.ticket(number)["status"] == solved


@pytest.fixture
def at_zendesk(sqlite_store: Store, clock: Clock) -> Iterator[World]:
    """The desk whose lock counts whole seconds: of two edits in one second it refuses nothing."""
    made = World("zendesk", sqlite_store, clock, policy=POLICY)
    yield made
    made.close()


def test_what_an_agent_saves_in_the_second_of_our_read_stands(at_zendesk: World, clock: Clock) -> None:
    number = at_zendesk.customer("Charged twice", "Please refund the invoice.")
    at_zendesk.delivered()
    clock.turn(3.2)
    at_zendesk.agent(number, note="I am looking into it.")
    at_zendesk.delivered()
    clock.turn(0.3)
    assert at_zendesk.workers.decide("decider")
    clock.turn(0.2)
    at_zendesk.agent(number, set={"team": "General"})
    at_zendesk.workers.write("writer")
    at_zendesk.run()
    ticket = at_zendesk.ticket(number)
    assert ticket["team"] == "General"
    assert "money" in ticket["tags"]


def test_what_an_agent_saves_in_the_second_of_a_creation_stands(at_zendesk: World, clock: Clock) -> None:
    clock.turn(0.2)
    number = at_zendesk.customer("Charged twice", "Please refund the invoice.")
    at_zendesk.delivered()
    at_zendesk.workers.decide("decider")
    clock.turn(0.5)
    at_zendesk.agent(number, set={"team": "General"})
    at_zendesk.workers.write("writer")
    at_zendesk.run()
    ticket = at_zendesk.ticket(number)
    assert ticket["team"] == "General"
    assert "money" in ticket["tags"]


def test_a_desks_own_default_is_nobodys_choice_while_nobody_can_have_read_the_ticket() -> None:
    assert first_sight(Memory(), None, UNTOUCHED, Priority.LOW).held == frozenset()


def test_what_is_filled_in_on_a_touched_ticket_may_be_somebodys_but_not_its_default_priority() -> None:
    assert first_sight(Memory(), None, TOUCHED, Priority.LOW).held == {"team"}
    assert first_sight(Memory(), None, TOUCHED, Priority.NONE).held == {"team", "priority"}


def test_where_the_creation_is_known_only_what_differs_from_it_is_somebodys() -> None:
    assert first_sight(Memory(), UNTOUCHED, TOUCHED, Priority.LOW).held == frozenset()


def test_an_assignment_that_an_agent_took_back_before_we_looked_is_still_theirs(world: World) -> None:
    world.control("PUT", "faults", {"drop": {"next": 1}})
    number = world.customer("Charged twice", "Please refund the invoice.")
    world.delivered()
    world.clock.turn(4)
    world.agent(number, set={"team": "Tech Support", "assignee": "dee@acme.example"})
    world.clock.turn(1)
    world.agent(number, set={"assignee": None})
    world.run(for_seconds=8)
    assert world.ticket(number)["assignee"] is None
    assert "money" in world.ticket(number)["tags"]


@pytest.mark.parametrize("world", ["zendesk", "intercom"], indirect=True)
@pytest.mark.parametrize("first", ["creation", "reply"])
def test_what_an_agent_took_back_unheard_before_we_looked_is_still_theirs(world: World, first: str) -> None:
    """Every webhook about it is lost. What only Freshdesk's agents remember, no bridge can know: no call tells it."""
    number = world.customer("Charged twice", "Please refund the invoice.")
    world.delivered()
    world.control("PUT", "faults", {"drop": 1.0})
    world.clock.turn(4)
    world.agent(number, set={"team": "Billing", "assignee": "bo@acme.example"})
    world.clock.turn(1)
    world.agent(number, set={"assignee": None})
    world.clock.turn(1)
    if first == "reply":
        world.control("DELETE", "faults")
        world.customer("", "The invoice of last month, I mean.", ticket=number)
    world.run(for_seconds=8)
    world.control("DELETE", "faults")
    assert world.ticket(number)["assignee"] is None
    assert "money" in world.ticket(number)["tags"]


def test_what_an_agent_took_back_between_decision_and_write_is_still_theirs(world: World) -> None:
    number = world.customer("Charged twice", "Please refund the invoice.")
    world.delivered()
    world.clock.turn(2)
    world.workers.decide("one")
    world.agent(number, set={"team": "Billing", "assignee": "bo@acme.example"})
    world.clock.turn(1)
    world.agent(number, set={"assignee": None})
    world.run(for_seconds=8)
    assert world.ticket(number)["assignee"] is None
    assert "money" in world.ticket(number)["tags"]
    assert len(world.ticket(number)["notes"]) == 1


@pytest.mark.parametrize("world", ["freshdesk", "intercom"], indirect=True)
def test_a_ticket_that_never_comes_to_rest_is_written_to_where_no_lock_refuses(world: World) -> None:
    """Zendesk's lock does, and after four refusals a person is asked."""
    number = world.customer("Charged twice", "Please refund the invoice.")
    for _ in range(8):
        world.delivered()
        world.clock.turn(2)
        world.workers.decide("one")
        world.agent(number, note="On it.")
        world.delivered()
        world.workers.write("two")
    world.run(for_seconds=8)
    assert "money" in world.ticket(number)["tags"]


@pytest.fixture
def raising(sqlite_store: Store, clock: Clock) -> Iterator[World]:
    """A Freshdesk where nothing but the word lawyer sets a priority."""
    policy = POLICY.replace("then: {add_tags: [escalated]}", "then: {priority: high}")
    made = World("freshdesk", sqlite_store, clock, policy=policy)
    yield made
    made.close()


def _written_to(world: World) -> str:
    number = world.customer("Charged twice", "Please refund the invoice.")
    world.run(for_seconds=8)
    assert world.ticket(number)["notes"]
    return number


def test_a_priority_that_an_agent_raised_and_put_back_after_our_first_write_is_still_theirs(raising: World) -> None:
    """Freshdesk's webhooks name nobody; but this cannot have been us, who had never set a priority."""
    number = _written_to(raising)
    raising.agent(number, set={"priority": "urgent"})
    raising.clock.turn(2)
    raising.agent(number, set={"priority": "low"})
    raising.customer("", "Or you will hear from my lawyer.", ticket=number)
    raising.run(for_seconds=8)
    assert raising.ticket(number)["priority"] == LOW


def test_a_priority_that_nobody_set_is_raised_also_after_our_first_write(raising: World) -> None:
    number = _written_to(raising)
    assert raising.ticket(number)["priority"] == LOW
    raising.customer("", "Or you will hear from my lawyer.", ticket=number)
    raising.run(for_seconds=8)
    assert raising.ticket(number)["priority"] > LOW
