"""The sandbox's webhooks carry Zendesk's envelopes, headers and signatures, and are retried as Zendesk retries."""

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from sandbox.common import Attempt, Delivery, Hook
from sandbox.zendesk import ZendeskSandbox
from sandbox.zendesk.hooks import TEST_SECRET, retry_delay, signature
from tests.sandbox.zendesk_parts import Clock, Endpoint, Received, Sandbox, endpoint, sandbox, tried

TICKET = "zen:event-type:ticket."
AGENT = "zen:event-type:agent."


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def desk(clock: Clock) -> Iterator[Sandbox]:
    with sandbox(ZendeskSandbox(clock=clock)) as running:
        yield running


@pytest.fixture
def target() -> Iterator[Endpoint]:
    with endpoint() as made:
        yield made


def kinds(received: list[Received]) -> list[str]:
    """The short names of the events, in the order of their positions."""
    rows = sorted((row.json["event"]["meta"]["sequence"]["position"], row.json["type"]) for row in received)
    return [kind.removeprefix(TICKET) for _, kind in rows]


# Signatures ---------------------------------------------------------------------------------------------------------


def test_the_signature_is_over_timestamp_and_body_in_todays_order() -> None:
    secret, moment, body = "HRkRd4BeOAoUkfZr-mhauJT64rvBASlJRoIyPsd3zeA=", "2021-07-25T10:00:00Z", b'{"say": "hello"}'
    assert signature(secret, moment, body) == "Rry/4TtIdFyawtXXp8QdI6tlAUUQ/5kL1OTp5qo/ZIk="
    assert signature(secret, moment, body) != "tRDSF7URY8BLCDlaBcQ7FHu051Zk+aAB0NKMP53teMw="


def verified(received: Received, secret: str) -> bool:
    """The check as Zendesk's documentation describes it, written here anew."""
    signed = received.headers["X-Zendesk-Webhook-Signature-Timestamp"].encode() + received.body
    digest = hmac.new(secret.encode(), signed, hashlib.sha256).digest()
    return received.headers["X-Zendesk-Webhook-Signature"] == base64.b64encode(digest).decode()


def test_a_delivery_has_zendesks_headers(desk: Sandbox, target: Endpoint) -> None:
    hook = desk.hear(target.url, f"{TICKET}created")
    desk.write()
    (received,) = target.wait(1)
    assert verified(received, hook["secret"])
    headers = received.headers
    assert headers["X-Zendesk-Webhook-Signature-Timestamp"] == "2026-11-03T09:14:26Z"
    assert headers["X-Zendesk-Webhook-Id"] == hook["id"]
    assert re.fullmatch(r"01[0-9A-Z]{24}", headers["X-Zendesk-Webhook-Invocation-Id"])
    assert (headers["User-Agent"], headers["X-Zendesk-Account-Id"]) == ("Zendesk Webhook", "21842610")
    assert headers["Content-Type"] == "application/json; charset=utf-8"


def test_a_rotated_secret_signs_from_then_on(desk: Sandbox, target: Endpoint) -> None:
    hook = desk.hear(target.url, f"{TICKET}created")
    rotated = desk.api.post(f"webhooks/{hook['id']}/signing_secret")
    assert rotated.status_code == 201
    desk.write()
    (received,) = target.wait(1)
    assert verified(received, rotated.json()["signing_secret"]["secret"])
    assert not verified(received, hook["secret"])


def test_a_test_of_no_webhook_is_signed_with_the_public_secret(desk: Sandbox, target: Endpoint) -> None:
    desk.api.post("webhooks/test", json={"request": {"endpoint": target.url, "http_method": "POST"}})
    assert verified(target.wait(1)[0], TEST_SECRET)


def test_a_test_of_a_webhook_is_signed_with_its_own(desk: Sandbox, target: Endpoint) -> None:
    hook = desk.hear(target.url, f"{TICKET}created")
    target.answers = [(418, {})]
    answer = desk.api.post(f"webhooks/test?webhook_id={hook['id']}", json={"request": {}})
    assert (answer.status_code, answer.json()["response"]["status"]) == (200, 418)
    assert verified(target.wait(1)[0], hook["secret"])


@pytest.mark.parametrize(
    ("authentication", "header", "value"),
    [
        ({"type": "bearer_token", "data": {"token": "t"}}, "Authorization", "Bearer t"),
        ({"type": "basic_auth", "data": {"username": "u", "password": "p"}}, "Authorization", "Basic dTpw"),
        ({"type": "api_key", "data": {"name": "X-Key", "value": "k"}}, "X-Key", "k"),
    ],
)
def test_a_webhook_authenticates_as_it_was_told_and_shows_no_secret(
    desk: Sandbox, target: Endpoint, authentication: dict[str, Any], header: str, value: str
) -> None:
    wanted: dict[str, Any] = {"name": "w", "endpoint": target.url, "http_method": "POST", "request_format": "json"}
    wanted |= {"subscriptions": [f"{TICKET}created"], "authentication": authentication}
    made = desk.api.post("webhooks", json={"webhook": wanted}).json()["webhook"]
    assert "data" not in made["authentication"]
    desk.write()
    assert target.wait(1)[0].headers[header] == value


# Envelopes ----------------------------------------------------------------------------------------------------------


def test_created_is_the_documented_envelope(desk: Sandbox, target: Endpoint) -> None:
    desk.hear(target.url, f"{TICKET}created")
    number = desk.write(tags=["billing"])
    event = target.wait(1)[0].json
    customer = str(desk.ticket(number)["requester_id"])
    assert event.keys() == {
        "account_id", "id", "subject", "time", "type", "zendesk_event_version", "detail", "event",
    }  # fmt: skip
    assert (event["account_id"], event["subject"], event["type"]) == (
        21842610,
        f"zen:ticket:{number}",
        f"{TICKET}created",
    )
    assert re.fullmatch(r"2026-11-03T09:14:26\.\d{9}Z", event["time"])
    assert event["zendesk_event_version"] == "2022-11-06"
    detail = event["detail"]
    assert (detail["id"], detail["actor_id"], detail["requester_id"]) == (str(number), customer, customer)
    assert (detail["assignee_id"], detail["group_id"], detail["external_id"], detail["priority"]) == ("", "", "", "")
    assert (detail["status"], detail["via"], detail["tags"]) == ("NEW", {"channel": "mail"}, ["billing"])
    assert detail["created_at"] == detail["updated_at"] == "2026-11-03T09:14:26Z"
    sequence = event["event"]["meta"]["sequence"]
    assert (sequence["position"], sequence["total"], len(sequence["id"])) == (1, 1, 32)


def test_one_save_that_changes_five_things_is_five_webhooks_of_one_sequence(desk: Sandbox, target: Endpoint) -> None:
    number, ana = desk.write(), desk.user("ana@acme.example")
    desk.hear(target.url)
    desk.put(number, assignee_id=ana, priority="high", tags=["vip"], comment={"body": "note", "public": False})
    received = target.wait(6)
    assert kinds(received)[0] == "comment_added"
    assert set(kinds(received)[1:]) == {
        "priority_changed",
        "status_changed",
        "agent_assignment_changed",
        "group_assignment_changed",
        "tags_changed",
    }
    positions = [row.json["event"]["meta"]["sequence"]["position"] for row in received]
    assert sorted(positions) == [1, 2, 3, 4, 5, 6]
    assert len({row.json["event"]["meta"]["sequence"]["id"] for row in received}) == 1
    assert len({row.json["id"] for row in received}) == 6
    bodies = {row.json["type"].removeprefix(TICKET): row.json["event"] for row in received}
    assigned, status = bodies["agent_assignment_changed"], bodies["status_changed"]
    assert (assigned["current"], assigned["previous"]) == (str(ana), "")
    assert (status["current"], status["previous"]) == ("OPEN", "NEW")
    assert bodies["tags_changed"]["tags_added"] == ["vip"]
    assert bodies["comment_added"]["comment"]["is_public"] is False
    assert bodies["comment_added"]["comment"]["author"]["is_staff"] is True


def test_a_customers_reply_is_a_public_comment_by_no_staff(desk: Sandbox, target: Endpoint) -> None:
    number = desk.write()
    desk.hear(target.url, f"{TICKET}comment_added")
    desk.write(ticket=number, body="Still empty today.")
    comment = target.wait(1)[0].json["event"]["comment"]
    assert (comment["body"], comment["is_public"]) == ("Still empty today.", True)
    assert comment["author"]["is_staff"] is False


def test_a_custom_field_is_told_with_both_values(desk: Sandbox, target: Endpoint) -> None:
    number = desk.write()
    desk.hear(target.url, f"{TICKET}custom_field_changed")
    edit = {"agent": "ana@acme.example", "ticket": str(number), "set": {"fields": {"Triage category": "bug"}}}
    desk.control.post("agents/edit", json=edit)
    event = target.wait(1)[0].json["event"]
    assert (event["custom_field"]["title"], event["custom_field"]["type"]) == ("Triage category", "text")
    assert (event["current"], event["previous"]) == ({"value": "bug"}, {"value": None})


def test_a_webhook_hears_only_what_it_subscribed_to(desk: Sandbox, target: Endpoint) -> None:
    desk.hear(target.url, f"{TICKET}status_changed")
    number = desk.write()
    desk.put(number, priority="high")
    desk.put(number, status="pending")
    assert kinds(target.wait(1)) == ["status_changed"]
    assert len(desk.state()["deliveries"]) == 1


def test_an_inactive_webhook_hears_nothing(desk: Sandbox, target: Endpoint) -> None:
    hook = desk.hear(target.url, f"{TICKET}created")
    assert desk.api.patch(f"webhooks/{hook['id']}", json={"webhook": {"status": "inactive"}}).status_code == 204
    desk.write()
    assert desk.state()["deliveries"] == []


def test_merging_and_deleting_are_told(desk: Sandbox, target: Endpoint, clock: Clock) -> None:
    first, second = desk.write(), desk.write()
    desk.hear(target.url, f"{TICKET}merged", f"{TICKET}soft_deleted")
    desk.api.post(f"tickets/{first}/merge", json={"ids": [second]})
    clock.turn(1)
    desk.api.delete(f"tickets/{first}")
    bodies = {row.json["type"]: row.json for row in target.wait(2)}
    assert bodies[f"{TICKET}merged"]["event"]["target_ticket_id"] == str(first)
    assert bodies[f"{TICKET}soft_deleted"]["detail"]["status"] == "DELETED"


def test_an_agent_going_away_is_told_on_the_channel_and_in_the_unified_status(desk: Sandbox, target: Endpoint) -> None:
    desk.hear(target.url, f"{AGENT}state_changed", f"{AGENT}unified_state_changed")
    desk.control.post("agents/status", json={"agent": "ana@acme.example", "status": "away"})
    bodies = {row.json["type"]: row.json for row in target.wait(2)}
    channel, unified = bodies[f"{AGENT}state_changed"], bodies[f"{AGENT}unified_state_changed"]
    ana = str(desk.user("ana@acme.example"))
    assert (channel["subject"], channel["detail"]["agent_id"]) == (f"zen:agent:{ana}", ana)
    assert (channel["event"]["previous_state"], channel["event"]["new_state"]) == ("online", "away")
    assert unified["event"]["new_unified_state"]["id"] == "4"
    assert int(unified["detail"]["version"]) == int(channel["detail"]["version"]) + 1


def test_a_ticket_that_changes_hands_moves_the_work_items(desk: Sandbox, target: Endpoint) -> None:
    number, ana, bo = desk.write(), desk.user("ana@acme.example"), desk.user("bo@acme.example")
    desk.hear(target.url, f"{AGENT}work_item_added", f"{AGENT}work_item_removed")
    desk.put(number, assignee_id=ana)
    target.wait(1)
    desk.put(number, assignee_id=bo)
    target.wait(3)
    desk.put(number, status="solved")
    moves = [(row.json["type"].removeprefix(AGENT), row.json["detail"]["agent_id"]) for row in target.wait(4)]
    assert moves[0] == ("work_item_added", str(ana))
    assert set(moves[1:3]) == {("work_item_removed", str(ana)), ("work_item_added", str(bo))}
    assert moves[3] == ("work_item_removed", str(bo))


# Triggers -----------------------------------------------------------------------------------------------------------

RECOMMENDED = (
    '{"v":1,"kind":"ticket.updated","ticket_id":"{{ticket.id}}","updated_at":"{{ticket.updated_at_with_timestamp}}",'
    '"actor_id":"{{current_user.id}}","status":"{{ticket.status}}","group":"{{ticket.group.name}}"}'
)


def trigger(desk: Sandbox, hook: str, body: str = RECOMMENDED, **conditions: Any) -> None:
    actions = [{"field": "notification_webhook", "value": [hook, body]}]
    wanted = {"title": "tell the bridge", "conditions": conditions, "actions": actions}
    assert desk.api.post("triggers", json={"trigger": wanted}).status_code == 201


def test_a_trigger_fills_the_body_it_was_given(desk: Sandbox, target: Endpoint) -> None:
    hook = desk.hear(target.url, "conditional_ticket_events")
    trigger(desk, hook["id"], all=[{"field": "assignee_id", "operator": "changed"}])
    number = desk.write()
    desk.put(number, assignee_id=desk.user("ana@acme.example"))
    desk.put(number, priority="low")
    (assigned,) = target.wait(1)
    assert verified(assigned, hook["secret"])
    assert assigned.json == {
        "v": 1,
        "kind": "ticket.updated",
        "ticket_id": str(number),
        "updated_at": "2026-11-03T09:14:26Z",
        "actor_id": str(desk.user("bridge@acme.example")),
        "status": "Open",
        "group": "Billing",
    }
    assert len(desk.state()["deliveries"]) == 1


def test_free_text_in_a_trigger_body_breaks_its_json_as_it_does_at_zendesk(desk: Sandbox, target: Endpoint) -> None:
    hook = desk.hear(target.url, "conditional_ticket_events")
    trigger(desk, hook["id"], '{"title": "{{ticket.title}}"}')
    desk.write(subject='The "PDF"')
    with pytest.raises(json.JSONDecodeError):
        _ = target.wait(1)[0].json


@pytest.mark.parametrize(
    ("condition", "fires"),
    [
        ({"field": "update_type", "operator": "is", "value": "Create"}, True),
        ({"field": "update_type", "operator": "is", "value": "Change"}, False),
        ({"field": "current_tags", "operator": "includes", "value": "vip gold"}, True),
        ({"field": "current_tags", "operator": "not_includes", "value": "vip"}, False),
        ({"field": "role", "operator": "is", "value": "end_user"}, True),
        ({"field": "priority", "operator": "is_not", "value": "high"}, True),
        ({"field": "comment_is_public", "operator": "is", "value": "true"}, True),
        ({"field": "assignee_id", "operator": "not_changed"}, True),
    ],
)
def test_conditions_decide_whether_a_trigger_fires(
    desk: Sandbox, target: Endpoint, condition: dict[str, Any], fires: bool
) -> None:
    hook = desk.hear(target.url, "conditional_ticket_events")
    trigger(desk, hook["id"], all=[condition])
    desk.write(tags=["vip"])
    assert len(desk.state()["deliveries"]) == int(fires)


@pytest.mark.parametrize(
    "wrong",
    [
        {"title": "t", "actions": []},
        {"title": "t", "actions": [{"field": "teleport", "value": "high"}]},
        {"title": "t", "actions": [{"field": "notification_webhook", "value": ["01", "x" * 16_001]}]},
        {
            "title": "t",
            "actions": [{"field": "notification_webhook", "value": ["01", "{}"]}],
            "conditions": {"all": [{"field": "moon", "operator": "is", "value": "full"}]},
        },
    ],
)
def test_a_trigger_that_could_not_work_is_refused(desk: Sandbox, wrong: dict[str, Any]) -> None:
    assert desk.api.post("triggers", json={"trigger": wrong}).status_code == 422


def test_what_is_kept_of_an_accounts_rules_and_not_played_is_listed_and_has_no_effect(
    desk: Sandbox, target: Endpoint
) -> None:
    hook = desk.hear(target.url, "conditional_ticket_events")
    trigger(desk, hook["id"], all=[{"field": "satisfaction_score", "operator": "is", "value": "good"}])
    raises = {"title": "raise", "actions": [{"field": "priority", "value": "urgent"}]}
    assert desk.api.post("triggers", json={"trigger": raises}).status_code == 201
    assert desk.api.post("automations", json={"automation": raises}).status_code == 201
    number = desk.write()
    assert desk.state()["deliveries"] == []
    assert desk.api.get(f"tickets/{number}").json()["ticket"]["priority"] != "urgent"
    assert [row["title"] for row in desk.api.get("triggers").json()["triggers"]] == ["tell the bridge", "raise"]
    assert [row["title"] for row in desk.api.get("automations").json()["automations"]] == ["raise"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"endpoint": ""},
        {"subscriptions": ["conditional_ticket_events", f"{TICKET}created"]},
        {"http_method": "PUT"},
        {"request_format": "xml"},
    ],
)
def test_a_webhook_that_could_not_work_is_refused(desk: Sandbox, wrong: dict[str, Any]) -> None:
    right: dict[str, Any] = {
        "name": "w",
        "endpoint": "http://127.0.0.1:9/",
        "http_method": "POST",
        "request_format": "json",
    }
    right["subscriptions"] = [f"{TICKET}created"]
    assert desk.api.post("webhooks", json={"webhook": right}).status_code == 201
    assert desk.api.post("webhooks", json={"webhook": right | wrong}).status_code == 400


def test_the_connection_method_is_fixed_at_creation(desk: Sandbox) -> None:
    hook = desk.hear("http://127.0.0.1:9/", f"{TICKET}created")
    change = {"webhook": {"subscriptions": ["conditional_ticket_events"]}}
    assert desk.api.patch(f"webhooks/{hook['id']}", json=change).status_code == 400


# Retries ------------------------------------------------------------------------------------------------------------


def after(*attempts: Attempt) -> float | None:
    delivery = Delivery("1", "t", None, Hook("h", "http://127.0.0.1:9/"), b"", 0.0, list(attempts))
    return retry_delay(delivery)


@pytest.mark.parametrize(
    ("attempt", "retries"),
    [
        (Attempt(0, status=409), 3),
        (Attempt(0, error="timeout"), 5),
        (Attempt(0, status=429), 0),
        (Attempt(0, status=429, retry_after=60), 0),
        (Attempt(0, status=400), 0),
        (Attempt(0, status=404), 0),
        (Attempt(0, status=500), 0),
        (Attempt(0, status=502), 0),
        (Attempt(0, error="ConnectionRefusedError: refused"), 0),
    ],
)
def test_each_outcome_is_retried_as_often_as_zendesk_retries_it(attempt: Attempt, retries: int) -> None:
    granted = [after(*[attempt] * count) is not None for count in range(1, 8)]
    assert granted == [True] * retries + [False] * (7 - retries)


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_endpoint_is_asked_again_when_it_said(status: int) -> None:
    assert after(Attempt(0, status=status, retry_after=59)) == 59
    assert after(Attempt(0, status=status)) is None


def test_a_retry_keeps_its_invocation_and_is_signed_anew(desk: Sandbox, target: Endpoint, clock: Clock) -> None:
    target.answers = [(503, {"Retry-After": "7"}), (200, {})]
    hook = desk.hear(target.url, f"{TICKET}created")
    desk.write()
    target.wait(1)
    tried(desk.desk.sender.deliveries[0])
    clock.turn(7)
    first, second = target.wait(2)
    assert first.body == second.body
    name = "X-Zendesk-Webhook-Invocation-Id"
    assert first.headers[name] == second.headers[name]
    assert second.headers["X-Zendesk-Webhook-Signature-Timestamp"] == "2026-11-03T09:14:33Z"
    assert verified(second, hook["secret"])


def test_an_endpoint_that_hangs_is_a_timeout_in_the_history(clock: Clock, target: Endpoint) -> None:
    class Impatient(ZendeskSandbox):
        webhook_timeout = 0.1

    target.waits = True
    with sandbox(Impatient(clock=clock)) as desk:
        hook = desk.hear(target.url, f"{TICKET}created")
        desk.write()
        (delivery,) = desk.desk.sender.deliveries
        tried(delivery)
        (invocation,) = desk.api.get(f"webhooks/{hook['id']}/invocations").json()["invocations"]
        assert (invocation["status"], invocation["status_code"]) == ("failed", 504)
