"""What the customer wrote before, counted by the tests' clock."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import Retryable
from bridge.model import Fact, Status, Ticket, TicketRef, TicketSummary
from tests.conftest import Clock
from tests.enrichment.parts import ADA, Asking, FakeDesk, ticket, values

FACTS = ("previous_tickets", "contacts_24h", "open_tickets", "last_agent")
HISTORY = {"limit": 100}


def past(
    number: int, opened: datetime | None, status: Status = Status.RESOLVED, agent: str | None = None
) -> TicketSummary:
    return TicketSummary(TicketRef("shop", str(number)), "Earlier", status, agent, opened, opened)


def asked(clock: Clock, desk: FakeDesk, about: Ticket | None = None) -> dict[str, Fact]:
    with Asking(desk, clock, history=HISTORY) as ask:
        return ask(about or ticket(created_at=clock()))


def test_a_first_ticket_is_one_contact_and_one_open_ticket(clock: Clock) -> None:
    facts = asked(clock, FakeDesk())
    assert values(facts, FACTS) == (0, 1, 1, None)
    assert facts["last_agent"].reason == "missing: no agent had an earlier one"
    assert {fact.source for fact in facts.values()} == {"desk history"}


def test_the_present_ticket_is_no_previous_one_even_where_the_desk_lists_it(clock: Clock) -> None:
    desk, now = FakeDesk(), clock()
    desk.past = [past(9, now, Status.NEW, "a9"), past(8, now - timedelta(hours=2), Status.OPEN, "a1")]
    assert values(asked(clock, desk), FACTS) == (1, 2, 2, "a1")


def test_contacts_are_the_tickets_opened_in_the_last_24_hours_by_the_clock(clock: Clock) -> None:
    desk, now = FakeDesk(), clock()
    desk.past = [past(hours, now - timedelta(hours=hours)) for hours in (1, 23, 24, 25)]
    with Asking(desk, clock, history=HISTORY) as ask:
        about = ticket(created_at=now)
        assert ask(about)["contacts_24h"].value == 3
        clock.turn(3_600)
        assert ask(about)["contacts_24h"].value == 2
        clock.turn(24 * 3_600)
        assert ask(about)["contacts_24h"].value == 0


def test_a_ticket_from_a_desk_whose_clock_is_ahead_of_ours_is_a_contact(clock: Clock) -> None:
    assert asked(clock, FakeDesk(), ticket(created_at=clock() + timedelta(seconds=5)))["contacts_24h"].value == 1


def test_a_ticket_opened_later_is_not_previous_and_its_agent_not_the_last_one(clock: Clock) -> None:
    desk, now = FakeDesk(), clock()
    desk.past = [past(10, now, Status.OPEN, "later"), past(3, now - timedelta(days=9), agent="a3")]
    facts = asked(clock, desk, ticket(created_at=now - timedelta(days=2)))
    assert values(facts, FACTS) == (1, 1, 2, "a3")


def test_the_last_agent_is_that_of_the_newest_earlier_ticket_that_has_one(clock: Clock) -> None:
    desk, now = FakeDesk(), clock()
    desk.past = [
        past(1, now - timedelta(days=30), agent="old"),
        past(3, now - timedelta(days=1)),
        past(2, now - timedelta(days=2), agent="a2"),
        past(4, None, agent="undated"),
    ]
    assert asked(clock, desk)["last_agent"].value == "a2"


def test_deleted_tickets_never_were(clock: Clock) -> None:
    desk = FakeDesk()
    desk.past = [past(1, clock(), Status.DELETED, "a1")]
    assert values(asked(clock, desk), FACTS) == (0, 1, 1, None)


def test_open_are_those_that_still_want_work(clock: Clock) -> None:
    desk = FakeDesk()
    desk.past = [past(number, clock(), status) for number, status in enumerate(Status, start=100)]
    assert asked(clock, desk)["open_tickets"].value == 5  # new, open, pending, on hold, and the present one


def test_the_desk_is_asked_once_in_half_a_minute_and_the_age_is_told(clock: Clock) -> None:
    desk, began = FakeDesk(), clock()
    with Asking(desk, clock, history=HISTORY) as ask:
        ask()
        clock.turn(29)
        assert ask()["previous_tickets"].as_of == began
        assert desk.asked == ["history"]
        clock.turn(1)
        ask()
        assert desk.asked == ["history"] * 2
        desk.trouble = Retryable("busy", 429)
        clock.turn(3_600)
        assert ask()["previous_tickets"].value == 0
        clock.turn(1)
        assert str(ask()["previous_tickets"].reason).startswith("stale")


NEW = timedelta(seconds=2)
"""Well within what a desk takes to record a customer and their ticket."""


def fresh(clock: Clock, **more: Any) -> tuple[FakeDesk, Ticket]:
    """A desk that recorded its customer with a ticket of just now; `more` changes the ticket."""
    desk, now = FakeDesk(), clock()
    desk.people["r1"] = replace(ADA, created_at=now - NEW)
    desk.past = [past(3, now - timedelta(days=9), agent="a3")]  # what a call would have told
    return desk, ticket(**{"created_at": now, "updated_at": now, **more})


def by_record(clock: Clock, desk: FakeDesk, about: Ticket, **settings: Any) -> dict[str, Fact]:
    with Asking(desk, clock, {"kind": "desk"}, history=HISTORY | settings) as ask:
        return ask(about)


def test_a_customer_whom_the_ticket_made_known_wrote_nothing_before_and_that_costs_no_call(clock: Clock) -> None:
    desk, about = fresh(clock)
    facts = by_record(clock, desk, about)
    assert desk.asked == ["requester"]
    assert values(facts, FACTS) == (0, 1, 1, None)
    assert {(facts[name].source, facts[name].as_of) for name in FACTS} == {("desk", about.created_at)}


@pytest.mark.parametrize(
    "apart",
    [timedelta(seconds=-4), timedelta(seconds=4), timedelta(days=-30), timedelta(days=30), None],
)
def test_a_customer_recorded_at_another_time_than_the_ticket_is_asked_about(
    clock: Clock, apart: timedelta | None
) -> None:
    desk, about = fresh(clock)
    desk.people["r1"] = replace(ADA, created_at=None if apart is None else clock() + apart)
    facts = by_record(clock, desk, about)
    assert sorted(desk.asked) == ["history", "requester"]
    assert values(facts, FACTS) == (1, 1, 1, "a3")


def test_a_ticket_to_which_something_happened_since_is_asked_about(clock: Clock) -> None:
    later = clock() + timedelta(minutes=10)
    desk, about = fresh(clock, updated_at=later)
    clock.turn(600)
    assert by_record(clock, desk, about)["previous_tickets"].source == "desk history"


def test_what_the_record_said_too_long_ago_is_asked_for(clock: Clock) -> None:
    desk, about = fresh(clock)
    clock.turn(59)
    assert by_record(clock, desk, about, max_age_seconds=60)["previous_tickets"].source == "desk"
    clock.turn(1)
    assert by_record(clock, desk, about, max_age_seconds=60)["previous_tickets"].source == "desk history"


def test_only_the_first_ticket_of_a_new_customer_is_taken_to_be_alone(clock: Clock) -> None:
    desk, first = fresh(clock)
    second = replace(first, ref=TicketRef("shop", "10"), created_at=clock() + timedelta(seconds=1))
    with Asking(desk, clock, {"kind": "desk"}, history=HISTORY) as ask:
        desk.past = [past(number, first.created_at, Status.NEW) for number in (9, 10, 11)]
        assert ask(first)["contacts_24h"].value == 1
        assert desk.asked == ["requester"]
        assert values(ask(second), FACTS) == (2, 3, 3, None)
        assert desk.asked == ["requester", "history"]
        assert ask(first)["contacts_24h"].value == 1


def test_a_record_that_nobody_needs_is_not_read_for_the_sake_of_a_past(clock: Clock) -> None:
    desk, about = fresh(clock)
    assert values(asked(clock, desk, about), FACTS) == (1, 1, 1, "a3")
    assert desk.asked == ["history"]


def test_a_record_that_came_with_the_ticket_costs_no_call_at_all(clock: Clock) -> None:
    desk, about = fresh(clock)
    facts = by_record(clock, desk, replace(about, requester=desk.people["r1"]))
    assert values(facts, FACTS) == (0, 1, 1, None)
    assert desk.asked == []


def test_where_the_record_cannot_be_read_the_past_is_asked_for(clock: Clock) -> None:
    desk, about = fresh(clock)
    del desk.people["r1"]
    facts = by_record(clock, desk, about)
    assert values(facts, FACTS) == (1, 1, 1, "a3")


def test_history_can_be_left_out(clock: Clock) -> None:
    desk = FakeDesk()
    with Asking(desk, clock, history=None) as ask:
        assert ask() == {}
    assert desk.asked == []


START = Clock().now
summaries = st.builds(
    past,
    st.integers(1, 20),
    st.none() | st.timedeltas(timedelta(days=-3), timedelta(days=1)).map(START.__add__),
    st.sampled_from(Status),
    st.none() | st.sampled_from(["a1", "a2"]),
)


@given(st.lists(summaries, max_size=20, unique_by=lambda summary: summary.ref))
def test_the_order_in_which_the_desk_lists_tickets_changes_no_count(listed: list[TicketSummary]) -> None:
    forward, backward = FakeDesk(), FakeDesk()
    forward.past, backward.past = listed, listed[::-1]
    about = ticket(created_at=START)
    counts = FACTS[:3]
    assert values(asked(Clock(), forward, about), counts) == values(asked(Clock(), backward, about), counts)
    assert asked(Clock(), forward, about)["previous_tickets"].value in range(len(listed) + 1)
