"""Intercom's webhooks: what is taken, what is refused, and under which key a notification is kept once."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.intercom.events import TOPICS
from bridge.errors import DeliveryRefused
from bridge.model import ActorKind, AgentStatus, Channel, EventKind, Priority, Status, Visibility
from tests.adapters.intercom import (
    CONVERSATION,
    TICKET,
    Wire,
    changed,
    desk_on,
    notification,
    part,
    read,
    signed,
    with_parts,
)

CREATED = notification("conversation.user.created", CONVERSATION)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)


def test_a_signed_delivery_is_kept_under_the_id_of_app_and_notification() -> None:
    with desk_on(Wire({})) as desk:
        delivery = desk.verify(signed(CREATED))
    assert delivery.dedupe_key == "ab12cd34:notif_0f6c2c1e-7e0d-4c0a-8a0b-2f4b8f0a9c11"
    assert delivery.keep
    assert delivery.body == CREATED


def test_the_second_attempt_of_a_notification_has_the_key_of_the_first() -> None:
    again = notification("conversation.user.created", CONVERSATION, delivery_attempts=2)
    with desk_on(Wire({})) as desk:
        assert desk.verify(signed(again)).dedupe_key == desk.verify(signed(CREATED)).dedupe_key


@pytest.mark.parametrize("signature", [None, "", "sha1=", "sha1=" + "0" * 40, "é" * 45])
def test_a_missing_or_wrong_signature_is_refused_with_401(signature: str | None) -> None:
    raw = signed(CREATED)
    headers = {} if signature is None else {"x-hub-signature": signature}
    with desk_on(Wire({})) as desk, pytest.raises(DeliveryRefused) as refusal:
        desk.verify(type(raw)("POST", headers, CREATED, raw.received_at))
    assert refusal.value.status == 401


def test_a_body_changed_by_one_byte_is_refused() -> None:
    raw = signed(CREATED)
    with desk_on(Wire({})) as desk, pytest.raises(DeliveryRefused):
        desk.verify(type(raw)("POST", raw.headers, CREATED.replace(b"empty", b"emptx"), raw.received_at))


def test_both_client_secrets_are_good_while_one_replaces_the_other() -> None:
    with desk_on(Wire({}), webhook_secrets=["the-old-one", "the-new-one"]) as desk:
        keys = {desk.verify(signed(CREATED, secret)).dedupe_key for secret in ("the-old-one", "the-new-one")}
    assert len(keys) == 1


def test_a_delivery_of_another_app_is_refused_where_the_app_is_configured() -> None:
    with desk_on(Wire({}), app_id="ffff0000") as desk, pytest.raises(DeliveryRefused):
        desk.verify(signed(CREATED))
    with desk_on(Wire({}), app_id="ab12cd34") as desk:
        assert desk.verify(signed(CREATED)).keep


def test_a_ping_is_answered_and_not_kept() -> None:
    body = notification("ping", {"type": "ping", "message": "hello"}, id=None)
    with desk_on(Wire({})) as desk:
        assert not desk.verify(signed(body)).keep


@pytest.mark.parametrize("body", [b"{", b"[]", b"\xff", b"", b"[" * 100_000])
def test_a_signed_body_that_is_no_notification_is_kept_and_read_as_unknown(body: bytes) -> None:
    with desk_on(Wire({})) as desk:
        delivery = desk.verify(signed(body))
        (event,) = desk.read(delivery)
    assert delivery.keep
    assert len(delivery.dedupe_key) == 64
    assert event.kind is EventKind.UNKNOWN


def test_a_new_conversation_needs_no_read_to_be_decided_on() -> None:
    event = read("conversation.user.created", CONVERSATION)
    ticket = event.snapshot
    assert event.kind is EventKind.TICKET_CREATED
    assert event.occurred_at is not None
    assert event.occurred_at.timestamp() == 1793697267
    assert str(event.ticket) == "acme:conversation:215470"
    assert (event.actor.kind, event.actor.id) == (ActorKind.REQUESTER, "66f0a1")
    assert ticket is not None
    assert ticket.complete
    assert (ticket.subject, ticket.status, ticket.status_raw) == ("Empty invoice", Status.NEW, "open")
    assert (ticket.channel, ticket.channel_raw, ticket.priority) == (Channel.EMAIL, "email", Priority.NONE)
    assert (ticket.assignee_id, ticket.team_id, ticket.stamp) == (None, None, "1793697266")
    assert ticket.requester is not None
    assert (ticket.requester.id, ticket.requester.name) == ("66f0a1", "Ada Client")
    assert (ticket.requester.email, ticket.requester.external_id) == ("ada@client.example", "c-77")
    assert [(message.text, message.visibility) for message in ticket.messages] == [
        ("The PDF is empty.", Visibility.PUBLIC)
    ]


def test_a_new_conversation_that_carries_too_little_is_not_complete() -> None:
    event = read("conversation.user.created", {"type": "conversation", "id": "1", "state": "open"})
    assert event.snapshot is not None
    assert not event.snapshot.complete


def test_a_reply_comes_as_the_new_message_and_a_partial_snapshot() -> None:
    new_part = part("comment", "user", body="Still empty.")
    item = {"type": "conversation", "id": "215470", "state": "open"}
    event = read("conversation.user.replied", {**item, "conversation_parts": {"conversation_parts": [new_part]}})
    assert event.kind is EventKind.REQUESTER_REPLIED
    assert event.message is not None
    assert (event.message.id, event.message.text, event.message.visibility) == (
        "98110",
        "Still empty.",
        Visibility.PUBLIC,
    )
    assert event.message.author.kind is ActorKind.REQUESTER
    assert event.snapshot is not None
    assert not event.snapshot.complete


def test_a_reply_that_opens_a_closed_conversation_is_the_requesters_public_word() -> None:
    event = read("conversation.user.replied", with_parts(CONVERSATION, part("open", "user", body="Broken again.")))
    assert event.message is not None
    assert (event.message.text, event.message.visibility) == ("Broken again.", Visibility.PUBLIC)


def test_a_bots_words_are_no_answer_of_an_agent() -> None:
    event = read("conversation.operator.replied", with_parts(CONVERSATION, part("comment", "bot", body="Hi!")))
    assert event.kind is EventKind.TICKET_CHANGED
    assert event.actor.kind is ActorKind.BOT


@pytest.mark.parametrize("item", [CONVERSATION, TICKET], ids=["conversation", "ticket"])
def test_a_note_is_private(item: dict[str, Any]) -> None:
    topic = "conversation.admin.noted" if item is CONVERSATION else "ticket.note.created"
    event = read(topic, with_parts(item, part("note", body="<p>Refund?</p>")))
    assert event.kind is EventKind.NOTE_ADDED
    assert event.message is not None
    assert (event.message.text, event.message.visibility) == ("Refund?", Visibility.PRIVATE)


@pytest.mark.parametrize(
    ("made", "kind"),
    [
        (part("note", body="n"), ActorKind.AGENT),
        (part("note", body="n", app_package_code="triage-app"), ActorKind.INTEGRATION),
        (part("note", body="n", author={"type": "admin", "id": "9001"}), ActorKind.INTEGRATION),
        (part("note", body="n", author={"type": "admin", "id": 9001}), ActorKind.INTEGRATION),
        (part("comment", "user", body="c", app_package_code="mail-gateway"), ActorKind.REQUESTER),
        (part("comment", "bot", body="c", app_package_code="fin"), ActorKind.BOT),
        (part("note", body="n", author={"type": "martian", "id": "1"}), ActorKind.UNKNOWN),
    ],
)
def test_an_admins_part_is_an_integrations_where_the_api_or_our_own_admin_made_it(
    made: dict[str, Any], kind: ActorKind
) -> None:
    assert read("conversation.admin.noted", with_parts(CONVERSATION, made)).actor.kind is kind


@pytest.mark.parametrize(
    ("admin", "kind"), [("9002", ActorKind.AGENT), ("9001", ActorKind.INTEGRATION)], ids=["a teammate", "we"]
)
def test_a_tag_is_the_work_of_who_put_it_there_not_of_who_wrote_the_tagged_part(admin: str, kind: ActorKind) -> None:
    old = {"id": "1", "name": "old", "applied_at": 1793690000, "applied_by": {"type": "bot", "id": "1"}}
    new = {"id": "2", "name": "vip", "applied_at": 1793697000, "applied_by": {"type": "admin", "id": admin}}
    item = with_parts(changed(CONVERSATION, tags={"tags": [new, old]}), part("comment", "user", body="Still empty."))
    event = read("conversation_part.tag.created", item)
    assert event.kind is EventKind.TAGS_CHANGED
    assert (event.actor.kind, event.actor.id) == (kind, admin)
    assert event.message is None


@pytest.mark.parametrize(
    ("assigned_to", "kind"), [("admin", EventKind.ASSIGNED), ("team", EventKind.TEAM_CHANGED)], ids=["admin", "team"]
)
def test_an_assignment_says_whether_an_agent_or_a_team_was_given(assigned_to: str, kind: EventKind) -> None:
    moved = part("assignment", assigned_to={"type": assigned_to, "id": "9002"})
    event = read("conversation.admin.assigned", with_parts(changed(CONVERSATION, admin_assignee_id=9002), moved))
    assert event.kind is kind
    assert event.message is None
    assert event.snapshot is not None
    assert (event.snapshot.assignee_id, event.snapshot.status) == ("9002", Status.OPEN)


def test_a_tickets_assignment_is_found_inside_its_wrapper() -> None:
    item = {
        "type": "ticket_ticket_part",
        "ticket": {"type": "ticket", "id": "215481", "admin_assignee_id": "9002"},
        "ticket_part": {
            "type": "ticket_part",
            "id": "53",
            "part_type": "assignment",
            "assigned_to": {"type": "admin", "id": "9002"},
            "author": {"type": "admin", "id": "9001", "name": "Deskbridge", "email": "bridge@acme.example"},
        },
    }
    event = read("ticket.admin.assigned", item)
    assert event.kind is EventKind.ASSIGNED
    assert event.ticket is not None
    assert event.ticket.id == "ticket:215481"
    assert event.actor.kind is ActorKind.INTEGRATION
    assert event.snapshot is None


def test_a_tickets_state_and_its_no_assignee_are_read_from_text_zeros() -> None:
    item = {
        "type": "ticket",
        "id": "215481",
        "ticket_id": "37",
        "category": "Customer",
        "ticket_state": {"id": "7493", "category": "waiting_on_customer"},
        "admin_assignee_id": "0",
        "team_assignee_id": "0",
        "open": True,
    }
    event = read("ticket.state.updated", with_parts(item, part("ticket_state_updated_by_admin")))
    assert event.kind is EventKind.STATUS_CHANGED
    ticket = event.snapshot
    assert ticket is not None
    assert (ticket.status, ticket.status_raw, ticket.status_custom_id) == (
        Status.PENDING,
        "waiting_on_customer",
        "7493",
    )
    assert (ticket.assignee_id, ticket.team_id) == (None, None)


@pytest.mark.parametrize("nested", [True, False], ids=["nested", "itself"])
def test_a_closed_ticket_is_found_nested_or_not(nested: bool) -> None:
    ticket = changed(TICKET, open=False)
    event = read("ticket.closed", {"type": "ticket_event", "ticket": ticket} if nested else ticket)
    assert event.ticket is not None
    assert event.ticket.id == "ticket:215481"
    assert event.snapshot is not None
    assert event.snapshot.status is Status.CLOSED


def test_a_conversation_that_has_a_ticket_stays_a_conversation() -> None:
    event = read("conversation.admin.closed", changed(CONVERSATION, state="closed", ticket=TICKET))
    assert event.ticket is not None
    assert event.ticket.id == "conversation:215470"


def test_a_new_ticket_comes_whole() -> None:
    event = read("ticket.created", TICKET)
    ticket = event.snapshot
    assert event.kind is EventKind.TICKET_CREATED
    assert ticket is not None
    assert ticket.complete
    assert (ticket.subject, ticket.status, ticket.fields) == ("Broken export", Status.OPEN, {"Tier": "x"})
    assert [(message.text, message.author.kind) for message in ticket.messages] == [
        ("CSV is empty", ActorKind.REQUESTER)
    ]


def test_an_internal_tickets_description_is_private() -> None:
    event = read("ticket.created", changed(TICKET, category="Back-office"))
    assert event.message is not None
    assert event.message.visibility is Visibility.PRIVATE


def test_a_deleted_conversation_comes_with_its_id_alone() -> None:
    event = read("conversation.deleted", {"type": "conversation", "id": "215470"})
    assert (event.kind, event.snapshot) == (EventKind.DELETED, None)
    assert str(event.ticket) == "acme:conversation:215470"


@pytest.mark.parametrize(("away", "status"), [(True, AgentStatus.AWAY), (False, AgentStatus.ONLINE)])
def test_an_admins_away_mode_is_their_status(away: bool, status: AgentStatus) -> None:
    event = read("admin.away_mode_updated", {"type": "admin", "id": 9002, "away_mode_enabled": away})
    assert (event.kind, event.agent_id, event.agent_status) == (EventKind.AGENT_CHANGED, "9002", status)
    assert event.version == 1793697267
    assert event.ticket is None


@pytest.mark.parametrize("topic", sorted(TOPICS))
def test_every_topic_that_we_need_is_about_its_ticket(topic: str) -> None:
    event = read(topic, CONVERSATION if topic.startswith("conversation") else TICKET)
    assert event.kind is not EventKind.UNKNOWN
    assert event.kind_raw == topic
    assert event.ticket is not None


@pytest.mark.parametrize("topic", ["job.completed", "company.created", "conversation.fin.levitated"])
def test_any_other_topic_is_unknown_and_keeps_its_name(topic: str) -> None:
    event = read(topic, CONVERSATION)
    assert (event.kind, event.kind_raw) == (EventKind.UNKNOWN, topic)


@given(st.sampled_from([*sorted(TOPICS), "admin.away_mode_updated"]), ANYTHING, st.sampled_from(sorted(CONVERSATION)))
def test_no_payload_of_an_odd_shape_is_an_error(topic: str, odd: Any, where: str) -> None:
    with desk_on(Wire({})) as desk:
        for item in (odd, {**CONVERSATION, where: odd}, {**TICKET, where: odd}):
            (event,) = desk.read(desk.verify(signed(notification(topic, item))))
            assert event.desk == "acme"


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("<p>Hello &amp; goodbye</p>\n<p>Ada</p>", "Hello & goodbye\nAda"),
        ("if a < b and b > c: fail", "if a < b and b > c: fail"),
        ("a &amp; b", "a &amp; b"),
    ],
    ids=["html", "plain", "entity in plain text"],
)
def test_html_is_told_from_plain_text_by_its_first_tag(body: str, text: str) -> None:
    event = read("conversation.user.replied", with_parts(CONVERSATION, part("comment", "user", body=body)))
    assert event.message is not None
    assert event.message.text == text


def test_an_attachment_without_words_is_a_message() -> None:
    files = [
        {"type": "upload", "name": "a.pdf", "content_type": "application/pdf", "filesize": 12, "url": "https://x/a"}
    ]
    event = read("conversation.user.replied", with_parts(CONVERSATION, part("comment", "user", attachments=files)))
    assert event.message is not None
    assert [(one.name, one.size) for one in event.message.attachments] == [("a.pdf", 12)]


def test_no_refusal_tells_the_secret_or_the_body() -> None:
    with desk_on(Wire({})) as desk, pytest.raises(DeliveryRefused) as refusal:
        desk.verify(signed(CREATED, "another"))
    assert "sandbox-intercom-secret" not in str(refusal.value)
    assert json.loads(CREATED)["data"]["item"]["source"]["body"] not in str(refusal.value)
