"""What rules say, ask of the past and leave in the record, from the customer's message to the desk and the journal."""

from collections.abc import Iterator

import httpx
import pytest

from bridge.model import Hook, Notice
from bridge.store import Store
from tests.conftest import Clock
from tests.core.world import ROUTES, World

POLICY = (
    """
policy: deskbridge/v1
mode: live
webhooks: {crm: "https://crm.example/tickets"}
teams:
  billing: {members: {ana: {capacity: 3}, bo: {capacity: 3}}}
  general: {members: {eli: {capacity: 9}}}
triage:
  words: {billing: [invoice, refund]}
annotate:
  - name: money
    when: {intent: billing}
    then:
      tier: gold
      note: "Look at <b>{subject}</b> on {intent} first."
      notify: {to: [bo], text: "{intent} on {channel}"}
      call: crm
  - {name: moved, when: {previous_assignees: [ana, bo], assignee: eli}, then: {add_tags: [moved]}}
  - {name: no longer vip, when: {previous_tags: vip}, then: {add_tags: [lost-vip]}}
"""
    + ROUTES
)


HUMAN = """\
  - {name: human, when: {text: lawyer}, then: {tier: human}}
"""
WHO = """
  - {name: globex, when: {requester.domain: globex.example, requester.email: ann@globex.example}, then: {add_tags: [g]}}
  - {name: their organisation, when: {requester.organisation: Globex}, then: {add_tags: [o]}}"""


@pytest.fixture
def world(sqlite_store: Store, clock: Clock) -> Iterator[World]:
    made = World("zendesk", sqlite_store, clock, policy=POLICY)
    yield made
    made.close()


def test_what_a_rule_says_stands_once_and_escaped_in_the_note(world: World) -> None:
    number = world.customer("<i>Refund</i>", "The invoice is wrong.")
    world.run()
    world.customer("", "Any news on the refund?", ticket=number)
    world.run()
    said = [note["body"] for note in world.ticket(number)["notes"] if "Look at" in note["body"]]
    assert len(said) == 1
    assert "Look at &lt;b&gt;&lt;i&gt;Refund&lt;/i&gt;&lt;/b&gt; on billing first." in said[0]
    assert len(world.decisions(number)) == 2


def test_who_had_the_ticket_and_which_tags_it_lost_can_be_asked_later(world: World) -> None:
    number = world.customer("Refund", "The invoice is wrong.", tags=["vip"])
    world.run()
    world.agent(number, set={"assignee": "eli@acme.example", "remove_tags": ["vip"]})
    world.run()
    world.customer("", "Any news?", ticket=number)
    world.run()
    assert {"moved", "lost-vip"} <= set(world.ticket(number)["tags"])


def test_a_recorded_decision_holds_the_tier_whom_to_tell_and_what_to_call(world: World) -> None:
    number = world.customer("Refund", "The invoice is wrong.")
    world.run()
    (decision,) = world.decisions(number)
    assert decision.effect.tier == "gold"
    assert decision.effect.hooks == (Hook("money", "crm"),)
    (notice,) = decision.effect.notices
    assert notice == Notice("money", frozenset({"bo"}), notice.text)
    assert notice.text.startswith("billing on ")


def test_the_tier_and_whom_a_notice_is_for_stand_in_the_note_once(world: World) -> None:
    number = world.customer("Refund", "The invoice is wrong.")
    world.run()
    world.customer("", "Any news on the invoice?", ticket=number)
    world.run()
    (note,) = [note["body"] for note in world.ticket(number)["notes"] if "For bo: billing" in note["body"]]
    assert "support tier gold" in note


def test_another_tier_is_worth_another_note_and_the_field_bound_to_it_is_written(
    sqlite_store: Store, clock: Clock
) -> None:
    policy = POLICY.replace("    agents:", "    fields: {tier: cf_triage}\n    agents:").replace(
        "route:", f"{HUMAN}route:"
    )
    world = World("freshdesk", sqlite_store, clock, policy=policy)
    try:
        number = world.customer("Refund", "The invoice is wrong.")
        world.run()
        assert world.ticket(number)["fields"]["cf_triage"] == "gold"
        world.customer("", "Call my lawyer about the invoice.", ticket=number)
        world.run()
        notes = [note["body"] for note in world.ticket(number)["notes"]]
        assert [tier for note in notes for tier in ("gold", "human") if f"support tier {tier}" in note] == [
            "gold",
            "human",
        ]
        assert world.ticket(number)["fields"]["cf_triage"] == "human"
    finally:
        world.close()


def test_freshdesk_mails_a_notice_once_to_all_that_it_is_for(sqlite_store: Store, clock: Clock) -> None:
    policy = POLICY.replace("to: [bo]", "to: [eli, billing]")
    world = World("freshdesk", sqlite_store, clock, policy=policy)
    try:
        number = world.customer("Refund", "The invoice is wrong.")
        world.run()
        world.customer("", "Any news on the invoice?", ticket=number)
        world.run()
        talk = httpx.get(
            f"{world.running.url}/api/v2/tickets/{number}/conversations", auth=("sandbox-freshdesk-key", "X")
        )
        assert [sorted(one["to_emails"]) for one in talk.json() if one["private"] and one["to_emails"]] == [
            ["ana@acme.example", "bo@acme.example", "eli@acme.example"]
        ]
    finally:
        world.close()


@pytest.mark.parametrize("vendor", ["zendesk", "freshdesk", "intercom"])
def test_who_asks_is_known_to_rules_also_where_the_event_tells_the_id_alone(
    sqlite_store: Store, clock: Clock, vendor: str
) -> None:
    world = World(vendor, sqlite_store, clock, policy=POLICY.replace("annotate:", f"annotate:{WHO}"))
    try:
        number = world.customer("Hello", "A question.", email="ann@globex.example")
        world.run()
        (decision,) = world.decisions(number)
        assert {"globex", "their organisation"} <= {verdict.rule for verdict in decision.verdicts}
    finally:
        world.close()


def test_a_recorded_decision_can_be_explained_from_its_record(world: World) -> None:
    number = world.customer("Refund", "The invoice is wrong.")
    world.run()
    (decision,) = world.decisions(number)
    assert decision.case is not None
    accounts = world.policy.explain(decision.case, desk=decision.ref.desk)
    recorded = [(verdict.stage, verdict.rule, verdict.line) for verdict in decision.verdicts]
    assert [(account.stage, account.rule, account.line) for account in accounts if account.applied] == recorded
    because = {account.rule: account.because for account in accounts}
    assert because["moved"] == "previous_assignees were none, not [ana, bo]"
