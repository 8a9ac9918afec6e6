"""The journal gives a decision back as it was made: one by its id, the last of each ticket since a time."""

from datetime import datetime, timedelta

import pytest

from bridge.model import Change, Decision, EventKind, Fact, Mode, RuleVerdict, Standing, TicketRef, Triage
from bridge.store import Store, journal
from tests.conftest import Clock
from tests.rules.build import case


def decision(number: str, ticket: str, at: datetime) -> Decision:
    asked = case("I have the invoice.", tags=frozenset({"vip"}), fields={"seats": 3})
    return Decision(
        id=number,
        ref=TicketRef("d", ticket),
        at=at,
        event=EventKind.TICKET_CREATED,
        policy_version="abc",
        mode=Mode.LIVE,
        triage=Triage(),
        facts=(Fact("requester.tier", None, "crm", reason="late: no answer within 2 s"),),
        verdicts=(RuleVerdict("route", "everything else", True, line=3),),
        assignment=None,
        wish=Change(),
        change=Change(),
        ticket=asked.ticket,
        text=asked.text,
        standing=Standing(previous_assignees=frozenset({"ana"})),
    )


@pytest.fixture
def made(store: Store, clock: Clock) -> list[Decision]:
    """Two decisions about ticket 1 an hour apart, and one about ticket 2 between them."""
    times = [("A", "1", 0), ("B", "2", 30), ("C", "1", 60)]
    found = [decision(number, ticket, clock.now + timedelta(minutes=after)) for number, ticket, after in times]
    with store.writing() as connection:
        for one in found:
            journal.write(connection, one)
    return found


def test_a_decision_is_found_by_its_id_with_the_case_that_was_decided_on(store: Store, made: list[Decision]) -> None:
    with store.reading() as connection:
        found = journal.find(connection, "A")
        assert journal.find(connection, "Z") is None
    assert found == made[0]
    assert found is not None
    assert found.case == made[0].case


def test_of_each_ticket_the_last_decision_since_a_time_is_told_oldest_first(
    store: Store, made: list[Decision], clock: Clock
) -> None:
    since = [clock.now + timedelta(minutes=after) for after in (0, 31, 61)]
    with store.reading() as connection:
        told = [[one.id for one in journal.latest(connection, moment)] for moment in since]
    assert told == [["B", "C"], ["C"], []]
    assert len(made) == 3
