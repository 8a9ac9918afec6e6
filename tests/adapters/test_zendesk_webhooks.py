"""Zendesk's deliveries: which are genuine, what identifies them, and what they say."""

import copy
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bridge.errors import DeliveryRefused
from bridge.model import ActorKind, AgentStatus, Channel, EventKind, Priority, RawDelivery, Status, Visibility
from tests.adapters.zendesk_wire import CREATED, NOW, REF, REPLIED, SECRET, make_desk, read, signed

PUBLIC_TEST_SECRET = "dGhpc19zZWNyZXRfaXNfZm9yX3Rlc3Rpbmdfb25seQ=="


def envelope(base: dict[str, Any], **detail: Any) -> dict[str, Any]:
    """A copy of an envelope with some of its `detail` changed."""
    changed = copy.deepcopy(base)
    changed["detail"] |= detail
    return changed


def event_of(kind: str, event: dict[str, Any], **detail: Any) -> bytes:
    """A ticket event of some kind, in the envelope of the reply."""
    return json.dumps(envelope(REPLIED, **detail) | {"type": f"zen:event-type:ticket.{kind}", "event": event}).encode()


def agent_event(kind: str, event: dict[str, Any], version: object = "7") -> bytes:
    detail = {"account_id": "21842610", "agent_id": "8447388091518", "version": version}
    known = {"id": "01K8AGENT", "subject": "zen:agent:8447388091518", "time": "2026-11-03T09:00:00Z"}
    return json.dumps(known | {"type": f"zen:event-type:agent.{kind}", "detail": detail, "event": event}).encode()


# Genuine or not -------------------------------------------------------------------------------------------------------


def vector(signature: str) -> RawDelivery:
    headers = {
        "x-zendesk-webhook-signature": signature,
        "x-zendesk-webhook-signature-timestamp": "2021-07-25T10:00:00Z",
    }
    return RawDelivery("POST", headers, b'{"say": "hello"}', datetime(2021, 7, 25, 10, 1, tzinfo=UTC))


def test_the_published_inputs_verify_in_todays_order_of_timestamp_and_body() -> None:
    desk = make_desk(webhook_secrets=["HRkRd4BeOAoUkfZr-mhauJT64rvBASlJRoIyPsd3zeA="])
    assert desk.verify(vector("Rry/4TtIdFyawtXXp8QdI6tlAUUQ/5kL1OTp5qo/ZIk=")).body == b'{"say": "hello"}'


def test_the_published_signature_of_the_superseded_order_is_refused() -> None:
    desk = make_desk(webhook_secrets=["HRkRd4BeOAoUkfZr-mhauJT64rvBASlJRoIyPsd3zeA="])
    with pytest.raises(DeliveryRefused):
        desk.verify(vector("tRDSF7URY8BLCDlaBcQ7FHu051Zk+aAB0NKMP53teMw="))


@given(st.binary(max_size=300), st.data())
def test_no_body_verifies_with_any_byte_of_it_changed(body: bytes, data: st.DataObject) -> None:
    raw = signed(body)
    assert make_desk().verify(raw).body == body
    if body:
        place, bit = data.draw(st.integers(0, len(body) - 1)), data.draw(st.integers(0, 7))
        broken = body[:place] + bytes([body[place] ^ 1 << bit]) + body[place + 1 :]
        with pytest.raises(DeliveryRefused):
            make_desk().verify(replace(raw, body=broken))


@pytest.mark.parametrize("missing", ["x-zendesk-webhook-signature", "x-zendesk-webhook-signature-timestamp"])
def test_a_delivery_without_signature_or_time_is_refused_as_unauthorised(missing: str) -> None:
    raw = signed(b"{}")
    with pytest.raises(DeliveryRefused) as refusal:
        make_desk().verify(replace(raw, headers={k: v for k, v in raw.headers.items() if k != missing}))
    assert refusal.value.status == 401


@pytest.mark.parametrize("late", [timedelta(minutes=5, seconds=3), timedelta(minutes=-5, seconds=-3)])
def test_a_good_signature_of_another_time_is_refused(late: timedelta) -> None:
    raw = signed(b"{}")
    with pytest.raises(DeliveryRefused) as refusal:
        make_desk().verify(replace(raw, received_at=NOW + late))
    assert refusal.value.status == 401


def test_the_clock_window_is_the_admins_to_widen() -> None:
    raw = replace(signed(b"{}"), received_at=NOW + timedelta(minutes=20))
    assert make_desk(clock_window=timedelta(minutes=30)).verify(raw).keep


@pytest.mark.parametrize("timestamp", ["", "yesterday", "0"])
def test_a_signed_time_that_is_none_is_refused(timestamp: str) -> None:
    with pytest.raises(DeliveryRefused):
        make_desk().verify(signed(b"{}", timestamp=timestamp))


def test_the_public_test_secret_is_no_tenants_secret() -> None:
    with pytest.raises(ValidationError, match="public test secret"):
        make_desk(webhook_secrets=[PUBLIC_TEST_SECRET])
    with pytest.raises(ValidationError, match="public test secret"):
        make_desk(webhook_secrets=[SECRET, PUBLIC_TEST_SECRET])
    with pytest.raises(DeliveryRefused):
        make_desk().verify(signed(b"{}", secret=PUBLIC_TEST_SECRET))


def test_neither_a_refusal_nor_the_options_tell_a_secret() -> None:
    desk_options = make_desk()._options
    with pytest.raises(DeliveryRefused) as refusal:
        make_desk().verify(signed(b"the customer's words", secret="another"))
    told = f"{refusal.value!r} {desk_options!r}"
    assert SECRET not in told
    assert "an-access-token" not in told
    assert "customer" not in told


# What identifies a delivery -------------------------------------------------------------------------------------------


def test_an_event_is_identified_by_its_own_id_however_often_it_is_invoked() -> None:
    body = json.dumps(CREATED).encode()
    first = make_desk().verify(signed(body, **{"x-zendesk-webhook-invocation-id": "01K8INVOKED"}))
    again = make_desk().verify(signed(body, timestamp="2026-11-03T09:14:29Z"))
    assert first.dedupe_key == again.dedupe_key == CREATED["id"]


def test_a_trigger_body_is_identified_by_its_invocation_and_without_one_by_its_bytes() -> None:
    body = b'{"v":1,"kind":"ticket.updated","ticket_id":"5158","id":"not-an-event-id"}'
    invoked = make_desk().verify(signed(body, **{"x-zendesk-webhook-invocation-id": "01K8INVOKED"}))
    bare, other = make_desk().verify(signed(body)), make_desk().verify(signed(body + b" "))
    assert invoked.dedupe_key == "01K8INVOKED"
    assert bare.dedupe_key == make_desk().verify(signed(body)).dedupe_key != other.dedupe_key


# What a delivery says -------------------------------------------------------------------------------------------------


def test_a_new_ticket_by_mail_is_told_whole_so_that_it_costs_no_read() -> None:
    event = read(json.dumps(CREATED).encode())
    ticket = event.snapshot
    assert (event.kind, event.ticket, event.burst) == (
        EventKind.TICKET_CREATED,
        REF,
        "C20565CD20591B5E81E2206E91ADFB2A",
    )
    assert (event.actor.kind, event.actor.id) == (ActorKind.REQUESTER, "8447388090494")
    assert event.occurred_at == datetime(2026, 11, 3, 9, 14, 27, 180442, UTC)
    assert ticket is not None
    assert ticket.complete
    assert (ticket.subject, ticket.status, ticket.status_raw) == ("Empty invoice", Status.NEW, "new")
    assert (ticket.priority, ticket.priority_raw, ticket.type) == (Priority.NORMAL, "normal", "question")
    assert (ticket.channel, ticket.channel_raw) == (Channel.EMAIL, "mail")
    assert (ticket.assignee_id, ticket.team_id) == (None, "8447320466430")
    assert ticket.status_custom_id == "8447320465790"
    assert ticket.stamp == "2026-11-03T09:14:26Z"
    assert ticket.tags == {"billing"}
    assert ticket.url == "https://acme.zendesk.com/agent/tickets/5158"
    (opening,) = ticket.messages
    assert (opening.text, opening.visibility) == ("The invoice PDF is empty.", Visibility.PUBLIC)
    assert opening.author.kind is ActorKind.REQUESTER


@pytest.mark.parametrize(
    "detail",
    [
        {"description": ""},
        {"requester_id": ""},
        {"updated_at": None},
        {"via": {"channel": "web_form"}},
        {"via": {"channel": "web_service"}},
        {"via": None},
    ],
    ids=["no words", "no requester", "no stamp", "a form has fields", "the API has fields", "any channel"],
)
def test_a_new_ticket_of_which_the_event_leaves_something_out_is_not_complete(detail: dict[str, Any]) -> None:
    event = read(json.dumps(envelope(CREATED, **detail)).encode())
    assert event.kind is EventKind.TICKET_CREATED
    assert event.snapshot is not None
    assert not event.snapshot.complete


def test_a_new_ticket_whose_tags_are_not_told_is_not_complete() -> None:
    untagged = copy.deepcopy(CREATED)
    del untagged["detail"]["tags"]
    snapshot = read(json.dumps(untagged).encode()).snapshot
    assert snapshot is not None
    assert not snapshot.complete


def test_a_ticket_that_an_agent_opened_in_private_starts_with_a_private_message_of_theirs() -> None:
    event = read(json.dumps(envelope(CREATED, submitter_id="8447388091518", is_public=False)).encode())
    assert event.message is not None
    assert event.message.visibility is Visibility.PRIVATE
    assert event.message.author.kind is ActorKind.AGENT


def test_a_customers_public_comment_is_the_requesters_reply() -> None:
    event = read(json.dumps(REPLIED).encode())
    assert event.kind is EventKind.REQUESTER_REPLIED
    assert event.message is not None
    assert (event.message.id, event.message.text) == ("9001234567890", "Still empty today.")
    assert event.message.visibility is Visibility.PUBLIC
    assert event.snapshot is not None
    assert not event.snapshot.complete
    assert event.snapshot.messages == (event.message,)


@pytest.mark.parametrize(
    ("comment", "kind"),
    [
        ({"is_public": True, "author": {"id": "77", "is_staff": True}}, EventKind.AGENT_REPLIED),
        ({"is_public": False, "author": {"id": "77", "is_staff": True}}, EventKind.NOTE_ADDED),
        ({"is_public": False, "author": {"id": "8447388090494", "is_staff": False}}, EventKind.NOTE_ADDED),
        ({"is_public": True, "author": {"id": "78", "is_staff": False}}, EventKind.REQUESTER_REPLIED),
        ({"is_public": True, "author": {"id": "8447388090494"}}, EventKind.REQUESTER_REPLIED),
        ({"is_public": True, "author": {"id": "79"}}, EventKind.AGENT_REPLIED),
        ({"author": {"id": "8447388090494", "is_staff": False}}, EventKind.NOTE_ADDED),
        ({"is_public": "yes", "author": {"id": "8447388090494", "is_staff": False}}, EventKind.NOTE_ADDED),
        ({"is_public": None, "author": None}, EventKind.NOTE_ADDED),
    ],
)
def test_a_comment_is_public_only_where_zendesk_says_so_and_a_reply_of_whoever_wrote_it(
    comment: dict[str, Any], kind: EventKind
) -> None:
    event = read(event_of("comment_added", {"comment": {"id": "1", "body": "Words."} | comment}))
    assert event.kind is kind
    assert event.message is not None
    assert (event.message.visibility is Visibility.PRIVATE) == (kind is EventKind.NOTE_ADDED)


def test_a_comment_event_without_its_comment_is_unknown_and_keeps_the_ticket() -> None:
    event = read(event_of("comment_added", {}))
    assert (event.kind, event.ticket) == (EventKind.UNKNOWN, REF)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("agent_assignment_changed", EventKind.ASSIGNED),
        ("group_assignment_changed", EventKind.TEAM_CHANGED),
        ("status_changed", EventKind.STATUS_CHANGED),
        ("custom_status_changed", EventKind.STATUS_CHANGED),
        ("priority_changed", EventKind.PRIORITY_CHANGED),
        ("tags_changed", EventKind.TAGS_CHANGED),
        ("custom_field_changed", EventKind.FIELDS_CHANGED),
        ("subject_changed", EventKind.TICKET_CHANGED),
        ("comment_made_private", EventKind.TICKET_CHANGED),
        ("undeleted", EventKind.TICKET_CHANGED),
        ("soft_deleted", EventKind.DELETED),
        ("marked_as_spam", EventKind.DELETED),
        ("assignment_changed", EventKind.UNKNOWN),  # a name that SDK lists invented
    ],
)
def test_every_kind_of_ticket_event_is_known_by_its_name(name: str, kind: EventKind) -> None:
    event = read(event_of(name, {"current": 1, "previous": ""}))
    assert (event.kind, event.kind_raw, event.ticket) == (kind, f"zen:event-type:ticket.{name}", REF)


def test_a_merge_says_into_which_ticket() -> None:
    event = read(event_of("merged", {"target_ticket_id": 5000}))
    assert event.merged_into is not None
    assert event.merged_into.id == "5000"


@pytest.mark.parametrize("nothing", ["", "0", None, 0])
def test_the_ways_to_say_nobody_are_one(nothing: object) -> None:
    event = read(event_of("agent_assignment_changed", {"current": nothing}, assignee_id=nothing, actor_id=nothing))
    assert event.snapshot is not None
    assert event.snapshot.assignee_id is None
    assert event.actor.id is None


@pytest.mark.parametrize("tags", [["vip", "billing"], "vip billing"])
def test_tags_are_the_same_as_a_list_and_as_a_text(tags: object) -> None:
    event = read(event_of("tags_changed", {}, tags=tags))
    assert event.snapshot is not None
    assert event.snapshot.tags == {"vip", "billing"}


@pytest.mark.parametrize(
    ("status", "common"), [("HOLD", Status.ON_HOLD), ("SOLVED", Status.RESOLVED), ("SCRUBBED", Status.DELETED)]
)
def test_statuses_are_read_in_capitals_and_those_of_events_alone(status: str, common: Status) -> None:
    event = read(event_of("status_changed", {"current": status}, status=status))
    assert event.snapshot is not None
    assert event.snapshot.status is common


@pytest.mark.parametrize(
    ("actor_id", "kind"),
    [
        ("8447388090494", ActorKind.REQUESTER),
        ("8447388091518", ActorKind.AGENT),  # the assignee
        ("-1", ActorKind.SYSTEM),
        ("12345", ActorKind.UNKNOWN),
        ("", ActorKind.UNKNOWN),
    ],
)
def test_the_actor_is_told_as_far_as_the_event_goes(actor_id: str, kind: ActorKind) -> None:
    assert read(event_of("status_changed", {}, actor_id=actor_id)).actor.kind is kind


@pytest.mark.parametrize(
    ("name", "event", "status"),
    [
        ("state_changed", {"new_state": "online", "channel": "support"}, AgentStatus.ONLINE),
        ("state_changed", {"new_state": "OFFLINE"}, AgentStatus.OFFLINE),
        ("state_changed", {"new_state": "online", "channel": "talk"}, None),
        ("unified_state_changed", {"new_unified_state": {"id": "4", "name": "Away"}}, AgentStatus.AWAY),
        ("unified_state_changed", {"new_unified_state": {"id": 2}}, AgentStatus.OFFLINE),
        ("unified_state_changed", {"new_unified_state": {"id": "991", "name": "In a meeting"}}, AgentStatus.AWAY),
        ("work_item_added", {"work_item_id": "5158", "channel": "support", "reason": "OFFERED"}, None),
        ("max_capacity_changed", {}, None),
    ],
)
def test_an_agents_event_says_who_and_how_they_are(
    name: str, event: dict[str, Any], status: AgentStatus | None
) -> None:
    said = read(agent_event(name, event))
    assert said.kind is EventKind.AGENT_CHANGED
    assert (said.agent_id, said.agent_status, said.version) == ("8447388091518", status, 7)
    assert said.ticket is None


def test_the_version_of_an_agents_event_is_none_where_it_cannot_be_read() -> None:
    assert read(agent_event("state_changed", {}, version="")).version is None


@pytest.mark.parametrize("kind", ["agent.moved_away", "user.deleted", "omnichannel_config.changed"])
def test_an_event_of_another_family_is_unknown_by_its_full_name(kind: str) -> None:
    event = read(json.dumps({"id": "1", "type": f"zen:event-type:{kind}", "detail": {"id": "1"}}).encode())
    assert (event.kind, event.kind_raw, event.ticket) == (EventKind.UNKNOWN, f"zen:event-type:{kind}", None)


@pytest.mark.parametrize(
    ("kind", "read_as"),
    [
        ("ticket.created", EventKind.TICKET_CREATED),
        ("ticket.updated", EventKind.TICKET_CHANGED),
        ("ticket.sneezed", EventKind.UNKNOWN),
    ],
)
def test_a_trigger_body_names_its_ticket(kind: str, read_as: EventKind) -> None:
    body = {"v": 1, "kind": kind, "ticket_id": "5158", "updated_at": "2026-11-03T09:14:26Z", "actor_id": "77"}
    event = read(json.dumps(body).encode())
    assert (event.kind, event.kind_raw, event.ticket, event.actor.id) == (read_as, kind, REF, "77")
    assert event.snapshot is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
KINDS = st.sampled_from(["ticket.created", "ticket.comment_added", "ticket.merged", "agent.state_changed", "user.x"])
KEYS = sorted({*CREATED["detail"], *REPLIED["event"]["comment"], "agent_id", "version"})


@given(
    KINDS,
    st.dictionaries(st.sampled_from(KEYS), JSON),
    st.dictionaries(st.sampled_from(["comment", "meta", "target_ticket_id", "new_state", "new_unified_state"]), JSON),
)
def test_no_envelope_however_odd_stops_the_reading(kind: str, detail: dict[str, Any], event: dict[str, Any]) -> None:
    body = {"type": f"zen:event-type:{kind}", "detail": detail, "event": event}
    assert isinstance(read(json.dumps(body).encode()).kind, EventKind)


@given(JSON)
def test_no_json_however_odd_stops_the_reading(body: Any) -> None:
    assert isinstance(read(json.dumps(body).encode()).kind, EventKind)
