"""What can go wrong between a webhook and the change at the desk, on each vendor's sandbox: nothing lost or twice."""

import base64
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import delete

import rules
from bridge.errors import BadCredential, NotThere, Permanent, Retryable, Unclear
from bridge.model import Event, Step, Ticket
from bridge.pipeline import MISTAKES_MAX, passing
from bridge.store import casebook, tables
from bridge.store import roster as rosters
from bridge.worker import LEASE, beat
from bridge.writeback import CONFLICTS_MAX
from deskbridge.vendors import VENDORS
from tests.core.test_journey import POLICY
from tests.core.world import OPTIONS, SANDBOXES, Make, World

ANSWERED = {"zendesk": 3, "freshdesk": 3, "intercom": 8}
"""More vendor calls than the first write of a ticket takes, for faults at each of them."""

TOKENS = {
    "zendesk": "Basic " + base64.b64encode(b"bridge@acme.example/token:sandbox-api-token").decode(),
    "freshdesk": "Basic " + base64.b64encode(b"sandbox-freshdesk-key:X").decode(),
    "intercom": "Bearer sandbox-intercom-token",
}
DELETED_AT = {"zendesk": "/api/v2/tickets/{}.json", "freshdesk": "/api/v2/tickets/{}", "intercom": "/conversations/{}"}
WRONG: dict[str, dict[str, Any]] = {
    "zendesk": {"credentials": {"client_id": "deskbridge", "client_secret": "rotated"}},
    "freshdesk": {"api_key": "rotated"},
    "intercom": {"access_token": "rotated"},
}


class SlowPolicy:
    """The world's policy, whose first decision takes longer than a lease, so that another worker comes before it."""

    def __init__(self, world: World) -> None:
        self._world, self._policy = world, world.policy

    def __getattr__(self, name: str) -> Any:
        return getattr(self._policy, name)

    def decide(self, *given: Any, **named: Any) -> Any:
        self._world.policy = self._policy
        silent_for_a_lease(self._world)
        assert self._world.workers.decide("another")
        return self._policy.decide(*given, **named)


class Killed(BaseException):
    """The process is gone at this instruction: no `except Exception` sees it."""


@pytest.fixture
def zendesk(make: Make) -> World:
    return make("zendesk")


def invoice(world: World) -> str:
    return world.customer("Charged twice", "Please refund the invoice.")


def entries(world: World, *states: str) -> list[casebook.Entry]:
    with world.store.reading() as connection:
        return casebook.entries(connection, states=states or casebook.STATES)


def planned(world: World) -> str:
    """A ticket that is decided on, its write planned and not yet begun."""
    number = invoice(world)
    world.delivered()
    for _ in range(5):
        world.workers.decide("decider")
        world.clock.turn(1)
    assert [entry.ticket for entry in entries(world, "open")] == [world.ref(number).id]
    return number


def silent_for_a_lease(world: World) -> None:
    world.clock.turn(LEASE.total_seconds() + 1)
    beat(world.store, [], world.clock.now)


def written_once(world: World, number: str) -> None:
    """The ticket is where the policy says, and the desk's own history holds no effect twice."""
    ticket = world.ticket(number)
    assert ticket["team"] == "Billing"
    assert ticket["assignee"] in {"ana@acme.example", "bo@acme.example"}
    assert "money" in ticket["tags"]
    assert len(ticket["notes"]) == 1
    effects = [(field, str(after)) for write in world.writes(number) for field, (_, after) in write["changes"].items()]
    assert len(effects) == len(set(effects)), effects


def use(world: World, **options: object) -> None:
    """Connect the world's desk with other options."""
    kind = VENDORS[world.vendor]
    given = kind.options.model_validate({"url": world.running.url, **OPTIONS[world.vendor], **options})
    world.desk.close()
    world.desk = kind.desk(world.name, given, gate=world.gate, clock=world.clock)
    world.desks[world.name] = replace(world.desks[world.name], desk=world.desk)


def disturb(world: World, method: str, around: Callable[..., Any]) -> None:
    """Have `around(original, *arguments)` called in place of a method of the desk."""
    original = getattr(world.desk, method)
    setattr(world.desk, method, lambda *given: around(original, *given))


def test_an_edit_between_decision_and_write_wins_and_the_rest_is_decided_anew(world: World) -> None:
    number = planned(world)
    world.agent(number, set={"assignee": "dee@acme.example", "team": "Tech Support"})
    world.run(for_seconds=8)
    ticket = world.ticket(number)
    assert (ticket["assignee"], ticket["team"]) == ("dee@acme.example", "Tech Support")
    assert "money" in ticket["tags"]
    assert len(ticket["notes"]) == 1
    assert [entry.state for entry in entries(world, "open", "parked", "superseded")] == ["superseded"]


def test_a_tag_added_between_decision_and_write_stays(world: World) -> None:
    number = planned(world)
    world.agent(number, set={"add_tags": ["seen-by-dee"]})
    world.run(for_seconds=8)
    assert {"seen-by-dee", "money"} <= set(world.ticket(number)["tags"])
    written_once(world, number)


def test_too_late_three_times_is_parked_with_words_and_the_next_message_is_worked_on(zendesk: World) -> None:
    number = planned(zendesk)
    for round_ in range(CONFLICTS_MAX):
        zendesk.agent(number, set={"add_tags": [f"busy-{round_}"]})
        assert zendesk.workers.write("writer")
        zendesk.clock.turn(2)
        zendesk.workers.decide("decider")
    (parked,) = entries(zendesk, "parked")
    assert "409" in (parked.words or "")
    assert zendesk.ticket(number)["assignee"] is None
    zendesk.customer("", "Anybody there?", ticket=number)
    zendesk.run(for_seconds=8)
    written_once(zendesk, number)


def refused_policy(vendor: str) -> str:
    """A policy that asks of the desk what it refuses (Zendesk: an agent outside the group), but its last words."""
    if vendor == "zendesk":
        return POLICY.replace("ana: ana@acme.example, bo: bo@acme.example", "ana: cy@acme.example, bo: cy@acme.example")
    return POLICY.replace("{add_tags: [money]}", "{add_tags: [money], fields: {no_such_field: x}}")


@pytest.mark.parametrize("vendor", sorted(SANDBOXES))
def test_what_the_desk_refuses_for_good_is_parked_with_its_words_and_holds_nothing_up(vendor: str, make: Make) -> None:
    world = make(vendor, policy=refused_policy(vendor))
    number = invoice(world)
    world.run(for_seconds=8)
    (parked,) = entries(world, "parked")
    assert parked.ticket == world.ref(number).id
    assert "HTTP 4" in (parked.words or "")
    with world.store.reading() as connection:
        assert not rosters.promised(connection)
    world.policy = rules.loads(POLICY)
    world.customer("", "Please refund the invoice soon.", ticket=number)
    world.run(for_seconds=8)
    assert world.ticket(number)["team"] == "Billing"
    assert "money" in world.ticket(number)["tags"]


@pytest.mark.parametrize("before", ["decision", "write"])
def test_a_ticket_that_was_deleted_is_let_go(world: World, before: str) -> None:
    number = planned(world) if before == "write" else invoice(world)
    remove(world, number)
    world.run(for_seconds=8)
    assert entries(world, "open", "waiting", "parked") == []
    tried = before == "write" and world.vendor == "zendesk"  # the others' look or webhook tells of it before the write
    assert [entry.state for entry in entries(world, "dropped")] == (["dropped"] if tried else [])
    with world.store.reading() as connection:
        assert not rosters.promised(connection)


def remove(world: World, number: str) -> None:
    headers = {"Authorization": TOKENS[world.vendor], "Intercom-Version": "2.16"}
    where = world.running.url + DELETED_AT[world.vendor].format(number.rpartition(":")[2])
    urllib.request.urlopen(urllib.request.Request(where, method="DELETE", headers=headers), timeout=10).close()


def test_tickets_wait_for_a_rotated_credential_however_long_and_are_written_with_the_new_one(world: World) -> None:
    begun, fresh = planned(world), invoice(world)
    use(world, **WRONG[world.vendor])
    world.run(for_seconds=30)
    for _ in range(12):
        world.clock.turn(400)
        world.run(for_seconds=1)
    assert entries(world, "parked", "dropped") == []
    use(world)
    world.clock.turn(301)
    world.run(for_seconds=8)
    written_once(world, begun)
    written_once(world, fresh)


@pytest.mark.parametrize(
    ("error", "attempts", "waits"),
    [
        (Retryable("later", 429), 999, True),
        (Unclear("no answer"), 999, True),
        (BadCredential("who are you", 401), 999, True),
        (BadCredential("invalid_client", 400), 999, True),
        (BadCredential("not this ticket", 403), MISTAKES_MAX - 1, True),
        (BadCredential("not this ticket", 403), MISTAKES_MAX, False),
        (NotThere("gone", 404), 0, False),
        (Permanent("no", 422), 0, False),
    ],
)
def test_only_what_may_pass_by_itself_is_waited_for(error: Any, attempts: int, waits: bool) -> None:
    assert passing(error, attempts) is waits


def test_an_agent_the_desk_lacks_is_passed_over_with_a_reason(make: Make) -> None:
    world = make("zendesk", policy=POLICY.replace("ana: ana@acme.example", "ana: nobody@acme.example"))
    number = invoice(world)
    world.run()
    assert world.ticket(number)["assignee"] == "bo@acme.example"
    (decision,) = world.decisions(number)
    assert decision.assignment is not None
    assert ("ana", "not at this desk") in [(c.name, c.because) for c in decision.assignment.candidates]


def test_where_the_desk_has_none_of_the_agents_the_ticket_waits_in_its_team(make: Make) -> None:
    gone = POLICY.replace("ana: ana@", "ana: nobody@").replace("bo: bo@", "bo: none@")
    world = make("zendesk", policy=gone)
    number = invoice(world)
    world.run()
    assert (world.ticket(number)["team"], world.ticket(number)["assignee"]) == ("Billing", None)


def test_a_ticket_that_waits_for_a_team_which_a_new_policy_lacks_is_decided_anew(make: Make) -> None:
    gone = POLICY.replace("ana: ana@", "ana: nobody@").replace("bo: bo@", "bo: none@")
    world = make("zendesk", policy=gone)
    number = invoice(world)
    world.run()
    world.policy = rules.loads(
        gone.replace("billing: {", "money: {")
        .replace("billing: Billing", "money: General")
        .replace("team: billing", "team: general")
    )
    world.take_roster()
    world.run(for_seconds=20)
    assert world.ticket(number)["assignee"] in {"eli@acme.example", "fay@acme.example"}
    assert [decision.policy_version for decision in world.decisions(number)][-1] == world.policy.version


def test_tickets_wait_until_the_agents_are_known(world: World) -> None:
    with world.store.writing() as connection:
        connection.execute(delete(tables.rosters))
    number = invoice(world)
    world.run(for_seconds=12)
    assert world.decisions(number) == []
    assert entries(world, "parked") == []
    world.take_roster()
    world.run(for_seconds=8)
    written_once(world, number)


def test_no_call_is_made_while_a_transaction_is_open(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    during: list[str] = []

    def admit(desk: str, method: str, route: str) -> None:
        if world.store.in_transaction:
            during.append(f"{method} {route}")

    monkeypatch.setattr(world.gate, "admit", admit)
    number = planned(world)
    world.agent(number, set={"priority": "urgent", "assignee": "dee@acme.example", "team": "Tech Support"})
    world.customer("", "You hear from my lawyer.", ticket=number)
    world.run(for_seconds=8)
    world.take_roster()
    assert "escalated" in world.ticket(number)["tags"]
    assert during == []


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_writer_killed_at_any_call_leaves_no_effect_out_and_none_twice(world: World, moment: str) -> None:
    left = iter(range(ANSWERED[world.vendor]))

    def kill(perform: Callable[..., Any], step: Step, seen: Ticket | None) -> Any:
        if next(left, None) is None:
            return perform(step, seen)
        if moment == "after":
            perform(step, seen)
        raise Killed

    number = planned(world)
    disturb(world, "perform", kill)
    for _ in range(2 * ANSWERED[world.vendor]):
        try:
            world.run(for_seconds=1)
        except Killed:
            silent_for_a_lease(world)
    world.run(for_seconds=8)
    written_once(world, number)


@pytest.mark.parametrize("error", [OSError("disk full"), Killed()])
def test_a_receipt_that_could_not_be_stored_is_found_at_the_desk(
    world: World, error: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = planned(world)
    writing = world.store.writing
    performed: list[str] = []

    def lose() -> Any:
        if performed and performed.pop():
            raise error
        return writing()

    def note(perform: Callable[..., Any], step: Step, seen: Ticket | None) -> Any:
        receipt = perform(step, seen)
        performed.append(step.name)
        return receipt

    disturb(world, "perform", note)
    monkeypatch.setattr(world.store, "writing", lose)
    for _ in range(2 * ANSWERED[world.vendor]):
        try:
            world.run(for_seconds=2)
        except (Killed, OSError):
            silent_for_a_lease(world)
    world.run(for_seconds=8)
    written_once(world, number)


def test_a_writer_that_lost_its_lease_in_mid_call_stores_nothing(world: World) -> None:
    number = planned(world)
    slow = [True]

    def stall(perform: Callable[..., Any], step: Step, seen: Ticket | None) -> Any:
        receipt = perform(step, seen)
        if slow.pop() if slow else False:
            silent_for_a_lease(world)
            assert world.writeback.run_one("another")
        return receipt

    disturb(world, "perform", stall)
    world.run(for_seconds=8)
    written_once(world, number)
    assert entries(world, "open", "parked") == []


def test_a_decider_that_lost_its_lease_in_mid_work_stores_nothing(world: World) -> None:
    number = invoice(world)
    world.delivered()
    world.policy = SlowPolicy(world)  # type: ignore[assignment] # quacks like it
    world.run(for_seconds=8)
    assert len(world.decisions(number)) == 1
    written_once(world, number)


def test_an_update_that_takes_effect_after_it_was_looked_for_is_not_noted_twice(zendesk: World) -> None:
    number = planned(zendesk)
    disturb(zendesk, "perform", performed_unseen())
    hidden = [True]

    def look(find: Callable[..., Any], step: Step) -> Any:
        return None if hidden and hidden.pop() else find(step)

    disturb(zendesk, "find", look)
    zendesk.run(for_seconds=12)
    assert not hidden
    written_once(zendesk, number)
    assert len(zendesk.decisions(number)) == 1


def performed_unseen() -> Callable[..., Any]:
    """The first call takes effect and is answered by silence."""
    unanswered = [True]

    def perform(original: Callable[..., Any], step: Step, seen: Ticket | None) -> Any:
        receipt = original(step, seen)
        if unanswered and unanswered.pop():
            raise Unclear("no answer")
        return receipt

    return perform


def test_a_mistake_of_ours_is_tried_again_for_a_while_then_parked_without_the_tickets_words(zendesk: World) -> None:
    number = invoice(zendesk)
    zendesk.delivered()
    disturb(zendesk, "read", mistaken)
    for _ in range(12):
        zendesk.run(for_seconds=1)
        zendesk.clock.turn(300)
    parked = entries(zendesk, "parked")
    assert {entry.words for entry in parked} == {"internal error: ValueError"}
    assert zendesk.decisions(number) == []
    casebook_retry(zendesk, parked)
    del zendesk.desk.read
    zendesk.run(for_seconds=8)
    written_once(zendesk, number)


def mistaken(original: Callable[..., Sequence[Event]], delivery: Any) -> Sequence[Event]:
    events = original(delivery)
    raise ValueError(events[0].message)


def casebook_retry(world: World, found: Sequence[casebook.Entry]) -> None:
    for entry in found:
        casebook.retry(world.store, entry.id, world.clock.now)


def test_a_customers_text_that_is_no_text_is_routed_like_any_other(world: World) -> None:
    number = world.customer("Charged \ud83d twice", "Please refund\x00 the invoice \udfff.")
    world.run(for_seconds=8)
    written_once(world, number)


def test_a_desk_that_left_the_settings_has_its_tickets_parked_with_a_sentence(zendesk: World) -> None:
    planned(zendesk)
    zendesk.customer("Another", "One more.")
    zendesk.delivered()
    desk = zendesk.desks.pop(zendesk.name)
    for _ in range(4):
        zendesk.step()
        zendesk.clock.turn(1)
    zendesk.desks[zendesk.name] = desk
    assert {entry.words for entry in entries(zendesk, "parked")} == {"desk 'acme-zendesk' is no longer in the settings"}


def test_a_reply_that_waits_together_with_the_creation_is_heard(world: World) -> None:
    number = invoice(world)
    world.customer("", "You hear from my lawyer.", ticket=number)
    world.run(for_seconds=8)
    assert "escalated" in world.ticket(number)["tags"]
    written_once(world, number)


@pytest.mark.parametrize("vendor", sorted(SANDBOXES))
def test_a_tag_that_a_human_put_on_is_not_taken_off_by_a_rule(vendor: str, make: Make) -> None:
    world = make(
        vendor, policy=POLICY.replace("{add_tags: [escalated]}", "{add_tags: [escalated], remove_tags: [checked]}")
    )
    number = invoice(world)
    world.run()
    world.agent(number, set={"add_tags": ["checked"]})
    world.run()
    world.customer("", "You hear from my lawyer.", ticket=number)
    world.run()
    assert {"checked", "escalated"} <= set(world.ticket(number)["tags"])
