"""Who the customer is by the desk's own record, and by several sources together."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bridge.errors import Retryable
from bridge.model import Organisation, Requester, Status, Ticket, TicketRef
from tests.conftest import Clock
from tests.enrichment.parts import ADA, PLANTED, Asking, FakeDesk, ticket, values

DESK = {"kind": "desk"}


def test_the_organisations_record_says_tier_plan_and_owner_with_the_time_it_was_read(clock: Clock) -> None:
    read_at = clock()
    with Asking(FakeDesk(), clock, DESK) as ask:
        assert values(ask()) == ("enterprise", "Gold", "Ana")
        clock.turn(120)
        tier = ask()["tier"]
    assert (tier.name, tier.source, tier.as_of) == ("requester.tier", "desk", read_at)


def test_the_desk_is_asked_for_a_requester_once_in_five_minutes(clock: Clock) -> None:
    desk = FakeDesk()
    with Asking(desk, clock, DESK) as ask:
        for seconds in (0, 299):
            clock.turn(seconds)
            ask()
        assert desk.asked == ["requester"]
        clock.turn(1)
        ask()
    assert desk.asked == ["requester"] * 2


def test_a_ticket_that_was_read_with_its_organisation_costs_no_call(clock: Clock) -> None:
    desk = FakeDesk()
    with Asking(desk, clock, DESK) as ask:
        assert values(ask(ticket(ADA))) == ("enterprise", "Gold", "Ana")
    assert desk.asked == []


def test_the_fields_of_the_account_may_have_other_names(clock: Clock) -> None:
    desk = FakeDesk()
    desk.people["r1"] = replace(ADA, organisation=Organisation("o1", "G", {"level": 3, "crm": {"owner": "Bo"}}))
    fields = {"tier": "level", "account_owner": "crm.owner"}
    with Asking(desk, clock, {"kind": "desk", "fields": fields}) as ask:
        assert values(ask()) == ("3", None, "Bo")


def test_what_the_organisation_lacks_or_leaves_empty_the_requester_may_have(clock: Clock) -> None:
    desk = FakeDesk()
    organisation = Organisation("o1", "Globex", {"tier": "pro", "plan": ""})
    desk.people["r1"] = Requester("r1", organisation=organisation, fields={"tier": "free", "plan": "Mini"})
    with Asking(desk, clock, DESK) as ask:
        facts = ask()
    assert values(facts) == ("pro", "Mini", None)
    assert facts["account_owner"].reason == "missing"


@pytest.mark.parametrize(
    ("value", "known", "reason"),
    [
        (True, "true", None),
        (4.5, "4.5", None),
        ("  Gold \n plan ", "Gold plan", None),
        ("   ", None, "missing"),
        (None, None, "missing"),
        (float("nan"), None, "failed: the value is neither text nor a number"),
        (["a"], None, "failed: the value is neither text nor a number"),
        ({"a": 1}, None, "failed: the value is neither text nor a number"),
        ("x" * 201, None, "failed: the value is longer than 200 characters"),
    ],
)
def test_a_field_is_one_short_line_or_unknown(clock: Clock, value: Any, known: str | None, reason: str | None) -> None:
    desk = FakeDesk()
    desk.people["r1"] = Requester("r1", organisation=Organisation("o1", "G", {"tier": value}))
    with Asking(desk, clock, DESK) as ask:
        tier = ask()["tier"]
    assert (tier.value, tier.reason) == (known, reason)


def test_a_desk_that_does_not_answer_is_replaced_by_its_last_answer_for_a_day(clock: Clock) -> None:
    desk = FakeDesk()
    read_at = clock()
    with Asking(desk, clock, DESK) as ask:
        ask()
        desk.trouble = Retryable(PLANTED, 503)
        clock.turn(86_400)
        tier = ask()["tier"]
        assert (tier.value, tier.as_of) == ("enterprise", read_at)
        clock.turn(1)
        tier = ask()["tier"]
    assert tier.value is None
    assert tier.reason == "stale: true at 2026-11-03 09:00 UTC, not known since"


def test_a_ticket_without_a_requester_and_an_unknown_one_have_unknown_facts(clock: Clock) -> None:
    with Asking(FakeDesk(), clock, DESK) as ask:
        nobody = ask(Ticket(TicketRef("shop", "9"), "Help", None, Status.NEW))["tier"]
        stranger = ask(ticket(Requester("r2")))["tier"]
    assert (nobody.value, nobody.reason) == (None, "missing")
    assert (stranger.value, stranger.reason) == (None, "failed: NotThere")


def test_sources_are_believed_in_the_order_in_which_they_are_written(clock: Clock, tmp_path: Path) -> None:
    path = tmp_path / "customers.csv"
    path.write_text("email,tier,plan\nada@globex.example,free,\n")
    desk = FakeDesk()
    with Asking(desk, clock, {"kind": "csv", "path": path}, DESK) as ask:
        facts = ask()
    assert values(facts) == ("free", "Gold", "Ana")
    assert [fact.source for fact in facts.values()] == ["customers.csv", "desk", "desk"]
    assert desk.asked == ["requester"]  # both sources needed them, one call told both


def test_without_sources_there_are_no_facts(clock: Clock) -> None:
    with Asking(FakeDesk(), clock) as ask:
        assert ask() == {}
