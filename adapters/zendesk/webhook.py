"""Zendesk's webhooks: is a delivery genuine, and what does it say. Pure, no call is made.

Sources: "Verifying webhook authenticity" (signature), the event reference (envelopes, version 2022-11-06), and the
trigger body that our documentation recommends: {"v", "kind", "ticket_id", "updated_at", "actor_id"}.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from adapters.wire import instant, matches_any, some_id
from adapters.zendesk.mapping import (
    AGENT_EVENTS,
    TICKET_EVENTS,
    TRIGGER_KINDS,
    WITHOUT_FIELDS,
    Json,
    actor,
    agent_status,
    mapping,
    message,
    ticket_of_event,
)
from adapters.zendesk.options import PUBLIC_TEST_SECRET
from bridge.errors import DeliveryRefused
from bridge.model import (
    Actor,
    ActorKind,
    AgentStatus,
    Event,
    EventKind,
    Message,
    RawDelivery,
    Ticket,
    TicketRef,
    Visibility,
)

SIGNATURE: Final = "x-zendesk-webhook-signature"
TIMESTAMP: Final = "x-zendesk-webhook-signature-timestamp"
INVOCATION: Final = "x-zendesk-webhook-invocation-id"
"""The same for every retry of an invocation; Zendesk does not say so, we assume it (vendor question Q2)."""

_EVENT_TYPE: Final = "zen:event-type:"


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """What Zendesk signs with: base64(HMAC-SHA256(secret's text, timestamp header's text + raw body))."""
    digest = hmac.new(secret.encode(), timestamp.encode() + body, hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


def authenticate(raw: RawDelivery, secrets: Sequence[str], window: timedelta) -> None:
    """Return where the delivery is signed with one of the secrets and fresh. Raises DeliveryRefused."""
    given, timestamp = raw.headers.get(SIGNATURE), raw.headers.get(TIMESTAMP)
    if not given or not timestamp:
        raise DeliveryRefused("the delivery carries no Zendesk signature; is it the webhook that calls?")
    usable = [secret for secret in secrets if secret != PUBLIC_TEST_SECRET]
    if not matches_any(given, [signature(secret, timestamp, raw.body) for secret in usable]):
        raise DeliveryRefused("the signature matches none of the webhook secrets; compare them with the webhook's")
    signed_at = instant(timestamp)
    if signed_at is None or abs(raw.received_at - signed_at) > window:
        raise DeliveryRefused("the signature's time is too far from ours; compare the clocks, or it is a replay")


def dedupe_key(raw: RawDelivery) -> str:
    """Event subscriptions: the event's id. Trigger bodies: the invocation's id. Else a digest of the body."""
    envelope = parse(raw.body)
    event_id = some_id(envelope.get("id")) if _type(envelope) else None
    return event_id or raw.headers.get(INVOCATION) or "sha256:" + hashlib.sha256(raw.body).hexdigest()


def parse(body: bytes) -> Json:
    """The body's JSON object; empty where it is none."""
    try:
        return mapping(json.loads(body))
    except (ValueError, RecursionError):
        return {}


def read(desk: str, base: str, body: bytes) -> Event:
    """What a delivery says; what cannot be understood is an event of kind UNKNOWN."""
    envelope = parse(body)
    family, _, name = _type(envelope).partition(".")
    if family == "ticket" and _ticket_id(envelope):
        return _ticket_event(desk, base, envelope, name)
    if family == "agent" and name in AGENT_EVENTS:
        return _agent_event(desk, envelope, name)
    if family:
        return _unknown(desk, envelope)
    return _trigger_event(desk, envelope)


def _type(envelope: Json) -> str:
    """`ticket.created` of `zen:event-type:ticket.created`; empty where the body is no event."""
    given = envelope.get("type")
    return given.removeprefix(_EVENT_TYPE) if isinstance(given, str) and given.startswith(_EVENT_TYPE) else ""


def _ticket_id(envelope: Json) -> str | None:
    return some_id(mapping(envelope.get("detail")).get("id"))


def _unknown(desk: str, envelope: Json) -> Event:
    kind = envelope.get("type") or envelope.get("kind")
    return Event(desk, EventKind.UNKNOWN, kind_raw=str(kind or "unreadable"), occurred_at=instant(envelope.get("time")))


def _ticket_event(desk: str, base: str, envelope: Json, name: str) -> Event:
    detail, event = mapping(envelope["detail"]), mapping(envelope.get("event"))
    comment = mapping(event.get("comment")) if name == "comment_added" else {}
    said = _said(comment, detail) if comment else None
    snapshot = _created(desk, base, detail) if name == "created" else None
    return Event(
        desk,
        _reply_kind(said) if said else TICKET_EVENTS.get(name, EventKind.UNKNOWN),
        kind_raw=str(envelope["type"]),
        ticket=TicketRef(desk, str(detail["id"])),
        actor=_actor(detail, said),
        occurred_at=instant(envelope.get("time")),
        burst=some_id(mapping(mapping(event.get("meta")).get("sequence")).get("id")),
        snapshot=snapshot or ticket_of_event(desk, base, detail, complete=False, messages=(said,) if said else ()),
        message=said or (snapshot.messages[0] if snapshot and snapshot.messages else None),
        merged_into=_merged_into(desk, event) if name == "merged" else None,
    )


def _said(comment: Json, detail: Json) -> Message:
    author = mapping(comment.get("author"))
    staff = author.get("is_staff") if isinstance(author.get("is_staff"), bool) else None
    who = actor(author.get("id") or detail.get("actor_id"), requester_id=detail.get("requester_id"), staff=staff)
    return message({"created_at": detail.get("updated_at"), **comment}, author=who)


def _reply_kind(said: Message) -> EventKind:
    if said.visibility is Visibility.PRIVATE:
        return EventKind.NOTE_ADDED
    return EventKind.REQUESTER_REPLIED if said.author.kind is ActorKind.REQUESTER else EventKind.AGENT_REPLIED


def _actor(detail: Json, said: Message | None) -> Actor:
    acting = some_id(detail.get("actor_id"))
    if said and said.author.id == acting:
        return said.author
    staff = True if acting is not None and acting == some_id(detail.get("assignee_id")) else None
    return actor(acting, requester_id=detail.get("requester_id"), staff=staff)


def _created(desk: str, base: str, detail: Json) -> Ticket:
    """A new ticket, complete where the event leaves out nothing that a decision reads."""
    opening = _opening(detail)
    ticket = ticket_of_event(desk, base, detail, messages=(opening,) if opening else ())
    told = opening and ticket.requester and ticket.stamp and "tags" in detail and ticket.channel in WITHOUT_FIELDS
    return replace(ticket, complete=bool(told))


def _opening(detail: Json) -> Message | None:
    """The description as the first message: the requester's, or an agent's who wrote it on their behalf."""
    if not detail.get("description"):
        return None
    author = actor(
        some_id(detail.get("submitter_id")) or detail.get("requester_id"),
        requester_id=detail.get("requester_id"),
        staff=True,  # a customer can submit for nobody else
    )
    given = {
        "body": detail["description"],
        "is_public": detail.get("is_public"),
        "created_at": detail.get("created_at"),
    }
    return message(given, author=author)


def _merged_into(desk: str, event: Json) -> TicketRef | None:
    target = some_id(event.get("target_ticket_id"))
    return TicketRef(desk, target) if target else None


def _agent_event(desk: str, envelope: Json, name: str) -> Event:
    detail, event = mapping(envelope.get("detail")), mapping(envelope.get("event"))
    agent_id = some_id(detail.get("agent_id")) or str(envelope.get("subject") or "").rpartition(":")[2]
    version = some_id(detail.get("version"))
    return Event(
        desk,
        EventKind.AGENT_CHANGED,
        kind_raw=str(envelope["type"]),
        actor=Actor(ActorKind.SYSTEM),
        occurred_at=_first_instant(event.get("updated_at"), envelope.get("time")),
        agent_id=agent_id,
        agent_status=_new_status(name, event),
        version=int(version) if version and version.isdecimal() else None,
    )


def _new_status(name: str, event: Json) -> AgentStatus | None:
    """The status for tickets; that of another channel (talk, messaging) says nothing about them."""
    if name == "unified_state_changed":
        return agent_status(event.get("new_unified_state"))
    if name == "state_changed" and event.get("channel", "support") == "support":
        return agent_status(event.get("new_state"))
    return None


def _first_instant(*values: Any) -> datetime | None:
    return next(filter(None, map(instant, values)), None)


def _trigger_event(desk: str, body: Json) -> Event:
    ticket_id, kind = some_id(body.get("ticket_id")), str(body.get("kind") or "")
    if ticket_id is None:
        return _unknown(desk, body)
    return Event(
        desk,
        TRIGGER_KINDS.get(kind, EventKind.UNKNOWN),
        kind_raw=kind or "trigger",
        ticket=TicketRef(desk, ticket_id),
        actor=actor(body.get("actor_id")),
        occurred_at=instant(body.get("updated_at")),
    )
