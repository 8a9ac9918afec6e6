"""Accounts that are not as the textbook has them: what docs/desks/unusual.md says of each is so."""

import base64
import json
import unicodedata
import urllib.request
from functools import partial
from typing import Any

import pytest

import rules
from bridge.binding import bind
from bridge.model import AgentRecord, Roster, Status, TeamRecord
from bridge.store import casebook
from sandbox.freshdesk import AGENT_KEY, FreshdeskSandbox
from tests.conftest import Clock
from tests.core.test_journey import POLICY
from tests.core.test_troubles import TOKENS, entries, invoice, planned, remove
from tests.core.world import SANDBOXES, Make, World

ANA, BO = "ana@acme.example", "bo@acme.example"
BOTH = """
policy: deskbridge/v1
mode: live
teams:
  billing: {assign_at_arrival: true, members: {ana: {capacity: 2}}}
  refunds: {assign_at_arrival: true, members: {ana: {capacity: 2}}}
triage: {words: {refund: [refund]}}
route:
  - {name: refunds, when: {intent: refund}, to: {team: refunds}}
  - {name: everything else, to: {team: billing}}
bindings:
  DESK: {teams: {billing: Billing, refunds: Billing}, agents: {ana: ana@acme.example}}
"""


def api(world: World, method: str, path: str, body: dict[str, Any] | None = None, who: str | None = None) -> None:
    """A call of somebody else's to the desk's own API; `who` is what authorises it, else our own credential."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(world.running.url + path, data=data, method=method)
    request.add_header("Content-Type", "application/json")
    request.add_header("Authorization", who or TOKENS[world.vendor])
    urllib.request.urlopen(request, timeout=10).close()


def merge(world: World, source: str, target: str) -> None:
    if world.vendor == "zendesk":
        api(world, "POST", f"/api/v2/tickets/{target}/merge.json", {"ids": [int(source)]})
    elif world.vendor == "freshdesk":
        api(world, "PUT", "/api/v2/tickets/merge", {"primary_id": int(target), "ticket_ids": [int(source)]})
    else:
        into = {"merge_into_conversation_id": int(world.ref(target).id.removeprefix("conversation:"))}
        api(world, "POST", f"/conversations/{world.ref(source).id.removeprefix('conversation:')}/merge", into)


def is_settled(world: World) -> bool:
    """Whether nothing waits, neither for us nor for a person."""
    return entries(world, "open", "waiting", "parked") == []


def test_a_ticket_that_is_closed_before_our_write_is_left_alone(world: World) -> None:
    number = planned(world)
    world.agent(number, BO, set={"status": "closed"})
    world.run(for_seconds=30)
    assert world.ticket(number)["team"] != "Billing"
    assert world.ticket(number)["notes"] == []
    assert is_settled(world)


def test_a_customer_who_answers_a_closed_ticket_is_heard(world: World) -> None:
    number = invoice(world)
    world.run()
    world.agent(number, BO, set={"status": "closed"})
    world.run()
    answered = world.customer("", "The refund of the invoice has not come.", ticket=number)
    world.run(for_seconds=10)
    assert (answered != number) is (world.vendor == "zendesk")  # there a follow-up is a ticket of its own
    assert world.ticket(answered)["team"] == "Billing"
    assert world.ticket(answered)["assignee"] in {ANA, BO}
    assert is_settled(world)


@pytest.mark.parametrize("vendor", sorted(SANDBOXES))
@pytest.mark.parametrize("before", ["decision", "write"])
def test_a_ticket_that_was_merged_into_another_is_let_go_and_the_other_goes_on(
    make: Make, vendor: str, before: str
) -> None:
    world = make(vendor)
    target = invoice(world)
    world.run()
    source = world.customer("Again", "About the refund of that invoice.")
    world.delivered()
    for _ in range(5 if before == "write" else 0):
        world.workers.decide("decider")
        world.clock.turn(1)
    assert bool(entries(world, "open")) is (before == "write")
    merge(world, source, target)
    world.clock.turn(1)
    world.run(for_seconds=30)
    assert world.ticket(target)["team"] == "Billing"
    assert world.ticket(source)["team"] != "Billing"
    assert is_settled(world)


def split_off(world: World, **more: int) -> None:
    """Ana makes a ticket of its own of what a customer wrote, as the desk's screens do in her name."""
    said, key = "The refund has not come.", f"{AGENT_KEY}:X"
    body: dict[str, Any] = {"subject": "Refund", "description": said, "email": "ada@mail.example", "source": 2}
    path, body = "/api/v2/tickets", body | {"status": 2, "priority": 1} | more
    if world.vendor == "zendesk":
        path, key = "/api/v2/tickets.json", f"{ANA}/token:sandbox-api-token"
        requester = {"email": "ada@mail.example", "name": "Ada"}
        body = {"ticket": {"subject": "Refund", "comment": {"body": said}, "requester": requester} | more}
    api(world, "POST", path, body, "Basic " + base64.b64encode(key.encode()).decode())


@pytest.mark.parametrize("vendor", ["zendesk", "freshdesk"])
@pytest.mark.parametrize("keeps", [True, False])
def test_a_ticket_that_an_agent_split_off_is_a_new_one_and_theirs_where_they_kept_it(
    make: Make, vendor: str, keeps: bool
) -> None:
    world = make(vendor)
    number = invoice(world)
    world.run()
    before, people = world.ticket(number), world.desk.roster()
    team = next(int(team.id) for team in people.teams if team.name == "Billing")
    ana = next(int(agent.id) for agent in people.agents if agent.email == ANA)
    holder = {"zendesk": "assignee_id", "freshdesk": "responder_id"}[vendor]
    world.control("POST", "agents/status", {"agent": ANA, "status": "offline"})
    world.take_roster()
    split_off(world, group_id=team, **({holder: ana} if keeps else {}))
    world.run(for_seconds=10)
    (other,) = [each for each in world.control("GET", "state")["tickets"] if each["id"] != number]
    assert len(world.decisions(other["id"])) == 1
    assert other["assignee"] == (ANA if keeps else BO)
    assert world.ticket(number) == before
    assert is_settled(world)


def test_a_ticket_that_comes_back_from_the_bin_is_worked_on_again(make: Make) -> None:
    world = make("freshdesk")
    number = invoice(world)
    remove(world, number)
    world.run(for_seconds=8)
    assert world.decisions(number) == []
    api(world, "PUT", f"/api/v2/tickets/{number}/restore")
    world.customer("", "The refund of the invoice has not come.", ticket=number)
    world.run(for_seconds=10)
    assert world.ticket(number)["team"] == "Billing"


def test_spam_is_let_go(make: Make) -> None:
    world = make("freshdesk")
    number = planned(world)
    world.agent(number, BO, set={"status": "spam"})
    world.run(for_seconds=20)
    assert world.ticket(number)["notes"] == []
    assert is_settled(world)


def test_an_account_that_renamed_its_labels_and_writes_german_is_served(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    german = {2: "Offen", 3: "Wartend", 4: "Gelöst", 5: "Geschlossen"}
    monkeypatch.setitem(SANDBOXES, "freshdesk", partial(FreshdeskSandbox, statuses=german))
    world = make("freshdesk", policy=POLICY.replace("[invoice, refund]", "[rechnung, rückerstattung]"))
    number = world.customer("Doppelt abgebucht", "Bitte um Rückerstattung, die Rechnung habe ich zweimal bezahlt.")
    world.run()
    assert world.ticket(number)["team"] == "Billing"
    (decision,) = world.decisions(number)
    assert decision.triage.language is not None
    assert decision.triage.language.value == "de"
    assert decision.ticket is not None
    assert decision.ticket.status is Status.NEW


def test_names_are_found_however_their_accents_are_written(clock: Clock) -> None:
    composed, apart = (unicodedata.normalize(form, "Geschäftsführung") for form in ("NFC", "NFD"))
    renamed = POLICY.replace("billing: Billing", f"billing: {apart}").replace("ana: ana@acme.example", "ana: José")
    policy = rules.loads(renamed)
    people = (AgentRecord("1", unicodedata.normalize("NFD", "José")),)
    desk = Roster("acme-zendesk", clock.now, people, (TeamRecord("7", composed), TeamRecord("8", "General")))
    found = bind(policy, desk)
    assert found.team_ids == {"billing": "7", "general": "8"}
    assert found.agents["ana"].id == "1"


@pytest.mark.parametrize("vendor", sorted(SANDBOXES))
def test_an_agent_of_two_teams_gets_tickets_of_both_within_one_limit(make: Make, vendor: str) -> None:
    policy = BOTH.replace("DESK", f"acme-{vendor}")
    world = make(vendor, policy=policy)
    numbers = [invoice(world), world.customer("A question", "How do I export?"), invoice(world)]
    world.run(for_seconds=10)
    assert sorted(str(world.ticket(number)["assignee"]) for number in numbers) == ["None", ANA, ANA]


@pytest.mark.parametrize("vendor", ["zendesk", "freshdesk"])
def test_an_agent_whom_the_desk_does_not_have_in_the_team_leaves_a_case_for_a_person(make: Make, vendor: str) -> None:
    outside = POLICY.replace("ana: ana@acme.example", "ana: cy@acme.example").replace("bo: bo@", "bo: none@")
    world = make(vendor, policy=outside)
    number = invoice(world)
    world.run(for_seconds=10)
    (case,) = entries(world, "parked")
    assert isinstance(case, casebook.Entry)
    assert case.ticket == world.ref(number).id
    assert "group" in str(case.words).lower()


def decided(world: World, number: str) -> str:
    """The agent to whom a ticket is to be given by a write that has not begun."""
    (decision,) = world.decisions(number)
    assert decision.assignment is not None
    return f"{decision.assignment.agent}@acme.example"


def test_an_agent_who_left_before_our_write_is_passed_over_and_the_ticket_goes_to_another(world: World) -> None:
    number = planned(world)
    gone = decided(world, number)
    world.control("POST", "agents/remove", {"agent": gone})
    world.run(for_seconds=10)
    assert world.ticket(number)["assignee"] == ({ANA, BO} - {gone}).pop()
    assert world.ticket(number)["team"] == "Billing"
    assert len(world.ticket(number)["notes"]) == 1
    assert is_settled(world)
    (late,) = entries(world, "superseded")
    assert isinstance(late, casebook.Entry)
    assert "does not have the agent any more" in str(late.words)


def test_where_every_agent_left_before_our_write_the_ticket_waits_in_its_team(world: World) -> None:
    number = planned(world)
    for agent in (ANA, BO):
        world.control("POST", "agents/remove", {"agent": agent})
    world.run(for_seconds=10)
    assert world.ticket(number)["team"] == "Billing"
    assert world.ticket(number)["assignee"] is None
    assert entries(world, "parked") == []
