"""Genuine webhook deliveries in any number: bodies as the vendors document them, distinct ids, signed as they sign."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

ZENDESK_SECRET = "benchmark-zendesk-signing"
INTERCOM_SECRET = "benchmark-intercom-signing"

_WORDS = "Hello, the invoice of last month was charged twice and the portal shows only one payment. Please refund it. "


def zendesk_created(number: int, at: datetime | None = None) -> dict[str, Any]:
    """A `ticket.created` event that carries its whole ticket, of now or of `at` (UTC); about 1.5 kB of JSON."""
    now = (at or datetime.now(UTC)).strftime("%Y-%m-%dT%H:%M:%SZ")
    requester = str(8_447_388_000_000 + number % 5_000)
    return {
        "account_id": 21842610,
        "id": str(uuid4()),
        "subject": f"zen:ticket:{number}",
        "time": now,
        "type": "zen:event-type:ticket.created",
        "zendesk_event_version": "2022-11-06",
        "detail": {
            "actor_id": requester,
            "assignee_id": "",
            "brand_id": "8447346621310",
            "created_at": now,
            "custom_status": "8447320465790",
            "description": _WORDS * 5,
            "external_id": "",
            "form_id": "8646151517822",
            "group_id": "",
            "id": str(number),
            "is_public": True,
            "organization_id": "8447346622462",
            "priority": "NORMAL",
            "requester_id": requester,
            "status": "NEW",
            "subject": "Charged twice",
            "submitter_id": requester,
            "tags": ["web", "eu"],
            "type": "QUESTION",
            "updated_at": now,
            "via": {"channel": "mail"},
        },
        "event": {"meta": {"sequence": {"id": uuid4().hex.upper(), "position": 1, "total": 1}}},
    }


def intercom_created(number: int) -> dict[str, Any]:
    """A `conversation.user.created` notification with its conversation; about 1.5 kB of JSON."""
    now = int(datetime.now(UTC).timestamp())
    author = {"type": "user", "id": f"66f0{number % 5_000:x}", "name": "Ada Client", "email": "ada@client.example"}
    return {
        "type": "notification_event",
        "app_id": "ab12cd34",
        "id": f"notif_{uuid4()}",
        "topic": "conversation.user.created",
        "created_at": now,
        "first_sent_at": now,
        "delivery_attempts": 1,
        "data": {
            "type": "notification_event_data",
            "item": {
                "type": "conversation",
                "id": str(number),
                "created_at": now,
                "updated_at": now,
                "title": None,
                "state": "open",
                "open": True,
                "read": False,
                "priority": "not_priority",
                "admin_assignee_id": None,
                "team_assignee_id": None,
                "source": {
                    "type": "email",
                    "id": str(number),
                    "delivered_as": "customer_initiated",
                    "subject": "Charged twice",
                    "body": f"<p>{_WORDS * 5}</p>",
                    "author": author,
                    "attachments": [],
                },
                "contacts": {"type": "contact.list", "contacts": [{"type": "contact", "id": author["id"]}]},
                "teammates": None,
                "tags": {"type": "tag.list", "tags": []},
                "custom_attributes": {},
                "conversation_parts": {"type": "conversation_part.list", "conversation_parts": [], "total_count": 0},
            },
        },
    }


def zendesk_headers(body: bytes) -> dict[str, str]:
    """The headers that Zendesk sends along, signed now."""
    timestamp = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    digest = hmac.new(ZENDESK_SECRET.encode(), timestamp.encode() + body, hashlib.sha256).digest()
    return {
        "User-Agent": "Zendesk Webhook",
        "X-Zendesk-Account-Id": "21842610",
        "X-Zendesk-Webhook-Id": "01F1KRFQ6BG29CNWFR60NK5FNY",
        "X-Zendesk-Webhook-Invocation-Id": uuid4().hex,
        "X-Zendesk-Webhook-Signature": base64.b64encode(digest).decode(),
        "X-Zendesk-Webhook-Signature-Timestamp": timestamp,
    }


def intercom_headers(body: bytes) -> dict[str, str]:
    """The headers that Intercom sends along."""
    digest = hmac.new(INTERCOM_SECRET.encode(), body, hashlib.sha1).hexdigest()
    return {"User-Agent": "intercom-webhooks", "X-Hub-Signature": f"sha1={digest}"}


MAKERS: dict[str, tuple[Callable[[int], dict[str, Any]], Callable[[bytes], dict[str, str]]]] = {
    "zendesk": (zendesk_created, zendesk_headers),
    "intercom": (intercom_created, intercom_headers),
}
"""By vendor: the event for a ticket's number, and the headers for its bytes."""


def requests(vendor: str, path: str, numbers: Iterable[int]) -> list[bytes]:
    """Whole HTTP requests, one a ticket number, to be sent as they are within the signature's clock window."""
    event, headers = MAKERS[vendor]
    made = []
    for number in numbers:
        body = json.dumps(event(number)).encode()
        made.append(http_request(path, body, headers(body)))
    return made


def http_request(path: str, body: bytes, headers: dict[str, str]) -> bytes:
    """The bytes of one POST of JSON."""
    lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", "Content-Type: application/json; charset=utf-8"]
    lines += [f"Content-Length: {len(body)}", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body
