"""The journey of a ticket from the customer's message to the change at the desk, on each vendor's sandbox."""

from bridge.model import Change, Mode
from tests.core.world import Make, World

POLICY = """
policy: deskbridge/v1
mode: live
teams:
  billing: {assign_at_arrival: true, members: {ana: {capacity: 3}, bo: {capacity: 3}}}
  general: {assign_at_arrival: true, members: {eli: {capacity: 9}, fay: {capacity: 9}}}
triage:
  intent: {act: 0.8, suggest: 0.5}
  words: {billing: [invoice, refund]}
annotate:
  - {name: money, when: {intent: billing}, then: {add_tags: [money]}}
  - {name: lawyer, when: {text: [lawyer]}, then: {add_tags: [escalated]}}
route:
  - {name: billing, when: {intent: billing}, to: {team: billing}}
  - {name: everything else, to: {team: general}}
bindings:
"""
_NAMES = """
    teams: {billing: Billing, general: General}
    agents: {ana: ana@acme.example, bo: bo@acme.example, eli: eli@acme.example, fay: fay@acme.example}
"""
POLICY += "".join(f"  acme-{vendor}:{_NAMES}" for vendor in ("zendesk", "freshdesk", "intercom"))


def test_a_new_ticket_is_understood_routed_tagged_noted_once(world: World) -> None:
    number = world.customer("Charged twice", "Please refund the invoice.")
    world.run()
    ticket = world.ticket(number)
    assert ticket["team"] == "Billing"
    assert ticket["assignee"] in {"ana@acme.example", "bo@acme.example"}
    assert "money" in ticket["tags"]
    (note,) = ticket["notes"]
    assert "billing" in note["body"]
    assert ticket["replies"] == [reply for reply in ticket["replies"] if reply["author_kind"] == "requester"]


def test_our_own_writes_coming_back_cause_no_write(world: World) -> None:
    number = world.customer("Charged twice", "Please refund the invoice.")
    world.run()
    before = world.writes(number)
    world.run(for_seconds=30)
    assert world.writes(number) == before
    assert len(world.decisions(number)) == 1


def test_a_reply_is_decided_on_and_only_what_changes_is_written(world: World) -> None:
    number = world.customer("A question", "How do I export?")
    world.run()
    owner = world.ticket(number)["assignee"]
    world.customer("", "You hear from my lawyer.", ticket=number)
    world.run()
    ticket = world.ticket(number)
    assert "escalated" in ticket["tags"]
    assert ticket["assignee"] == owner
    assert len(ticket["notes"]) == 2
    world.customer("", "Thank you.", ticket=number)
    world.run()
    assert len(world.ticket(number)["notes"]) == 2


def test_an_assignment_by_a_human_stands(world: World) -> None:
    number = world.customer("Charged twice", "Please refund the invoice.")
    world.delivered()
    world.clock.turn(2)
    world.agent(number, set={"assignee": "dee@acme.example", "team": "Tech Support"})
    world.run(for_seconds=12)
    ticket = world.ticket(number)
    assert (ticket["assignee"], ticket["team"]) == ("dee@acme.example", "Tech Support")
    assert "money" in ticket["tags"]


def test_what_a_human_changed_is_not_written_over_later(world: World) -> None:
    number = world.customer("A question", "How do I export?")
    world.run()
    world.agent(number, set={"assignee": "dee@acme.example", "team": "Tech Support", "add_tags": ["known"]})
    world.run()
    world.customer("", "Where is my refund for the invoice?", ticket=number)
    world.run()
    ticket = world.ticket(number)
    assert (ticket["assignee"], ticket["team"]) == ("dee@acme.example", "Tech Support")
    assert {"known", "money"} <= set(ticket["tags"])


def test_a_tag_that_a_human_took_off_is_not_put_back(world: World) -> None:
    number = world.customer("Charged twice", "Please refund the invoice.")
    world.run()
    world.agent(number, set={"remove_tags": ["money"]})
    world.run()
    world.customer("", "The invoice, please.", ticket=number)
    world.run()
    assert "money" not in world.ticket(number)["tags"]


def test_a_duplicate_webhook_has_no_effect(world: World) -> None:
    world.control("PUT", "faults", {"duplicate": {"next": 5}})
    number = world.customer("Charged twice", "Please refund the invoice.")
    world.run()
    assert len(world.ticket(number)["notes"]) == 1
    assert len(world.decisions(number)) == 1


def test_an_answer_lost_after_the_write_took_effect_repeats_nothing(world: World) -> None:
    path = "/conversations/" if world.vendor == "intercom" else "/tickets/"
    world.control("PUT", "faults", {"timeout_after_write": {"next": 2, "hold": 0, "match": path}})
    number = world.customer("Charged twice", "Please refund the invoice.")
    world.run(for_seconds=20)
    ticket = world.ticket(number)
    assert ticket["team"] == "Billing"
    assert len(ticket["notes"]) == 1
    changed = [field for write in world.writes(number) for field in write["changes"]]
    assert len(changed) == len(set(changed)) or world.vendor == "intercom"


def test_a_throttled_desk_is_asked_again_and_the_ticket_arrives(world: World) -> None:
    world.control("PUT", "faults", {"429": {"next": 6, "retry_after": 2}})
    number = world.customer("Charged twice", "Please refund the invoice.")
    world.run(for_seconds=40)
    assert world.ticket(number)["team"] == "Billing"
    assert len(world.ticket(number)["notes"]) == 1


def test_shadow_decides_and_writes_nothing(make: Make) -> None:
    world = make("zendesk", mode=Mode.SHADOW)
    number = world.customer("Charged twice", "Please refund the invoice.")
    world.run()
    (decision,) = world.decisions(number)
    assert decision.assignment is not None
    assert decision.assignment.team == "billing"
    assert decision.change == Change()
    assert world.writes(number) == []


def test_suggest_writes_one_note_and_nothing_else(make: Make) -> None:
    world = make("zendesk", mode=Mode.SUGGEST)
    number = world.customer("Charged twice", "Please refund the invoice.")
    world.run()
    world.customer("", "Any news?", ticket=number)
    world.run()
    ticket = world.ticket(number)
    assert ticket["assignee"] is None
    assert "money" not in ticket["tags"]
    assert len(ticket["notes"]) == 1


def test_nobody_is_given_more_than_they_can_hold_and_who_waits_gets_the_next_place(make: Make) -> None:
    world = make("zendesk")
    numbers = [world.customer(f"Invoice {n}", "Please refund it.") for n in range(8)]
    world.run()
    held = [world.ticket(number)["assignee"] for number in numbers]
    assert held.count("ana@acme.example") == 3
    assert held.count("bo@acme.example") == 3
    waiting = [number for number, who in zip(numbers, held, strict=True) if who is None]
    assert [world.ticket(number)["team"] for number in waiting] == ["Billing", "Billing"]
    solved = numbers[held.index("ana@acme.example")]
    world.agent(solved, "ana@acme.example", set={"status": "resolved"}, reply="Done.")
    world.clock.turn(20)
    world.take_roster()
    world.run(for_seconds=20)
    assert [world.ticket(number)["assignee"] for number in waiting].count("ana@acme.example") == 1


def test_an_agent_who_is_away_is_given_nothing(world: World) -> None:
    world.control("POST", "agents/status", {"agent": "ana@acme.example", "status": "away"})
    world.clock.turn(2)
    world.take_roster()
    numbers = [world.customer(f"Invoice {n}", "Please refund it.") for n in range(2)]
    world.run()
    assert {world.ticket(number)["assignee"] for number in numbers} == {"bo@acme.example"}


def test_a_rule_names_the_last_agent_as_the_policy_does(make: Make) -> None:
    policy = POLICY.replace(
        "route:\n", "route:\n  - {name: again, when: {last_agent: ana}, to: {team: general}}\n", 1
    ).replace(
        "annotate:\n", "annotate:\n  - {name: known, when: {last_agent: ana}, then: {add_tags: [ana-knows]}}\n", 1
    )
    world = make("freshdesk", policy=policy)
    first = world.customer("An old question", "How do I export?", email="ada@globex.example")
    world.agent(first, "ana@acme.example", set={"assignee": "ana@acme.example", "team": "Billing"})
    world.run()
    second = world.customer("A new question", "How do I import?", email="ada@globex.example")
    world.run()
    assert "ana-knows" in world.ticket(second)["tags"]
