"""The rules and webhooks of the Freshdesk sandbox: what fires them, what they carry, and when they are tried again."""

import base64
import json
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

from sandbox.freshdesk import AGENT_KEY, FreshdeskSandbox
from tests.sandbox.freshdesk_parts import Caller, Clock, Endpoint, served, until

RECORDED = {
    "triggered_event": "{ticket_action:created}",
    "ticket_id": "1",
    "ticket_url": "https://acme.freshdesk.com/helpdesk/tickets/1",
    "ticket_type": "Incident",
    "ticket_subject": "Test ticket subject ☃",
    "ticket_description": "<div>Test ticket description ☃.</div>",
    "ticket_status": "Open",
    "ticket_priority": "Low",
}
"""The fields of a creation as Zulip's recorded fixtures show them: all text, status and priority as labels."""

ANY_PRIORITY = {"resource_type": "ticket", "field_name": "priority", "operator": "in", "value": [1, 2, 3, 4]}


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def desk(clock: Clock) -> FreshdeskSandbox:
    return FreshdeskSandbox(clock=clock, plan="bought-2000")


@pytest.fixture
def caller(desk: FreshdeskSandbox) -> Iterator[Caller]:
    with served(desk) as caller:
        yield caller


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with Endpoint().open() as endpoint:
        yield endpoint


@pytest.fixture
def other() -> Iterator[Endpoint]:
    with Endpoint().open() as endpoint:
        yield endpoint


def webhook(url: str, **more: Any) -> dict[str, Any]:
    simple = {"request_type": "POST", "content_type": "JSON", "content_layout": "1"}
    return {"field_name": "trigger_webhook", "url": url} | simple | more


def rule(*actions: dict[str, Any], conditions: list[dict[str, Any]] | None = None, **more: Any) -> dict[str, Any]:
    properties = [ANY_PRIORITY] if conditions is None else conditions
    sets = [{"name": "condition_set_1", "match_type": "all", "properties": properties}]
    return {"name": "tell the bridge", "conditions": sets, "actions": list(actions)} | more


def on_update(
    *actions: dict[str, Any], performer: int = 3, events: list[dict[str, Any]], **more: Any
) -> dict[str, Any]:
    return rule(*actions, performer={"type": performer} | more.pop("who", {}), events=events, **more)


def add(caller: Caller, type_: int, body: dict[str, Any]) -> int:
    answer = caller.post(f"/automations/{type_}/rules", json=body)
    assert answer.status_code == 201, answer.text
    return int(answer.json()["id"])


def quiet(caller: Caller) -> None:
    until(lambda: caller.control("GET", "/quiet")["pending"] == 0)


def triggers(caller: Caller, endpoint: Endpoint) -> list[str]:
    """The `triggered_event` of every webhook that came, and none are left to come."""
    quiet(caller)
    said = [body.get("freshdesk_webhook", body)["triggered_event"] for body in endpoint.bodies()]
    endpoint.taken.clear()
    return said


STATUS = {"field_name": "status", "from": "--", "to": "--"}
PRIORITY = {"field_name": "priority", "from": "--", "to": "--"}
RESPONDER = {"field_name": "responder_id", "from": "--", "to": "--"}
REPLY = {"field_name": "reply_sent", "value": "sent"}
NOTE = {"field_name": "note_type", "value": "--"}


# What they carry ------------------------------------------------------------------------------------------------------


def test_the_simple_layout_carries_what_was_recorded(caller: Caller, endpoint: Endpoint) -> None:
    add(caller, 1, rule(webhook(endpoint.url)))
    body = {"subject": RECORDED["ticket_subject"], "description": RECORDED["ticket_description"], "type": "Incident"}
    caller.post("/tickets", json=body | {"email": "bob@example.com"})
    quiet(caller)
    sent = endpoint.bodies()[0]["freshdesk_webhook"]
    assert {name: sent[name] for name in RECORDED} == RECORDED
    assert all(isinstance(value, str) for value in sent.values())
    assert (sent["ticket_contact_email"], sent["ticket_agent_name"], sent["ticket_source"]) == (
        "bob@example.com",
        "",
        "Portal",
    )


def test_labels_are_the_accounts_own_words(clock: Clock, endpoint: Endpoint) -> None:
    with served(FreshdeskSandbox(clock=clock, statuses={2: "Offen", 6: "Warten auf Kunde"})) as caller:
        add(caller, 4, on_update(webhook(endpoint.url), events=[STATUS]))
        caller.edit(caller.customer(), set={"status": 6})
        quiet(caller)
    sent = endpoint.bodies()[0]["freshdesk_webhook"]
    assert (sent["ticket_status"], sent["triggered_event"]) == ("Warten auf Kunde", "{status:{from:2,to:6}}")


def test_the_advanced_layout_does_not_escape_what_it_fills_in(caller: Caller, endpoint: Endpoint) -> None:
    content = {"id": "{{ticket.id}}", "subject": "{{ticket.subject}}"}
    add(caller, 1, rule(webhook(endpoint.url, content_layout="2", content=content)))
    caller.customer(subject='The "big" one')
    quiet(caller)
    body = endpoint.taken[0][1]
    assert body == b'{"id": "1", "subject": "The "big" one"}'
    with pytest.raises(json.JSONDecodeError):
        json.loads(body)


def test_the_simple_layout_escapes_what_it_fills_in(caller: Caller, endpoint: Endpoint) -> None:
    picked = {"ticket_subject": "{{ticket.subject}}"}
    add(caller, 1, rule(webhook(endpoint.url, content=picked)))
    caller.customer(subject='The "big" one')
    quiet(caller)
    assert endpoint.bodies() == [{"freshdesk_webhook": {"ticket_subject": 'The "big" one'}}]


def test_the_secret_goes_in_a_header_and_basic_auth_where_asked(caller: Caller, endpoint: Endpoint) -> None:
    basic = {"auth_header": {"username": "desk", "password": "pass"}}
    add(caller, 1, rule(webhook(endpoint.url, custom_headers={"X-Deskbridge-Secret": "s3cret"}, **basic)))
    caller.customer()
    quiet(caller)
    headers = endpoint.taken[0][0]
    assert headers["X-Deskbridge-Secret"] == "s3cret"
    assert headers["Content-Type"] == "application/json"
    assert base64.b64decode(headers["Authorization"].removeprefix("Basic ")) == b"desk:pass"


def test_the_latest_public_comment_is_never_a_private_note(caller: Caller, endpoint: Endpoint) -> None:
    add(caller, 4, on_update(webhook(endpoint.url), events=[NOTE]))
    id_ = caller.customer(name="Ada Client")
    caller.customer("Still empty today.", ticket=str(id_))
    caller.post(f"/tickets/{id_}/notes", json={"body": "between us"})
    quiet(caller)
    sent = endpoint.bodies()[0]["freshdesk_webhook"]
    assert sent["ticket_latest_public_comment"] == "Ada Client : Still empty today."


# What fires them ------------------------------------------------------------------------------------------------------


def test_each_change_says_what_triggered_it(caller: Caller, endpoint: Endpoint) -> None:
    add(caller, 4, on_update(webhook(endpoint.url), events=[STATUS, PRIORITY, RESPONDER, REPLY, NOTE]))
    id_ = caller.customer()
    agent = caller.get("/agents?email=cy@acme.example").json()[0]["id"]
    assert triggers(caller, endpoint) == []
    for body, said in (
        ({"status": 3}, "{status:{from:2,to:3}}"),
        ({"priority": 2}, "{priority:{from:1,to:2}}"),
        ({"responder_id": agent}, f"{{responder_id:{{from:,to:{agent}}}}}"),
    ):
        caller.put(f"/tickets/{id_}", json=body)
        assert triggers(caller, endpoint) == [said]
    caller.post(f"/tickets/{id_}/notes", json={"body": "private"})
    assert triggers(caller, endpoint) == ["{note_type:private}"]
    caller.post(f"/tickets/{id_}/notes", json={"body": "public", "private": False})
    assert triggers(caller, endpoint) == ["{note_type:public}"]
    caller.post(f"/tickets/{id_}/reply", json={"body": "Hello"})
    assert triggers(caller, endpoint) == ["{reply_sent:sent}"]


def test_of_several_changes_at_once_only_the_first_that_the_rule_names_is_told(
    caller: Caller, endpoint: Endpoint
) -> None:
    add(caller, 4, on_update(webhook(endpoint.url), events=[PRIORITY, STATUS]))
    caller.put(f"/tickets/{caller.customer()}", json={"status": 3, "priority": 4, "tags": ["vip"]})
    assert triggers(caller, endpoint) == ["{priority:{from:1,to:4}}"]


def test_a_write_that_changes_nothing_fires_nothing(caller: Caller, endpoint: Endpoint) -> None:
    every = {"field_name": "ticket_action", "value": "update"}
    add(caller, 4, on_update(webhook(endpoint.url), events=[every]))
    id_ = caller.customer()
    caller.put(f"/tickets/{id_}", json={"status": 2, "tags": []})
    assert triggers(caller, endpoint) == []
    caller.put(f"/tickets/{id_}", json={"tags": ["vip"]})
    assert triggers(caller, endpoint) == ["{ticket_action:update}"]


@pytest.mark.parametrize(
    ("performer", "fired"),
    [(1, ["agent", "integration"]), (2, ["requester"]), (3, ["requester", "agent", "integration"]), (4, [])],
)
def test_a_rule_answers_only_to_its_performer(
    caller: Caller, endpoint: Endpoint, performer: int, fired: list[str]
) -> None:
    add(caller, 4, on_update(webhook(endpoint.url), performer=performer, events=[REPLY]))
    id_ = caller.customer()
    acts: dict[str, Callable[[], object]] = {
        "requester": lambda: caller.customer("More", ticket=str(id_)),
        "agent": lambda: caller.edit(id_, reply="Hello"),
        "integration": lambda: caller.post(f"/tickets/{id_}/reply", json={"body": "Hello"}),
    }
    answered = []
    for kind, act in acts.items():
        act()
        answered += [kind] * len(triggers(caller, endpoint))
    assert answered == fired


def test_a_rule_may_leave_an_agent_out_by_naming_the_others(caller: Caller, endpoint: Endpoint) -> None:
    ana = caller.get("/agents?email=ana@acme.example").json()[0]["id"]
    add(caller, 4, on_update(webhook(endpoint.url), performer=1, who={"members": [ana]}, events=[PRIORITY]))
    path = f"/tickets/{caller.customer()}"
    caller.put(path, json={"priority": 2})
    assert triggers(caller, endpoint) == []
    caller.put(path, json={"priority": 3}, auth=(AGENT_KEY, "X"))
    assert triggers(caller, endpoint) == ["{priority:{from:2,to:3}}"]


def test_the_reopening_by_a_reply_is_freshdesks_own_doing(caller: Caller, endpoint: Endpoint) -> None:
    add(caller, 4, on_update(webhook(endpoint.url), performer=4, events=[STATUS]))
    id_ = caller.customer()
    caller.edit(id_, set={"status": "closed"})
    assert triggers(caller, endpoint) == []
    caller.customer("Again", ticket=str(id_))
    assert triggers(caller, endpoint) == ["{status:{from:5,to:2}}"]


def test_a_rule_may_ask_for_a_change_from_one_value_to_another(caller: Caller, endpoint: Endpoint) -> None:
    add(caller, 4, on_update(webhook(endpoint.url), events=[{"field_name": "status", "from": 2, "to": 5}]))
    id_ = caller.customer()
    for status in (3, 5, 2, 5):
        caller.put(f"/tickets/{id_}", json={"status": status})
    assert triggers(caller, endpoint) == ["{status:{from:2,to:5}}"]


@pytest.mark.parametrize(
    ("condition", "fires"),
    [
        ({"field_name": "subject", "operator": "contains", "value": "INVOICE"}, True),
        ({"field_name": "subject", "operator": "does_not_contain", "value": "invoice"}, False),
        ({"field_name": "tag_names", "operator": "in", "value": ["vip"]}, True),
        ({"field_name": "priority", "operator": "not_in", "value": [1]}, False),
        ({"field_name": "responder_id", "operator": "is", "value": None}, True),
    ],
    ids=str,
)
def test_a_rule_asks_its_conditions(caller: Caller, endpoint: Endpoint, condition: dict[str, Any], fires: bool) -> None:
    add(caller, 1, rule(webhook(endpoint.url), conditions=[{"resource_type": "ticket"} | condition]))
    caller.customer(subject="Empty invoice", tags=["vip", "new"])
    assert bool(triggers(caller, endpoint)) is fires


def test_several_rules_make_several_webhooks_and_a_sleeping_one_none(caller: Caller, endpoint: Endpoint) -> None:
    for number in range(3):
        add(caller, 1, rule(webhook(f"{endpoint.url}?{number}"), active=number != 1))
    caller.customer()
    assert triggers(caller, endpoint) == ["{ticket_action:created}"] * 2


def test_another_automation_may_change_the_ticket_without_firing_further_rules(
    caller: Caller, endpoint: Endpoint
) -> None:
    add(caller, 1, rule({"field_name": "priority", "value": 4}, {"field_name": "add_tag", "value": ["auto"]}))
    add(caller, 4, on_update(webhook(endpoint.url), performer=4, events=[PRIORITY]))
    id_ = caller.customer(tags=["mine"])
    assert (caller.ticket(id_)["priority"], caller.ticket(id_)["tags"]) == (4, ["mine", "auto"])
    assert triggers(caller, endpoint) == []
    writes = caller.control("GET", "/state")["writes"]
    assert [write["actor_kind"] for write in writes] == ["requester", "system", "system"]


# The rules' own API ---------------------------------------------------------------------------------------------------


def test_a_rule_is_made_read_changed_listed_and_taken_away(caller: Caller) -> None:
    body = on_update(webhook("http://127.0.0.1:9/"), events=[STATUS], position=2)
    id_ = add(caller, 4, body)
    other = add(caller, 4, body | {"position": 1, "active": False})
    path = f"/automations/4/rules/{id_}"
    read = caller.get(path).json()
    assert {name: read[name] for name in body} == body
    assert read["meta"] == {"total_active_count": 1, "total_count": 2}
    assert (read["outdated"], read["affected_tickets_count"], "summary" in read) == (False, 0, True)
    assert read["last_updated_by"] == caller.get("/agents/me").json()["id"]
    assert [row["id"] for row in caller.get("/automations/4/rules").json()] == [other, id_]
    assert caller.get("/automations/1/rules").json() == []
    assert caller.put(path, json={"active": False}).json()["active"] is False
    assert caller.get(f"/automations/1/rules/{id_}").status_code == 404
    assert caller.delete(path).status_code == 204
    assert caller.get(path).status_code == 404


@pytest.mark.parametrize(
    ("body", "field", "code"),
    [
        ({}, "name", "missing_field"),
        (rule(webhook("x")), "performer", "missing_field"),
        (on_update(events=[{"field_name": "mood"}]), "events[0].field_name", "invalid_value"),
        (on_update(events=[STATUS], performer=7), "performer.type", "invalid_value"),
        (on_update({"field_name": "explode"}, events=[STATUS]), "actions[0].field_name", "invalid_value"),
        (on_update(events=[STATUS], colour="red"), "colour", "invalid_field"),
    ],
    ids=str,
)
def test_a_rule_that_is_not_right_is_refused(caller: Caller, body: dict[str, Any], field: str, code: str) -> None:
    answer = caller.post("/automations/4/rules", json=body)
    assert answer.status_code == 400
    assert (field, code) in {(error["field"], error["code"]) for error in answer.json()["errors"]}


@pytest.mark.parametrize("key", ["url", "request_type", "content_type", "content_layout"])
def test_a_webhook_without_one_of_its_keys_breaks_the_service_as_recorded(caller: Caller, key: str) -> None:
    action = webhook("http://127.0.0.1:9/")
    del action[key]
    assert caller.post("/automations/1/rules", json=rule(action)).status_code == 500
    assert caller.get("/automations/1/rules").json() == []


def test_the_control_face_makes_the_rules_an_admin_would(caller: Caller, endpoint: Endpoint) -> None:
    made = caller.control("POST", "/webhooks", url=endpoint.url, secret="s3cret")
    assert made["secret"] == "s3cret"
    assert made["id"].split(",") == [str(caller.get(f"/automations/{type_}/rules").json()[0]["id"]) for type_ in (1, 4)]
    id_ = caller.customer()
    quiet(caller)
    assert endpoint.bodies() == [{"v": 1, "ticket_id": str(id_), "triggered_event": "{ticket_action:created}"}]
    assert endpoint.taken[0][0]["X-Deskbridge-Secret"] == "s3cret"
    endpoint.taken.clear()
    caller.customer("More", ticket=str(id_))
    caller.edit(id_, set={"priority": "high", "status": "closed", "add_tags": ["x"]}, note="n")
    assert set(triggers(caller, endpoint)) == {"{reply_sent:sent}", "{status:{from:2,to:5}}", "{note_type:private}"}


def test_the_control_face_makes_up_a_secret_and_takes_one_topic(caller: Caller, endpoint: Endpoint) -> None:
    made = caller.control("POST", "/webhooks", url=endpoint.url, topics=["created"])
    caller.edit(caller.customer(), set={"priority": "high"})
    assert triggers(caller, endpoint) == ["{ticket_action:created}"]
    assert len(made["secret"]) == 32


# When they are tried again --------------------------------------------------------------------------------------------


def attempts(caller: Caller) -> list[float]:
    return [attempt["at"] for attempt in caller.control("GET", "/state")["deliveries"][0]["attempts"]]


def tried(caller: Caller, times: int) -> bool:
    return len(attempts(caller)) == times


def outcome(caller: Caller) -> str:
    return str(caller.control("GET", "/state")["deliveries"][0]["outcome"])


def test_a_failed_webhook_is_tried_after_5_30_and_60_minutes_and_then_given_up(
    caller: Caller, endpoint: Endpoint, other: Endpoint, clock: Clock
) -> None:
    endpoint.answers = [500, 404, 302, 503]
    add(caller, 1, rule(webhook(endpoint.url)))
    id_ = caller.customer()
    add(caller, 4, on_update(webhook(other.url), events=[NOTE]))
    start = clock.now

    def overtake() -> None:
        """Have a later webhook arrive: whatever was due before it has then left the queue, at this time."""
        caller.edit(id_, note="fence")
        until(lambda: len(other.taken) == 1)
        other.taken.clear()

    for number, wait in enumerate((300, 1800, 3600), start=1):
        until(partial(tried, caller, number))
        clock.turn(wait - 1)
        overtake()
        clock.turn(1)
    quiet(caller)
    assert [at - start for at in attempts(caller)] == [0, 300, 2100, 5700]
    assert outcome(caller) == "given up"
    assert len({body for _, body in endpoint.taken}) == 1


def test_a_retry_that_is_answered_ends_the_matter(caller: Caller, endpoint: Endpoint, clock: Clock) -> None:
    endpoint.answers = [500]
    add(caller, 1, rule(webhook(endpoint.url)))
    caller.customer()
    until(partial(tried, caller, 1))
    clock.turn(300)
    quiet(caller)
    assert (len(attempts(caller)), outcome(caller)) == (2, "delivered")


def test_the_schedule_can_be_shortened(clock: Clock, endpoint: Endpoint) -> None:
    endpoint.answers = [500, 500]
    with served(FreshdeskSandbox(clock=clock, retries=(0.0,))) as caller:
        add(caller, 1, rule(webhook(endpoint.url)))
        caller.customer()
        quiet(caller)
        assert (len(attempts(caller)), outcome(caller)) == (2, "given up")


def test_a_webhook_may_be_dropped_or_doubled(caller: Caller, endpoint: Endpoint) -> None:
    add(caller, 1, rule(webhook(endpoint.url)))
    caller.control("PUT", "/faults", drop={"next": 1, "match": "ticket_action"})
    caller.customer()
    assert triggers(caller, endpoint) == []
    caller.control("PUT", "/faults", duplicate={"next": 1})
    caller.customer()
    assert triggers(caller, endpoint) == ["{ticket_action:created}"] * 2


def test_what_is_kept_of_an_accounts_rules_and_not_played_is_listed_and_has_no_effect(caller: Caller) -> None:
    hourly = add(caller, 3, rule({"field_name": "priority", "value": 4}))
    mailing = add(caller, 1, rule({"field_name": "send_email_to_requester"}, {"field_name": "priority", "value": 3}))
    id_ = caller.customer()
    assert caller.get(f"/tickets/{id_}").json()["priority"] == 3
    assert [row["id"] for row in caller.get("/automations/3/rules").json()] == [hourly]
    assert [row["id"] for row in caller.get("/automations/1/rules").json()] == [mailing]
