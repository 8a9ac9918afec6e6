"""What the Intercom tests share: a desk on recorded answers, the payloads of Intercom's own shapes, a signer."""

import copy
import hashlib
import hmac
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx

from adapters.intercom import IntercomDesk, IntercomOptions
from bridge.model import Event, RawDelivery
from bridge.ports import Call

NOW = datetime(2026, 11, 3, 9, 14, 30, tzinfo=UTC)
SECRET = "sandbox-intercom-secret"
TOKEN = "sandbox-intercom-token"

CONVERSATION: dict[str, Any] = {
    "type": "conversation",
    "id": "215470",
    "created_at": 1793697265,
    "updated_at": 1793697266,
    "title": None,
    "state": "open",
    "open": True,
    "read": False,
    "priority": "none",
    "admin_assignee_id": None,
    "team_assignee_id": None,
    "source": {
        "type": "email",
        "id": "2401",
        "delivered_as": "customer_initiated",
        "subject": "Empty invoice",
        "body": "The PDF is empty.",
        "author": {"type": "user", "id": "66f0a1", "name": "Ada Client", "email": "ada@client.example"},
        "attachments": [],
    },
    "contacts": {"type": "contact.list", "contacts": [{"type": "contact", "id": "66f0a1", "external_id": "c-77"}]},
    "teammates": None,
    "tags": {"type": "tag.list", "tags": []},
    "custom_attributes": {},
    "sla_applied": None,
    "statistics": {},
    "conversation_parts": {"type": "conversation_part.list", "conversation_parts": [], "total_count": 0},
}

TICKET: dict[str, Any] = {
    "type": "ticket",
    "id": "215481",
    "ticket_id": "37",
    "category": "Customer",
    "ticket_attributes": {
        "_default_title_": "Broken export",
        "_default_description_": "<p>CSV is empty</p>",
        "Tier": "x",
    },
    "ticket_state": {
        "type": "ticket_state",
        "id": "7491",
        "category": "in_progress",
        "internal_label": "In progress",
        "external_label": "In progress",
    },
    "ticket_type": {"type": "ticket_type", "id": "55", "name": "Support request", "category": "Customer"},
    "contacts": {"type": "contact.list", "contacts": [{"type": "contact", "id": "66f0a1", "external_id": "c-77"}]},
    "admin_assignee_id": 0,
    "team_assignee_id": 0,
    "created_at": 1793697265,
    "updated_at": 1793697266,
    "open": True,
    "is_shared": True,
    "ticket_parts": {"type": "ticket_part.list", "ticket_parts": [], "total_count": 0},
}


def changed(item: Mapping[str, Any], **changes: Any) -> dict[str, Any]:
    """A payload with some of its fields replaced."""
    return copy.deepcopy({**item, **changes})


def with_parts(item: Mapping[str, Any], *parts: Mapping[str, Any]) -> dict[str, Any]:
    """A conversation or ticket with these parts."""
    key = f"{item['type']}_parts"
    return changed(item, **{key: {"type": f"{item['type']}_part.list", key: list(parts), "total_count": len(parts)}})


def part(part_type: str, by: str = "admin", **more: Any) -> dict[str, Any]:
    """A part by an author of this type, without words unless `body` is given."""
    people = {
        "admin": {"type": "admin", "id": "9002", "name": "Ana Alvarez", "email": "ana@acme.example"},
        "user": {"type": "user", "id": "66f0a1", "name": "Ada Client", "email": "ada@client.example"},
        "bot": {"type": "bot", "id": "278", "name": "Fin", "email": "operator+ab12cd34@intercom.io"},
    }
    base: dict[str, Any] = {
        "type": "conversation_part",
        "id": "98110",
        "part_type": part_type,
        "body": None,
        "attachments": [],
    }
    return {**base, "created_at": 1793700131, "author": people[by], "app_package_code": None, **more}


def notification(topic: str, item: Mapping[str, Any], **more: Any) -> bytes:
    """The body of a webhook."""
    envelope = {
        "type": "notification_event",
        "app_id": "ab12cd34",
        "id": "notif_0f6c2c1e-7e0d-4c0a-8a0b-2f4b8f0a9c11",
        "topic": topic,
        "created_at": 1793697267,
        "first_sent_at": 1793697267,
        "delivery_attempts": 1,
        "data": {"type": "notification_event_data", "item": item},
    }
    return json.dumps({**envelope, **more}).encode()


def signed(body: bytes, secret: str = SECRET) -> RawDelivery:
    """A delivery as Intercom sends it."""
    signature = hmac.new(secret.encode(), body, hashlib.sha1).hexdigest()
    return RawDelivery("POST", {"x-hub-signature": f"sha1={signature}"}, body, NOW)


@dataclass
class Gate:
    """Lets every call pass and keeps it."""

    calls: list[Call] = field(default_factory=list)

    def admit(self, desk: str, method: str, route: str) -> None:
        """Every call may be made."""

    def record(self, call: Call) -> None:
        """Keep the call."""
        self.calls.append(call)


@dataclass
class Wire:
    """Answers requests from a script: by method and path, one answer or several in turn; keeps what was asked."""

    answers: dict[str, Any]
    asked: list[httpx.Request] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """The scripted answer: JSON, a response, or an exception to raise."""
        self.asked.append(request)
        answer = self.answers[f"{request.method} {request.url.path}"]
        if isinstance(answer, list):
            answer = answer.pop(0) if len(answer) > 1 else answer[0]
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, httpx.Response) else httpx.Response(200, json=answer)

    @property
    def lines(self) -> list[str]:
        """What was asked, as "METHOD /path"."""
        return [f"{request.method} {request.url.path}" for request in self.asked]

    def body(self, line: str) -> Any:
        """The JSON of the last request of this line."""
        return json.loads(
            [request for request in self.asked if f"{request.method} {request.url.path}" == line][-1].content
        )


def options(**more: Any) -> IntercomOptions:
    """The options of a workspace that has both attributes."""
    return IntercomOptions(
        **{
            "access_token": TOKEN,
            "webhook_secrets": [SECRET],
            "admin_id": "9001",
            "priority_attribute": "Priority",
            "type_attribute": "Issue type",
            **more,
        }
    )


@contextmanager
def desk_on(
    answers: Callable[[httpx.Request], httpx.Response], gate: Gate | None = None, **more: Any
) -> Iterator[IntercomDesk]:
    """A desk whose network is a function; `more` are options."""
    transport = httpx.MockTransport(answers)
    desk = IntercomDesk("acme", options(**more), gate=gate or Gate(), clock=lambda: NOW, transport=transport)
    try:
        yield desk
    finally:
        desk.close()


def read(topic: str, item: Mapping[str, Any], **more: Any) -> Event:
    """The one event of a webhook, through both of the desk's doors."""
    with desk_on(Wire({})) as desk:
        (event,) = desk.read(desk.verify(signed(notification(topic, item, **more))))
    return event
