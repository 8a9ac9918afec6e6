"""Agents who speak to the bridge from their own tool are understood and answered once, on each vendor's sandbox."""

from datetime import timedelta
from html import unescape

import pytest

from bridge import reconcile
from bridge.commands import INTENT
from bridge.model import Mode
from bridge.store import feedback
from bridge.store.feedback import Word
from tests.core.world import SANDBOXES, Make, World


@pytest.fixture
def number(world: World) -> str:
    """A ticket that was decided on and given to an agent."""
    written = world.customer("Charged twice", "Please refund the invoice.")
    world.run()
    return written


def ours(world: World, number: str) -> list[str]:
    """Our notes on a ticket, oldest first."""
    people = {"dee@acme.example", "ana@acme.example", "bo@acme.example"}
    return [note["body"] for note in world.ticket(number)["notes"] if note["author"] not in people]


def said(world: World, number: str) -> Word | None:
    with world.store.reading() as connection:
        return feedback.of_place(connection, world.name, INTENT).get(world.ref(number).id)


def test_who_asks_why_is_told_rule_intent_agent_and_the_nearest_miss_once(world: World, number: str) -> None:
    holder = world.ticket(number)["assignee"]
    world.agent(number, note="/db why")
    world.run()
    _, answer = ours(world, number)
    name = {"ana@acme.example": "ana", "bo@acme.example": "bo"}[holder]
    for part in ("Dee", "rule “billing”", "team billing", f"{name}: ", "“refund”", "would have"):
        assert part in answer
    world.run(for_seconds=30)
    assert len(ours(world, number)) == 2
    assert world.ticket(number)["assignee"] == holder


def test_who_takes_a_ticket_gets_it_and_keeps_it(world: World, number: str) -> None:
    world.agent(number, note="/db mine")
    world.run()
    assert world.ticket(number)["assignee"] == "dee@acme.example"
    assert "it is yours" in ours(world, number)[-1]
    world.customer("", "Is anybody there? The refund please!", ticket=number)
    world.run()
    assert world.ticket(number)["assignee"] == "dee@acme.example"
    assert len(ours(world, number)) == 2


def test_what_an_agent_says_of_the_intent_is_kept_as_feedback(world: World, number: str) -> None:
    assert said(world, number) is None
    world.agent(number, note="/db wrong intent=billing")
    world.run()
    word = said(world, number)
    assert word is not None
    assert (word.said, word.became) == ("billing", "billing")
    assert word.decision == world.decisions(number)[0].id
    assert "noted" in ours(world, number)[-1]


def test_an_intent_that_there_is_not_is_answered_with_the_nearest_and_not_kept(world: World, number: str) -> None:
    world.agent(number, note="/db wrong intent=biling")
    world.run()
    assert "no intent is called “biling”, did you mean 'billing'? There are: billing." in unescape(
        ours(world, number)[-1]
    )
    assert said(world, number) is None


def test_several_lines_are_answered_in_one_note_and_text_below_them_does_nothing(world: World, number: str) -> None:
    world.agent(number, note="/db\u00a0help\n\n/DB fly\nThe customer wrote:\n/db mine")
    world.run()
    (answer,) = ours(world, number)[1:]
    assert answer.count("/db mine") == 2  # help and the unknown word each tell the commands
    assert "fly" in answer
    assert world.ticket(number)["assignee"] != "dee@acme.example"


def test_a_customer_who_writes_a_command_is_a_customer_who_wrote(world: World, number: str) -> None:
    holder = world.ticket(number)["assignee"]
    world.customer("", "/db mine\n/db wrong intent=billing", ticket=number)
    world.run()
    assert len(ours(world, number)) == 1
    assert said(world, number) is None
    assert world.ticket(number)["assignee"] == holder


def test_a_public_reply_is_no_command(world: World, number: str) -> None:
    world.agent(number, reply="/db why")
    world.run()
    assert len(ours(world, number)) == 1


def test_what_we_ourselves_write_is_no_command(world: World, number: str) -> None:
    world.agent(number, agent="bridge@acme.example", note="/db why")
    world.run()
    assert not any("To Deskbridge" in note for note in ours(world, number))


@pytest.mark.parametrize("vendor", sorted(SANDBOXES))
def test_in_shadow_nothing_is_answered_but_the_feedback_is_kept(make: Make, vendor: str) -> None:
    world = make(vendor, mode=Mode.SHADOW)
    number = world.customer("Charged twice", "Please refund the invoice.")
    world.run()
    world.agent(number, note="/db wrong intent=billing\n/db mine")
    world.run()
    assert ours(world, number) == []
    assert world.ticket(number)["assignee"] is None
    assert said(world, number) is not None


@pytest.mark.parametrize("vendor", sorted(SANDBOXES))
def test_while_only_suggesting_a_ticket_is_left_to_who_takes_it_and_not_assigned(make: Make, vendor: str) -> None:
    world = make(vendor, mode=Mode.SUGGEST)
    number = world.customer("Charged twice", "Please refund the invoice.")
    world.run()
    world.agent(number, note="/db mine")
    world.run()
    assert world.ticket(number)["assignee"] is None
    assert "take it in the desk itself" in ours(world, number)[-1]


def test_an_answer_whose_write_came_too_late_is_still_given_once(world: World, number: str) -> None:
    world.agent(number, note="/db why")
    world.delivered()
    while world.workers.decide("decider"):
        world.delivered()
    world.clock.turn(5)
    world.agent(number, set={"add_tags": ["vip"]})
    world.run(for_seconds=60)
    assert len(ours(world, number)) == 2
    assert "vip" in world.ticket(number)["tags"]


def test_a_command_on_a_new_ticket_is_answered_with_its_first_decision(world: World) -> None:
    number = world.customer("Charged twice", "Please refund the invoice.")
    world.agent(number, note="/db why")
    world.run(for_seconds=10)
    notes = ours(world, number)
    assert sum("To Dee" in note for note in notes) == 1


def test_what_only_polling_found_is_answered_too(world: World, number: str) -> None:
    world.control("PUT", "faults", {"drop": 1.0})
    world.agent(number, note="/db why")
    world.run()
    assert len(ours(world, number)) == 1
    world.clock.turn(120)  # Zendesk's export leaves the last minute out
    for _ in reconcile.follow(world.store, world.desk, back_fill=timedelta(days=1), clock=world.clock):
        pass
    world.run()
    assert len(ours(world, number)) == 2


def test_an_answer_whose_write_is_not_acknowledged_is_given_once(world: World, number: str) -> None:
    world.agent(number, note="/db mine")
    world.delivered()
    world.control("PUT", "faults", {"timeout_after_write": {"next": 1, "hold": 0.05}})
    world.run(for_seconds=60)
    assert len(ours(world, number)) == 2
    assert world.ticket(number)["assignee"] == "dee@acme.example"


@pytest.mark.parametrize("vendor", sorted(SANDBOXES))
def test_a_desk_that_wants_no_notes_gets_the_work_and_the_answers(make: Make, vendor: str) -> None:
    world = make(vendor, note="off")
    number = world.customer("Charged twice", "Please refund the invoice.")
    world.run()
    holder = world.ticket(number)["assignee"]
    assert holder in {"ana@acme.example", "bo@acme.example"}
    assert ours(world, number) == []
    world.customer("", "Hello? The refund!", ticket=number)
    world.agent(number, note="/db why")
    world.run()
    assert len(ours(world, number)) == 1
    assert world.ticket(number)["assignee"] == holder


def test_who_takes_a_ticket_after_another_took_it_for_themselves_has_it(world: World, number: str) -> None:
    world.clock.turn(5)
    world.agent(number, note="/db mine")
    world.delivered()
    for _ in range(4):
        world.workers.decide("decider")
        world.clock.turn(1)
    taker = next(one for one in ("ana@acme.example", "bo@acme.example") if one != world.ticket(number)["assignee"])
    world.agent(number, taker, set={"assignee": taker})
    world.run(for_seconds=60)
    assert world.ticket(number)["assignee"] == taker
    assert "has it since you asked" in ours(world, number)[-1]
    assert len(ours(world, number)) == 2


def test_a_command_on_a_solved_ticket_is_answered_when_the_ticket_is_open_again(world: World, number: str) -> None:
    world.agent(number, set={"status": "resolved"})
    world.run()
    world.agent(number, note="/db why")
    world.run(for_seconds=10)
    assert len(ours(world, number)) == 1
    world.customer("", "The refund has not come.", ticket=number)
    world.run(for_seconds=10)
    assert len(ours(world, number)) == 2
