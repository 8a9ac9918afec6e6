"""Webhooks that rules call, from the customer's message to a receiver over real HTTP, whatever the receiver does."""

import json
from collections.abc import Iterator
from datetime import timedelta

import pytest

import rules
from bridge.callouts import CALLS_MAX
from bridge.loops import STOPPED
from bridge.model import Mode, TicketRef
from bridge.store import Store, callouts, casebook, leases
from bridge.store.callouts import Callout
from bridge.store.casebook import Entry
from bridge.store.leases import LeaseLost
from bridge.store.retention import tidy
from bridge.worker import LEASE
from tests.conftest import Clock
from tests.core.receiver import Receiver, dies, hangs, says, trickles
from tests.core.world import ROUTES, WEBHOOK_KEYS, World

POLICY = (
    """
policy: deskbridge/v1
mode: live
webhooks:
  crm: {url: "%s", send: [subject, intent, requester.email, contacts_24h, signals, field.order]}
  nameless: "https://nameless.example/in"
teams:
  billing: {members: {ana: {capacity: 3}, bo: {capacity: 3}}}
  general: {members: {eli: {capacity: 9}}}
triage:
  words: {billing: [invoice, refund]}
annotate:
  - {name: money, when: {intent: billing}, then: {tier: gold, add_tags: [money], call: crm}}
  - {name: again, when: {text: refund}, then: {call: crm}}
  - {name: nobody signs, when: {text: unsigned}, then: {call: nameless}}
"""
    + ROUTES
)
DAY = timedelta(days=1)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.close()


@pytest.fixture
def world(sqlite_store: Store, clock: Clock, receiver: Receiver) -> Iterator[World]:
    made = World("zendesk", sqlite_store, clock, policy=POLICY % receiver.url)
    yield made
    made.close()


def calls(world: World, *states: str) -> list[Entry]:
    with world.store.reading() as connection:
        found = casebook.entries(connection, states=states or casebook.STATES)
    return [entry for entry in found if entry.id.startswith("w")]


def tried(world: World, receiver: Receiver) -> None:
    """Work until the receiver was told for the first time."""
    for _ in range(10):
        world.run(for_seconds=0)
        if receiver.heard:
            return
    raise AssertionError("nothing was sent within ten seconds")


def test_a_message_tells_what_was_decided_and_what_the_policy_sends_signed_with_every_secret(
    world: World, receiver: Receiver
) -> None:
    number = world.customer("Refund", "The invoice is wrong.")
    world.run()
    (heard,), (decision,) = receiver.heard, world.decisions(number)
    assert all(heard.signed_with(key) for key in WEBHOOK_KEYS)
    assert not heard.signed_with(b"a key of somebody else, 24 bytes and more")
    told = json.loads(heard.body)
    assert (told["type"], told["timestamp"]) == ("ticket.matched", decision.at.isoformat())
    assert heard.data | {"url": None} == {
        "webhook": "crm",
        "rules": ["money", "again"],
        "decision": decision.id,
        "policy_version": world.policy.version,
        "desk": "acme-zendesk",
        "ticket": number,
        "url": None,
        "event": "ticket_created",
        "tier": "gold",
        "fields": {
            "subject": "Refund",
            "intent": "billing",
            "requester.email": "ada@mail.example",
            "contacts_24h": 1,
            "signals": [],
            "field.order": None,
        },
    }
    assert heard.data["url"] == (decision.ticket and decision.ticket.url)
    assert b"wrong" not in heard.body
    assert [(entry.id, entry.what, entry.state) for entry in calls(world)] == [(heard.id, "call of crm", "done")]


def test_each_thing_that_the_requester_says_is_told_once(world: World, receiver: Receiver) -> None:
    number = world.customer("Refund", "The invoice is wrong.")
    world.run()
    world.agent(number, set={"assignee": "eli@acme.example"})
    world.run()
    assert len(receiver.heard) == 1
    world.customer("", "Where is my refund?", ticket=number)
    world.run()
    assert [heard.data["event"] for heard in receiver.heard] == ["ticket_created", "requester_replied"]
    assert len(set(receiver.ids)) == 2


def test_a_decision_that_came_too_late_is_not_told_twice(world: World, receiver: Receiver) -> None:
    number = world.customer("Refund", "The invoice is wrong.")
    world.delivered()
    world.clock.turn(5)
    while world.workers.decide("decider"):
        pass
    world.agent(number, set={"priority": "high"})
    world.run()
    assert len(world.decisions(number)) == 2
    assert len(receiver.heard) == 1


@pytest.mark.parametrize("mode", [Mode.SHADOW, Mode.SUGGEST])
def test_only_live_decisions_are_told(sqlite_store: Store, clock: Clock, receiver: Receiver, mode: Mode) -> None:
    world = World("zendesk", sqlite_store, clock, policy=POLICY % receiver.url, mode=mode)
    try:
        number = world.customer("Refund", "The invoice is wrong.")
        world.run()
        assert [hook.webhook for hook in world.decisions(number)[0].effect.hooks] == ["crm", "crm"]
        assert calls(world) == []
        assert receiver.heard == []
    finally:
        world.close()


TROUBLES = {
    "fails": (says(500, "out of\norder\0 <b>" + "x" * 900), f"the receiver answered 500: out of order <b>{'x' * 184}"),
    "dies": (dies, "no answer (ReadError)"),
    "hangs": (hangs, "no answer within 2 s"),
    "trickles": (trickles, "no answer within 2 s"),
    "redirects": (says(307, Location="http://127.0.0.1:9/elsewhere"), "the receiver answered 307"),
}


@pytest.mark.parametrize("trouble", TROUBLES)
def test_a_receiver_in_trouble_is_told_again_under_the_same_id(world: World, receiver: Receiver, trouble: str) -> None:
    answer, words = TROUBLES[trouble]
    receiver.next.append(answer)
    world.customer("Refund", "The invoice is wrong.")
    tried(world, receiver)
    assert [entry.words for entry in calls(world, "open")] == [words]
    world.run()
    first, second = receiver.heard
    assert (first.id, first.body) == (second.id, second.body)
    assert second.headers["webhook-timestamp"] > first.headers["webhook-timestamp"]
    assert all(heard.signed_with(key) for heard in receiver.heard for key in WEBHOOK_KEYS)
    assert len(calls(world, "done")) == 1


@pytest.mark.parametrize("status", [429, 503])
def test_a_receiver_that_says_when_to_come_is_left_alone_until_then(
    world: World, receiver: Receiver, status: int
) -> None:
    receiver.next.append(says(status, Retry_After="120"))
    world.customer("Refund", "The invoice is wrong.")
    world.run(for_seconds=100)
    world.customer("Refund", "Another invoice is wrong.", email="bea@mail.example")
    world.run(for_seconds=5)
    assert len(receiver.heard) == 1
    world.run(for_seconds=40)
    assert len(receiver.heard) == 3
    assert len(calls(world, "done")) == 2


def test_after_a_day_a_message_waits_for_a_person_who_has_it_sent_again(world: World, receiver: Receiver) -> None:
    receiver.next.extend([says(500, "closed on Sundays")] * 200)
    world.customer("Refund", "The invoice is wrong.")
    for _ in range(50):
        world.run(for_seconds=0)
        world.clock.turn(1800)
    (parked,) = calls(world, "parked")
    assert parked.words == "the receiver answered 500: closed on Sundays"
    assert 20 < len(receiver.heard) < 60
    receiver.next.clear()
    tidy(world.store, world.clock.now + 90 * DAY, keep=30 * DAY)
    casebook.retry(world.store, parked.id, world.clock.now)
    world.run()
    assert set(receiver.ids) == {parked.id}
    assert len(calls(world, "done")) == 1
    assert tidy(world.store, world.clock.now + 40 * DAY, keep=30 * DAY).callouts == 1
    assert calls(world) == []


def test_a_receiver_that_wants_no_more_is_asked_once_and_the_message_can_be_put_aside(
    world: World, receiver: Receiver
) -> None:
    receiver.next.append(says(410))
    world.customer("Refund", "The invoice is wrong.")
    world.run()
    (parked,) = calls(world, "parked")
    assert parked.words == "the receiver answered 410; it wants no more of these"
    casebook.discard(world.store, parked.id, world.clock.now)
    world.run()
    assert [entry.state for entry in calls(world)] == ["dropped"]
    assert len(receiver.heard) == 1


def test_what_nothing_signs_or_names_any_more_is_parked_with_the_reason(world: World, receiver: Receiver) -> None:
    world.customer("Hello", "This is unsigned.")
    world.run()
    assert [entry.words for entry in calls(world, "parked")] == [
        "`outgoing.secrets` in deskbridge.yaml has no 'nameless'"
    ]
    receiver.next.append(says(500))
    world.customer("Refund", "The invoice is wrong.", email="bea@mail.example")
    tried(world, receiver)
    world.policy = rules.loads((POLICY % receiver.url).replace("crm", "erp"))
    world.run()
    assert "the policy has no webhook 'crm' any more" in [entry.words for entry in calls(world, "parked")]


def test_a_receiver_that_hangs_keeps_no_desk_waiting(world: World, receiver: Receiver) -> None:
    receiver.next.append(hangs)
    number = world.customer("Refund", "The invoice is wrong.")
    world.delivered()
    world.clock.turn(5)
    world.workers.start()
    try:
        while "money" not in world.ticket(number)["tags"]:
            receiver.ended.wait(0.05)
        assert calls(world, "done") == []
    finally:
        receiver.ended.set()
        world.workers.stop()


def test_a_receiver_that_answers_every_message_as_the_requester_is_stopped(world: World, receiver: Receiver) -> None:
    number = world.customer("Refund", "The invoice is wrong.")
    world.run()
    while (told := len(receiver.heard)) < 60 and not calls(world, "parked"):
        world.customer("", f"We have heard of your refund, case {told}.", ticket=number)
        world.run(for_seconds=2)
    (parked,) = calls(world, "parked")
    assert told == CALLS_MAX
    assert (parked.words or "").startswith(f"{STOPPED}webhooks were told of {CALLS_MAX} decisions")
    casebook.retry(world.store, parked.id, world.clock.now)
    world.run()
    assert len(receiver.heard) == CALLS_MAX + 1


def message(clock: Clock, number: int) -> Callout:
    return Callout(f"w{number}", "crm", TicketRef("acme", "7"), "d1", "{}", 0, clock.now + DAY)


def test_a_message_is_one_workers_until_it_is_silent_for_too_long(store: Store, clock: Clock) -> None:
    with store.writing() as connection:
        callouts.plan(connection, [message(clock, 1), message(clock, 2)], clock.now)
    mine, other = (callouts.claim(store, owner, clock.now, LEASE, apart=[]) for owner in ("one", "another"))
    assert mine is not None
    assert other is not None
    assert {mine.id, other.id} == {"w1", "w2"}
    assert callouts.claim(store, "a third", clock.now, LEASE, apart=[]) is None
    clock.turn(LEASE.total_seconds() + 1)
    with store.writing() as connection:
        leases.renew(connection, ["one"], clock.now + LEASE)
        assert leases.take_over(connection, clock.now) == 1
    assert callouts.claim(store, "a third", clock.now, LEASE, apart=["crm"]) is None
    assert callouts.claim(store, "a third", clock.now, LEASE, apart=[]) == other
    with pytest.raises(LeaseLost), store.writing() as connection:
        callouts.finish(connection, "another", other.id, "done", now=clock.now)
    with store.writing() as connection:
        callouts.finish(connection, "one", mine.id, "done", now=clock.now)
        callouts.postpone(connection, "a third", other.id, clock.now + DAY, "later")
    assert callouts.claim(store, "one", clock.now, LEASE, apart=[]) is None
    again = callouts.claim(store, "one", clock.now + DAY, LEASE, apart=[])
    assert again is not None
    assert (again.id, again.attempts) == (other.id, 1)
