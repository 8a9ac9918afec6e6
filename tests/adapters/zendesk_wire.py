"""Zendesk's payloads as its references show them, and a desk that reads them."""

import base64
import hashlib
import hmac
from datetime import UTC, datetime
from typing import Any

from adapters.zendesk import ZendeskDesk, ZendeskOptions
from adapters.zendesk.mapping import ticket_of_rest
from bridge.model import Delivery, Event, RawDelivery, Ticket, TicketRef
from tests.contract.world import OpenGate

NOW = datetime(2026, 11, 3, 9, 14, 30, tzinfo=UTC)
SECRET = "c2VjcmV0LW9mLWFjbWU="
BASE = "https://acme.zendesk.com"

CREATED: dict[str, Any] = {
    "account_id": 21842610,
    "id": "6f0f4f0e-2c4d-4b39-9f4b-0d7f1f0b6a11",
    "subject": "zen:ticket:5158",
    "time": "2026-11-03T09:14:27.180442913Z",
    "type": "zen:event-type:ticket.created",
    "zendesk_event_version": "2022-11-06",
    "detail": {
        "actor_id": "8447388090494",
        "assignee_id": "",
        "brand_id": "8447346621310",
        "created_at": "2026-11-03T09:14:26Z",
        "custom_status": "8447320465790",
        "description": "The invoice PDF is empty.",
        "external_id": "",
        "form_id": "8646151517822",
        "group_id": "8447320466430",
        "id": "5158",
        "is_public": True,
        "organization_id": "8447346622462",
        "priority": "NORMAL",
        "requester_id": "8447388090494",
        "status": "NEW",
        "subject": "Empty invoice",
        "submitter_id": "8447388090494",
        "tags": ["billing"],
        "type": "QUESTION",
        "updated_at": "2026-11-03T09:14:26Z",
        "via": {"channel": "mail"},
    },
    "event": {"meta": {"sequence": {"id": "C20565CD20591B5E81E2206E91ADFB2A", "position": 1, "total": 1}}},
}

REPLIED: dict[str, Any] = {
    "account_id": 21842610,
    "id": "a3c9b0f7-7ad9-4e0e-8d50-6e9b7b7b2f55",
    "subject": "zen:ticket:5158",
    "time": "2026-11-03T10:02:11.004Z",
    "type": "zen:event-type:ticket.comment_added",
    "zendesk_event_version": "2022-11-06",
    "detail": {
        "actor_id": "8447388090494",
        "assignee_id": "8447388091518",
        "id": "5158",
        "group_id": "8447320466430",
        "status": "OPEN",
        "priority": "NORMAL",
        "requester_id": "8447388090494",
        "tags": ["billing"],
        "updated_at": "2026-11-03T10:02:10Z",
        "via": {"channel": "mail"},
    },
    "event": {
        "comment": {
            "id": "9001234567890",
            "body": "Still empty today.",
            "is_public": True,
            "author": {"id": "8447388090494", "is_staff": False, "name": "Ada Client"},
        },
        "meta": {"sequence": {"id": "0D1B", "position": 2}},
    },
}

TICKET: dict[str, Any] = {
    "id": 5158,
    "subject": "Empty invoice",
    "requester_id": 8447388090494,
    "submitter_id": 8447388090494,
    "assignee_id": None,
    "group_id": 8447320466430,
    "organization_id": 8447346622462,
    "status": "open",
    "custom_status_id": 8447320465800,
    "priority": "urgent",
    "type": "question",
    "tags": ["billing", "by_a_human"],
    "custom_fields": [{"id": 360011, "value": "invoice"}, {"id": 360012, "value": None}],
    "via": {"channel": "email"},
    "created_at": "2026-11-03T09:14:26Z",
    "updated_at": "2026-11-03T09:14:26Z",
}


def make_desk(gate: OpenGate | None = None, **options: Any) -> ZendeskDesk:
    """A desk of acme's account, with a fixed access token unless told otherwise."""
    given = {"url": BASE, "credentials": {"access_token": "an-access-token"}, "webhook_secrets": [SECRET]} | options
    return ZendeskDesk("acme", ZendeskOptions.model_validate(given), gate=gate or OpenGate(), clock=lambda: NOW)


def signed(
    body: bytes, *, secret: str = SECRET, timestamp: str = "2026-11-03T09:14:28Z", **headers: str
) -> RawDelivery:
    """A delivery as Zendesk signs it today: the timestamp first, then the body."""
    digest = hmac.new(secret.encode(), timestamp.encode() + body, hashlib.sha256).digest()
    signature = {
        "x-zendesk-webhook-signature": base64.b64encode(digest).decode(),
        "x-zendesk-webhook-signature-timestamp": timestamp,
    }
    return RawDelivery("POST", signature | headers, body, NOW)


def read(body: bytes) -> Event:
    """What the desk reads in a body."""
    (event,) = make_desk().read(Delivery("acme", "key", body, {}, NOW))
    return event


def ticket(**changes: Any) -> Ticket:
    """The ticket of the REST example, complete, with some of its values changed."""
    return ticket_of_rest("acme", BASE, TICKET | changes, complete=True)


REF = TicketRef("acme", "5158")
