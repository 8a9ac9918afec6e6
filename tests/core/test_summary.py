"""A note that is updated instead of repeated: at Freshdesk, pinned as the ticket's summary."""

from functools import partial
from typing import Any

import pytest

from bridge.model import Mode
from sandbox.freshdesk import FreshdeskSandbox
from tests.core.test_journey import POLICY
from tests.core.test_unusual import api
from tests.core.world import SANDBOXES, Make, World

SAYING = POLICY.replace(
    "annotate:", "annotate:\n  - {name: promise, when: {intent: billing}, then: {note: Call them.}}"
)
MORE = "I shall ask my lawyer."


def summarising(make: Make, **more: Any) -> World:
    return make("freshdesk", options={"note_in": "summary"}, **more)


def opened(world: World) -> str:
    number = world.customer("Charged twice", "Please refund the invoice.")
    world.run()
    return number


def put(world: World, number: str, body: str) -> None:
    """A summary of somebody who is not us; the sandbox lets an administrator's key write in any agent's name."""
    ana = next(agent["id"] for agent in world.control("GET", "state")["agents"] if agent["email"] == "ana@acme.example")
    api(world, "PUT", f"/api/v2/tickets/{number}/summary", {"body": body, "user_id": int(ana)})


def summaries(world: World, number: str) -> list[str]:
    """Every summary that was written, the oldest first."""
    history = world.control("GET", "state")["writes"]
    return [w["changes"]["summary"][1] for w in history if w["ticket"] == number and "summary" in w["changes"]]


def test_a_second_decision_replaces_what_the_first_one_said(make: Make) -> None:
    world = summarising(make)
    number = opened(world)
    first = world.ticket(number)
    world.customer("", MORE, ticket=number)
    world.run()
    second = world.ticket(number)
    assert "Next step" in first["summary"]
    assert "escalated" not in first["summary"]
    assert "escalated" in second["summary"]
    assert [len(world.decisions(number)), first["notes"], second["notes"]] == [2, [], []]


def test_what_a_rule_says_and_what_an_agent_asked_stay_as_notes_of_their_own(make: Make) -> None:
    world = summarising(make, policy=SAYING)
    number = opened(world)
    world.agent(number, note="/db why")
    world.customer("", MORE, ticket=number)
    world.run()
    ticket = world.ticket(number)
    ours = [note["body"] for note in ticket["notes"] if note["author"] == "bridge@acme.example"]
    assert ["Call them." in body for body in ours] == [True, False]
    assert "rule “billing”" in ours[1]
    assert "Call them." not in ticket["summary"]
    assert "escalated" in ticket["summary"]


def test_a_desk_in_suggest_mode_has_its_suggestion_in_the_summary_and_nothing_else(make: Make) -> None:
    world = summarising(make, mode=Mode.SUGGEST, policy=POLICY.replace("mode: live", "mode: suggest"))
    number = opened(world)
    ticket = world.ticket(number)
    assert "Suggestion, nothing was changed" in ticket["summary"]
    assert (ticket["notes"], ticket["tags"], ticket["assignee"]) == ([], [], None)


def test_a_desk_without_notes_has_no_summary(make: Make) -> None:
    world = summarising(make, note="off")
    ticket = world.ticket(opened(world))
    assert (ticket["summary"], ticket["notes"], ticket["team"]) == (None, [], "Billing")


@pytest.mark.parametrize("when", ["from the start", "later", "ours, changed"])
def test_a_persons_summary_is_kept_and_the_note_is_a_private_note(make: Make, when: str) -> None:
    world = summarising(make)
    theirs = "<p>Ana: they pay by cheque.</p>"
    if when == "from the start":
        number = world.customer("Charged twice", "Please refund the invoice.")
    else:
        number = opened(world)
        theirs = world.ticket(number)["summary"] + theirs if when == "ours, changed" else theirs
    put(world, number, theirs)
    world.customer("", MORE, ticket=number)
    world.run()
    ticket = world.ticket(number)
    assert ticket["summary"] == theirs
    (note,) = ticket["notes"]
    assert "escalated" in note["body"]


def test_a_plan_without_summaries_gets_private_notes(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SANDBOXES, "freshdesk", partial(FreshdeskSandbox, summaries=False))
    world = summarising(make)
    ticket = world.ticket(opened(world))
    (note,) = ticket["notes"]
    assert "Next step" in note["body"]
    assert ticket["summary"] is None


@pytest.mark.parametrize("lost", ["answer", "request"])
def test_a_summary_whose_outcome_is_unclear_is_written_once(make: Make, lost: str) -> None:
    world = summarising(make)
    fault = {"timeout_after_write": {"next": 1, "hold": 0, "match": "/summary"}}
    world.control(
        "PUT", "faults", fault if lost == "answer" else {"reset": {"next": 1, "match": "PUT /api/v2/tickets/1/summary"}}
    )
    number = opened(world)
    world.run(for_seconds=90)
    ticket = world.ticket(number)
    assert summaries(world, number) == [ticket["summary"]]
    assert "Next step" in ticket["summary"]
    assert ticket["notes"] == []


def test_a_note_in_a_summarys_stead_whose_answer_is_lost_is_written_once(make: Make) -> None:
    world = summarising(make, policy=SAYING)
    number = world.customer("Charged twice", "Please refund the invoice.")
    put(world, number, "<p>Ana: they pay by cheque.</p>")
    world.control("PUT", "faults", {"timeout_after_write": {"next": 2, "hold": 0, "match": "/notes"}})
    world.run(for_seconds=180)
    said = [note["body"] for note in world.ticket(number)["notes"]]
    assert ["Call them." in body for body in said] == [True, False]
    assert "Next step" in said[1]
